"""All DNS servers of a lab: one a virtual network, one of the internet, one for each server that is none of Azure's.

They follow the control plane: a network that comes gets a server, and one that goes loses it. What a view answers is
never copied, so nothing else has to be told of changes.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.journal import Journal
from airflow_provider_netconn.lab.names.forwarding import ask_real_server
from airflow_provider_netconn.lab.names.public_names import PublicNames
from airflow_provider_netconn.lab.names.resolution import Resolver
from airflow_provider_netconn.lab.names.servers import NameServer, sockets
from airflow_provider_netconn.lab.names.values import PUBLIC, View
from airflow_provider_netconn.lab.resources.network_references import VIRTUAL_NETWORKS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.clock import Clock
    from airflow_provider_netconn.lab.faults import FaultBook
    from airflow_provider_netconn.lab.names.addresses import Addresses
    from airflow_provider_netconn.lab.names.own_servers import OwnServer

MOST_BY_THEMSELVES: Final = 100
"""Networks that get a server without being asked for, so that thousands of networks do not take all file handles."""

WATCH_S: Final = 0.2
"""How often the control plane is looked at for networks that came or went, in seconds."""


class Views:
    """Runs the DNS servers of a lab; an asynchronous context.

    :param servers: the DNS servers that are none of Azure's
    :param addresses: which addresses answers carry
    :param where: address and port at which a view is served; port 0 takes a free one
    :param reached_as: the host by which clients reach a server that listens on all addresses
    :param platform: further public names and their addresses, those of the lab's own services
    """

    def __init__(
        self,
        plane: ControlPlane,
        *,
        servers: Iterable[OwnServer],
        addresses: Addresses,
        faults: FaultBook,
        clock: Clock,
        where: Callable[[View], tuple[str, int]],
        reached_as: str = "127.0.0.1",
        platform: Mapping[str, str] | None = None,
    ) -> None:
        self._plane = plane
        self._own = tuple(servers)
        self._faults = faults
        self._clock = clock
        self._where = where
        self._reached_as = reached_as
        self._running: dict[View, NameServer] = {}
        self._seen = -1
        self._watch: asyncio.Task[None] | None = None
        self.journal = Journal()
        """The last queries; ``method`` is the type asked for, ``path`` the name, ``query`` the network or server."""
        self.public = PublicNames(plane, platform)
        self.resolver = Resolver(
            plane, public=self.public, servers=self._own, addresses=addresses, exchange=ask_real_server
        )
        self.on_change: Callable[[], None] = lambda: None
        """Called on the loop when servers came or went by themselves."""
        self.reached_at: Callable[[View], tuple[str, int]] | None = None
        """Where clients ask a view, if they don't where its server listens."""

    async def __aenter__(self) -> Views:
        """Serve."""
        self._open(PUBLIC)
        for server in self._own:
            self._open(View(server=server.name))
        self.refresh()
        self._watch = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all servers."""
        if self._watch is not None:
            self._watch.cancel()
        for server in self._running.values():
            server.close()
        self._running.clear()
        await asyncio.sleep(0)  # so that the transports close before the loop may

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if self.refresh():
                self.on_change()

    def reset(self) -> None:
        """Forget what was asked and answered."""
        self.journal.clear()
        for server in self._running.values():
            server.forget()
        if self._watch is not None:
            self.refresh()

    def refresh(self) -> bool:
        """Open servers for new networks, close those of networks that have gone.

        :return: whether one came or went
        """
        self._plane.operations.advance()  # a delete may have ended meanwhile
        store = self._plane.store
        if self._seen == store.version:
            return False
        self._seen = store.version
        present = {View(network=one.path.key) for one in store.of_type(VIRTUAL_NETWORKS)}
        gone = [view for view in self._running if view.network is not None and View(view.network) not in present]
        for view in gone:
            self._running.pop(view).close()
        held = sum(view.network is not None for view in self._running)
        new = [
            View(network=one.path.key)
            for one in store.of_type(VIRTUAL_NETWORKS)
            if View(network=one.path.key) not in self._running
        ][: max(0, MOST_BY_THEMSELVES - held)]
        for view in new:
            self._open(view)
        return bool(gone or new)

    def address(self, view: View = PUBLIC) -> tuple[str, int]:
        """Host and port of a view's server, over UDP and TCP; it is started if it does not run yet.

        :raises LabError: the lab does not serve, or has no such network or server
        """
        if self._watch is None:
            raise LabError("the lab does not serve; its DNS servers run while it does")
        self.refresh()
        wanted = view if view.network is None else replace(view, network=view.network.rstrip("/").casefold())
        if wanted not in self._running:
            network = self._plane.store.find(wanted.network) if wanted.network is not None else None
            if network is None or network.kind.type != VIRTUAL_NETWORKS:
                known = ", ".join(server.name for server in self._own) or "none"
                raise LabError(
                    f"dns: there is no {view.network or view.server}; give the id of a virtual network, or one of the "
                    f"seed's dns_servers: {known}"
                )
            self._open(wanted)
        return self._reachable(self._running[wanted])

    def place(self, view: View = PUBLIC) -> tuple[str, int]:
        """Host and port by which clients ask a view; it is served from then on.

        :raises LabError: as :meth:`address` does
        """
        listening = self.address(view)
        return listening if self.reached_at is None else self.reached_at(view)

    def _reachable(self, server: NameServer) -> tuple[str, int]:
        host, port = server.address
        return self._reached_as if ipaddress.ip_address(host).is_unspecified else host, port

    def directory(self) -> dict[str, Any]:
        """Where each view is asked, as the state file tells it.

        :return: ``public``; ``networks`` by id in the spelling of Resource Manager; ``servers`` by name
        """
        if self._watch is None:
            return {}
        self.refresh()
        found: dict[str, Any] = {"public": None, "networks": {}, "servers": {}}
        for view, server in self._running.items():
            if view.at_azure:
                continue
            host, port = self._reachable(server) if self.reached_at is None else self.reached_at(view)
            place = {"address": host, "port": port}
            if view.network is not None:
                network = self._plane.store.find(view.network)
                if network is not None:
                    found["networks"][network.id] = place
            elif view.server is not None:
                found["servers"][view.server] = place
            else:
                found["public"] = place
        return found

    def _open(self, view: View) -> None:
        server = NameServer(
            view,
            self.resolver,
            sockets(*self._where(view)),
            faults=self._faults,
            journal=self.journal,
            clock=self._clock,
        )
        server.start()
        self._running[view] = server
