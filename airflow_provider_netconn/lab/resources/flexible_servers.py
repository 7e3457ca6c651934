"""Flexible servers of PostgreSQL and MySQL, and the rules of their firewall.

Recorded traffic: each write is accepted with a body that names the operation, and a removed rule's ``Location`` ends
with 200. Microsoft Learn: "Firewall rules in Azure Database for PostgreSQL flexible server" and its MySQL twin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.operations import (
    Answer,
    Follow,
    Operation,
    Polling,
    Shown,
    named_operation,
    provider_polling,
)
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    Firewall,
    FirewallRuleKind,
    PlainAddress,
    Refusal,
    Wire,
    span,
    span_rules,
)
from airflow_provider_netconn.lab.resources.service_versions import MYSQL_VERSIONS, POSTGRESQL_VERSIONS
from airflow_provider_netconn.lab.resources.services import NameCheck, Service

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

POSTGRESQL = "Microsoft.DBforPostgreSQL/flexibleServers"
MYSQL = "Microsoft.DBforMySQL/flexibleServers"
SERVER_NAME = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
REFUSALS = Refusals(malformed="InvalidRequestContent", missing="InvalidParameterValue", invalid="InvalidParameterValue")
OPEN = Object(properties={}, open=True)


def _accepted(state: str, duration_s: float) -> Answer:
    return Answer(
        status=202, follow=Follow.BOTH, shown=Shown.OPERATION, state=state, duration_s=duration_s, final_status=200
    )


def _polling(namespace: str) -> Polling:
    return provider_polling(namespace, "azureAsyncOperation", "operationResults", detailed=True)


class FlexibleServers(Service):
    """What the servers of both engines have in common."""

    refusals = REFUSALS
    shows_state = False
    created = _accepted("Creating", 120)
    updated = _accepted("Updating", 30)
    patched = _accepted("Updating", 30)
    deleted = _accepted("Dropping", 20)
    domain: ClassVar[str]
    """What comes behind the server's name."""
    properties = Object(
        properties={
            "administratorLogin": Text(),
            "administratorLoginPassword": Text(secret=True),
            "version": Text(),
            "createMode": Text(),
            "storage": OPEN,
            "backup": OPEN,
            "highAvailability": OPEN,
            "maintenanceWindow": OPEN,
            "maintenancePolicy": OPEN,
            "authConfig": OPEN,
            "dataEncryption": OPEN,
            "replica": OPEN,
            "replicationRole": Text(),
            "importSourceProperties": OPEN,
            "lowerCaseTableNames": Anything(),
            "databasePort": Anything(),
            "cluster": OPEN,
            "availabilityZone": Text(),
            "sourceServerResourceId": Text(),
            "pointInTimeUTC": Text(),
            "restorePointInTime": Text(),
            "network": Object(
                properties={
                    "publicNetworkAccess": Choice(values=("Enabled", "Disabled")),
                    "delegatedSubnetResourceId": Text(),
                    "privateDnsZoneArmResourceId": Text(),
                    "privateDnsZoneResourceId": Text(),
                },
                default={},
            ),
            **{
                name: Anything(read_only=True)
                for name in (
                    "state", "fullyQualifiedDomainName", "privateEndpointConnections", "minorVersion",
                    "replicaCapacity", "fullVersion",
                )
            },
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(SERVER_NAME, path.name):
            raise ArmError(
                400,
                "InvalidServerName",
                f"The server name '{path.name}' is not valid: 3 to 63 lowercase letters, numbers and hyphens, with no "
                "hyphen at its beginning or end.",
            )

    def taken(self, name: str) -> ArmError:
        return ArmError(
            409, "ServerNameAlreadyExists", f"Specified server name '{name}' is already used by another server."
        )

    def refuse_while_busy(self, plane: ControlPlane, existing: Resource) -> None:
        raise ArmError(
            409,
            "ServerIsBusy",
            f"Cannot complete the operation because the server '{existing.path.name}' is busy processing another "
            "operation. Please try again later.",
        )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        network = write.properties["network"]
        if network.get("delegatedSubnetResourceId"):
            network["publicNetworkAccess"] = "Disabled"
        network.setdefault("publicNetworkAccess", "Enabled")
        if write.existing is not None and "administratorLoginPassword" in write.existing.properties:
            for name in ("administratorLogin", "administratorLoginPassword"):
                write.properties.setdefault(name, write.existing.properties.get(name))
        write.facts["state"] = "Ready"
        write.facts["fullyQualifiedDomainName"] = f"{write.path.name}.{self.domain}"

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        verb = "Drop" if operation.method == "DELETE" else "Upsert"
        return named_operation(operation, f"{verb}ServerManagementOperationV2")

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        return Firewall(
            public=resource.properties["network"]["publicNetworkAccess"] == "Enabled",
            restricted=True,
            rules=span_rules(plane, resource, first="startIpAddress", last="endIpAddress"),
        )


class PostgreSqlServers(FlexibleServers):
    """Flexible servers of PostgreSQL."""

    type = POSTGRESQL
    api_versions = POSTGRESQL_VERSIONS
    polling = _polling("Microsoft.DBforPostgreSQL")
    domain = "postgres.database.azure.com"

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        if not firewall.public:
            return Refusal(wire=Wire.CLOSED)
        return Refusal(
            wire=Wire.POSTGRESQL,
            code="28000",
            # Who serves the connection adds user, database and encryption, which only the login tells.
            message=f'no pg_hba.conf entry for host "{address}"',
        )


class MySqlServers(FlexibleServers):
    """Flexible servers of MySQL."""

    type = MYSQL
    api_versions = MYSQL_VERSIONS
    polling = _polling("Microsoft.DBforMySQL")
    domain = "mysql.database.azure.com"

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        if not firewall.public:
            return Refusal(wire=Wire.CLOSED)
        return Refusal(
            wire=Wire.MYSQL,
            code="9000",
            message=f"Client with IP address '{address}' is not allowed to connect to this MySQL server.",
        )


class FlexibleServerRules(FirewallRuleKind):
    """Rules of both engines' servers: accepted first, there when the operation ends."""

    refusals = REFUSALS
    name_pattern = r"[A-Za-z0-9_-]{1,128}"
    shows_state = False
    created = Answer(
        status=202, follow=Follow.BOTH, shown=Shown.OPERATION, state="Updating", duration_s=5, deferred=True
    )
    updated = created
    deleted = _accepted("Dropping", 5)
    properties = Object(
        properties={"startIpAddress": PlainAddress(required=True), "endIpAddress": PlainAddress(required=True)},
        check=span("startIpAddress", "endIpAddress"),
    )

    def prepare(self, write: Write) -> None:
        if write.parent_properties["network"].get("delegatedSubnetResourceId"):
            raise ArmError(
                400,
                "FirewallRuleOperationNotAllowed",
                "Firewall rule operations cannot be requested for a private access enabled server.",
            )

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        verb = "Drop" if operation.method == "DELETE" else "Upsert"
        return named_operation(operation, f"{verb}ServerFirewallRulesManagementOperation")


class PostgreSqlRules(FlexibleServerRules):
    """Rules of PostgreSQL servers."""

    type = f"{POSTGRESQL}/firewallRules"
    api_versions = POSTGRESQL_VERSIONS
    polling = _polling("Microsoft.DBforPostgreSQL")


class MySqlRules(FlexibleServerRules):
    """Rules of MySQL servers."""

    type = f"{MYSQL}/firewallRules"
    api_versions = MYSQL_VERSIONS
    polling = _polling("Microsoft.DBforMySQL")


class PostgreSqlNames(NameCheck):
    """Whether the name of a PostgreSQL server is free."""

    type = "Microsoft.DBforPostgreSQL/checkNameAvailability"
    api_versions = POSTGRESQL_VERSIONS
    of = POSTGRESQL
    good = SERVER_NAME


class MySqlNames(NameCheck):
    """Whether the name of a MySQL server is free."""

    type = "Microsoft.DBforMySQL/checkNameAvailability"
    api_versions = MYSQL_VERSIONS
    of = MYSQL
    good = SERVER_NAME


KINDS = (PostgreSqlServers(), PostgreSqlRules(), PostgreSqlNames(), MySqlServers(), MySqlRules(), MySqlNames())
