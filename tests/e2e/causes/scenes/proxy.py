"""Scenes of the stage ``proxy``: a client would go through the environment's proxy, and what it meets decides."""

from __future__ import annotations

from functools import partial

from airflow_provider_netconn.evidence import Outcome, Path, Stage
from testbed.endpoints import CertificateAuthority, ClosedPort, HttpProxy, HttpServer, ProxyManner, SilentServer
from tests.e2e.causes.ground import ORDERS
from tests.e2e.causes.scenes.scene import induces


def _through(manner, ground, tunnel_to=None, **options):
    """A check of an account that is well reached directly, behind a proxy of that manner."""
    certificate = ground.authority.issue("*.blob.core.windows.net")
    with HttpServer(tls=certificate.server_context()) as server, HttpProxy(manner) as proxy:
        authority = f"{ORDERS}:{server.port}"
        ground.dns.set(ORDERS, "127.0.0.1")
        proxy.routes[authority] = tunnel_to or server.address
        ground.environment.setenv("HTTPS_PROXY", proxy.url)
        verdict = ground.verdict(f"https://{authority}", **options)
        assert set(proxy.asked) == (set() if manner is ProxyManner.SPEAKS_OTHER else {authority})
    direct = [result.ok for result in verdict.stages if result.stage is Stage.PROTOCOL]
    assert direct == [True], "the direct way works"
    return verdict


for _manner, _cause, _outcome in (
    (ProxyManner.FORBIDS, "PROXY_REFUSED", Outcome.BLOCKED),
    (ProxyManner.NOT_A_PROXY, "PROXY_REFUSED", Outcome.BLOCKED),
    (ProxyManner.DEMANDS_LOGIN, "PROXY_AUTHENTICATION_REQUIRED", Outcome.BLOCKED),
    (ProxyManner.SPEAKS_OTHER, "NOT_A_PROXY", Outcome.MISCONFIGURED),
    (ProxyManner.WORKS, "PROXY_IN_USE", Outcome.OK),
):
    induces(_cause, Path.UNKNOWN, _outcome, _manner.value)(partial(_through, _manner))


@induces("FAILED_THROUGH_PROXY", Path.UNKNOWN, Outcome.MISCONFIGURED)
def a_proxy_that_intercepts_tls(ground):
    forged = CertificateAuthority("Corporate inspection").issue("*.blob.core.windows.net")
    with HttpServer(tls=forged.server_context()) as inspector:
        verdict = _through(ProxyManner.WORKS, ground, tunnel_to=inspector.address)
    assert "Corporate inspection" in verdict.explanation
    return verdict


def _proxied(ground, variable, url):
    with HttpServer() as server:
        ground.environment.setenv(variable, url)
        return ground.verdict(f"http://127.0.0.1:{server.port}")


@induces("PROXY_UNREACHABLE", Path.UNKNOWN, Outcome.UNREACHABLE)
def a_proxy_that_stays_silent(ground):
    return _through(ProxyManner.SILENT, ground, timeout_s=2)  # the direct way has to come to its end within it


@induces("PROXY_UNREACHABLE", Path.UNKNOWN, Outcome.UNREACHABLE)
def a_proxy_that_is_away(ground):
    with ClosedPort() as port:
        return _proxied(ground, "HTTP_PROXY", f"http://127.0.0.1:{port.port}")


@induces("PROXY_NOT_CHECKED", Path.UNKNOWN, Outcome.UNKNOWN)
def a_socks_proxy(ground):
    with SilentServer() as proxy:
        verdict = _proxied(ground, "ALL_PROXY", f"socks5://127.0.0.1:{proxy.port}")
        assert proxy.accepted == 0, "it would not know what is said to it"
    return verdict
