"""What the way through a real proxy is like. All of it, and every packet, on loopback."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Finding, Stage, to_json
from testbed.endpoints import (
    CertificateAuthority,
    ClosedPort,
    ClosingServer,
    HttpProxy,
    HttpServer,
    ProxyManner,
    SilentServer,
)
from tests.e2e.probing.seen import CANARY, NAME, Script, stage_of


@pytest.fixture
def through(monkeypatch, certificates, ca_file):
    """Probe a target through a proxy; gives the result of the proxy stage."""

    async def run(url, target=f"https://{NAME}", **options):
        for scheme in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(scheme, url)
        given = {"dial": "127.0.0.99"} | (target if isinstance(target, dict) else {"url": target})
        return await stage_of(Stage.PROXY, given, **{"ca_files": (ca_file,), "last_stage": Stage.PROXY} | options)

    return run


@pytest.fixture
def web(certificates):
    with HttpServer(tls=certificates.issue(NAME).server_context()) as server:
        yield server


async def test_the_way_through_the_proxy_is_checked_to_its_end(through, web):
    with HttpProxy(routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(proxy.url)
    assert (result.ok, result.finding, result.detail["stage"], result.detail["via"]["status"]) == (
        True,
        Finding.THROUGH_PROXY,
        "protocol",
        200,
    )


async def test_a_plain_request_goes_to_the_proxy_as_a_whole_url(through):
    with HttpServer() as plain, HttpProxy(routes={f"{NAME}:80": plain.address}) as proxy:
        result = await through(proxy.url, f"http://{NAME}/x")
    assert (result.finding, proxy.asked) == (Finding.THROUGH_PROXY, [f"http://{NAME}:80/x"])


@pytest.mark.parametrize(
    ("manner", "finding"),
    [
        (ProxyManner.FORBIDS, Finding.PROXY_REFUSED),
        (ProxyManner.DEMANDS_LOGIN, Finding.PROXY_AUTHENTICATION_REQUIRED),
        (ProxyManner.NOT_A_PROXY, Finding.PROXY_REFUSED),
        (ProxyManner.SPEAKS_OTHER, Finding.NOT_A_PROXY),
        (ProxyManner.SILENT, Finding.PROXY_UNREACHABLE),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_told_apart(through, manner, finding):
    with HttpProxy(manner) as proxy:
        result = await through(proxy.url, timeout_s=0.5 if manner is ProxyManner.SILENT else 5)
    assert (result.ok, result.finding) == (False, finding)


async def test_a_plain_request_meets_the_proxys_demand_for_credentials(through):
    with HttpProxy(ProxyManner.DEMANDS_LOGIN) as proxy:
        result = await through(proxy.url, f"http://{NAME}/")
    assert result.finding is Finding.PROXY_AUTHENTICATION_REQUIRED


@pytest.mark.parametrize("password", [CANARY, "p:%40/ü" + CANARY])
async def test_credentials_of_the_proxy_url_open_the_tunnel_and_are_not_shown(through, web, password):
    from urllib.parse import quote

    login = f"user:{password}"
    with HttpProxy(ProxyManner.DEMANDS_LOGIN, credentials=login, routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(f"http://user:{quote(password, safe='')}@127.0.0.1:{proxy.port}")
    assert result.finding is Finding.THROUGH_PROXY
    assert CANARY not in str(to_json(result))


async def test_a_proxy_that_is_away_is_unreachable(through):
    with ClosedPort() as closed:
        result = await through(f"http://127.0.0.1:{closed.port}")
    assert (result.finding, result.detail["problem"]) == (Finding.PROXY_UNREACHABLE, "refused")


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://127.0.0.1:port", "http://127.0.0.1:0"])
async def test_a_proxy_setting_that_is_no_url_is_unreachable(through, url):
    assert (await through(url, timeout_s=2)).finding is Finding.PROXY_UNREACHABLE


async def test_a_proxy_is_found_by_name(through, web, dns_server):
    dns_server.set("proxy.example.net", "127.0.0.1")
    with HttpProxy(routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(f"http://proxy.example.net:{proxy.port}", nameserver=dns_server.nameserver)
    assert result.finding is Finding.THROUGH_PROXY


async def test_a_proxy_whose_name_does_not_resolve_is_unreachable(through, dns_server):
    result = await through("http://proxy.example.net:3128", nameserver=dns_server.nameserver)
    assert (result.finding, "nxdomain" in result.detail["problem"]) == (Finding.PROXY_UNREACHABLE, True)


async def test_a_target_behind_the_proxy_that_is_away_is_refused_by_the_proxy(through):
    with ClosedPort() as closed, HttpProxy(routes={f"{NAME}:443": closed.address}) as proxy:
        result = await through(proxy.url)
    assert (result.finding, result.detail["via"]["status"]) == (Finding.PROXY_REFUSED, 502)


async def test_an_intercepting_proxy_is_seen_by_its_issuer(through):
    interceptor = CertificateAuthority("Corporate Inspection")
    with (
        HttpServer(tls=interceptor.issue(NAME).server_context()) as fake,
        HttpProxy(routes={f"{NAME}:443": fake.address}) as proxy,
    ):
        result = await through(proxy.url)
    assert (result.finding, result.detail["stage"]) == (Finding.UNKNOWN_ISSUER, "tls")
    assert "Corporate Inspection" in result.detail["via"]["issuer"]


async def test_a_proxy_that_opens_one_tunnel_alone_does_not_hide_a_bad_certificate(through, certificates):
    class OneTunnel(HttpProxy):
        async def handle(self, reader, writer):
            if self.accepted > 1:
                self.manner = ProxyManner.FORBIDS
            await super().handle(reader, writer)

    with (
        HttpServer(tls=certificates.expired(NAME).server_context()) as bad,
        OneTunnel(routes={f"{NAME}:443": bad.address}) as proxy,
    ):
        result = await through(proxy.url)
    assert result.finding is Finding.EXPIRED


@pytest.mark.parametrize("silent_in", ["tls", "protocol"])
async def test_a_silent_target_behind_a_working_proxy_is_not_the_proxys_silence(through, certificates, silent_in):
    context = certificates.issue(NAME).server_context() if silent_in == "protocol" else None
    with SilentServer(tls=context) as silent, HttpProxy(routes={f"{NAME}:443": silent.address}) as proxy:
        result = await through(proxy.url, timeout_s=1)
    assert (result.finding, result.detail["stage"]) == (Finding.NO_ANSWER, silent_in)


async def test_a_target_that_hangs_up_behind_a_working_proxy_is_not_the_proxys_absence(through, certificates):
    context = certificates.issue(NAME).server_context()
    with ClosingServer(tls=context, reset=True) as closing, HttpProxy(routes={f"{NAME}:443": closing.address}) as proxy:
        result = await through(proxy.url)
    assert result.finding in (Finding.CLOSED, Finding.RESET)


async def test_a_proxy_may_itself_speak_tls(through, web, certificates):
    context = certificates.issue("127.0.0.1").server_context()
    with HttpProxy(tls=context, routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(proxy.url)
    assert result.finding is Finding.THROUGH_PROXY


async def test_of_a_proxy_that_is_not_http_nothing_is_claimed(through):
    result = await through("socks5://127.0.0.1:1080")
    assert (result.finding, "socks5" in result.detail["problem"]) == (Finding.NOT_CHECKED, True)


async def test_the_scheme_of_a_login_is_shown_in_few_printable_letters(through):
    words = b"HTTP/1.1 407 No\r\nProxy-Authenticate: \x1b[31m" + b"x" * 50_000 + b"\r\n\r\n"
    with Script(words) as proxy:
        result = await through(f"http://127.0.0.1:{proxy.port}")
    assert result.finding is Finding.PROXY_AUTHENTICATION_REQUIRED
    scheme = result.detail["via"]["scheme"]
    assert scheme.isprintable()
    assert len(scheme) < 1000
