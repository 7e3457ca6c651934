"""What the sensors share: looking, waiting in each of the three modes, and saying at the end what was seen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_netconn.evidence import Report, Target, to_json
from airflow_provider_netconn.summary import facts, verdict_line, wait_line
from airflow_provider_netconn.templated import as_bool, as_number, as_text
from airflow_provider_netconn.triggers.check import VerdictTrigger, earliest_resume, report_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_netconn.checks import CheckOptions

_GRACE: Final = timedelta(minutes=5)
"""How long Airflow waits for the trigger beyond the sensor's own timeout, which the trigger keeps itself."""


class VerdictSensor(BaseSensorOperator):
    """Waits until the verdicts on its targets are as expected.

    In poke and reschedule mode the probes run on the worker, with ``deferrable`` in the triggerer.

    :param nameserver: resolve through this server, ``IP``, ``IP:PORT`` or ``[IPV6]:PORT``, instead of the system's
    :param probe_timeout_s: limit of each stage of one look, in seconds; not to be confused with ``timeout``, which
        limits the whole wait
    :param deferrable: wait in the triggerer and hold no worker slot; ``[operators] default_deferrable`` by default;
        may be a template
    """

    template_fields: Sequence[str] = ("nameserver", "probe_timeout_s", "deferrable")
    ui_color = "#d6eaf8"

    def __init__(
        self,
        *,
        nameserver: str | None = None,
        probe_timeout_s: float | str | None = None,
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.nameserver = nameserver
        self.probe_timeout_s = probe_timeout_s
        self.deferrable = deferrable
        self._last: Report | None = None

    @abstractmethod
    def targets(self) -> tuple[Target, ...]:
        """What is looked at, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """

    @abstractmethod
    def awaited(self, targets: Sequence[Target]) -> str:
        """What ends the wait, in words."""

    def options(self) -> CheckOptions:
        """How each look is run, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """
        from airflow_provider_netconn.checks import CheckOptions

        timeout_s = as_number("probe_timeout_s", self.probe_timeout_s)
        options = CheckOptions(nameserver=as_text("nameserver", self.nameserver))
        return options if timeout_s is None else replace(options, timeout_s=timeout_s)

    def execute(self, context: Context) -> Any:
        """Wait; returns the facts seen last: see :func:`airflow_provider_netconn.summary.facts`."""
        if as_bool("deferrable", self.deferrable):
            self._defer()
        try:
            return super().execute(context)
        except (AirflowSensorTimeout, AirflowSkipException) as error:
            # Airflow says how long it waited; at three in the morning one wants to know for what, and what to do.
            if self._last is None:
                raise
            raise type(error)(f"{error} {self._last_seen(self._last)}") from None

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; done when all verdicts are as expected."""
        from airflow_provider_netconn.checks import check

        targets = self.targets()
        self._last = report = check(targets, self.options(), process="worker", queue=self.queue)
        if not report.unexpected:
            return self._done(report)
        waited_s = (datetime.now(UTC) - _began(context)).total_seconds()
        left_s = self.timeout - waited_s
        self.log.info("%s", wait_line(report, awaited=self.awaited(targets), waited_s=waited_s, left_s=left_s))
        return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Take what the trigger saw last.

        :raises AirflowSensorTimeout: the wait timed out; the message has the last verdict's cause and remedy
        """
        report = report_of(event)
        if not report.unexpected:
            return dict(self._done(report).xcom_value or {})
        message = f"Sensor has timed out after {self.timeout:g} s. {self._last_seen(report)}"
        if self.soft_fail or self.never_fail:
            self.log.warning("%s", message)  # Airflow 3 puts a sentence of its own in place of the reason
            raise AirflowSkipException(message)
        raise AirflowSensorTimeout(message)

    def _defer(self) -> None:
        now, patience = datetime.now(UTC), timedelta(seconds=self.timeout)
        targets = self.targets()
        self.defer(
            trigger=VerdictTrigger(
                targets=[to_json(target) for target in targets],
                options=to_json(self.options()),
                task_queue=self.queue,
                not_before=earliest_resume(),
                poll_interval_s=self.poke_interval,
                deadline=(now + patience).isoformat(),
                since=now.isoformat(),
                awaited=self.awaited(targets),
            ),
            method_name="execute_complete",
            timeout=patience + _GRACE,
        )

    def _done(self, report: Report) -> PokeReturnValue:
        for verdict in report.verdicts:
            self.log.info("As expected: %s", verdict_line(verdict))
        return PokeReturnValue(is_done=True, xcom_value=facts(report))

    def _last_seen(self, report: Report) -> str:
        seen = " | ".join(verdict_line(verdict) for verdict in report.unexpected)
        endpoints = [verdict.endpoint for verdict in report.verdicts]
        return f"Waited for: {self.awaited(endpoints)}. Last seen: {seen}"


def _began(context: Context) -> datetime:
    """When the wait began: in reschedule mode the first look, of which this process knows only through Airflow."""
    instance = context["ti"]
    first = getattr(instance, "get_first_reschedule_date", None)
    began = (first(context) if first else None) or instance.start_date
    return began if isinstance(began, datetime) else datetime.now(UTC)
