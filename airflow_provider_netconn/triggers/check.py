"""Probing in the triggerer: a check that runs once, and a wait until verdicts are as expected.

Nothing heavy is imported here: Airflow imports a trigger's module on the event loop that all triggers share.
"""

from __future__ import annotations

import asyncio
import importlib
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_netconn.errors import NetconnError
from airflow_provider_netconn.evidence import Report, Target, Verdict, from_json, to_json
from airflow_provider_netconn.triggers.own_loop import run_on_own_loop

if TYPE_CHECKING:
    from types import ModuleType

    from airflow_provider_netconn.checks import CheckOptions

# Probing imports the libraries among these when it first needs them, which here would be on the loop.
_HEAVY: Final = (
    "dns.asyncresolver",
    "dns.message",
    "cryptography.x509",
    "h11",
    "airflow_provider_netconn.summary",
    "airflow_provider_netconn.report",
    "airflow_provider_netconn.checks",
)


def report_of(event: Mapping[str, Any] | None) -> Report:
    """The report in a trigger's event.

    :raises NetconnError: the check broke off in the triggerer; the message says why
    """
    if not event or "report" not in event:
        seen = (event or {}).get("error", "the trigger sent no report")
        raise NetconnError(f"the check broke off in the triggerer: {seen}; see the triggerer's part of this log")
    return from_json(Report, event["report"])


_ROUND_S: Final = 3
"""Seconds. On a machine with five times the work that it could do, the news came up to 6.8 s after the deferral."""


def earliest_resume() -> str:
    """When a task that defers now may be resumed at the earliest: an aware time in ISO 8601.

    Airflow 3 notices the end of the deferring process up to ``[workers] min_heartbeat_interval`` (5 s) late. If the
    task runs again by then, the scheduler takes the late news to be of that run, and fails it ("reported that the
    task instance finished with state success, but the task instance's state attribute is running"; seen on 3.3.2).
    Airflow 2 has neither the option nor the fault. Beyond that interval there is room for the end of the process and
    for a round of a scheduler that has much to do.
    """
    from airflow.providers.common.compat.sdk import conf

    interval_s = conf.getint("workers", "min_heartbeat_interval", fallback=0)
    return (datetime.now(UTC) + timedelta(seconds=interval_s + _ROUND_S if interval_s else 0)).isoformat()


class _CheckTrigger(BaseTrigger):
    """What both triggers share: targets and options as plain JSON, and one event, whatever happens.

    :param targets: the targets in their JSON form
    :param options: the check's options in their JSON form
    :param task_queue: the queue of the task, for the record of where the check was asked for
    :param not_before: aware time in ISO 8601 before which no event is sent: see :func:`earliest_resume`
    """

    def __init__(
        self,
        *,
        targets: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        task_queue: str | None = None,
        not_before: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's own has no annotations
        self.targets = list(targets)
        self.options = dict(options)
        self.task_queue = task_queue
        self.not_before = not_before

    def _arguments(self) -> dict[str, Any]:
        return {
            "targets": self.targets,
            "options": self.options,
            "task_queue": self.task_queue,
            "not_before": self.not_before,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the keyword arguments: plain JSON without secrets."""
        return f"{type(self).__module__}.{type(self).__qualname__}", self._arguments()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``{"report": ...}`` and what the trigger adds, or ``{"error": ...}``."""
        try:
            checks = await _load()
            event = await self._event(checks, from_json(checks.CheckOptions, self.options))
        except Exception as error:
            # Raised, it would fail the task as "Trigger failure" and no more; so it goes to the task as a message.
            self.log.exception("The check broke off")
            event = {"error": f"{type(error).__name__}: {error}"}
        if self.not_before is not None:
            wait = datetime.fromisoformat(self.not_before) - datetime.now(UTC)
            await asyncio.sleep(max(wait.total_seconds(), 0))
        yield TriggerEvent(event)  # type: ignore[no-untyped-call] # Airflow's own has no annotations

    @abstractmethod
    async def _event(self, checks: ModuleType, options: CheckOptions) -> dict[str, Any]:
        """Probe, and say what was seen."""

    def _targets(self) -> tuple[Target, ...]:
        return tuple(from_json(Target, target) for target in self.targets)


async def _load() -> ModuleType:
    """Import what probes, in a thread: it would block the loop of all triggers for longer than they may."""
    for name in _HEAVY:
        module = await asyncio.to_thread(importlib.import_module, name)
    return module


class ConnectivityCheckTrigger(_CheckTrigger):
    """Checks all targets once, in the triggerer.

    :param broken_connections: what is wrong with connections that cannot be checked; handed back in the event
    """

    def __init__(
        self,
        *,
        targets: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        task_queue: str | None = None,
        not_before: str | None = None,
        broken_connections: Sequence[str] = (),
    ) -> None:
        super().__init__(targets=targets, options=options, task_queue=task_queue, not_before=not_before)
        self.broken_connections = list(broken_connections)

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | {"broken_connections": self.broken_connections}

    async def _event(self, checks: ModuleType, options: CheckOptions) -> dict[str, Any]:
        loop, context = asyncio.get_running_loop(), copy_context()

        def tell(verdict: Verdict, done: int, total: int) -> None:
            # Airflow sorts what triggers log by the context that they run in; a new thread has an empty one.
            loop.call_soon_threadsafe(self._log_verdict, verdict, done, total, context=context)

        async def run() -> Any:
            return to_json(
                await checks.run_check(
                    self._targets(), options, process="triggerer", queue=self.task_queue, on_verdict=tell
                )
            )

        # Hundreds of handshakes at once would hold up the loop that all triggers share.
        report = await run_on_own_loop(run, name="netconn-check")
        return {"report": report, "broken_connections": self.broken_connections}

    def _log_verdict(self, verdict: Verdict, done: int, total: int) -> None:
        from airflow_provider_netconn.summary import progress_line

        log = self.log.info if verdict.as_expected else self.log.warning
        log("%s", progress_line(verdict, done, total))


class VerdictTrigger(_CheckTrigger):
    """Checks targets again and again until all are as expected, or until the deadline.

    :param poll_interval_s: pause between two looks, in seconds
    :param deadline: aware time in ISO 8601 after which it gives up; absolute, so that it holds when another triggerer
        takes over; None waits for ever
    :param since: aware time in ISO 8601 at which the wait began; for the log
    :param awaited: what is waited for, in words; for the log
    """

    def __init__(
        self,
        *,
        targets: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        task_queue: str | None = None,
        not_before: str | None = None,
        poll_interval_s: float = 60.0,
        deadline: str | None = None,
        since: str | None = None,
        awaited: str = "verdicts as expected",
    ) -> None:
        super().__init__(targets=targets, options=options, task_queue=task_queue, not_before=not_before)
        self.poll_interval_s = poll_interval_s
        self.deadline = deadline
        self.since = since
        self.awaited = awaited

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | {
            "poll_interval_s": self.poll_interval_s,
            "deadline": self.deadline,
            "since": self.since,
            "awaited": self.awaited,
        }

    async def _event(self, checks: ModuleType, options: CheckOptions) -> dict[str, Any]:
        from airflow_provider_netconn.summary import wait_line

        targets = self._targets()
        since = datetime.fromisoformat(self.since) if self.since else datetime.now(UTC)
        deadline = datetime.fromisoformat(self.deadline) if self.deadline else None
        while True:
            report: Report = await checks.run_check(targets, options, process="triggerer", queue=self.task_queue)
            now = datetime.now(UTC)
            left = deadline - now if deadline else None
            if not report.unexpected or (left is not None and left <= timedelta()):
                return {"report": to_json(report), "timed_out": bool(report.unexpected)}
            left_s = left.total_seconds() if left is not None else None
            waited_s = (now - since).total_seconds()
            self.log.info("%s", wait_line(report, awaited=self.awaited, waited_s=waited_s, left_s=left_s))
            # The last look is at the deadline itself: what mended just before it still counts.
            await asyncio.sleep(self.poll_interval_s if left_s is None else min(self.poll_interval_s, left_s))
