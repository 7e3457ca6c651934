"""Private endpoints as values: what is seen of one, whose move it is, and what a wait for it ends with.

Nothing here asks Azure; :mod:`.private_endpoint` does. An endpoint has its addresses while nobody has approved it yet,
so that an address proves nothing, and tells its names only when it is approved (recorded traffic). A rejected or
removed connection never comes back: its endpoint can only be deleted and made again (Microsoft Learn, "What is a
private endpoint?").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import InvalidOptionError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.watching import Scope, Snapshot

TYPE: Final = "Microsoft.Network/privateEndpoints"
NETWORK_API_VERSION: Final = "2024-05-01"
PRIVATE_DNS_API_VERSION: Final = "2024-06-01"
CONNECTIONS: Final = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
"""Where an endpoint's connection is: made with the right to approve it, or asked for. Both are read."""

PENDING: Final = "Pending"
APPROVED: Final = "Approved"
REJECTED: Final = "Rejected"
DISCONNECTED: Final = "Disconnected"
SUCCEEDED: Final = "Succeeded"
DELETING: Final = "Deleting"
FAILED: Final = frozenset({"failed", "canceled"})

_MOVES: Final[Mapping[str, str]] = {
    PENDING: "the owner of {target} has to approve it{message}",
    APPROVED: "approved; nothing is left to do",
    REJECTED: "the owner of {target} rejected it{message}",
    DISCONNECTED: "the owner of {target} removed the connection, or the resource is gone{message}",
}
_MAKE_AGAIN: Final = "that is final: delete the endpoint and make it again, with replace=True the operator does so"


class Until(StrEnum):
    """What a wait ends with."""

    APPROVED = "approved"
    PROVISIONED = "provisioned"
    GONE = "gone"


def endpoint_id_of(text: str, field_name: str = "endpoint_id") -> ResourceId:
    """The id of a private endpoint, taken apart.

    :raises InvalidOptionError: it is the id of something else
    """
    parsed = ResourceId.parse(text, field_name)
    if parsed.type.casefold() != TYPE.casefold() or not parsed.resource_group:
        raise InvalidOptionError(
            field_name,
            f"{text!r} is no private endpoint's id",
            f"write /subscriptions/ID/resourceGroups/NAME/providers/{TYPE}/NAME",
        )
    return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointState:
    """What is seen of a private endpoint; for an endpoint that is not there, the status is empty.

    :param endpoint_id: its id
    :param until: what it is to be: approved, made whatever its owner says, or gone
    :param status: ``Pending``, ``Approved``, ``Rejected``, ``Disconnected``, or what else Azure says
    :param description: the words of the target's owner, or the request's
    :param provisioning_state: of the endpoint itself; it is ``Succeeded`` while nobody has approved anything yet
    :param target_id: the resource that it leads to, or an alias
    :param group_ids: sub-resources, such as ``blob``
    :param subnet_id: where its addresses lie
    :param interface_id: its network interface
    :param addresses: its private addresses, as far as they are known
    :param names: public names that it serves, each with its addresses; none before it is approved
    :param zone_ids: private DNS zones in which it keeps records
    :param unfinished: ids of what belongs to it and is not there yet: zones, links, its zone group
    :param not_visible: why nothing is known of it; empty where it was seen
    """

    endpoint_id: str
    until: Until = Until.APPROVED
    status: str = ""
    description: str = ""
    provisioning_state: str = ""
    target_id: str = ""
    group_ids: tuple[str, ...] = ()
    subnet_id: str = ""
    interface_id: str = ""
    addresses: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zone_ids: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    not_visible: str = ""

    @classmethod
    def of(cls, endpoint_id: str, seen: Mapping[str, Any] | None, *, until: Until = Until.APPROVED) -> Self:
        """The state of an endpoint.

        :param seen: its JSON; None where there is no such endpoint
        """
        if seen is None:
            return cls(endpoint_id=endpoint_id, until=until)
        properties = seen.get("properties") or {}
        connection = connection_in(properties)
        decided = connection.get("privateLinkServiceConnectionState") or {}
        names = _names(properties.get("customDnsConfigs") or ())
        static = [
            (one.get("properties") or {}).get("privateIPAddress") for one in properties.get("ipConfigurations") or ()
        ]
        addresses = [address for listed in names.values() for address in listed] or [str(one) for one in static if one]
        return cls(
            endpoint_id=endpoint_id,
            until=until,
            status=str(decided.get("status") or ""),
            description=str(decided.get("description") or ""),
            provisioning_state=str(properties.get("provisioningState") or ""),
            target_id=str(connection.get("privateLinkServiceId") or ""),
            group_ids=tuple(str(one) for one in connection.get("groupIds") or ()),
            subnet_id=str((properties.get("subnet") or {}).get("id") or ""),
            interface_id=next((str(one.get("id")) for one in properties.get("networkInterfaces") or ()), ""),
            addresses=tuple(dict.fromkeys(addresses)),
            names=names,
        )

    @property
    def exists(self) -> bool:
        """Whether there is such an endpoint, as far as is seen."""
        return bool(self.provisioning_state or self.status)

    @property
    def is_provisioned(self) -> bool:
        """Whether Azure has made it, approved or not."""
        return self.provisioning_state == SUCCEEDED

    @property
    def is_dead(self) -> bool:
        """Whether its connection was rejected or removed, which is final."""
        return self.status in {REJECTED, DISCONNECTED}

    @property
    def has_failed(self) -> bool:
        """Whether its provisioning ended in failure."""
        return self.provisioning_state.casefold() in FAILED

    @property
    def settled(self) -> bool:
        """Whether it is what it is to be."""
        if self.not_visible:
            return False
        if self.until is Until.GONE:
            return not self.exists
        is_as_far = self.status == APPROVED or self.until is Until.PROVISIONED
        return self.is_provisioned and is_as_far and not self.is_dead and not self.unfinished

    @property
    def hopeless(self) -> str:
        """Why waiting is of no use; empty where it is of use."""
        if self.not_visible:
            return f"nothing is seen of it: {self.not_visible}"
        if self.is_dead and self.until is not Until.GONE and self.provisioning_state != DELETING:
            return f"{self.status}: {self._move}; {_MAKE_AGAIN}"
        if self.has_failed:
            return f"provisioningState {self.provisioning_state}; the resource's activity log says why"
        return ""

    @property
    def line(self) -> str:
        """What is seen, and whose move it is."""
        name = f"privateEndpoints/{self.endpoint_id.rpartition('/')[2]}"
        if self.not_visible:
            return f"{name}: {self.hopeless}."
        if not self.exists:
            return f"{name}: there is no such endpoint."
        parts = [f"{self.status or 'no connection'}: {self._move}"]
        if not self.is_provisioned:
            parts.insert(0, f"provisioningState {self.provisioning_state}: Azure is at work on it")
        parts.extend(f"{_short(one)}: not there yet" for one in self.unfinished)
        if self.status == APPROVED and self.addresses:
            parts.append(f"{', '.join(self.names) or 'no names'} at {', '.join(self.addresses)}")
        return f"{name}: {'; '.join(parts)}."

    @property
    def _move(self) -> str:
        target = _short(self.target_id)
        message = f" ({self.description!r})" if self.description else ""
        return _MOVES.get(self.status, "a status that is not known here{message}").format(
            target=target, message=message
        )

    def facts(self) -> dict[str, Any]:
        """What goes to XCom."""
        kept = ("endpoint_id", "status", "description", "target_id", "group_ids", "addresses", "names", "zone_ids")
        plain = self.to_json()
        return {name: plain[name] for name in kept}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "endpoint_id": self.endpoint_id,
            "until": self.until.value,
            "status": self.status,
            "description": self.description,
            "provisioning_state": self.provisioning_state,
            "target_id": self.target_id,
            "group_ids": list(self.group_ids),
            "subnet_id": self.subnet_id,
            "interface_id": self.interface_id,
            "addresses": list(self.addresses),
            "names": {name: list(addresses) for name, addresses in self.names.items()},
            "zone_ids": list(self.zone_ids),
            "unfinished": list(self.unfinished),
            "not_visible": self.not_visible,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` gave."""
        lists = ("group_ids", "addresses", "zone_ids", "unfinished")
        names = {name: tuple(addresses) for name, addresses in data["names"].items()}
        changed = {name: tuple(data[name]) for name in lists}
        return cls(**{**data, **changed, "names": names, "until": Until(data["until"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointWatch:
    """What a poller reads to see how a private endpoint stands: one list of its subscription for all who wait there.

    :param endpoint_id: its id
    :param until: what ends the wait
    :param also: ids of resources that have to be provisioned too: zones, links, the zone group
    :param by_id: read the endpoint alone, since the subscription's list is not visible to us
    :raises InvalidOptionError: it is no endpoint's id
    """

    kind: ClassVar[str] = "private_endpoint"

    endpoint_id: str
    until: Until = Until.APPROVED
    also: tuple[str, ...] = ()
    by_id: bool = False

    def __post_init__(self) -> None:
        endpoint_id_of(self.endpoint_id)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The list, and each further resource."""
        from airflow_provider_netconn.azure.watching import Scope

        return (
            Scope(path=self._path, api_version=NETWORK_API_VERSION),
            *(Scope(path=one, api_version=_api_version(one)) for one in self.also),
        )

    def look(self, seen: Mapping[Scope, Snapshot]) -> PrivateEndpointState:
        """How it stands, by what was read."""
        first, *others = self.scopes
        endpoints = seen[first]
        found = endpoints.find(endpoint_id_of(self.endpoint_id).text)
        if found is None and endpoints.not_visible:
            return PrivateEndpointState(
                endpoint_id=self.endpoint_id, until=self.until, not_visible=endpoints.not_visible
            )
        state = PrivateEndpointState.of(self.endpoint_id, found, until=self.until)
        return replace(state, unfinished=tuple(scope.path for scope in others if _is_unfinished(scope, seen[scope])))

    @property
    def awaited(self) -> str:
        """What ends the wait, in words."""
        name = f"privateEndpoints/{endpoint_id_of(self.endpoint_id).name}"
        others = "".join(f" and {_short(one)}" for one in self.also)
        words = {
            Until.APPROVED: "to be approved, rejected or disconnected",
            Until.PROVISIONED: f"{others} to be provisioned",
            Until.GONE: "to be gone",
        }
        return f"{name}{'' if self.until is Until.PROVISIONED else ' '}{words[self.until]}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, with the watch's kind."""
        return {
            "kind": self.kind,
            "endpoint_id": self.endpoint_id,
            "until": self.until.value,
            "also": list(self.also),
            "by_id": self.by_id,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` gave; what is left out has its default."""
        return cls(
            endpoint_id=data["endpoint_id"],
            until=Until(data.get("until", Until.APPROVED)),
            also=tuple(data.get("also", ())),
            by_id=bool(data.get("by_id", False)),
        )

    @property
    def _path(self) -> str:
        parsed = endpoint_id_of(self.endpoint_id)
        return parsed.text if self.by_id else f"/subscriptions/{parsed.subscription_id}/providers/{TYPE}"


def connection_in(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of an endpoint's one connection, wherever it is; empty where there is none."""
    found = [one for place in CONNECTIONS for one in properties.get(place) or ()]
    return (found[0].get("properties") or {}) if found else {}


def _is_unfinished(scope: Scope, seen: Snapshot) -> bool:
    found = seen.find(scope.path)
    if found is None:
        return not seen.not_visible  # Whoever waits for what is not visible goes on, and sees by himself.
    state = str((found.get("properties") or {}).get("provisioningState") or "")
    return state != SUCCEEDED and state.casefold() not in FAILED


def _api_version(resource_id: str) -> str:
    is_dns = "/privatednszones/" in resource_id.casefold()
    return PRIVATE_DNS_API_VERSION if is_dns else NETWORK_API_VERSION


def _names(configs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for one in configs:
        name = str(one.get("fqdn") or "")
        if name:
            names[name] = (*names.get(name, ()), *(str(address) for address in one.get("ipAddresses") or ()))
    return names


def _short(resource_id: str) -> str:
    return resource_id.rpartition("/providers/")[2].partition("/")[2] or resource_id or "its target"
