"""Scenes of the warnings: all is as expected, and something wants attention."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Outcome, Path
from testbed.endpoints import HttpServer
from testbed.servers.postgres import PostgresServer
from tests.e2e.causes.scenes.scene import induces
from tests.e2e.isolated import verdict_with_system_resolver
from tests.e2e.protocols.peers import running


@induces("RESOLVERS_DISAGREE", Path.PRIVATE, Outcome.OK)
def a_hosts_file_that_overrides_the_zone(_ground):
    return verdict_with_system_resolver(
        hosts="10.1.0.4 orders.example.net\\n",
        resolv_conf="nameserver 127.0.0.1\\n",
        zone='dns.set("orders.example.net", "20.60.1.4")',
        target="orders.example.net:443",
    )


@induces("SOME_ADDRESSES_FAIL", Path.PRIVATE, Outcome.OK)
def one_of_two_addresses_that_answers(ground):
    with HttpServer(host="127.0.0.2") as server:
        ground.dns.set("half.example.net", "127.0.0.2", "127.0.0.3")
        return ground.verdict(f"http://half.example.net:{server.port}")


def _of_postgres(ground, **settings):
    with running(PostgresServer(**settings)) as server:
        target = {"host": "127.0.0.1", "port": server.port, "protocol": "postgres"}
        return ground.verdict(target)


@induces("STRANGERS_REFUSED", Path.PRIVATE, Outcome.OK)
def a_postgres_that_admits_no_stranger(ground):
    verdict = _of_postgres(ground, access="host all all 10.0.0.0/8 scram-sha-256")
    assert "pg_hba.conf" in verdict.explanation
    return verdict


@induces("CONNECTION_NOT_ENCRYPTED", Path.PRIVATE, Outcome.OK)
def a_postgres_without_tls(ground):
    return _of_postgres(ground)


@induces("SIGN_IN_NOT_CHECKED", Path.PRIVATE, Outcome.OK)
def a_connection_whose_type_has_no_hook(ground):
    with HttpServer() as server:
        return ground.verdict_on_connection("generic", host=server.host, port=server.port)


@induces("CERTIFICATE_EXPIRES_SOON", Path.PRIVATE, Outcome.OK)
def a_certificate_that_ends_in_a_few_days(ground):
    certificate = ground.authority.expiring("soon.example.net")
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set("soon.example.net", "127.0.0.1")
        return ground.verdict(f"https://soon.example.net:{server.port}")
