"""What looks like trouble and is none, or may be named in two ways."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Outcome, Path
from testbed.endpoints import ClosedPort, ClosingServer, HttpServer
from tests.e2e.causes.ground import ORDERS, ORDERS_PRIVATELINK
from tests.e2e.causes.scenes.connect import IN_NETWORK, verdict_in_network
from tests.e2e.isolated import verdict_with_system_resolver


def seen(verdict):
    return verdict.cause, verdict.path, verdict.outcome


def test_all_well_has_no_cause(ground):
    certificate = ground.authority.issue("*.blob.core.windows.net", intermediate=True)
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS, alias=ORDERS_PRIVATELINK)
        ground.dns.set(ORDERS_PRIVATELINK, "127.0.0.1", ttl=10)
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert seen(verdict) == (None, Path.PRIVATE, Outcome.OK), verdict.evidence
    assert verdict.as_expected
    assert verdict.headline == "PRIVATE"
    assert [result.stage.value for result in verdict.stages] == ["resolve", "address", "connect", "tls", "protocol"]


def test_a_refused_login_is_no_network_failure(ground):
    with HttpServer(status=401, headers={"www-authenticate": "Bearer"}) as server:
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert seen(verdict) == (None, Path.PRIVATE, Outcome.OK), verdict.evidence


def test_no_proxy_keeps_a_client_on_the_direct_way(ground):
    with HttpServer() as server, ClosedPort() as port:
        ground.environment.setenv("HTTP_PROXY", f"http://127.0.0.1:{port.port}")
        ground.environment.setenv("NO_PROXY", "127.0.0.0/8")
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert seen(verdict) == (None, Path.PRIVATE, Outcome.OK), verdict.evidence


def test_a_reset_is_never_an_unreachable_host(ground):
    """Whether the reset comes while connecting or at the first bytes is the kernel's race; both say: hung up."""
    with ClosingServer(reset=True) as server:
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert verdict.cause in ("CONNECTION_RESET", "CLOSED_WITHOUT_ANSWER")
    assert verdict.outcome is Outcome.BLOCKED


def test_the_icmp_message_stands_in_the_evidence():
    targets = [target for target, *_ in IN_NETWORK]
    attempts = verdict_in_network(targets.index("10.9.5.4:81")).stages[-1].detail["addresses"]
    assert [(attempt["errno"], attempt["icmp"]) for attempt in attempts] == [("EHOSTUNREACH", "type 3 code 13")]


def test_search_domains_and_ndots_count_as_in_a_pod():
    verdict = verdict_with_system_resolver(
        hosts="127.0.0.1 localhost\\n",
        resolv_conf="nameserver 127.0.0.1\\nsearch data.example.net\\noptions ndots:5\\n",
        zone='dns.set("orders.apps.data.example.net", "10.1.0.4")',
        target="orders.apps:443",
    )
    assert (verdict.path, verdict.cause) == (Path.PRIVATE, None)
    resolved = verdict.stages[0].detail
    assert resolved["dns"]["question"] == "orders.apps.data.example.net"
    assert resolved["system"]["addresses"] == ["10.1.0.4"]
