"""Waiting for a private endpoint's connection to have a status, seen from the endpoint; nothing here asks Azure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.private_endpoint_connection_state import (
    APPROVED,
    DISCONNECTED,
    PENDING,
    REJECTED,
    STATUSES,
)
from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointState, PrivateEndpointWatch
from airflow_provider_netconn.errors import InvalidOptionError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.watching import Scope, Snapshot

_KIND: Final = "private_endpoint_status"
_FINAL: Final[Mapping[str, frozenset[str]]] = {
    PENDING: frozenset({APPROVED, REJECTED, DISCONNECTED}),
    APPROVED: frozenset({REJECTED, DISCONNECTED}),
    REJECTED: frozenset({DISCONNECTED}),
    DISCONNECTED: frozenset(),
}
"""From which statuses a connection never gets to an awaited one by waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointStatus:
    """How a private endpoint stands, measured by a status that is waited for.

    :param seen: the endpoint
    :param target_status: ``Pending``, ``Approved``, ``Rejected`` or ``Disconnected``
    """

    seen: PrivateEndpointState
    target_status: str

    @property
    def settled(self) -> bool:
        """Whether it has the status; an endpoint that is gone has lost its connection."""
        if self.seen.not_visible:
            return False
        if self.target_status == DISCONNECTED and not self.seen.exists:
            return True
        if self.target_status == APPROVED:
            return self.seen.status == APPROVED and self.seen.is_provisioned
        return self.seen.status == self.target_status

    @property
    def hopeless(self) -> str:
        """Why waiting is no use; empty where it may be."""
        if self.seen.not_visible:
            return (
                f"nothing is seen of it: {self.seen.not_visible}; where the endpoint alone may be read, say "
                "read_alone=True; as the resource's owner, wait by target_id"
            )
        if self.settled or self.seen.status not in _FINAL[self.target_status]:
            return self._failed
        remedy = "delete the endpoint and make it again"
        if self.seen.status == APPROVED:
            remedy = "it was approved already: wait for Approved instead"
        return f"{self.seen.status} never becomes {self.target_status}: {self.seen.line.rstrip('.')}; {remedy}"

    @property
    def _failed(self) -> str:
        if self.settled or not self.seen.has_failed:
            return ""
        return f"{self.seen.line.rstrip('.')}; see the endpoint's activity log, and delete it and make it again"

    @property
    def line(self) -> str:
        """What is seen, and whose move it is."""
        return self.seen.line

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"seen": self.seen.to_json(), "target_status": self.target_status}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PrivateEndpointStatus:
        """What :meth:`to_json` gave."""
        return cls(seen=PrivateEndpointState.from_json(data["seen"]), target_status=data["target_status"])


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpointStatusWatch:
    """Waiting for a private endpoint to have a status.

    :param endpoint_id: its id
    :param target_status: ``Pending``, ``Approved``, ``Rejected`` or ``Disconnected``
    :param read_alone: read the endpoint, and not the list of its subscription, which all who wait there share
    :raises InvalidOptionError: one of them is not usable
    """

    endpoint_id: str
    target_status: str
    read_alone: bool = False

    def __post_init__(self) -> None:
        if self.target_status not in STATUSES:
            raise InvalidOptionError("target_status", f"{self.target_status!r} is none", f"write {', '.join(STATUSES)}")
        self._endpoint  # noqa: B018 - raises

    @property
    def _endpoint(self) -> PrivateEndpointWatch:
        return PrivateEndpointWatch(endpoint_id=self.endpoint_id, by_id=self.read_alone)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What has to be read for a look."""
        return self._endpoint.scopes

    @property
    def awaited(self) -> str:
        """What ends the wait, in words."""
        return f"{self.endpoint_id} is {self.target_status}"

    def look(self, seen: Mapping[Scope, Snapshot]) -> PrivateEndpointStatus:
        """How it stands, by what was read."""
        return PrivateEndpointStatus(seen=self._endpoint.look(seen), target_status=self.target_status)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": _KIND,
            "endpoint_id": self.endpoint_id,
            "target_status": self.target_status,
            "read_alone": self.read_alone,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PrivateEndpointStatusWatch:
        """What :meth:`to_json` gave."""
        return cls(**{name: value for name, value in data.items() if name != "kind"})
