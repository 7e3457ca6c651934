"""A made-up report, as a check of a dozen connections would give it: every stage, many findings, all paths."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pendulum

from airflow_provider_netconn.evidence import (
    Expectation,
    Finding,
    Outcome,
    Path,
    Report,
    Stage,
    StageResult,
    Target,
    Vantage,
    Verdict,
)

STARTED = pendulum.datetime(2025, 3, 1, 6, 0)
VANTAGE = Vantage(
    hostname="cosmic-orbit-1234-worker-default-7f9c",
    resolvers=("10.0.0.10", "168.63.129.16"),
    proxies={"https": "http://proxy.corp.example:3128"},
    no_proxy="localhost,.svc.cluster.local,10.0.0.0/8",
    process="triggerer",
    queue="private-network",
    astro_deployment="clx8k2v9d0003",
    astro_namespace="cosmic-orbit-1234",
)


def resolved(*addresses: str, chain: tuple[str, ...] = (), seconds: float = 0.0042) -> StageResult:
    name = chain[0] if chain else "db.example.net"
    return StageResult(
        stage=Stage.RESOLVE,
        ok=True,
        finding=Finding.RESOLVED,
        duration_s=seconds,
        detail={
            "name": name,
            "addresses": list(addresses),
            "source": "system",
            "system": {"addresses": list(addresses), "error": None},
            "dns": {
                "finding": "resolved",
                "question": f"{name}.",
                "server": "10.0.0.10",
                "rcode": "NOERROR",
                "chain": [{"name": f"{one}.", "cname": f"{two}.", "ttl": 60} for one, two in itertools.pairwise(chain)],
                "answers": [{"address": address, "ttl": 10, "type": "A"} for address in addresses],
                "errors": [],
            },
            "disagree": False,
        },
    )


def unresolved(finding: Finding, rcode: str | None, seconds: float) -> StageResult:
    detail = {
        "name": "sftp.partner.example",
        "addresses": [],
        "source": "system",
        "system": {"addresses": [], "error": "[Errno -2] Name or service not known"},
        "dns": {"finding": finding.value, "server": "10.0.0.10", "rcode": rcode, "chain": [], "answers": []},
        "disagree": False,
    }
    return StageResult(stage=Stage.RESOLVE, ok=False, finding=finding, duration_s=seconds, detail=detail)


def judged(finding: Finding, **addresses: bool) -> StageResult:
    found = [
        {"address": text, "private": private, "range": "RFC 1918" if private else "public"}
        for text, private in addresses.items()
    ]
    detail = {
        "addresses": found,
        "expected": "private",
        "expected_networks": ["10.0.0.0/8", "172.16.0.0/12"],
        "expected_addresses": [],
    }
    return StageResult(
        stage=Stage.ADDRESS, ok=finding is Finding.AS_EXPECTED, finding=finding, duration_s=0.00008, detail=detail
    )


def connected(finding: Finding, *attempts: tuple[str, str, float, str | None], port: int = 443) -> StageResult:
    ok = finding in (Finding.CONNECTED, Finding.PARTLY_CONNECTED)
    rows = [
        {"address": address, "finding": seen, "duration_s": seconds, "errno": code, "icmp": None}
        for address, seen, seconds, code in attempts
    ]
    detail = {"port": port, "used": attempts[0][0] if ok else None, "addresses": rows}
    seconds = max(attempt[2] for attempt in attempts)
    return StageResult(stage=Stage.CONNECT, ok=ok, finding=finding, duration_s=seconds, detail=detail)


def shaken(
    finding: Finding, name: str, *names: str, issuer: str = "Microsoft Azure RSA TLS Issuing CA 04"
) -> StageResult:
    ok = finding is Finding.VERIFIED
    detail: dict[str, Any] = {
        "server_name": name,
        "protocol": "TLSv1.3",
        "names": list(names),
        "name_covered": finding is not Finding.WRONG_NAME,
        "subject": f"CN={names[0]},O=Microsoft Corporation,L=Redmond,ST=WA,C=US",
        "issuer": f"CN={issuer},O=Microsoft Corporation,C=US",
        "not_before": "2024-11-02T08:11:04+00:00",
        "not_after": "2025-10-28T08:11:04+00:00",
        "days_left": 241,
        "chain": [
            {"subject": f"CN={names[0]}", "issuer": f"CN={issuer}", "not_after": "2025-10-28T08:11:04+00:00"},
            {
                "subject": f"CN={issuer}",
                "issuer": "CN=DigiCert Global Root G2",
                "not_after": "2026-08-25T23:59:59+00:00",
            },
        ],
    }
    if not ok:
        detail["problem"] = "self-signed certificate in certificate chain"
    return StageResult(stage=Stage.TLS, ok=ok, finding=finding, duration_s=0.0381, detail=detail)


def spoke(finding: Finding, ok: bool = True, seconds: float = 0.021, **detail: Any) -> StageResult:
    return StageResult(stage=Stage.PROTOCOL, ok=ok, finding=finding, duration_s=seconds, detail=detail)


def verdict(
    name: str,
    endpoint: Target,
    path: Path,
    outcome: Outcome,
    stages: tuple[StageResult, ...],
    **meaning: Any,
) -> Verdict:
    """One verdict; it is as expected unless a cause is given."""
    values: dict[str, Any] = {
        "target": name,
        "path": path,
        "outcome": outcome,
        "headline": path.value,
        "as_expected": "cause" not in meaning,
        "cause": None,
        "explanation": f"{endpoint.host} resolves to a private address and answers over it.",
        "remedy": None,
        "failed_stage": next((stage.stage for stage in stages if not stage.ok), None),
        "evidence": tuple(f"{stage.stage.value}: {stage.finding.value}" for stage in stages),
        "endpoint": endpoint,
        "stages": stages,
        "started_at": STARTED,
        "duration_s": sum(stage.duration_s for stage in stages),
    }
    return Verdict(**{**values, **meaning})


def _blob(account: str, conn_id: str | None = None) -> Target:
    conn_type = "wasb" if conn_id else None
    host = f"{account}.blob.core.windows.net"
    return Target(host=host, port=443, protocol="https", conn_id=conn_id, conn_type=conn_type)


def _blob_stages(account: str, address: str) -> tuple[StageResult, ...]:
    host = f"{account}.blob.core.windows.net"
    return (
        resolved(address, chain=(host, f"{account}.privatelink.blob.core.windows.net")),
        judged(Finding.AS_EXPECTED, **{address: True}),
        connected(Finding.CONNECTED, (address, "connected", 0.0031, None)),
        shaken(Finding.VERIFIED, host, "*.blob.core.windows.net", "*.z1.blob.storage.azure.net"),
        spoke(Finding.GREETED, status=400, server="Windows-Azure-Blob/1.0", x_ms_version="2021-12-02"),
    )


def good_verdicts() -> tuple[Verdict, ...]:
    """Six that are as expected, one of them public by intent, and one with something to do all the same."""
    database = Target(
        host="orders-db.postgres.database.azure.com",
        port=5432,
        protocol="postgres",
        conn_id="orders_db",
        conn_type="postgres",
    )
    literal = Target(
        host="10.20.0.9",
        port=6379,
        protocol="redis",
        conn_id="cache",
        conn_type="redis",
        expect_networks=("10.20.0.0/16",),
    )
    public = Target(host="api.weather.example", port=443, protocol="https", expect=Expectation.PUBLIC)
    private_db = (
        resolved("10.20.3.4"),
        judged(Finding.AS_EXPECTED, **{"10.20.3.4": True}),
        connected(Finding.CONNECTED, ("10.20.3.4", "connected", 0.0019, None), port=5432),
    )
    at_literal = (
        StageResult(
            stage=Stage.RESOLVE,
            ok=True,
            finding=Finding.LITERAL,
            detail={"name": "10.20.0.9", "addresses": ["10.20.0.9"]},
        ),
        judged(Finding.AS_EXPECTED, **{"10.20.0.9": True}),
        connected(Finding.CONNECTED, ("10.20.0.9", "connected", 0.0007, None), port=6379),
    )
    weather = (
        resolved("198.51.100.20"),
        judged(Finding.AS_EXPECTED, **{"198.51.100.20": False}),
        connected(Finding.CONNECTED, ("198.51.100.20", "connected", 0.0121, None)),
        spoke(Finding.GREETED, status=200),
    )
    return (
        verdict(
            "wasb_orders", _blob("orders", "wasb_orders"), Path.PRIVATE, Outcome.OK, _blob_stages("orders", "10.20.0.4")
        ),
        verdict(
            "wasb_archive",
            _blob("archive", "wasb_archive"),
            Path.PRIVATE,
            Outcome.OK,
            _blob_stages("archive", "10.20.0.5"),
            as_expected=True,
            cause="CERTIFICATE_EXPIRES_SOON",
            explanation="The certificate of archive.blob.core.windows.net expires in 9 days.",
            remedy="Renew the certificate before 2025-03-10.",
        ),
        verdict(
            "https://landing.blob.core.windows.net",
            _blob("landing"),
            Path.PRIVATE,
            Outcome.OK,
            _blob_stages("landing", "10.20.0.6"),
        ),
        verdict(
            "orders_db",
            database,
            Path.PRIVATE,
            Outcome.OK,
            (*private_db, StageResult(stage=Stage.AUTH, ok=True, finding=Finding.GREETED, duration_s=0.054)),
        ),
        verdict("cache", literal, Path.PRIVATE, Outcome.OK, at_literal),
        verdict(
            "https://api.weather.example",
            public,
            Path.PUBLIC,
            Outcome.OK,
            weather,
            explanation="api.weather.example resolves to a public address, as expected, and answers over it.",
        ),
    )


def _public_blob() -> Verdict:
    host = "invoices.blob.core.windows.net"
    chain = (host, "invoices.privatelink.blob.core.windows.net", "blob.ams23prdstr07a.store.core.windows.net")
    stages = (
        resolved("203.0.113.41", chain=chain),
        judged(Finding.NOT_PRIVATE, **{"203.0.113.41": False}),
        connected(Finding.CONNECTED, ("203.0.113.41", "connected", 0.0184, None)),
        shaken(Finding.VERIFIED, host, "*.blob.core.windows.net"),
        spoke(Finding.GREETED, status=403, server="Windows-Azure-Blob/1.0"),
    )
    return verdict(
        "wasb_invoices",
        _blob("invoices", "wasb_invoices"),
        Path.PUBLIC,
        Outcome.OK,
        stages,
        cause="ZONE_NOT_LINKED",
        explanation="The name passes through privatelink.blob.core.windows.net, yet its answer is the public address "
        "203.0.113.41: a private endpoint exists, but this network does not see its zone.",
        remedy="Link the private DNS zone privatelink.blob.core.windows.net to the virtual network of this "
        "resolver (10.0.0.10), or forward that zone to a resolver that sees it.",
        evidence=(
            "resolve: invoices.blob.core.windows.net -> invoices.privatelink.blob.core.windows.net "
            "-> blob.ams23prdstr07a.store.core.windows.net",
            "resolve: 203.0.113.41 (TTL 60 s), from 10.0.0.10",
            "address: 203.0.113.41 is in none of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7",
        ),
    )


def _blocked_database() -> Verdict:
    target = Target(
        host="dw.database.windows.net",
        port=1433,
        protocol="mssql",
        conn_id="sql_dw",
        conn_type="mssql",
        dial="10.20.1.7",
    )
    stages = (
        resolved("10.20.1.7"),
        judged(Finding.AS_EXPECTED, **{"10.20.1.7": True}),
        connected(Finding.TIMED_OUT, ("10.20.1.7", "timed_out", 5.0, "ETIMEDOUT"), port=1433),
    )
    return verdict(
        "sql_dw",
        target,
        Path.PRIVATE,
        Outcome.BLOCKED,
        stages,
        headline="BLOCKED",
        cause="PACKETS_DROPPED",
        explanation="No answer from 10.20.1.7 port 1433 within 5 s: something on the way drops the packets.",
        remedy="Open TCP 1433 from this worker's subnet to 10.20.1.7 in the network security "
        "group or firewall between them.",
    )


def _mixed() -> Verdict:
    target = Target(host="lake.dfs.core.windows.net", port=443, protocol="https", conn_id="lake", conn_type="adls")
    stages = (
        resolved("10.20.0.8", "203.0.113.77"),
        judged(Finding.MIXED_ADDRESSES, **{"10.20.0.8": True, "203.0.113.77": False}),
        connected(
            Finding.PARTLY_CONNECTED,
            ("10.20.0.8", "connected", 0.0022, None),
            ("203.0.113.77", "refused", 0.0201, "ECONNREFUSED"),
        ),
    )
    return verdict(
        "lake",
        target,
        Path.MIXED,
        Outcome.OK,
        stages,
        headline="MIXED",
        cause="MIXED_ANSWERS",
        explanation="The name has a private and a public address; which of the two a client takes is chance.",
        remedy="Remove the public record from the private zone, so that only 10.20.0.8 is left.",
    )


def _unknown_name() -> Verdict:
    target = Target(host="sftp.partner.example", port=22, protocol="ssh", conn_id="partner_sftp", conn_type="sftp")
    return verdict(
        "partner_sftp",
        target,
        Path.UNKNOWN,
        Outcome.MISCONFIGURED,
        (unresolved(Finding.NXDOMAIN, "NXDOMAIN", 0.0064),),
        headline="MISCONFIGURED",
        cause="NAME_NOT_FOUND",
        explanation="sftp.partner.example does not exist, says 10.0.0.10.",
        remedy="Correct the host of the connection partner_sftp, or have the record made in the zone partner.example.",
    )


def _intercepted() -> Verdict:
    target = Target(
        host="acme.snowflakecomputing.com", port=443, protocol="https", conn_id="snowflake", conn_type="snowflake"
    )
    proxy = StageResult(
        stage=Stage.PROXY,
        ok=True,
        finding=Finding.THROUGH_PROXY,
        duration_s=0.011,
        detail={"proxy": "http://proxy.corp.example:3128", "status": 200},
    )
    stages = (
        resolved("10.30.0.12"),
        judged(Finding.AS_EXPECTED, **{"10.30.0.12": True}),
        connected(Finding.CONNECTED, ("10.30.0.12", "connected", 0.0042, None)),
        proxy,
        shaken(Finding.UNKNOWN_ISSUER, target.host, "*.snowflakecomputing.com", issuer="Corp TLS Inspection CA"),
    )
    return verdict(
        "snowflake",
        target,
        Path.PRIVATE,
        Outcome.MISCONFIGURED,
        stages,
        headline="MISCONFIGURED",
        cause="TLS_INTERCEPTED",
        explanation="The certificate is issued by 'Corp TLS Inspection CA', which this host does not trust.",
        remedy="Exempt acme.snowflakecomputing.com from TLS inspection, "
        "or give the check the CA's file (ca_files) and set REQUESTS_CA_BUNDLE for the workers.",
    )


def _undecided() -> Verdict:
    target = Target(host="events.servicebus.windows.net", port=5671, protocol="tls")
    stages = (unresolved(Finding.DNS_TIMED_OUT, None, 5.0),)
    return verdict(
        "tls://events.servicebus.windows.net:5671",
        target,
        Path.UNKNOWN,
        Outcome.UNKNOWN,
        stages,
        headline="UNKNOWN",
        cause="DNS_SILENT",
        explanation="No nameserver answered within 5 s.",
        remedy="Check that this worker reaches 10.0.0.10 on UDP and TCP port 53.",
    )


def sample_report() -> Report:
    """Twelve verdicts, six of them unexpected, in the order a user would have given them."""
    good = good_verdicts()
    bad = (_public_blob(), _blocked_database(), _mixed(), _unknown_name(), _intercepted(), _undecided())
    both = tuple(itertools.chain.from_iterable(zip(good, bad, strict=True)))
    return Report(netconn_version="0.1.0", started_at=STARTED, duration_s=5.31, vantage=VANTAGE, verdicts=both)


def large_report(count: int) -> Report:
    """The sample's verdicts over and over, under names of their own."""
    report = sample_report()
    names = itertools.cycle(report.verdicts)
    many = tuple(
        replace(one, target=f"{one.target}-{number}", started_at=STARTED.add(seconds=number))
        for number, one in zip(range(count), names, strict=False)
    )
    return replace(report, verdicts=many)
