"""Helpers see what a check without helpers sees, on uvloop's loop and on asyncio's."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn.evidence import Finding
from tests.e2e.causes.scenes.connect import NETWORK
from tests.e2e.isolated import run_isolated, why_not

SEEN = {
    *(Finding.GREETED, Finding.PROHIBITED, Finding.HOST_UNREACHABLE, Finding.NETWORK_UNREACHABLE, Finding.TIMED_OUT),
    *(Finding.REFUSED, Finding.RESET, Finding.CLOSED, Finding.NO_ANSWER, Finding.EXPIRED, Finding.WRONG_NAME),
    *(Finding.SELF_SIGNED, Finding.TLS_REFUSED, Finding.NOT_TLS, Finding.NXDOMAIN),
}


def test_every_loop_sees_the_same():
    pytest.importorskip("uvloop")
    if why_not():
        pytest.skip(why_not())
    script = f"""{NETWORK}
printf 'nameserver 127.0.0.1\\n' > /tmp/resolv.$$; mount --bind /tmp/resolv.$$ "$(readlink -f /etc/resolv.conf)"
rm /tmp/resolv.$$
$PYTHON -m tests.e2e.probing.on_both_loops"""
    ran = run_isolated(script, timeout_s=110)
    assert ran.returncode == 0, ran.stderr
    ways = json.loads(ran.stdout)
    assert {way: seen["loops"] for way, seen in ways.items()} == {
        "here": [],
        "uvloop": ["uvloop"],
        "asyncio": ["asyncio"],
    }
    assert ways["uvloop"]["said"] == ways["here"]["said"]
    assert ways["asyncio"]["said"] == ways["here"]["said"]
    seen = {finding for _, _, stages in ways["here"]["said"] for _, finding in stages}
    assert not SEEN - seen
