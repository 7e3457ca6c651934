"""HTTP and HTTPS against nginx."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.servers.nginx import NginxServer
from tests.e2e.protocols.peers import detail, running


@pytest.fixture(scope="module")
def server(ground):
    with running(NginxServer(certificate=ground.certificate)) as running_server:
        yield running_server


def test_http_answers_in_the_clear(ground, server):
    verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict)["status"] == 200
    assert detail(verdict)["server"].startswith("nginx/")


def test_https_answers_within_tls(ground, server):
    verdict = ground.verdict(f"https://127.0.0.1:{server.tls_port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict, Stage.TLS)["protocol"] == "TLSv1.3"


def test_a_gateway_without_its_backend_is_a_gateway_error(ground, server):
    verdict = ground.verdict(f"http://127.0.0.1:{server.port}/away")
    assert (verdict.outcome, verdict.cause) == (Outcome.UNREACHABLE, "GATEWAY_ERROR"), verdict.evidence
    assert detail(verdict)["status"] == 502


def test_a_redirect_is_an_answer_and_keeps_no_token(ground, server):
    verdict = ground.verdict(f"http://127.0.0.1:{server.port}/moved")
    assert (verdict.outcome, detail(verdict)["location"]) == (Outcome.OK, "https://elsewhere.example.net/login")


def test_a_tls_port_asked_in_the_clear_answers_as_http_does(ground, server):
    verdict = ground.verdict(f"http://127.0.0.1:{server.tls_port}")
    assert (verdict.stages[-1].finding, detail(verdict)["status"]) == (Finding.GREETED, 400), verdict.evidence


def test_a_clear_port_asked_in_tls_does_not_speak_it(ground, server):
    verdict = ground.verdict(f"https://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.MISCONFIGURED, "TLS_NOT_SPOKEN"), verdict.evidence
