"""A check of many targets: in order, within its bounds, each for itself, and with nothing left open."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import resource
import socket
import subprocess
import sys
import threading
from pathlib import Path

import dns.asyncresolver
import pytest

from airflow_provider_netconn.checks import CheckOptions, check, run_check
from airflow_provider_netconn.errors import InvalidOptionError, InvalidTargetError
from airflow_provider_netconn.evidence import Expectation, Finding, Outcome, Stage, Target
from airflow_provider_netconn.probing import registry
from airflow_provider_netconn.probing.registry import register
from testbed.endpoints import (
    CertificateAuthority,
    ClosedPort,
    DnsFault,
    DnsServer,
    DroppingPort,
    HttpProxy,
    HttpServer,
    ProxyManner,
    SilentServer,
    TcpServer,
)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def _no_question_to_this_systems_nameserver(monkeypatch):
    real = socket.getaddrinfo

    def only_addresses(host, port, *args, **kwargs):
        return real(host, port, *args[:3], **{**kwargs, "flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)


def to(server, name="", **fields):
    fields = {"protocol": "http", "expect": Expectation.ANY} | fields
    return Target(host=server.host, port=server.port, name=name, **fields)


def options(**given):
    return CheckOptions(**{"timeout_s": 30, "deadline_s": 60, "retries": 0} | given)


async def eventually(holds):
    """Wait until it holds; a server learns of a client's steps a moment later."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  the server lives on another thread
            await asyncio.sleep(0.01)


def stages_of(verdict):
    return {stage.stage: stage for stage in verdict.stages}


# --- order and progress --------------------------------------------------------------------------------------------


async def test_verdicts_stand_in_the_order_of_the_targets():
    with HttpServer(delay_s=0.3) as slow, HttpServer() as quick, ClosedPort() as closed:
        targets = [to(slow, "a"), to(quick, "b"), to(closed, "c"), to(slow, "d"), to(quick, "e")]
        report = await run_check(targets, options())
    assert [verdict.target for verdict in report.verdicts] == ["a", "b", "c", "d", "e"]


async def test_progress_counts_each_verdict_once():
    seen = []
    with HttpServer() as web:
        targets = [to(web, str(number)) for number in range(20)]
        await run_check(targets, options(concurrency=4), on_verdict=lambda *progress: seen.append(progress))
    assert [(done, total) for _, done, total in seen] == [(number, 20) for number in range(1, 21)]
    assert {verdict.target for verdict, _, _ in seen} == {str(number) for number in range(20)}


async def test_no_targets_are_an_empty_report():
    assert (await run_check([], options())).verdicts == ()


async def test_the_same_target_twice_has_two_verdicts():
    with HttpServer() as web:
        report = await run_check([to(web), to(web)], options())
        assert len(web.requests) == len(report.verdicts) == 2


def test_a_check_runs_without_an_event_loop_of_the_caller():
    with HttpServer() as web:
        assert check([to(web)], options()).verdicts[0].outcome is Outcome.OK


async def test_the_vantage_says_what_was_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.net")
    monkeypatch.setenv("ASTRO_DEPLOYMENT_ID", "cl123")
    monkeypatch.setenv("ASTRO_DEPLOYMENT_NAMESPACE", "quasar-1234")
    vantage = (await run_check([], options(nameserver="127.0.0.1:5353"), process="worker", queue="q")).vantage
    assert dataclasses.asdict(vantage) == {
        "hostname": socket.gethostname(),
        "resolvers": ("127.0.0.1:5353",),
        "proxies": {"https": "http://127.0.0.1:1"},
        "no_proxy": "example.net",
        "process": "worker",
        "queue": "q",
        "astro_deployment": "cl123",
        "astro_namespace": "quasar-1234",
    }


# --- bounds --------------------------------------------------------------------------------------------------------


class Crowd(TcpServer):
    """Answers nobody before so many are connected at once; remembers the greatest number."""

    def __init__(self, wanted):
        super().__init__()
        self.wanted = wanted
        self.here = self.peak = 0
        self.full = asyncio.Event()

    async def handle(self, reader, writer):
        self.here += 1
        self.peak = max(self.peak, self.here)
        if self.here >= self.wanted:
            self.full.set()
        await self.full.wait()
        await asyncio.sleep(0.05)  # so that one too many would have the time to come
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        await reader.read()
        self.here -= 1


@pytest.mark.parametrize("bound", [1, 3, 10])
async def test_no_more_targets_than_asked_are_probed_at_once(bound):
    with Crowd(bound) as crowd:
        report = await run_check([to(crowd)] * 12, options(concurrency=bound))
    assert crowd.peak == bound
    assert all(verdict.outcome is Outcome.OK for verdict in report.verdicts)


async def test_the_limit_of_open_files_bounds_the_targets_too(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (112, 112))
    with Crowd(3) as crowd:
        await run_check([to(crowd)] * 9, options(concurrency=1000))
    assert crowd.peak == 3


async def test_no_limit_of_open_files_is_none(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with Crowd(5) as crowd:
        await run_check([to(crowd)] * 5, options(concurrency=5))
    assert crowd.peak == 5


# --- each for itself -----------------------------------------------------------------------------------------------


class Held(TcpServer):
    """Answers when it is let go."""

    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()

    async def handle(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.to_thread(self.let_go.wait)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()


async def test_a_hanging_target_delays_no_other():
    with Held() as held, HttpServer() as quick:
        # It is let go only once all others have their verdicts: were they behind it, it would never answer.
        def on_verdict(_verdict, done, total):
            if done == total - 1:
                held.let_go.set()

        try:
            targets = [to(held, "held"), *[to(quick)] * 30]
            report = await run_check(targets, options(concurrency=2), on_verdict=on_verdict)
        finally:
            held.let_go.set()
    assert [verdict.outcome for verdict in report.verdicts] == [Outcome.OK] * 31


class OwnResolver(dns.asyncresolver.Resolver):
    """A system whose only nameserver is the test's."""

    port_of_test = 0

    def __init__(self):
        super().__init__(configure=False)
        self.nameservers = ["127.0.0.1"]
        self.port = self.port_of_test


async def test_names_that_hang_in_the_systems_resolver_delay_no_other(monkeypatch, dns_server):
    monkeypatch.setattr(OwnResolver, "port_of_test", dns_server.port)
    monkeypatch.setattr(dns.asyncresolver, "Resolver", OwnResolver)
    let_go = threading.Event()

    def getaddrinfo(host, *_args, **_kwargs):
        if host.startswith("slow"):
            let_go.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    # More of them than any pool of threads would have.
    slow = [Target(host=f"slow{number}.example.net", port=1) for number in range(200)]

    def on_verdict(_verdict, _done, _total):
        let_go.set()

    try:
        quick = Target(host="quick.example.net", port=1)
        report = await run_check([*slow, quick], options(last_stage=Stage.RESOLVE), on_verdict=on_verdict)
    finally:
        let_go.set()
    assert {stages_of(verdict)[Stage.RESOLVE].finding for verdict in report.verdicts} == {Finding.RESOLVED}


@pytest.fixture
def _own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_PROTOCOLS", dict(registry._PROTOCOLS))


@pytest.mark.usefixtures("_own_registry")
async def test_a_bug_in_a_probe_is_the_verdict_of_that_target_alone():
    @register("faulty", default_port=1)
    async def probe(stream, target):
        await stream.send(b"x")
        return 1 / 0

    with HttpServer() as web, SilentServer() as other:
        report = await run_check([to(web), to(other, protocol="faulty"), to(web)], options())
        await eventually(lambda: other.open_connections == 0)
    assert [(verdict.outcome, verdict.cause) for verdict in report.verdicts] == [
        (Outcome.OK, None),
        (Outcome.UNKNOWN, "PROBE_ERROR"),
        (Outcome.OK, None),
    ]
    assert "ZeroDivisionError: division by zero" in report.verdicts[1].explanation


async def test_an_unknown_protocol_is_bad_input_before_anything_is_sent():
    with HttpServer() as web:
        with pytest.raises(InvalidTargetError, match="unknown protocol 'gopher'"):
            await run_check([to(web), to(web, protocol="gopher")], options())
        assert web.accepted == 0


async def test_a_file_of_authorities_that_is_missing_is_bad_input():
    with pytest.raises(InvalidOptionError, match=r"^ca_files: /nowhere\.pem: No such file"):
        await run_check([], options(ca_files=("/nowhere.pem",)))


def test_a_resolver_that_hangs_does_not_keep_the_process_from_ending(dns_server):
    dns_server.set("web.example.net", "127.0.0.1")
    program = f"""
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(3600)
from airflow_provider_netconn.checks import CheckOptions, check, parse_target
report = check([parse_target("web.example.net:1")], CheckOptions(nameserver={dns_server.nameserver!r}))
print(report.verdicts[0].stages[0].finding.value)
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=root, capture_output=True, text=True, timeout=90
    )
    assert (done.stdout, done.returncode) == ("resolved\n", 0), done.stderr


# --- limits and retries --------------------------------------------------------------------------------------------


async def test_the_deadline_ends_a_probe_in_the_stage_that_it_is_in():
    with SilentServer() as silent:
        report = await run_check([to(silent)], options(deadline_s=0.5))
    last = report.verdicts[0].stages[-1]
    assert (last.stage, last.finding, last.detail) == (
        Stage.PROTOCOL,
        Finding.DEADLINE_EXCEEDED,
        {"deadline_s": 0.5},
    )


@pytest.mark.parametrize(
    ("make", "protocol", "finding"),
    [
        (DroppingPort, "http", Finding.TIMED_OUT),
        (SilentServer, "http", Finding.NO_ANSWER),
        (SilentServer, "https", Finding.NO_ANSWER),
    ],
)
async def test_a_deadline_that_cuts_a_further_try_short_leaves_what_the_last_one_saw(make, protocol, finding):
    with make() as server:
        target = to(server, protocol=protocol)
        report = await run_check([target], options(timeout_s=0.2, deadline_s=3, retries=10))
    (verdict,) = report.verdicts
    assert verdict.stages[-1].finding is finding
    assert len({stage.stage for stage in verdict.stages}) == len(verdict.stages)


async def test_a_deadline_that_cuts_a_further_question_short_leaves_the_last_answer(dns_server):
    dns_server.set("web.example.net", rcode="SERVFAIL")
    target = Target(host="web.example.net", port=1)
    report = await run_check([target], options(deadline_s=3, retries=10, nameserver=dns_server.nameserver))
    assert [stage.finding for stage in report.verdicts[0].stages] == [Finding.SERVFAIL]


class Flaky(TcpServer):
    """Serves only after so many connections have failed."""

    def __init__(self, failures, answer=b"", tls=None):
        super().__init__(tls=tls)
        self.failures = failures
        self.answer = answer

    async def handle(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer if self.accepted <= self.failures else b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 Service Unavailable\r\n\r\n"])
async def test_a_passing_failure_is_tried_again_and_the_tries_are_counted(answer):
    with Flaky(2, answer) as flaky:
        report = await run_check([to(flaky)], options(retries=2))
        assert flaky.accepted == 3
    assert report.verdicts[0].outcome is Outcome.OK
    assert report.verdicts[0].stages[-1].detail["attempts"] == 3


async def test_a_failure_that_stays_is_tried_as_often_as_asked(dns_server):
    dns_server.set("web.example.net", rcode="SERVFAIL")
    target = Target(host="web.example.net", port=1)
    report = await run_check([target], options(retries=2, nameserver=dns_server.nameserver))
    assert stages_of(report.verdicts[0])[Stage.RESOLVE].detail["attempts"] == 3


async def test_what_will_not_pass_is_not_tried_again(dns_server):
    target = Target(host="missing.example.net", port=1)
    report = await run_check([target], options(retries=5, nameserver=dns_server.nameserver))
    assert "attempts" not in report.verdicts[0].stages[0].detail
    assert dns_server.count("missing.example.net") == 2  # A and AAAA


async def test_no_retry_is_made_where_none_is_asked_for():
    with Flaky(1) as flaky:
        await run_check([to(flaky)], options(retries=0))
        assert flaky.accepted == 1


# --- cancellation --------------------------------------------------------------------------------------------------


def open_sockets():
    """The sockets that this process holds, clients' and servers'."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            link = str(descriptor.readlink())
            if link.startswith("socket:"):
                found.add((descriptor.name, link))
    return found


class Second(TcpServer):
    """A bad certificate for the first connection, silence for those that look at it."""

    async def handle(self, reader, writer):
        if self.accepted == 1:
            await writer.start_tls(self.context)
        await reader.read()


async def cancelled_at(reached, target, **given):
    """Run a check until that point, cancel it, and wait for the sockets to be those of before."""
    before = open_sockets()
    task = asyncio.create_task(run_check([target, target], options(**given)))
    await eventually(lambda: reached() and open_sockets() > before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: open_sockets() == before)


async def test_cancellation_while_a_nameserver_is_silent_leaves_no_socket(dns_server):
    dns_server.set("web.example.net", fault=DnsFault.SILENT)
    target = Target(host="web.example.net", port=1)
    await cancelled_at(lambda: dns_server.count("web.example.net") > 1, target, nameserver=dns_server.nameserver)


async def test_cancellation_while_a_nameserver_is_silent_over_tcp_leaves_no_socket():
    class SilentOverTcp(DnsServer):
        async def answer(self, wire, transport):
            answer = await super().answer(wire, transport)
            return None if transport == "tcp" else answer

    with SilentOverTcp() as server:
        server.set("web.example.net", "127.0.0.1", fault=DnsFault.TRUNCATED)
        target = Target(host="web.example.net", port=1)
        await cancelled_at(lambda: server.count("web.example.net", "tcp") > 1, target, nameserver=server.nameserver)


async def test_cancellation_while_packets_are_dropped_leaves_no_socket():
    with DroppingPort() as dropping:
        await cancelled_at(lambda: True, to(dropping))


async def test_cancellation_while_one_of_many_addresses_is_dropped_leaves_no_socket(dns_server):
    with DroppingPort(host="127.0.0.2") as dropping, SilentServer(host="127.0.0.3", port=dropping.port) as server:
        dns_server.set("web.example.net", "127.0.0.2", "127.0.0.3")
        target = Target(host="web.example.net", port=server.port)
        await cancelled_at(lambda: server.accepted > 1, target, nameserver=dns_server.nameserver)


async def test_cancellation_while_a_handshake_hangs_leaves_no_socket():
    with SilentServer() as silent:
        await cancelled_at(lambda: silent.accepted > 1, to(silent, protocol="https"))


async def test_cancellation_while_a_bad_certificate_is_looked_at_leaves_no_socket():
    with Second() as server:
        server.context = CertificateAuthority().issue("127.0.0.1").server_context()
        before = open_sockets()
        task = asyncio.create_task(run_check([to(server, protocol="https")], options()))
        await eventually(lambda: server.accepted > 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: open_sockets() == before)


async def test_cancellation_while_a_service_is_silent_leaves_no_socket():
    with SilentServer() as silent:
        await cancelled_at(lambda: silent.accepted > 1, to(silent))


async def test_cancellation_while_a_service_is_silent_within_tls_leaves_no_socket(certificates, tmp_path):
    ca_file = str(certificates.write_pem(tmp_path / "ca.pem"))
    with SilentServer(tls=certificates.issue("127.0.0.1").server_context()) as silent:
        await cancelled_at(lambda: silent.accepted > 1, to(silent, protocol="https"), ca_files=(ca_file,))


@pytest.mark.parametrize("protocol", ["http", "https"])
async def test_cancellation_while_a_proxy_is_silent_leaves_no_socket(monkeypatch, protocol):
    with HttpProxy(ProxyManner.SILENT) as proxy, HttpServer() as web:
        monkeypatch.setenv(f"{protocol}_proxy", proxy.url)
        await cancelled_at(lambda: len(proxy.requests) > 1, to(web, protocol=protocol))


async def test_cancellation_between_two_tries_leaves_no_socket():
    with ClosedPort() as closed, Flaky(100) as flaky:
        assert closed.port
        before = open_sockets()
        task = asyncio.create_task(run_check([to(flaky)], options(retries=10)))
        await eventually(lambda: flaky.accepted > 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: open_sockets() == before)


async def test_a_check_that_ends_leaves_no_socket(dns_server):
    before = open_sockets()
    with HttpServer() as web, SilentServer() as silent, DroppingPort() as dropping, ClosedPort() as closed:
        targets = [to(server, protocol=p) for server in (web, silent, dropping, closed) for p in ("http", "https")]
        await run_check(targets, options(timeout_s=0.3, nameserver=dns_server.nameserver))
    await eventually(lambda: open_sockets() == before)
