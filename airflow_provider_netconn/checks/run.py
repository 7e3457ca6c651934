"""The check: targets in, verdicts out. Composes probing, the zone table and the diagnosis; knows no Airflow."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Callable, Sequence

import pendulum

from airflow_provider_netconn import __version__
from airflow_provider_netconn.checks.spread import helpers_for, spread, started
from airflow_provider_netconn.diagnosis import diagnose
from airflow_provider_netconn.evidence import (
    Evidence,
    Fact,
    NameFacts,
    ProbeResult,
    Report,
    Stage,
    Target,
    Vantage,
    Verdict,
)
from airflow_provider_netconn.privatelink import name_facts
from airflow_provider_netconn.probing.engine import Prober, hostname
from airflow_provider_netconn.probing.options import CheckOptions

OnVerdict = Callable[[Verdict, int, int], None]
"""Called with each verdict as it comes, how many are done, and how many there are."""


async def run_check(
    targets: Sequence[Target],
    options: CheckOptions,
    *,
    process: str = "cli",
    queue: str | None = None,
    on_verdict: OnVerdict | None = None,
    helpers: int = 0,
) -> Report:
    """Check all the targets and report on them, in the order in which they were given.

    :param process: what kind of process this is, for the vantage: ``cli``, ``worker`` or ``triggerer``
    :param queue: the Airflow queue of the task, for the vantage
    :param on_verdict: progress
    :param helpers: how many processes share the work; 0 leaves it to this one
    :raises InvalidOptionError: where an option, such as a CA file, cannot be used
    """
    started_at, since = pendulum.now("UTC"), time.perf_counter()
    verdicts: dict[int, Verdict] = {}

    def keep(index: int, verdict: Verdict) -> None:
        verdicts[index] = verdict
        if on_verdict is not None:
            on_verdict(verdict, len(verdicts), len(targets))

    async with started(helpers, options) as ready, Prober(options) as prober:
        await spread(targets, ready, keep)
        left = [index for index in range(len(targets)) if index not in verdicts]
        await prober.probe_all((targets[index] for index in left), lambda place, probe: keep(left[place], judge(probe)))
        vantage = _vantage(prober, process, queue)
    return Report(
        netconn_version=__version__,
        started_at=started_at,
        duration_s=round(time.perf_counter() - since, 3),
        vantage=vantage,
        verdicts=tuple(verdicts[index] for index in range(len(targets))),
    )


def check(
    targets: Sequence[Target],
    options: CheckOptions,
    *,
    process: str = "cli",
    queue: str | None = None,
    on_verdict: OnVerdict | None = None,
) -> Report:
    """:func:`run_check` for callers without an event loop; many targets are shared with helper processes."""
    helpers = helpers_for(len(targets))
    return asyncio.run(
        run_check(targets, options, process=process, queue=queue, on_verdict=on_verdict, helpers=helpers)
    )


def judge(probe: ProbeResult, facts: tuple[Fact, ...] = ()) -> Verdict:
    """The verdict on what probing saw, with the zone table's word on the name.

    :param facts: what Azure's control plane says of the target, where it was asked
    """
    return diagnose(Evidence(probe=probe, name=_name_facts(probe), facts=facts))


def _name_facts(result: ProbeResult) -> NameFacts:
    """The zone table's word on the dialled name, or on the first name that it is an alias of."""
    resolved = result.stage(Stage.RESOLVE)
    chain = resolved.detail.get("dns", {}).get("chain", ()) if resolved else ()
    for name in (result.target.dialled, *chain):
        facts = _kept_name_facts(name)
        if facts.services:
            return facts
    return NameFacts()


_kept_name_facts = functools.lru_cache(maxsize=4096)(name_facts)
"""Many targets share a host, or lead to the same names."""


def _vantage(prober: Prober, process: str, queue: str | None) -> Vantage:
    """Where this runs; ASTRO_* are set in every Deployment on Astro."""
    return Vantage(
        hostname=hostname(),
        resolvers=prober.dns.servers,
        proxies=prober.proxies.shown(),
        no_proxy=prober.proxies.no_proxy,
        process=process,
        queue=queue,
        astro_deployment=os.environ.get("ASTRO_DEPLOYMENT_ID"),
        astro_namespace=os.environ.get("ASTRO_DEPLOYMENT_NAMESPACE"),
    )
