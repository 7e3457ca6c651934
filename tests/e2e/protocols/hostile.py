"""What every probe must come to an end with: peers of other protocols, and such as only resemble one of its own."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Finding
from testbed.endpoints import ClosingServer, SilentServer
from tests.e2e.protocols.peers import GARBAGE, GREETINGS, Peer

FOREIGN = {**GARBAGE, **GREETINGS}
"""What servers say that speak another protocol, by name."""
WORDLESS = {SilentServer: {Finding.NO_ANSWER}, ClosingServer: {Finding.CLOSED, Finding.RESET}}
"""Peers without a word, and what may be found of them."""


def assert_is_foreign(ground, protocol, words, **fields):
    """The probe says that this is not its protocol, and shows what it is."""
    with Peer(words) as peer:
        target = {"host": "127.0.0.1", "port": peer.port, "protocol": protocol, **fields}
        verdict = ground.verdict(target, timeout_s=1)
    # A peer that says less than the least answer is waited for.
    assert verdict.cause in ("NOT_THIS_PROTOCOL", "ANSWER_NOT_FINISHED"), verdict.evidence
    assert repr(words[:4])[2:-1] in verdict.explanation


def assert_is_wordless(ground, protocol, make, **fields):
    """A peer that says nothing is told from one that hangs up."""
    with make() as peer:
        target = {"host": "127.0.0.1", "port": peer.port, "protocol": protocol, **fields}
        verdict = ground.verdict(target, timeout_s=0.5)
    assert verdict.stages[-1].finding in WORDLESS[make]
    assert verdict.cause in ("NO_ANSWER", "CLOSED_WITHOUT_ANSWER"), verdict.evidence


def assert_drips(ground, protocol, words, **fields):
    """An answer that begins well and then drips ends with the stage's limit."""
    with Peer(words, drip_s=0.02, endless=True) as peer:
        target = {"host": "127.0.0.1", "port": peer.port, "protocol": protocol, **fields}
        verdict = ground.verdict(target, timeout_s=0.6)
    assert verdict.cause == "ANSWER_NOT_FINISHED", verdict.evidence
