"""The isolated lab: a router, and machines in networks of their own, under rules that follow the control plane.

The lab's own process is the router. Each machine is a network namespace with an address of its subnet and one way out,
to the router; that lets through, translates and drops what :mod:`.policy` says. The rules are made anew from the
control plane's state several times a second, and replaced in one step where they differ.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.names.values import PUBLIC, View
from airflow_provider_netconn.lab.packets.addresses import Endpoint
from airflow_provider_netconn.lab.packets.lateness import LateDevice
from airflow_provider_netconn.lab.packets.listeners import Listener, Role, listeners
from airflow_provider_netconn.lab.packets.machines import Machine, place_machine
from airflow_provider_netconn.lab.packets.namespaces import in_network, new_network, run_tool, write_setting
from airflow_provider_netconn.lab.packets.packet_faults import Delay, blocks_of
from airflow_provider_netconn.lab.packets.places import INTERNET, PlaceKind, places
from airflow_provider_netconn.lab.packets.policy import ICMP, TCP, UDP, Action, Target, Verdict, policy
from airflow_provider_netconn.lab.packets.ruleset import BASE, SEEN_TABLE, Block, Translation, reached, ruleset
from airflow_provider_netconn.lab.packets.service_endpoints import has_service_endpoint
from airflow_provider_netconn.lab.serving import listening_socket

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.local_azure import LocalAzure

ROUTER: Final = "169.254.1.1"
"""The router's address in every machine's network; link-local, so that no landscape has it."""

FOLLOW_S: Final = 0.1
"""How long the rules stay as they are at least, in seconds."""

LOOK_S: Final = 0.5
"""How long they stay at most where nobody changed anything: time changes things too, such as a hub's routing."""

_LOG: Final = logging.getLogger("netconn.lab")


@dataclass(frozen=True, slots=True)
class _Running:
    machine: Machine
    network: int  # open file of its namespace


class Isolation:
    """The router and its machines; an asynchronous context, entered in a process that is alone in its network
    (:func:`.namespaces.become_alone`) when the lab's services listen.
    """

    def __init__(self, lab: LocalAzure) -> None:
        self._lab = lab
        self._running: dict[str, _Running] = {}
        self._late: dict[int, LateDevice] = {}
        self._rules = ""
        self._verdicts: tuple[Verdict, ...] = ()
        self._follower: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Make the router. Before anybody listens: sockets do not keep the address of a loopback device that is down.

        :raises IsolationError: a tool is missing, or the kernel refuses
        """
        run_tool(["ip", "-batch", "-"], "link set lo up\nroute add local default dev lo table main\n")
        for name in ("ip_forward", "conf/all/route_localnet", "conf/default/route_localnet"):
            write_setting(f"ipv4/{name}", "1")
        for name in ("all", "default"):
            write_setting(f"ipv4/conf/{name}/rp_filter", "0")
        run_tool(["nft", "-f", "-"], BASE)

    async def __aenter__(self) -> Isolation:
        """Route, under rules, from now on."""
        self.apply()
        self._follower = asyncio.get_running_loop().create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the machines' networks: each ends when no program runs in it any more."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        for late in self._late.values():
            late.close()
        self._late.clear()
        for running in self._running.values():
            os.close(running.network)
        self._running.clear()

    # -- machines --------------------------------------------------------------------------------

    async def machine(self, name: str | None = None) -> dict[str, Any]:
        """The machine at a place; it is made if there is none yet.

        :param name: of the place, or its id; a network's may have a subnet behind a slash; None: the network of the
            Astro cluster, or else the internet
        :return: its ``address``, ``public_address``, ``place``, ``subnet``, and how to enter it: ``pid`` and
            ``network``, the number of an open file of that process
        :raises LabError: there is no such place, or no room in it
        """
        taken = [running.machine.address for running in self._running.values()]
        plane = self._lab.plane
        name = name or next((one.id for one in places(plane) if self._astro_address(one.id)), INTERNET)
        asked = place_machine(plane, name, number=len(self._running) + 1, taken=taken)
        key = (asked.subnet or asked.place).casefold()
        if key not in self._running:
            egress = self._astro_address(asked.place)
            made = place_machine(plane, name, number=asked.number, taken=taken, egress=egress)
            self._running[key] = _Running(made, await self._make(made))
        self.apply()
        running = self._running[key]
        one = running.machine
        return {
            "address": one.address,
            "public_address": one.public_address,
            "place": one.place,
            "subnet": one.subnet or None,
            "pid": os.getpid(),
            "network": running.network,
        }

    def _astro_address(self, place: str) -> str | None:
        """The external address of the Astro cluster whose network a place is."""
        from airflow_provider_netconn.lab.astro.records import Kind

        network = next((one for one in places(self._lab.plane) if one.key == place.casefold()), None)
        for cluster in self._lab.astro.records(Kind.CLUSTER):
            metadata = cluster.get("metadata") or {}
            addresses = metadata.get("externalIPs") or ()
            if network is not None and cluster.get("vpcSubnetRange") in network.prefixes and addresses:
                return str(addresses[0])
        return None

    async def _make(self, machine: Machine) -> int:
        network = new_network()
        try:
            here = f"/proc/{os.getpid()}/fd/{network}"
            run_tool(
                ["ip", "-batch", "-"],
                f"link add {machine.device} type veth peer name eth0 netns {here}\n"
                f"link set {machine.device} up\n"
                f"address add {ROUTER}/32 dev {machine.device}\n"
                f"route add {machine.address}/32 dev {machine.device}\n",
            )
            in_network(network, lambda: _furnish(machine))
            await self._serve_in(network)
        except BaseException:
            os.close(network)
            raise
        return network

    async def _serve_in(self, network: int) -> None:
        """Have the lab's own URLs, which name an address of the host's, lead to the lab from a machine as well."""
        for name, (host, port) in self._lab.own_addresses().items():
            listens = ipaddress.ip_address(host)
            address = host if listens.is_loopback else "::1" if listens.version == 6 else "127.0.0.1"
            opened = in_network(network, partial(listening_socket, address, port))
            await self._lab.also_serve(name, opened)

    # -- rules -----------------------------------------------------------------------------------

    async def _follow(self) -> None:
        seen, looked = (-1, -1), 0.0
        while True:
            started = time.monotonic()
            now = (self._lab.plane.store.changes, self._lab.faults.changes)
            if now != seen or started - looked >= LOOK_S:
                seen, looked = now, started
                try:
                    self.apply()
                except Exception:  # noqa: BLE001 - the lab goes on, under the rules that it has
                    _LOG.exception("the lab could not renew its packet rules")
            took = time.monotonic() - started
            await asyncio.sleep(max(FOLLOW_S, 10 * took))  # a large landscape takes a tenth of a core, not all of one

    def apply(self) -> None:
        """Have the rules be as the control plane's state says now.

        :raises IsolationError: the kernel refuses them
        """
        plane = self._lab.plane
        plane.operations.advance()
        machines = [running.machine for running in self._running.values()]
        where = self._listening()
        blocks, delays = self._faults(machines, where)
        machines += self._held_up(machines, delays)
        verdicts = tuple(reached(policy(plane, machines, _targets(where, machines))))
        outside = [one.device for one in machines if one.place == INTERNET]
        rules = ruleset(machines, verdicts, self._translations(verdicts, where), blocks, outside=outside)
        self._verdicts = verdicts
        if rules != self._rules:
            run_tool(["nft", "-f", "-"], rules)
            self._rules = rules

    def _listening(self) -> dict[tuple[str, str], list[Listener]]:
        """Who listens, by place and address."""
        lab = self._lab
        found: dict[tuple[str, str], list[Listener]] = {}
        for one in (*listeners(lab.plane, lab.names.public.hosts()), *self._own_servers()):
            found.setdefault((one.place.casefold(), one.address), []).append(one)
        return found

    def _translations(
        self, verdicts: Iterable[Verdict], where: dict[tuple[str, str], list[Listener]]
    ) -> Iterator[Translation]:
        """Of what machines can reach; nobody has to serve the rest."""
        passing = (one for one in verdicts if one.decision.action is Action.PASS)
        for machine, target in dict.fromkeys((one.machine, one.target) for one in passing):
            for one in where.get((target.place.casefold(), target.address), ()):
                yield Translation(
                    machine=machine,
                    address=one.address,
                    port=one.port,
                    local=self._local(one),
                    seen_as=self._seen_as(machine, one),
                )

    def _seen_as(self, machine: Machine, listener: Listener) -> str:
        """By which address a listener sees a machine; empty: by its own."""
        if listener.place != INTERNET:
            return ""
        store = self._lab.plane.store
        subnet, resource = store.find(machine.subnet or machine.place), store.find(listener.resource_id)
        if subnet is not None and resource is not None and has_service_endpoint(subnet, resource):
            # Two networks may have the same addresses; what stands for one says which it is of.
            return self._lab.addresses.local_address(machine.place, machine.address)
        return machine.public_address

    def _local(self, listener: Listener) -> Endpoint:
        """Where that is on this machine."""
        if listener.role is Role.RESOLVER:
            return self._resolver(listener)
        return self._lab.addresses.local(listener.place, listener.address, listener.port)

    def _faults(
        self, machines: list[Machine], where: dict[tuple[str, str], list[Listener]]
    ) -> tuple[list[Block], list[Delay]]:
        served = [listener for found in where.values() for listener in found]
        names = {place.key: place.name for place in places(self._lab.plane)}
        told = blocks_of(self._lab.faults.all(), machines, served, names)
        found = [one.block if isinstance(one, Delay) else one for one in told]
        return found, [one for one in told if isinstance(one, Delay)]

    def _held_up(self, machines: list[Machine], delays: list[Delay]) -> list[Machine]:
        """What packets of machines look like that come back late; their devices are made and told how late."""
        found = []
        for machine in machines:
            own = tuple(one for one in delays if machine.device in one.block.devices)
            if own and machine.number not in self._late:
                self._late[machine.number] = LateDevice(replace(machine, is_late=True))
            if machine.number in self._late:
                self._late[machine.number].delays = own
                found.append(replace(machine, is_late=True))
        return found

    def _resolver(self, listener: Listener) -> Endpoint:
        """The DNS server with the view of a network; outside of networks, that of the internet."""
        if listener.resource_id.startswith(_SERVER):
            return Endpoint(*self._lab.names.address(View(server=listener.resource_id.removeprefix(_SERVER))))
        kinds = {place.key: place.kind for place in places(self._lab.plane)}
        is_network = kinds.get(listener.place.casefold()) is PlaceKind.NETWORK
        view = View(network=listener.place.casefold()) if is_network else PUBLIC
        return Endpoint(*self._lab.names.address(view))

    def _own_servers(self) -> Iterator[Listener]:
        """DNS servers that are none of Azure's, in the place whose addresses theirs is among."""
        for server in self._lab.seed.dns_servers:
            place = server.network or next(
                (one.id for one in places(self._lab.plane) if _is_in(server.address, one.prefixes)), INTERNET
            )
            yield Listener(
                place=place,
                address=server.address,
                port=server.port,
                role=Role.RESOLVER,
                resource_id=f"{_SERVER}{server.name}",
            )

    def reach(self, target: Endpoint) -> Endpoint:
        """:return: where the lab's own process dials what has an address in the landscape"""
        for (_, address), found in self._listening().items():
            for listener in found if address == target.address else ():
                if listener.port == target.port:
                    return self._local(listener)
        return target

    # -- what can be asked -----------------------------------------------------------------------

    def seen(self) -> list[dict[str, Any]]:
        """What machines sent: packets by sender's place, destination, protocol and port, since the lab began."""
        told = json.loads(run_tool(["nft", "-j", "list", "set", *SEEN_TABLE.split(), "packets"]))
        names = {running.machine.device: running.machine for running in self._running.values()}
        names |= {replace(machine, is_late=True).device: machine for machine in tuple(names.values())}
        found = []
        for element in next(one["set"] for one in told["nftables"] if "set" in one).get("elem", ()):
            device, address, protocol, port = element["elem"]["val"]["concat"]
            counter = element["elem"]["counter"]
            machine = names.get(device)
            found.append(
                {
                    "from": machine.address if machine is not None else device,
                    "place": machine.place if machine is not None else None,
                    "to": address,
                    "protocol": protocol,
                    "port": port,
                    "packets": counter["packets"],
                    "bytes": counter["bytes"],
                }
            )
        return found

    def verdicts(self) -> list[dict[str, Any]]:
        """What becomes of packets from each machine to all that it could dial, and why."""
        self.apply()
        return [
            {
                "from": one.machine.address,
                "to": one.target.address,
                "place": one.target.place,
                "protocol": one.protocol.lower(),
                "ports": [one.first_port, one.last_port],
                "action": str(one.decision.action),
                "reason": one.decision.reason,
            }
            for one in self._verdicts
            if not one.machine.is_late
        ]


_SERVER: Final = "server:"


def _targets(where: dict[tuple[str, str], list[Listener]], machines: Iterable[Machine]) -> Iterator[Target]:
    for (_, address), found in where.items():
        ports = tuple(dict.fromkeys(listener.port for listener in found))
        is_resolver = any(listener.role is Role.RESOLVER for listener in found)
        protocols = (TCP, UDP) if is_resolver else (TCP,)
        yield Target(place=found[0].place, address=address, protocols=protocols, ports=ports)
    for machine in machines:
        yield Target(place=machine.place, address=machine.address, protocols=(TCP, UDP, ICMP))


def _is_in(address: str, prefixes: Iterable[str]) -> bool:
    from airflow_provider_netconn.lab.resources.network_paths import is_within

    return any(is_within(prefix, address) for prefix in prefixes)


def _furnish(machine: Machine) -> None:
    """In a machine's network: its address, and the router as the way to everything."""
    run_tool(
        ["ip", "-batch", "-"],
        "link set lo up\n"
        "link set eth0 up\n"
        f"address add {machine.address}/32 dev eth0\n"
        f"route add {ROUTER} dev eth0\n"
        f"route add default via {ROUTER} dev eth0 src {machine.address}\n",
    )
    write_setting("ipv4/ip_unprivileged_port_start", "0")
