"""The ground that scenes play on: a nameserver, an authority, an environment, and checks that are made from here."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from airflow_provider_netconn.checks import CheckOptions, authenticated, check, parse_target
from airflow_provider_netconn.evidence import Expectation, Report, Target, Verdict
from airflow_provider_netconn.hooks.authentication import authenticate
from airflow_provider_netconn.hooks.connection_fields import connection_targets
from testbed.endpoints import CertificateAuthority, DnsServer

LOOPBACK = ("127.0.0.0/16",)
"""The private side of the scenes; the rest of 127/8 stands for the public side."""

SHORT_S = 0.6
"""The limit of a stage where nothing answers; elsewhere a busy machine has time."""

CANARY = "canary-71-never-show-this"
KEY = base64.b64encode(CANARY.encode()).decode()
"""What stands in connections where a secret stands; no verdict shows it."""

ORDERS = "orders.blob.core.windows.net"
ORDERS_PRIVATELINK = "orders.privatelink.blob.core.windows.net"


@dataclass
class Ground:
    """One scene's own.

    :param dns: the nameserver that is asked
    :param authority: whom checks trust
    :param ca_file: its certificate
    :param environment: the environment and attributes of this process, put back afterwards
    :param fixture: gives a fixture by its name: what is shared and takes its time to start
    """

    dns: DnsServer
    authority: CertificateAuthority
    ca_file: str
    environment: pytest.MonkeyPatch
    fixture: Callable[[str], Any]

    def verdict(self, target, *, expect=Expectation.PRIVATE, networks=LOOPBACK, **options) -> Verdict:
        """What a check says of a target."""
        return self.report(target, expect=expect, networks=networks, **options).verdicts[0]

    def report(self, target, *, expect=Expectation.PRIVATE, networks=LOOPBACK, **options) -> Report:
        """What a check reports on a target."""
        return self._check([parse_target(target, expect=expect, expect_networks=networks)], **options)

    def verdict_on_connection(self, conn_type: str, *, limit_s: float = 60, **fields) -> Verdict:
        """What a check says of an Airflow connection that signs in as well."""
        self.environment.setenv("AIRFLOW_CONN_ORDERS", json.dumps({"conn_type": conn_type} | fields))
        targets = [replace(target, expect_networks=LOOPBACK) for target in connection_targets("orders")]
        report = self._check(targets)
        verdict = authenticated(report, lambda *connection: authenticate(*connection, limit_s)).verdicts[0]
        assert not any(secret in repr(verdict) for secret in (CANARY, KEY))
        return verdict

    def _check(self, targets: list[Target], **options):
        given = {"nameserver": self.dns.nameserver, "ca_files": (self.ca_file,), "timeout_s": 5, "retries": 0}
        return check(targets, CheckOptions(**{**given, **options}))
