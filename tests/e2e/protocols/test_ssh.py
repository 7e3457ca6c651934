"""SSH against OpenSSH's server, and against peers that only resemble one."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome
from testbed.endpoints import ClosingServer, SilentServer
from testbed.servers.ssh import SshServer
from tests.e2e.protocols.peers import GARBAGE, GREETINGS, Peer, detail, running


@pytest.fixture(scope="module")
def server():
    with running(SshServer()) as running_server:
        yield running_server


def test_openssh_greets(ground, server):
    verdict = ground.verdict(f"ssh://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict)["software"].startswith("OpenSSH_")
    assert detail(verdict)["protocol_version"] == "2.0"


def test_openssh_takes_the_probe_for_a_client_that_left(ground, server):
    """Not for one that never said who it is, which servers log and count as an attack."""
    before = len(server.log())
    ground.verdict(f"ssh://127.0.0.1:{server.port}")
    log = server.log()[before:]
    assert "Did not receive identification" not in log
    assert "invalid" not in log


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (b"SSH-2.0-a\r\n", {"software": "a", "protocol_version": "2.0"}),
        (b"SSH-2.0-a\n", {"software": "a", "protocol_version": "2.0"}),
        (b"SSH-1.99-Cisco-1.25\r\n", {"software": "Cisco-1.25", "protocol_version": "1.99"}),
        (b"SSH-2.0-a b c\r\n", {"software": "a", "protocol_version": "2.0", "comments": "b c"}),
        (b"Only for members\r\n\r\nSSH-2.0-a\r\n", {"software": "a", "protocol_version": "2.0", "lines_before": 2}),
        (b"x\r\n" * 1000 + b"SSH-2.0-a\r\n", {"software": "a", "protocol_version": "2.0", "lines_before": 1000}),
        (b"SSH-2.0-\xff\x1b[2J\r\n", {"software": "\ufffd [2J", "protocol_version": "2.0"}),
    ],
)
def test_the_identification_string_is_read(ground, words, seen):
    with Peer(words) as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}")
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == seen


def test_a_server_that_waits_for_the_client_gets_its_string(ground):
    with Peer(b"", b"SSH-2.0-patient\r\n") as peer:
        assert ground.verdict(f"ssh://127.0.0.1:{peer.port}").outcome is Outcome.OK
    assert peer.heard[0].startswith(b"SSH-2.0-")
    assert peer.heard[0].endswith(b"\r\n")


def test_version_1_is_another_protocol(ground):
    with Peer(b"SSH-1.5-1.2.27\r\n") as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}")
    assert (verdict.cause, verdict.outcome) == ("PROTOCOL_VERSION_MISMATCH", Outcome.MISCONFIGURED)
    assert "SSH 1.5" in verdict.explanation


@pytest.mark.parametrize("words", [*GARBAGE.values(), b"SSH-\r\n", b"SSH-2.0\r\n"])
def test_what_is_no_identification_string_ends(ground, words):
    with Peer(words, stay=False) as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}")
    assert (verdict.cause, verdict.outcome) == ("NOT_THIS_PROTOCOL", Outcome.MISCONFIGURED), verdict.evidence


@pytest.mark.parametrize("words", [b"banner\r\n", b"A" * 1000])
def test_an_endless_banner_ends_before_the_limit(ground, words):
    with Peer(words, endless=True) as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}", timeout_s=20)
    assert verdict.duration_s < 10
    assert verdict.cause == "NOT_THIS_PROTOCOL", verdict.evidence
    assert "1024 lines" in detail(verdict)["expected"]


def test_a_dripping_banner_ends_with_the_limit(ground):
    with Peer(b"x", drip_s=0.05, endless=True) as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert (verdict.cause, verdict.outcome) == ("ANSWER_NOT_FINISHED", Outcome.UNREACHABLE), verdict.evidence


@pytest.mark.parametrize("name", sorted(set(GREETINGS) - {"ssh"}))
def test_another_protocol_is_shown(ground, name):
    with Peer(GREETINGS[name]) as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}", timeout_s=0.5)
    # Lines before the string are allowed, so that of a peer which then waits no more can be said.
    assert verdict.cause == "ANSWER_NOT_FINISHED", verdict.evidence
    assert repr(GREETINGS[name][:4])[2:-1] in verdict.explanation


@pytest.mark.parametrize(
    ("make", "findings"),
    [(SilentServer, {Finding.NO_ANSWER}), (ClosingServer, {Finding.CLOSED, Finding.RESET})],
)
def test_a_peer_without_a_word(ground, make, findings):
    with make() as peer:
        verdict = ground.verdict(f"ssh://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.stages[-1].finding in findings
    assert verdict.cause in ("NO_ANSWER", "CLOSED_WITHOUT_ANSWER")
