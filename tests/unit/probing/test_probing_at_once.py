"""How many targets are under way: no more than asked, and begun no faster than they are served."""

from __future__ import annotations

import asyncio

import pendulum
import pytest

from airflow_provider_netconn.evidence import ProbeResult, Target
from airflow_provider_netconn.probing.engine import BEGUN_TOGETHER, Prober
from airflow_provider_netconn.probing.options import CheckOptions

TARGETS = tuple(Target(host="127.0.0.1", port=port) for port in range(1, 501))


class Counting(Prober):
    """Probes nothing, and counts what is under way; targets with ports up to ``holding`` are held until released."""

    def __init__(self, *, concurrency: int, holding: int = 0) -> None:
        super().__init__(CheckOptions(concurrency=concurrency))
        self.holding, self.release = holding, asyncio.Event()
        self.under_way = self.most = 0
        self.done: list[int] = []

    async def probe(self, target: Target) -> ProbeResult:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        if target.port <= self.holding:
            await self.release.wait()
        self.under_way -= 1
        return ProbeResult(target=target, stages=(), started_at=pendulum.now("UTC"), duration_s=0)

    def keep(self, index: int, result: ProbeResult) -> None:
        assert TARGETS[index] is result.target
        self.done.append(result.target.port)
        if len(self.done) == len(TARGETS) - self.holding:
            self.release.set()


async def test_targets_that_are_served_at_once_are_not_all_begun_at_once():
    prober = Counting(concurrency=1000)
    await prober.probe_all(TARGETS, prober.keep)
    assert sorted(prober.done) == [target.port for target in TARGETS]
    assert prober.most <= 2 * BEGUN_TOGETHER


async def test_held_targets_hold_up_no_other():
    prober = Counting(concurrency=1000, holding=100)
    await prober.probe_all(TARGETS, prober.keep)
    assert set(prober.done[:400]) == set(range(101, 501))


async def test_no_more_are_under_way_than_asked():
    prober = Counting(concurrency=7, holding=6)
    await prober.probe_all(TARGETS, prober.keep)
    assert (prober.most, len(prober.done)) == (7, 500)


async def test_an_error_of_the_caller_ends_the_check():
    prober = Counting(concurrency=1000, holding=10)

    def refuse(_index: int, _result: ProbeResult) -> None:
        raise LookupError

    with pytest.raises(ExceptionGroup) as raised:
        await prober.probe_all(TARGETS, refuse)
    assert raised.group_contains(LookupError)
