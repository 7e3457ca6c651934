"""The shape of a cause of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_netconn.evidence import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause.

    :param code: stable name
    :param stage: the stage whose result decides
    :param meaning: one line, for the docs
    :param proof: the evidence that proves it, for the docs
    :param seen: template of what was seen
    :param remedy: template of what mends it
    :param warning: the target works as expected; something wants attention all the same
    """

    code: str
    stage: Stage
    meaning: str
    proof: str
    seen: str
    remedy: str
    warning: bool = False
