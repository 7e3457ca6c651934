"""Causes of the check itself."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

ENGINE_CAUSES: Final = (
    Cause(
        code="DEADLINE_EXCEEDED",
        stage=Stage.PROTOCOL,
        meaning="The target's deadline passed before the stages were through.",
        proof="The stage that was running when the deadline passed.",
        seen="The deadline passed in stage {failed_stage}.",
        remedy="Raise the deadline, or look at why stage {failed_stage} is slow.",
    ),
    Cause(
        code="PROBE_ERROR",
        stage=Stage.PROTOCOL,
        meaning="The probe itself failed: a fault of this package, not of the target.",
        proof="An exception in the probe; the log has its traceback.",
        seen="The probe failed in stage {failed_stage}: {probe_error}.",
        remedy="Report it with the log's traceback; nothing can be said of the target.",
    ),
)
