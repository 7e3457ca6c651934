"""Scenes of the stage ``resolve``."""

from __future__ import annotations

from functools import partial

from airflow_provider_netconn.evidence import Outcome, Path
from testbed.endpoints import DnsFault, DnsServer
from tests.e2e.causes.ground import ORDERS, ORDERS_PRIVATELINK, SHORT_S
from tests.e2e.causes.scenes.scene import induces
from tests.e2e.isolated import verdict_with_system_resolver


@induces("PRIVATE_ZONE_RECORD_MISSING", Path.UNKNOWN, Outcome.MISCONFIGURED)
def an_alias_into_a_private_zone_without_the_record(ground):
    ground.dns.set(ORDERS, alias=ORDERS_PRIVATELINK)
    verdict = ground.verdict(f"https://{ORDERS}")
    assert "privatelink.blob.core.windows.net" in verdict.remedy
    return verdict


@induces("PRIVATE_ZONE_RECORD_MISSING", Path.UNKNOWN, Outcome.MISCONFIGURED)
def a_privatelink_name_that_does_not_exist(ground):
    return ground.verdict(f"https://{ORDERS_PRIVATELINK}")


@induces("NAME_NOT_FOUND", Path.UNKNOWN, Outcome.MISCONFIGURED)
def a_name_that_no_zone_has(ground):
    return ground.verdict("missing.example.net:80")


@induces("NAME_HAS_NO_ADDRESS", Path.UNKNOWN, Outcome.MISCONFIGURED)
def an_empty_record_set(ground):
    ground.dns.set("empty.example.net")
    return ground.verdict("empty.example.net:80")


def _of_rcode(rcode, ground):
    ground.dns.set("orders.example.net", rcode=rcode)
    return ground.verdict("orders.example.net:80")


induces("DNS_SERVER_FAILED", Path.UNKNOWN, Outcome.UNREACHABLE, "servfail")(partial(_of_rcode, "SERVFAIL"))
induces("DNS_REFUSED", Path.UNKNOWN, Outcome.BLOCKED, "refused")(partial(_of_rcode, "REFUSED"))
induces("DNS_REFUSED", Path.UNKNOWN, Outcome.BLOCKED, "notauth")(partial(_of_rcode, "NOTAUTH"))
induces("DNS_ANSWER_MALFORMED", Path.UNKNOWN, Outcome.MISCONFIGURED, "formerr")(partial(_of_rcode, "FORMERR"))


@induces("DNS_TIMED_OUT", Path.UNKNOWN, Outcome.UNREACHABLE)
def a_silent_nameserver(ground):
    ground.dns.set("orders.example.net", fault=DnsFault.SILENT)
    return ground.verdict("orders.example.net:80", timeout_s=SHORT_S)


@induces("DNS_UNREACHABLE", Path.UNKNOWN, Outcome.UNREACHABLE)
def a_nameserver_that_takes_no_tcp_connection(ground):
    # A truncated answer over UDP makes the client come back over TCP, where nobody listens: the network's refusal.
    with DnsServer(tcp=False) as dns:
        dns.set("orders.example.net", "127.0.0.1", fault=DnsFault.TRUNCATED)
        return ground.verdict("orders.example.net:80", nameserver=dns.nameserver)


@induces("DNS_ANSWER_MALFORMED", Path.UNKNOWN, Outcome.MISCONFIGURED)
def an_answer_that_is_no_dns_message(ground):
    ground.dns.set("orders.example.net", fault=DnsFault.MALFORMED)
    return ground.verdict("orders.example.net:80")


@induces("NAME_NOT_RESOLVED", Path.UNKNOWN, Outcome.MISCONFIGURED)
def a_system_that_looks_into_files_alone(_ground):
    return verdict_with_system_resolver(
        hosts="127.0.0.1 localhost\\n",
        resolv_conf="nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n",
        zone='dns.set("orders.example.net", "10.1.0.4")',
        databases="files",
        target="orders.example.net:443",
    )
