"""How a virtual hub's connection to a network is wanted, how it stands, and what a poller reads for it; no I/O.

A connection has no status but ``provisioningState``, and the hub says ``Succeeded`` while its routing is still being
provisioned: so the hub's ``routingState`` is looked at too. Who may write connections and not read them, as
Astronomer's application in customers' subscriptions, judges by the hub alone, and says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Self

from airflow_provider_netconn.azure.answers import contains
from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.azure.watching import Scope, Snapshot
from airflow_provider_netconn.errors import InvalidOptionError

API_VERSION: Final = "2024-05-01"
CONNECTIONS: Final = "hubVirtualNetworkConnections"
_HUBS: Final = "Microsoft.Network/virtualHubs"
_NETWORKS: Final = "Microsoft.Network/virtualNetworks"
_SUCCEEDED: Final = "Succeeded"
_FAILED: Final = frozenset({"failed", "canceled"})
_PROVISIONED: Final = "Provisioned"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRoute:
    """A route of a connection: what goes to these prefixes goes to a machine in the network, such as a firewall.

    :param name: of the route
    :param prefixes: in CIDR form
    :param next_hop: the address of that machine
    :raises InvalidOptionError: one of them is not usable
    """

    name: str
    prefixes: tuple[str, ...]
    next_hop: str

    def __post_init__(self) -> None:
        if not self.prefixes:
            raise InvalidOptionError("static_routes", f"route {self.name!r} has no prefix", "write one in CIDR form")
        try:
            for prefix in self.prefixes:
                ipaddress.ip_network(prefix)
            ipaddress.ip_address(self.next_hop)
        except ValueError as error:
            raise InvalidOptionError("static_routes", str(error), "write prefixes, and an address to go to") from None

    def body(self) -> dict[str, Any]:
        """As Azure has it."""
        return {"name": self.name, "addressPrefixes": list(self.prefixes), "nextHopIpAddress": self.next_hop}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConnection:
    """A connection as it is wanted. What is None or empty stays as it is, and is Azure's default in a new connection.

    :param hub_id: of the hub
    :param network_id: of the network; empty only where the connection is to be deleted, and named
    :param name: of a new connection; by default ``to-`` and the network's name
    :param enable_internet_security: the hub's default route reaches the network
    :param associated_route_table_id: by whose routes the network's packets go
    :param propagated_route_table_ids: which route tables learn the network's routes
    :param propagated_labels: likewise by labels
    :param static_routes: routes into the network by way of one of its machines
    :raises InvalidOptionError: naming the argument that is not usable
    """

    hub_id: str
    network_id: str = ""
    name: str = ""
    enable_internet_security: bool | None = None
    associated_route_table_id: str = ""
    propagated_route_table_ids: tuple[str, ...] = ()
    propagated_labels: tuple[str, ...] = ()
    static_routes: tuple[StaticRoute, ...] = ()

    def __post_init__(self) -> None:
        _check_id("hub_id", self.hub_id, _HUBS)
        if self.network_id or not self.name:
            _check_id("virtual_network_id", self.network_id, _NETWORKS)

    @property
    def id(self) -> str:
        """The connection's id, by the name that a new one gets."""
        name = self.name or f"to-{ResourceId.parse(self.network_id).name}"
        return f"{ResourceId.parse(self.hub_id).text}/{CONNECTIONS}/{name}"

    def find(self, resources: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The connection among a hub's: of the wanted network, whatever its name; else of the wanted name."""
        for one in resources:
            if self.network_id and same_id(_network_of(one), self.network_id):
                return one
        return next((one for one in resources if same_id(one.get("id"), self.id)), None)

    def is_in(self, found: Mapping[str, Any]) -> bool:
        """Whether a connection is as wanted."""
        return contains(found.get("properties") or {}, self._wanted())

    def body(self, found: Mapping[str, Any] | None) -> dict[str, Any]:
        """What to write: what is wanted, and all else as it was found."""
        before = dict((found or {}).get("properties") or {})
        before.pop("provisioningState", None)
        return {"properties": _merged(before, self._wanted())}

    def needed_actions(self, *, delete: bool = False) -> Mapping[str, Sequence[str]]:
        """For each scope the actions that are needed there; reading connections is not: the hub tells enough."""
        what = "delete" if delete else "write"
        needed = {self.hub_id: (f"{_HUBS}/read", f"{_HUBS}/{CONNECTIONS}/{what}")}
        return needed if delete else {**needed, self.network_id: (f"{_NETWORKS}/peer/action",)}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` gave."""
        lists = {name: tuple(data[name]) for name in ("propagated_route_table_ids", "propagated_labels")}
        routes = tuple(StaticRoute(**{**one, "prefixes": tuple(one["prefixes"])}) for one in data["static_routes"])
        return cls(**{**data, **lists, "static_routes": routes})

    def _wanted(self) -> dict[str, Any]:
        routing: dict[str, Any] = {}
        if self.associated_route_table_id:
            routing["associatedRouteTable"] = {"id": self.associated_route_table_id}
        propagated: dict[str, Any] = {}
        if self.propagated_route_table_ids:
            propagated["ids"] = [{"id": one} for one in self.propagated_route_table_ids]
        if self.propagated_labels:
            propagated["labels"] = list(self.propagated_labels)
        if propagated:
            routing["propagatedRouteTables"] = propagated
        if self.static_routes:
            routing["vnetRoutes"] = {"staticRoutes": [one.body() for one in self.static_routes]}
        wanted: dict[str, Any] = {"remoteVirtualNetwork": {"id": self.network_id}}
        if self.enable_internet_security is not None:
            wanted["enableInternetSecurity"] = self.enable_internet_security
        return {**wanted, **({"routingConfiguration": routing} if routing else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConnectionState:
    """How a connection and the routing of its hub stand.

    :param connection_id: of the connection
    :param network_id: of the network it leads to; empty where that was not seen
    :param provisioning_state: of the connection; empty where there is none, or it may not be read
    :param hub_state: the hub's provisioningState
    :param routing_state: the hub's routingState: ``None``, ``Provisioning``, ``Provisioned``, ``Failed``
    :param not_visible: why the connection may not be read; empty where it may
    :param hub_not_visible: likewise of the hub
    :param absent: it is to be gone
    :param written: we wrote it, and Azure said that this went well
    """

    connection_id: str
    network_id: str = ""
    provisioning_state: str = ""
    hub_state: str = ""
    routing_state: str = ""
    not_visible: str = ""
    hub_not_visible: str = ""
    absent: bool = False
    written: bool = False

    @property
    def settled(self) -> bool:
        """The connection is there, and the hub has its routes; or it is gone, where it is to be."""
        if self.absent:
            return self.written if self.not_visible else not self.provisioning_state
        may_be_there = self.written or not self.hub_not_visible  # the hub's word, or that of the write's own answer
        is_there = may_be_there if self.not_visible else self.provisioning_state == _SUCCEEDED
        return is_there and self._hub_is_ready

    @property
    def has_failed(self) -> bool:
        """The last change of the connection failed."""
        return self.provisioning_state.casefold() in _FAILED

    @property
    def _hub_is_ready(self) -> bool:
        # Of a hub that we may not read there is nothing to wait for.
        return bool(self.hub_not_visible) or (self.hub_state == _SUCCEEDED and self.routing_state == _PROVISIONED)

    @property
    def hopeless(self) -> str:
        """Why waiting is no use; empty where it may be."""
        if self.absent:
            return "its deletion failed" if self.written and self.has_failed else ""
        if self.not_visible and self.hub_not_visible and not self.written:
            return f"neither the connection nor the hub may be read: {self.not_visible}; {self.hub_not_visible}"
        if self.has_failed:
            return f"its provisioningState is {self.provisioning_state}; VirtualHubConnectionOperator writes it again"
        if self.routing_state.casefold() in _FAILED:
            return "the hub's routingState is Failed; reset the hub's router in the portal, then try again"
        return ""

    @property
    def line(self) -> str:
        """What was seen, for a log."""
        hub = (
            "the hub may not be read"
            if self.hub_not_visible
            else f"hub {self.hub_state or 'absent'}, routing {self.routing_state or 'None'}"
        )
        if self.not_visible:
            return f"{self._name}: it may not be read ({self.not_visible}); {hub}."
        return f"{self._name}: {self.provisioning_state or 'not there'}; {hub}."

    @property
    def _name(self) -> str:
        return f"hubVirtualNetworkConnections/{ResourceId.parse(self.connection_id).name}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` gave."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConnectionWatch:
    """What a poller reads for a connection: the list of its hub, and the hub.

    :param wanted: which connection
    :param absent: wait until it is gone
    :param written: we wrote it: where it may not be read, the hub decides
    """

    wanted: HubConnection
    absent: bool = False
    written: bool = False
    kind: ClassVar[str] = "hub_connection"

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The list of connections, and the hub."""
        hub = ResourceId.parse(self.wanted.hub_id).text
        return (
            Scope(path=f"{hub}/{CONNECTIONS}", api_version=API_VERSION),
            Scope(path=hub, api_version=API_VERSION),
        )

    @property
    def awaited(self) -> str:
        """What ends the wait, in words."""
        name = ResourceId.parse(self.wanted.id).name
        return f"{name} gone" if self.absent else f"{name} Succeeded, and the hub's routing Provisioned"

    def look(self, seen: Mapping[Scope, Snapshot]) -> HubConnectionState:
        """How it stands, by what was read."""
        connections, hub = (seen[scope] for scope in self.scopes)
        found = self.wanted.find(list(connections.resources.values())) or {}
        routed = (hub.find(self.scopes[1].path) or {}).get("properties") or {}
        return HubConnectionState(
            connection_id=str(found.get("id") or self.wanted.id),
            network_id=_network_of(found),
            provisioning_state=str((found.get("properties") or {}).get("provisioningState") or ""),
            hub_state=str(routed.get("provisioningState") or ""),
            routing_state=str(routed.get("routingState") or ""),
            not_visible=connections.not_visible,
            hub_not_visible=hub.not_visible,
            absent=self.absent,
            written=self.written,
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, with the watch's kind."""
        return {
            "kind": self.kind,
            "wanted": self.wanted.to_json(),
            "absent": self.absent,
            "written": self.written,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` gave."""
        return cls(
            wanted=HubConnection.from_json(data["wanted"]), absent=bool(data["absent"]), written=bool(data["written"])
        )


def _network_of(connection: Mapping[str, Any]) -> str:
    return str(((connection.get("properties") or {}).get("remoteVirtualNetwork") or {}).get("id") or "")


def _check_id(field: str, text: str, kind: str) -> None:
    if not text:
        raise InvalidOptionError(field, "is missing", f"write the id of one of {kind}")
    if ResourceId.parse(text, field).type.casefold() != kind.casefold():
        raise InvalidOptionError(field, f"{text!r} is no id of {kind}", "write /subscriptions/.../" + kind + "/NAME")


def _merged(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    both = {**before}
    for name, value in wanted.items():
        old = both.get(name)
        both[name] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both
