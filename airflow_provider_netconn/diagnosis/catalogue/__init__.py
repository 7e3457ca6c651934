"""The catalogue of causes, as data: what went wrong, what mends it, and which evidence proves it. A file a stage,
and one for what only the control plane can say.

``seen`` and ``remedy`` are templates over the facts of :class:`~airflow_provider_netconn.diagnosis.view.EvidenceView`.
Codes are stable: users filter and route on them. ``docs/causes.md`` is rendered from here.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.catalogue.address import ADDRESS_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.auth import AUTH_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.connect import CONNECT_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.control_plane import CONTROL_PLANE_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.engine import ENGINE_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.protocol import PROTOCOL_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.proxy import PROXY_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.resolve import RESOLVE_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.tls import TLS_CAUSES
from airflow_provider_netconn.diagnosis.catalogue.warnings import WARNINGS
from airflow_provider_netconn.diagnosis.cause import Cause

__all__ = ["CAUSES", "CONTROL_PLANE_CAUSES", "ENGINE_CAUSES", "Cause"]

CAUSES: Final[dict[str, Cause]] = {
    cause.code: cause
    for group in (
        RESOLVE_CAUSES,
        ADDRESS_CAUSES,
        PROXY_CAUSES,
        CONNECT_CAUSES,
        TLS_CAUSES,
        PROTOCOL_CAUSES,
        AUTH_CAUSES,
        CONTROL_PLANE_CAUSES,
        ENGINE_CAUSES,
        WARNINGS,
    )
    for cause in group
}
"""All causes by code, in the order of the stages."""
