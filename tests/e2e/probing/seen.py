"""Probe one target and give what a stage saw; a peer that follows a script."""

from __future__ import annotations

import asyncio

from airflow_provider_netconn.diagnosis import diagnose
from airflow_provider_netconn.evidence import Evidence, Target
from airflow_provider_netconn.probing.engine import Prober
from airflow_provider_netconn.probing.options import CheckOptions
from airflow_provider_netconn.probing.targets import parse_target
from testbed.endpoints import (
    TcpServer,
)

NAME = "web.example.net"
CANARY = "hunter2canary"


async def probe(target, **options):
    parsed = target if isinstance(target, Target) else parse_target(target)
    async with Prober(CheckOptions(**{"timeout_s": 5, "retries": 0} | options)) as prober:
        result = await prober.probe(parsed)
    verdict = diagnose(Evidence(probe=result))
    said = [verdict.explanation, verdict.remedy or "", *verdict.evidence]
    assert not any("None" in line or "{" in line for line in said), said
    return result


async def stage_of(stage, target, **options):
    result = await probe(target, **options)
    seen = result.stage(stage)
    assert seen is not None, result.stages
    return seen


async def eventually(holds):
    """Wait until it holds; a server learns of a client's steps a moment later."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  the server lives on another thread
            await asyncio.sleep(0.01)


class Script(TcpServer):
    """Sends these bytes to whoever connects, at once or after the request, and hangs up unless told to stay."""

    def __init__(self, data, *, stay=False, drip_s=None, tls=None):
        super().__init__(tls=tls)
        self.data = data
        self.stay = stay
        self.drip_s = drip_s

    async def handle(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if self.drip_s is None:
            writer.write(self.data)
            await writer.drain()
        else:
            for byte in self.data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(self.drip_s)
        if self.stay:
            await reader.read()
