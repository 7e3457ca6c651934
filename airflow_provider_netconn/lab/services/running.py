"""The services of a lab: doors that open and close as the control plane's resources come and go.

A door is a socket in 127/8 that costs nothing until somebody comes: certificates and backends are made then. What is
behind it, and who may come in, is read from the control plane at each connection and each request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, cast

from airflow_provider_netconn.lab.gate import Gate
from airflow_provider_netconn.lab.packets.addresses import Endpoint
from airflow_provider_netconn.lab.packets.listeners import Listener, Role, listeners
from airflow_provider_netconn.lab.resources.databricks_application import AUDIENCE as DATABRICKS_AUDIENCE
from airflow_provider_netconn.lab.resources.databricks_application import databricks_application
from airflow_provider_netconn.lab.resources.private_link import status_of
from airflow_provider_netconn.lab.services.amqp import serve_amqp, serve_amqp_upgrade
from airflow_provider_netconn.lab.services.azurite import Azurite
from airflow_provider_netconn.lab.services.backends import Backends
from airflow_provider_netconn.lab.services.bearers import Bearers
from airflow_provider_netconn.lab.services.certificates import Certificates
from airflow_provider_netconn.lab.services.doors import Door, Doors
from airflow_provider_netconn.lab.services.http_answers import Exchange
from airflow_provider_netconn.lab.services.key_vault import KeyVault
from airflow_provider_netconn.lab.services.mysql import serve_mysql
from airflow_provider_netconn.lab.services.origins import Origins
from airflow_provider_netconn.lab.services.postgresql import PostgreSqlServers
from airflow_provider_netconn.lab.services.redis import RedisCaches
from airflow_provider_netconn.lab.services.registry import answer_registry
from airflow_provider_netconn.lab.services.storage import Storage
from airflow_provider_netconn.lab.services.table import service_row
from airflow_provider_netconn.lab.services.tds import serve_tds
from airflow_provider_netconn.lab.services.unknown import serve_nothing
from airflow_provider_netconn.lab.services.values import Call
from airflow_provider_netconn.lab.services.web import answer_web
from airflow_provider_netconn.lab.serving import CONNECTION, HttpConnections, ListenError, listening_socket

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.asgi import Receive, Scope, Send
    from airflow_provider_netconn.lab.local_azure import LocalAzure
    from airflow_provider_netconn.lab.names.public_names import PublicNames
    from airflow_provider_netconn.lab.packets.addresses import LoopbackAddresses
    from airflow_provider_netconn.lab.services.web import Answering

_LOG: Final = logging.getLogger("netconn.lab")
LOOK_EVERY_S: Final = 0.1
"""How often resources are looked for that came or went without anybody asking, in seconds."""
REST: Final = 19
"""How many times as long as it took to look nobody looks again."""
MOST_DOORS: Final = 600
"""Each is a file of the process, of which most systems allow 1,024."""


@dataclass(frozen=True, slots=True)
class _Host:
    """A public name, as the plan of listeners wants it."""

    name: str
    address: str
    resource_id: str
    group_id: str


class Services:
    """The services of one lab; an asynchronous context. All on the lab's own loop.

    :param names: public names, and the addresses behind them
    :param addresses: what these are on this machine
    """

    def __init__(self, lab: LocalAzure, names: PublicNames, addresses: LoopbackAddresses) -> None:
        self._lab = lab
        self._names = names
        self._addresses = addresses
        self._seen = -1
        self.on_change: Callable[[], None] | None = None
        """Called when endpoints came or went."""
        self._doors: dict[tuple[str, int], Door] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        bearers = Bearers(lab.tokens, lab.access, lambda: lab.url("authority"))
        self._azurite = Azurite()
        self._backends = Backends(lab.plane)
        self._answers: dict[str, Answering] = {
            "storage": Storage(bearers, self._azurite).answer,
            "https": answer_web,
            "key-vault": KeyVault(bearers).answer,
            "registry": answer_registry,
            "databricks": self._databricks(bearers),
        }
        self._http = HttpConnections(
            Gate(
                self._answer,
                service="data",
                faults=lab.faults,
                journal=lab.journal,
                clock=lab.clock,
                keeps_bodies=False,
            )
        )
        self._shared = Doors(
            lab.plane,
            lab.faults,
            Certificates(lab.certificates, self._certificate_names),
            origins=Origins(lab.plane, addresses.meaning),
            http=self._http.protocol,
            behind_tls={"redis": RedisCaches(self._backends).serve, "amqp": serve_amqp, "tls": serve_nothing},
            in_the_clear={
                "postgresql": PostgreSqlServers(self._backends).serve,
                "tds": serve_tds,
                "amqp-upgrade": serve_amqp_upgrade,
                "smb": serve_nothing,
                "mysql": serve_mysql,
            },
        )

    async def __aenter__(self) -> Self:
        """Open the doors, and follow the control plane from now on."""
        self.refresh()
        self._watch = asyncio.get_running_loop().create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every door and end what is behind them."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        doors, self._doors, self._seen = self._doors, {}, -1
        await asyncio.gather(*self._background, return_exceptions=True)
        for door in doors.values():
            await door.close()
        await self._http.stop()
        await self._backends.stop()
        await self._azurite.stop()

    # -- what there is ---------------------------------------------------------------------------

    def listeners(self) -> Iterator[Listener]:
        """Who has to be served now, by resources alone."""
        hosts = [
            _Host(name.fqdn, self._names.address_of(name.fqdn), name.owner.id, name.group)
            for name in self._names.all()
            if name.location
        ]
        for listener in listeners(self._lab.plane, hosts):
            if listener.role is Role.SERVICE:
                yield listener

    def endpoints(self) -> list[dict[str, Any]]:
        """What is served and where, as plain values: the address that Azure's clients see, and the one here; in an
        isolated lab they are the same."""
        self.refresh()
        return [self._shown(listener) for listener in self.listeners()]

    def _shown(self, listener: Listener) -> dict[str, Any]:
        local = Endpoint(listener.address, listener.port)
        if self._lab.isolation is None:
            local = self._addresses.local(listener.place, listener.address, listener.port)
        endpoint = self._lab.plane.store.find(listener.endpoint_id) if listener.endpoint_id else None
        return {
            "hosts": list(listener.hosts),
            "resource": listener.resource_id,
            "group": listener.group_id,
            "private_endpoint": listener.endpoint_id or None,
            "state": status_of(self._lab.plane, endpoint) if endpoint is not None else None,
            "place": listener.place,
            "address": listener.address,
            "port": listener.port,
            "local_address": local.address,
            "local_port": local.port,
        }

    def refresh(self) -> None:
        """Open doors for what came, and close those of what has gone. Returns when callers can queue at each."""
        self._lab.plane.operations.advance()
        if self._lab.plane.store.changes == self._seen:
            return
        self._seen = self._lab.plane.store.changes
        wanted: dict[tuple[str, int], list[Listener]] = {}
        for listener in self.listeners():
            local = self._addresses.local(listener.place, listener.address, listener.port)
            wanted.setdefault((local.address, local.port), []).append(listener)
        is_other = self._doors.keys() != wanted.keys()
        for key in [key for key in self._doors if key not in wanted]:
            self._spawn(self._doors.pop(key).close())
        self._spawn(self._backends.end_orphans())
        for key, behind in wanted.items():
            if key in self._doors:
                self._doors[key].listeners = tuple(behind)
            elif len(self._doors) < MOST_DOORS:
                self._open(key, tuple(behind))
        if len(wanted) > MOST_DOORS:
            _LOG.warning("%s endpoints are not served: a lab serves %s at most", len(wanted) - MOST_DOORS, MOST_DOORS)
        if is_other and self.on_change is not None:
            self.on_change()

    def _open(self, key: tuple[str, int], behind: tuple[Listener, ...]) -> None:
        try:
            door = Door(self._shared, listening_socket(*key), behind)
        except ListenError as error:
            _LOG.warning("%s is not served: %s", behind[0].hosts or behind[0].address, error)
            return
        self._doors[key] = door
        self._spawn(door.open())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _follow(self) -> None:
        pause = LOOK_EVERY_S
        while True:
            await asyncio.sleep(pause)
            began = time.perf_counter()
            self.refresh()
            # Among thousands of resources a look takes a while; the loop's time belongs to requests first.
            pause = max(LOOK_EVERY_S, REST * (time.perf_counter() - began))

    # -- what the doors ask ------------------------------------------------------------------------

    def _certificate_names(self, listener: Listener) -> tuple[str, ...]:
        resource = self._lab.plane.store.find(listener.resource_id)
        row = service_row("" if resource is None else resource.kind.type, listener.group_id)
        names = [name for host in listener.hosts for name in row.names(host)]
        return tuple(dict.fromkeys(names)) or (listener.address,)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as what is behind its door does."""
        exchange = Exchange.of(scope, receive, send)
        listener, resource = exchange.call.listener, exchange.call.resource
        kind = "" if resource is None else resource.kind.type
        protocol = service_row(kind, listener.group_id).protocol(listener.port)
        await self._answers.get(protocol, answer_web)(exchange)

    def _databricks(self, bearers: Bearers) -> Answering:
        def call_of(scope: Scope) -> Call:
            return cast("Call", scope["extensions"][CONNECTION])

        def authenticate(token: str) -> Any:
            return bearers.caller(f"Bearer {token}", (DATABRICKS_AUDIENCE,))

        application = databricks_application(
            self._lab.plane,
            authenticate,
            lambda scope: call_of(scope).caller,
            lambda scope: call_of(scope).is_private,
        )

        async def answer(exchange: Exchange) -> None:
            await application(exchange.scope, exchange.receive, exchange.send)

        return answer
