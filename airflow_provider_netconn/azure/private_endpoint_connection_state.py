"""How private endpoint connections stand, judged from what a look has shown; nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.private_endpoint_connection_types import CONNECTIONS, connection_type
from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.errors import InvalidOptionError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.watching import Scope, Snapshot

PENDING: Final = "Pending"
APPROVED: Final = "Approved"
REJECTED: Final = "Rejected"
DISCONNECTED: Final = "Disconnected"
REMOVED: Final = "Removed"
"""No status of Azure's: the connection is not there."""
STATUSES: Final = (PENDING, APPROVED, REJECTED, DISCONNECTED)
STATE: Final = "privateLinkServiceConnectionState"

_DONE: Final = frozenset({"succeeded", "ready", ""})
_FAILED: Final = frozenset({"failed", "canceled", "cancelled"})
_WAITS_FOR_OWNER: Final = "pending"  # some services say so in provisioningState, too
_MOST_NAMED: Final = 5
_KIND: Final = "private_endpoint_connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection as its owner reads it.

    :param id: of the connection
    :param endpoint_id: whose connection it is; empty where the service does not say
    :param status: ``Pending``, ``Approved``, ``Rejected``, ``Disconnected``, or what else Azure says
    :param description: the request's message while it is pending; then the owner's words
    :param provisioning_state: empty where the service shows none
    """

    id: str
    endpoint_id: str
    status: str
    description: str
    provisioning_state: str

    @classmethod
    def read(cls, resource: Mapping[str, Any]) -> Connection:
        """Read a connection's JSON; what is missing is empty."""
        properties = resource.get("properties") or {}
        state = properties.get(STATE) or {}
        return cls(
            id=str(resource.get("id") or ""),
            endpoint_id=str((properties.get("privateEndpoint") or {}).get("id") or ""),
            status=str(state.get("status") or ""),
            description=str(state.get("description") or ""),
            provisioning_state=str(properties.get("provisioningState") or ""),
        )

    @property
    def key(self) -> str:
        """The same for all spellings of its id."""
        return self.id.casefold()

    @property
    def subscription_id(self) -> str:
        """The subscription of its endpoint, in lower case; empty where that is not known."""
        parts = self.endpoint_id.casefold().strip("/").split("/")
        return parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else ""

    @property
    def is_alive(self) -> bool:
        """Whether it is in use or may yet be."""
        return self.status in {PENDING, APPROVED}

    @property
    def has_failed(self) -> bool:
        """Whether the last change of it failed."""
        return self.provisioning_state.casefold() in _FAILED

    @property
    def is_done(self) -> bool:
        """Whether no change of it is under way."""
        return self.provisioning_state.casefold() in _DONE

    @property
    def is_changing(self) -> bool:
        """Whether a change of it is under way."""
        waits = self.provisioning_state.casefold() == _WAITS_FOR_OWNER and self.status == PENDING
        return not (self.is_done or self.has_failed or waits)

    @property
    def is_going(self) -> bool:
        """Whether it is being removed."""
        return self.provisioning_state.casefold() in {"deleting", "dropping", "disconnecting"}

    def __str__(self) -> str:
        who = self.endpoint_id or "an endpoint that is not named"
        under_way = "" if self.is_done else f", {self.provisioning_state}"
        words = f', "{self.description}"' if self.description else ""
        return f"{who} is {self.status or 'without a status'}{under_way}{words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which requests are meant; all that is given must hold of a request.

    :param endpoint_id: of this endpoint
    :param subscription_ids: of endpoints in one of these subscriptions
    :param request_message: sent with exactly this message
    :raises InvalidOptionError: nothing is given: then any request would be meant
    """

    endpoint_id: str = ""
    subscription_ids: tuple[str, ...] = ()
    request_message: str = ""

    def __post_init__(self) -> None:
        if not (self.endpoint_id or self.subscription_ids or self.request_message):
            raise InvalidOptionError(
                "endpoint_id, requester_subscription_ids, request_message", "none of them is given",
                "say whose request is meant by at least one of them; whatever happens to be pending is never taken",
            )  # fmt: skip
        if self.endpoint_id:
            ResourceId.parse(self.endpoint_id, "endpoint_id")
            if "/providers/microsoft.network/privateendpoints/" not in self.endpoint_id.casefold():
                seen = f"{self.endpoint_id} is not the id of a private endpoint"
                raise InvalidOptionError("endpoint_id", seen, "give the endpoint's, not the resource's")

    def admits(self, one: Connection) -> bool:
        """Whether a connection is meant."""
        if self.endpoint_id and not same_id(self.endpoint_id, one.endpoint_id):
            return False
        if self.subscription_ids and one.subscription_id not in {text.casefold() for text in self.subscription_ids}:
            return False
        return not self.request_message or self._has_message(one)

    def _has_message(self, one: Connection) -> bool:
        if one.description == self.request_message:
            return True
        # Only an owner's words end so; a requester's own could be made to.
        return one.status != PENDING and one.description.endswith(f" [{self.request_message}]")

    def __str__(self) -> str:
        parts = (
            ("of", self.endpoint_id),
            ("from the subscription", " or ".join(self.subscription_ids)),
            ("with the message", f'"{self.request_message}"' if self.request_message else ""),
        )
        return " ".join(f"{word} {text}" for word, text in parts if text)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "endpoint_id": self.endpoint_id,
            "subscription_ids": list(self.subscription_ids),
            "request_message": self.request_message,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RequestFilter:
        """What :meth:`to_json` gave."""
        return cls(**{**data, "subscription_ids": tuple(data["subscription_ids"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDecision:
    """What an owner decides about requests.

    :param target_id: of the resource that the endpoints lead to
    :param requests: which requests are meant
    :param status: ``Approved`` or ``Rejected``
    :param description: words to the decision; by default those stay that are there, the request's message at first
    :raises InvalidOptionError: one of them is not usable
    """

    target_id: str
    requests: RequestFilter
    status: str
    description: str = ""

    def __post_init__(self) -> None:
        if self.status not in {APPROVED, REJECTED}:
            raise InvalidOptionError("status", f"{self.status!r} is no decision", "write Approved or Rejected")
        connection_type(self.target_id)

    @property
    def watch(self) -> PrivateEndpointConnectionWatch:
        """What to wait for until it is carried out."""
        return PrivateEndpointConnectionWatch(
            target_id=self.target_id, requests=self.requests, target_status=self.status
        )

    def description_for(self, one: Connection) -> str:
        """What to write; a message by which the request is known stays in it, so that a later run knows it again."""
        if not self.description:
            return one.description
        message = self.requests.request_message
        return f"{self.description} [{message}]" if message else self.description


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointConnectionState:
    """How the connections stand that are meant.

    :param target_id: of the resource that the endpoints lead to
    :param requests: which are meant
    :param target_status: ``Pending``, ``Approved``, ``Rejected``, ``Disconnected`` or ``Removed``
    :param connections: those that are meant
    :param others: further ones on the resource, in words; the first few of them
    :param others_count: how many further ones there are
    :param not_visible: why nothing could be seen; empty where it could
    """

    target_id: str
    requests: RequestFilter
    target_status: str
    connections: tuple[Connection, ...] = ()
    others: tuple[str, ...] = ()
    others_count: int = 0
    not_visible: str = ""

    @property
    def relevant(self) -> tuple[Connection, ...]:
        """Those that count: old ones that were rejected or lost their endpoint stay listed beside a new request."""
        if self.target_status in {PENDING, APPROVED}:
            chosen = tuple(one for one in self.connections if one.is_alive)
        elif self.target_status == REJECTED:
            chosen = tuple(one for one in self.connections if one.status != DISCONNECTED)
        else:
            chosen = self.connections
        return chosen or self.connections

    @property
    def settled(self) -> bool:
        """Whether it is as awaited."""
        if self.not_visible:
            return False
        if self.target_status == REMOVED:
            return not self.connections
        if self.target_status == DISCONNECTED:
            return all(one.status == DISCONNECTED for one in self.connections)
        if self.target_status == PENDING:
            return any(one.status == PENDING for one in self.relevant)
        return bool(self.relevant) and all(one.status == self.target_status and one.is_done for one in self.relevant)

    @property
    def has_failed(self) -> bool:
        """Whether the last change of one of them failed."""
        return any(one.has_failed for one in self.relevant)

    @property
    def hopeless(self) -> str:
        """Why waiting is no use; empty where it may be."""
        if self.not_visible or self.settled or not self.connections or self.target_status == DISCONNECTED:
            return ""
        if self.has_failed:
            remedy = "see the resource's activity log; then change it again"
            return f"the last change of the connection failed: {_named(self.relevant)}; {remedy}"
        if self.target_status == REMOVED or any(one.is_changing for one in self.relevant) or not self._all_final:
            return ""
        remedy = "have the requester delete the private endpoint and make it again"
        if any(one.status == APPROVED for one in self.relevant):
            remedy = "wait for Approved instead"
        return f"that never becomes {self.target_status}: {_named(self.relevant)}; {remedy}"

    @property
    def _all_final(self) -> bool:
        """Whether no connection that is meant can still become what is awaited."""
        statuses = {one.status for one in self.relevant}
        if self.target_status == APPROVED:
            return statuses <= {REJECTED, DISCONNECTED}
        if self.target_status == REJECTED:
            return statuses <= {DISCONNECTED}
        # Another request of the same requester may still come; of one endpoint there is only the one.
        return statuses <= ({REJECTED, DISCONNECTED, APPROVED} if self.requests.endpoint_id else {REJECTED})

    @property
    def line(self) -> str:
        """What is seen, and whose move it is."""
        if self.not_visible:
            return f"{self._resource}: connections are not visible: {self.not_visible}."
        if not self.connections:
            return f"{self._resource}: no connection {self.requests}: {self.others_line}."
        return f"{self._resource}: {_named(self.connections)}{self._move}."

    @property
    def others_line(self) -> str:
        """What else there is."""
        if not self.others_count:
            return "there is no connection at all" if not self.connections else "there are no others"
        more = self.others_count - len(self.others)
        return f"there are {'; '.join(self.others)}" + (f"; and {more} more" if more else "")

    @property
    def _resource(self) -> str:
        found = ResourceId.parse(self.target_id)
        return f"{found.types[-1]}/{found.name}"

    @property
    def _move(self) -> str:
        if self.settled or self.hopeless:
            return ""
        if any(one.is_changing for one in self.relevant):
            return "; the service is at work"
        waits = any(one.status == PENDING for one in self.relevant) and self.target_status in {APPROVED, REJECTED}
        return "; the resource's owner must decide" if waits else ""

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they go to XCom."""
        return {
            "target_id": self.target_id,
            "requests": self.requests.to_json(),
            "target_status": self.target_status,
            "connections": [
                {
                    "id": one.id,
                    "endpoint_id": one.endpoint_id,
                    "status": one.status,
                    "description": one.description,
                    "provisioning_state": one.provisioning_state,
                }
                for one in self.connections
            ],
            "others": list(self.others),
            "others_count": self.others_count,
            "not_visible": self.not_visible,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PrivateEndpointConnectionState:
        """What :meth:`to_json` gave."""
        return cls(
            target_id=data["target_id"],
            requests=RequestFilter.from_json(data["requests"]),
            target_status=data["target_status"],
            connections=tuple(Connection(**one) for one in data["connections"]),
            others=tuple(data["others"]),
            others_count=data["others_count"],
            not_visible=data["not_visible"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointConnectionWatch:
    """Waiting for connections on a resource, from its owner's side.

    :param target_id: of the resource that the endpoints lead to
    :param requests: which connections are meant
    :param target_status: ``Pending``, ``Approved``, ``Rejected``, ``Disconnected`` or ``Removed``
    :raises InvalidOptionError: one of them is not usable
    """

    target_id: str
    requests: RequestFilter
    target_status: str

    def __post_init__(self) -> None:
        if self.target_status not in {*STATUSES, REMOVED}:
            raise InvalidOptionError("target_status", f"{self.target_status!r} is none", f"write {', '.join(STATUSES)}")
        connection_type(self.target_id)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The list of the resource's connections; or the resource, where they have none."""
        from airflow_provider_netconn.azure.watching import Scope

        return (Scope(path=self.path, api_version=self.api_version),)

    @property
    def path(self) -> str:
        """Where the connections are read."""
        resource = ResourceId.parse(self.target_id).text
        return f"{resource}/{CONNECTIONS}" if connection_type(self.target_id).is_listed else resource

    @property
    def api_version(self) -> str:
        """With which version they are read."""
        kind = connection_type(self.target_id)
        return kind.resource_api_version or kind.api_version

    def look(self, seen: Mapping[Scope, Snapshot]) -> PrivateEndpointConnectionState:
        """Judge what was read."""
        snapshot = seen[self.scopes[0]]
        if snapshot.not_visible:
            return self.judge((), not_visible=snapshot.not_visible)
        found: Iterable[Mapping[str, Any]] = snapshot.resources.values()
        if not connection_type(self.target_id).is_listed:
            found = [one for resource in found for one in connections_of(resource)]
        return self.judge(found)

    def judge(self, found: Iterable[Mapping[str, Any]], *, not_visible: str = "") -> PrivateEndpointConnectionState:
        """Judge connections.

        :param found: the JSON of all connections on the resource
        """
        all_of_them = [Connection.read(one) for one in found]
        meant = tuple(one for one in all_of_them if one.id and self.requests.admits(one))
        others = [one for one in all_of_them if one not in meant]
        return PrivateEndpointConnectionState(
            target_id=self.target_id,
            requests=self.requests,
            target_status=self.target_status,
            connections=meant,
            others=tuple(str(one) for one in others[:_MOST_NAMED]),
            others_count=len(others),
            not_visible=not_visible,
        )

    @property
    def awaited(self) -> str:
        """What ends the wait, in words."""
        end = "no connection is left" if self.target_status == REMOVED else f"a connection is {self.target_status}"
        return f"{end}, {self.requests}, on {self.target_id}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": _KIND,
            "target_id": self.target_id,
            "requests": self.requests.to_json(),
            "target_status": self.target_status,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PrivateEndpointConnectionWatch:
        """What :meth:`to_json` gave."""
        return cls(
            target_id=data["target_id"],
            requests=RequestFilter.from_json(data["requests"]),
            target_status=data["target_status"],
        )


def connections_of(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The connections that a resource shows of itself."""
    return list((resource.get("properties") or {}).get(CONNECTIONS) or ())


def _named(connections: tuple[Connection, ...]) -> str:
    more = len(connections) - _MOST_NAMED
    return "; ".join(map(str, connections[:_MOST_NAMED])) + (f"; and {more} more" if more > 0 else "")
