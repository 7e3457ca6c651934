"""Which facts of the control plane make a cause a finer one: an ordered table; the first match wins, before the rules
of the deciding stage. Without facts none matches.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.rules import Rule, When, not_private_here
from airflow_provider_netconn.diagnosis.view import EvidenceView
from airflow_provider_netconn.evidence import FactKind, Finding, Path, Stage

_ASTRAY: Final = (
    Finding.NXDOMAIN,
    Finding.NODATA,
    Finding.NOT_PRIVATE,
    Finding.MIXED_ADDRESSES,
    Finding.OTHER_ADDRESSES,
)
"""The name does not lead to the endpoint."""
_NO_WAY: Final = (
    Finding.TIMED_OUT,
    Finding.REFUSED,
    Finding.HOST_UNREACHABLE,
    Finding.NETWORK_UNREACHABLE,
    Finding.PROHIBITED,
    Finding.RESET,
    Finding.CONNECT_FAILED,
)
"""TCP does not come about."""
_CUT: Final = (Finding.CLOSED, Finding.RESET, Finding.NO_ANSWER, Finding.TLS_REFUSED)
"""TCP comes about, and what follows does not."""
_REFUSED: Final = (*_CUT, Finding.FIREWALL_REFUSED, Finding.CLIENT_REFUSED)


def _astray(view: EvidenceView) -> bool:
    """The name leads to the public side, or nowhere; an address in a private range is another matter."""
    return view.finding(Stage.ADDRESS) is not Finding.NOT_PRIVATE or not_private_here(view)


def _connection(*states: str) -> When:
    def holds(view: EvidenceView) -> bool:
        is_about_it = view.path is Path.PRIVATE or _astray(view)
        return is_about_it and view.control_plane.has_state(FactKind.CONNECTION, *states)

    return holds


def _absent(*kinds: FactKind) -> When:
    return lambda view: _astray(view) and all(view.control_plane.is_absent(kind) for kind in kinds)


def _on_private_path(holds: When) -> When:
    """It can only be the matter where packets go to the endpoint, and stop on their way."""
    return lambda view: view.path is Path.PRIVATE and _is_connecting(view) and holds(view)


def _on_public_path(holds: When) -> When:
    return lambda view: view.path is Path.PUBLIC and holds(view)


def _is_connecting(view: EvidenceView) -> bool:
    return view.deciding is not None and view.deciding.stage is Stage.CONNECT


_STATES: Final = (*_ASTRAY, *_NO_WAY, *_REFUSED)

FACT_RULES: Final = (
    Rule("ENDPOINT_PENDING", _STATES, _connection("Pending")),
    Rule("ENDPOINT_REJECTED", _STATES, _connection("Rejected")),
    Rule("ENDPOINT_DISCONNECTED", _STATES, _connection("Disconnected")),
    Rule("ENDPOINT_MISSING", _ASTRAY, _absent(FactKind.ENDPOINT)),
    Rule("ZONE_MISSING", _ASTRAY, _absent(FactKind.ZONE)),
    Rule("ZONE_NOT_LINKED", _ASTRAY, _absent(FactKind.ZONE_LINK)),
    Rule("ZONE_GROUP_MISSING", _ASTRAY, _absent(FactKind.ZONE_GROUP, FactKind.RECORD)),
    Rule("RECORD_MISSING", _ASTRAY, _absent(FactKind.RECORD)),
    Rule(
        "RECORD_WRONG",
        (*_ASTRAY, *_NO_WAY),
        lambda view: view.control_plane.has_state(FactKind.RECORD, "wrong"),
    ),
    Rule(
        "PEERING_DISCONNECTED",
        _NO_WAY,
        _on_private_path(lambda view: view.control_plane.has_state(FactKind.PEERING, "Disconnected")),
    ),
    Rule("PEERING_ONE_SIDED", _NO_WAY, _on_private_path(lambda view: view.control_plane.peering_is_one_sided)),
    Rule("PEERING_MISSING", _NO_WAY, _on_private_path(lambda view: view.control_plane.peering_is_missing)),
    Rule("PEERING_DENIES_ACCESS", _NO_WAY, _on_private_path(lambda view: view.control_plane.peering_denies_access)),
    Rule(
        "SECURITY_GROUP_DENIES",
        _NO_WAY,
        _on_private_path(lambda view: view.control_plane.has_state(FactKind.SECURITY_RULE, "Deny")),
    ),
    Rule("PEERING_OUT_OF_SYNC", _NO_WAY, _on_private_path(lambda view: view.control_plane.peering_is_out_of_sync)),
    Rule(
        "PUBLIC_NETWORK_ACCESS_OFF",
        _REFUSED,
        _on_public_path(
            lambda view: view.control_plane.has_state(FactKind.PUBLIC_ACCESS, "Disabled", "Securedbyperimeter")
        ),
    ),
    Rule(
        "SERVICE_FIREWALL_DENIES",
        _REFUSED,
        _on_public_path(lambda view: view.control_plane.has_state(FactKind.FIREWALL, "Deny")),
    ),
)
"""The rules, most telling first: whether there is an endpoint, then its name, then the way to it, then the door."""
