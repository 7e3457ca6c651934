"""What a triggerer looks at while a peering is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_netconn.azure.peering_moves import judge
from airflow_provider_netconn.azure.peering_state import (
    API_VERSION,
    Goal,
    PeeringState,
    PeeringStatus,
    SideState,
    WantedPeering,
    found_in,
)
from airflow_provider_netconn.azure.watching import Scope, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PeeringWatch:
    """Waits until a peering is as wanted, or has to be written by us; or fails where waiting is no use.

    :param fail_on: where the local side is in one of these, waiting counts as hopeless
    :param sees_remote: whether to look at the remote side too: not where that takes an identity of its own
    """

    wanted: WantedPeering
    fail_on: tuple[PeeringStatus, ...] = ()
    sees_remote: bool = True

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The peerings of each network, as one list."""
        return tuple(self._scope(which) for which in (("local", "remote") if self.sees_remote else ("local",)))

    def _scope(self, which: str) -> Scope:
        path = f"{self.wanted.side(which).network.text}/virtualNetworkPeerings"
        return Scope(path=path, api_version=API_VERSION)

    @property
    def awaited(self) -> str:
        """What ends the wait, in words."""
        here, there = self.wanted.local.network.name, self.wanted.remote.network.name
        if self.wanted.goal is Goal.ABSENT:
            return f"no peering between {here} and {there}"
        if self.wanted.goal is Goal.INITIATED:
            return f"a peering from {here} to {there}, Initiated at least"
        return f"the peering of {here} and {there} Connected and in sync on both sides"

    def look(self, seen: Mapping[Scope, Snapshot]) -> PeeringState:
        """How it stands, and whose move it is."""
        return judge(self.wanted, self._side("local", seen), self._side("remote", seen), fail_on=self.fail_on)

    def _side(self, which: str, seen: Mapping[Scope, Snapshot]) -> SideState:
        network_id = self.wanted.side(which).network_id
        snapshot = seen.get(self._scope(which))
        if snapshot is None:
            return SideState(network_id=network_id, not_visible="it is looked at as somebody else, when we go on")
        if snapshot.not_visible:
            return SideState(network_id=network_id, not_visible=snapshot.not_visible)
        return found_in(list(snapshot.resources.values()), self.wanted, which)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "kind": "peering",
            "wanted": self.wanted.to_json(),
            "fail_on": [str(status) for status in self.fail_on],
            "sees_remote": self.sees_remote,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PeeringWatch:
        """From :meth:`to_json`'s."""
        return cls(
            wanted=WantedPeering.from_json(data["wanted"]),
            fail_on=tuple(PeeringStatus(status) for status in data["fail_on"]),
            sees_remote=data["sees_remote"],
        )
