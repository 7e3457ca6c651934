"""SMTP and STARTTLS against Exim, and against peers that only resemble a mail server."""

from __future__ import annotations

import contextlib
import time

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.endpoints import ClosingServer, SilentServer, TcpServer, self_signed
from testbed.servers.exim import EximServer
from tests.e2e.protocols.peers import GARBAGE, GREETINGS, Peer, detail, running


@pytest.fixture(scope="module")
def server(ground):
    with running(EximServer(certificate=ground.certificate)) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def plain_server():
    with running(EximServer()) as running_server:
        yield running_server


def stages(verdict):
    return [(result.stage, result.finding) for result in verdict.stages][-2:]


def test_tls_starts_within_smtp(ground, server):
    verdict = ground.verdict(f"smtp://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert stages(verdict) == [(Stage.PROTOCOL, Finding.GREETED), (Stage.TLS, Finding.VERIFIED)]
    assert detail(verdict)["offers_tls"]
    assert "ESMTP Exim" in detail(verdict)["greeting"]
    assert detail(verdict, Stage.TLS)["names"] == ["127.0.0.1"]


def test_smtp_within_tls(ground, server):
    verdict = ground.verdict(f"smtps://127.0.0.1:{server.tls_port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert stages(verdict) == [(Stage.TLS, Finding.VERIFIED), (Stage.PROTOCOL, Finding.GREETED)]


def test_a_client_told_not_to_use_tls_does_not_start_it(ground, server):
    verdict = ground.verdict({"host": "127.0.0.1", "port": server.port, "protocol": "smtp", "tls": "off"})
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert verdict.stages[-1].stage is Stage.PROTOCOL
    assert detail(verdict)["offers_tls"]


def test_a_server_without_tls_is_a_warning(ground, plain_server):
    verdict = ground.verdict(f"smtp://127.0.0.1:{plain_server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, "CONNECTION_NOT_ENCRYPTED"), verdict.evidence


def test_a_server_without_tls_fails_who_demands_it(ground, plain_server):
    target = {"host": "127.0.0.1", "port": plain_server.port, "protocol": "smtp", "tls": "verify"}
    verdict = ground.verdict(target)
    assert (verdict.outcome, verdict.cause) == (Outcome.MISCONFIGURED, "TLS_NOT_OFFERED"), verdict.evidence


def test_a_bad_certificate_is_seen_within_smtp(ground):
    with running(EximServer(certificate=self_signed("127.0.0.1"))) as server:
        verdict = ground.verdict(f"smtp://127.0.0.1:{server.port}")
    assert verdict.cause == "CERTIFICATE_SELF_SIGNED", verdict.evidence
    assert detail(verdict, Stage.TLS)["chain"], "the second look starts TLS within SMTP as well"


def test_a_client_that_is_not_admitted_is_refused(ground):
    deny = "acl_smtp_connect = refuse\nbegin acl\nrefuse:\n  deny message = not from there"
    with running(EximServer(deny)) as server:
        verdict = ground.verdict(f"smtp://127.0.0.1:{server.port}")
    assert (verdict.cause, verdict.outcome) == ("SERVICE_REFUSES_CLIENT", Outcome.BLOCKED), verdict.evidence
    assert "550 not from there" in verdict.explanation


def test_a_server_with_too_much_to_do_is_unavailable(ground):
    with running(EximServer("smtp_accept_max = 1")) as server, contextlib.ExitStack() as connections:
        # The one that showed that the server is ready may still hold the one place.
        while not connections.enter_context(server.connection()).recv(100).startswith(b"220"):
            time.sleep(0.05)
        verdict = ground.verdict(f"smtp://127.0.0.1:{server.port}")
    assert (verdict.cause, verdict.outcome) == ("SERVICE_UNAVAILABLE", Outcome.UNREACHABLE), verdict.evidence
    assert "421" in verdict.explanation


def test_exim_sees_a_client_that_takes_its_leave(ground, server):
    before = len(server.main_log())
    ground.verdict(f"smtps://127.0.0.1:{server.tls_port}")
    ground.verdict({"host": "127.0.0.1", "port": server.port, "protocol": "smtp", "tls": "off"})
    assert "lost" not in server.main_log()[before:]
    assert "unexpected disconnection" not in server.main_log()[before:]


# --- peers ---------------------------------------------------------------------------------------------------------

EHLO_OK = b"250-mail\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"


class StartingServer(TcpServer):
    """Speaks just enough SMTP to start TLS, and counts what the client says before."""

    def __init__(self, context):
        super().__init__()
        self.context = context
        self.said = []

    async def handle(self, reader, writer):
        writer.write(b"220-mail\r\n220 ready\r\n")
        self.said.append(await reader.readline())
        writer.write(EHLO_OK)
        self.said.append(await reader.readline())
        writer.transport.pause_reading()
        writer.write(b"220 go ahead\r\n")
        await writer.start_tls(self.context)
        self.said.append(await reader.readline())


def test_the_conversation_up_to_the_handshake_and_after_it(ground):
    with StartingServer(ground.certificate.server_context()) as server:
        verdict = ground.verdict(f"smtp://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert server.said == [b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n", b"QUIT\r\n"]


def test_a_client_told_not_to_use_tls_does_not_ask_for_it(ground):
    with Peer(b"220 ready\r\n", EHLO_OK, b"221 bye\r\n") as peer:
        target = {"host": "127.0.0.1", "port": peer.port, "protocol": "smtp", "tls": "off"}
        assert ground.verdict(target).outcome is Outcome.OK
        assert peer.heard_within(5, b"QUIT\r\n")
    assert b"STARTTLS" not in b"".join(peer.heard)


def test_words_slipped_in_before_the_handshake_are_refused(ground):
    with Peer(b"220 ready\r\n", EHLO_OK, b"220 go ahead\r\n250 injected\r\n") as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}")
    assert (verdict.cause, verdict.failed_stage) == ("NOT_THIS_PROTOCOL", Stage.PROTOCOL), verdict.evidence
    assert "injected" in verdict.explanation


def test_an_offer_that_is_withdrawn_is_none(ground):
    with Peer(b"220 ready\r\n", EHLO_OK, b"454 TLS not available due to temporary reason\r\n") as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}")
    assert verdict.cause == "CONNECTION_NOT_ENCRYPTED", verdict.evidence
    assert detail(verdict)["said"].startswith("454")


def test_a_server_that_knows_no_ehlo_is_asked_with_helo(ground):
    with Peer(b"220 ready\r\n", b"500 what?\r\n", b"250 hello\r\n") as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}")
    assert verdict.cause == "CONNECTION_NOT_ENCRYPTED", verdict.evidence
    assert peer.heard[1] == b"HELO [127.0.0.1]\r\n"


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ((b"421 mail closing\r\n",), Finding.SERVICE_UNAVAILABLE),
        ((b"451 later\r\n",), Finding.SERVICE_UNAVAILABLE),
        ((b"554 No SMTP service here\r\n",), Finding.CLIENT_REFUSED),
        ((b"554-No SMTP service here\r\n554 at all\r\n",), Finding.CLIENT_REFUSED),
        ((b"521 does not accept mail\r\n",), Finding.CLIENT_REFUSED),
        ((b"220 ready\r\n", b"421 busy\r\n"), Finding.SERVICE_UNAVAILABLE),
        ((b"220 ready\r\n", b"550 not you\r\n"), Finding.CLIENT_REFUSED),
        ((b"220 (vsFTPd 3.0.3)\r\n", b"530 Please login with USER and PASS.\r\n"), Finding.NOT_THIS_PROTOCOL),
        ((b"220 (vsFTPd 3.0.3)\r\n", b"500 ?\r\n", b"500 ?\r\n"), Finding.NOT_THIS_PROTOCOL),
        ((b"200 ready\r\n",), Finding.NOT_THIS_PROTOCOL),
        ((b"999 ready\r\n",), Finding.NOT_THIS_PROTOCOL),
        ((b"220ready\r\n",), Finding.NOT_THIS_PROTOCOL),
        ((b"22",), Finding.NOT_THIS_PROTOCOL),
        ((b"220 ready\r\n", b"hello\r\n"), Finding.NOT_THIS_PROTOCOL),
        ((b"220 ready\r\n", b"250-a\r\nb\r\n"), Finding.NOT_THIS_PROTOCOL),
        ((b"220 ready\r\n",), Finding.CLOSED),
    ],
)
def test_every_answer_has_its_meaning(ground, words, finding):
    with Peer(*words, stay=False) as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}")
    assert verdict.stages[-1].finding is finding, verdict.evidence


@pytest.mark.parametrize("words", [*GARBAGE.values(), *(GREETINGS[name] for name in sorted({*GREETINGS} - {"ftp"}))])
@pytest.mark.parametrize("stay", [True, False])
def test_what_is_no_smtp_is_told_at_once(ground, words, stay):
    with Peer(words, stay=stay) as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}", timeout_s=20)
    assert verdict.duration_s < 10
    assert (verdict.cause, verdict.outcome) == ("NOT_THIS_PROTOCOL", Outcome.MISCONFIGURED), verdict.evidence


@pytest.mark.parametrize("words", [b"220-and more\r\n", b"220 " + b"x" * 1000])
@pytest.mark.parametrize("protocol", ["smtp", "smtps"])
def test_an_endless_greeting_ends_before_the_limit(ground, words, protocol):
    tls = ground.certificate.server_context() if protocol == "smtps" else None
    with Peer(words, endless=True, tls=tls) as peer:
        verdict = ground.verdict(f"{protocol}://127.0.0.1:{peer.port}", timeout_s=20)
    assert verdict.duration_s < 10
    assert verdict.cause == "NOT_THIS_PROTOCOL", verdict.evidence


def test_a_dripping_greeting(ground):
    with Peer(b"220-", drip_s=0.05, endless=True) as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.cause == "ANSWER_NOT_FINISHED", verdict.evidence


def test_the_port_for_tls_asked_in_the_clear(ground, server):
    """Both wait for the other to begin; the remedy names it."""
    verdict = ground.verdict(f"smtp://127.0.0.1:{server.tls_port}", timeout_s=0.5)
    assert verdict.cause == "NO_ANSWER", verdict.evidence
    assert "TLS" in verdict.remedy


def test_the_port_in_the_clear_asked_for_tls(ground, server):
    verdict = ground.verdict(f"smtps://127.0.0.1:{server.port}")
    assert verdict.cause == "TLS_NOT_SPOKEN", verdict.evidence


def test_garbage_after_starttls_fails_the_handshake(ground):
    with Peer(b"220 ready\r\n", EHLO_OK, b"220 go ahead\r\n", b"garbage" * 100) as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}")
    assert (verdict.cause, verdict.failed_stage) == ("TLS_NOT_SPOKEN", Stage.TLS), verdict.evidence


@pytest.mark.parametrize("make", [SilentServer, ClosingServer])
def test_a_peer_without_a_word(ground, make):
    with make() as peer:
        verdict = ground.verdict(f"smtp://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.cause in ("NO_ANSWER", "CLOSED_WITHOUT_ANSWER")
