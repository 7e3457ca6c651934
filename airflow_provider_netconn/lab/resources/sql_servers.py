"""SQL servers, their databases and their firewall: rules of addresses v4 and v6, of subnets, and of outbound names.

Microsoft Learn: "Azure SQL Database and Azure Synapse IP firewall rules" (256 rules, five minutes, what
``0.0.0.0`` to ``0.0.0.0`` means), "Connectivity settings for Azure SQL Database" (errors 47073 and 42101),
"Troubleshoot connectivity issues" (error 40615).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError, parent_not_found
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import (
    Answer,
    Follow,
    Operation,
    Shown,
    named_operation,
    provider_polling,
    timestamp,
)
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Object,
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    Firewall,
    FirewallRuleKind,
    PlainAddress,
    Refusal,
    Wire,
    note_change,
    span,
    span_rules,
)
from airflow_provider_netconn.lab.resources.service_versions import SQL_VERSIONS
from airflow_provider_netconn.lab.resources.services import NameCheck, Service, check_subnet

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

SERVERS = "Microsoft.Sql/servers"
SERVER_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
RULE_NAME = r"[^<>*%&:\\/?]{0,127}[^<>*%&:\\/?.]"
"""Microsoft Learn, "Naming rules and restrictions for Azure resources"; a space at the end is cut off."""
MOST_RULES = 256
REFUSALS = Refusals(malformed="InvalidRequestBody", missing="InvalidParameterValue", invalid="InvalidParameterValue")

POLLING = provider_polling("Microsoft.Sql", "serverAzureAsyncOperation", "serverOperationResults", detailed=True)


def _accepted(state: str, duration_s: float) -> Answer:
    return Answer(
        status=202, follow=Follow.BOTH, shown=Shown.OPERATION, state=state, duration_s=duration_s, final_status=200
    )


class Servers(Service):
    """Logical servers. All writes are accepted first, and named by their operation."""

    type = SERVERS
    api_versions = SQL_VERSIONS
    refusals = REFUSALS
    shows_state = False
    created = _accepted("Creating", 30)
    updated = _accepted("Updating", 10)
    patched = _accepted("Updating", 10)
    deleted = _accepted("Deleting", 10)
    polling = POLLING
    firewall_delay_s = 300.0
    properties = Object(
        properties={
            "administratorLogin": Text(),
            "administratorLoginPassword": Text(secret=True),
            "administrators": Object(
                properties={
                    "administratorType": Text(default="ActiveDirectory"),
                    "principalType": Choice(values=("User", "Group", "Application")),
                    "login": Text(),
                    "sid": Text(),
                    "tenantId": Text(),
                    "azureADOnlyAuthentication": Flag(),
                }
            ),
            "version": Choice(values=("12.0", "2.0"), default="12.0"),
            "minimalTlsVersion": Choice(values=("None", "1.0", "1.1", "1.2", "1.3"), default="1.2"),
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled"),
            "restrictOutboundNetworkAccess": Choice(values=("Enabled", "Disabled"), default="Disabled"),
            "primaryUserAssignedIdentityId": Text(),
            "federatedClientId": Text(),
            "keyId": Text(),
            "isIPv6Enabled": Choice(values=("Enabled", "Disabled")),
            "createMode": Text(),
            "retentionDays": Number(lowest=-1, highest=7),
            **{
                name: Anything(read_only=True)
                for name in (
                    "state", "fullyQualifiedDomainName", "privateEndpointConnections", "workspaceFeature",
                    "externalGovernanceStatus",
                )
            },
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(SERVER_NAME, path.name):
            raise ArmError(
                400,
                "InvalidServerName",
                f"Invalid server name '{path.name}'. It can be made up of lowercase letters 'a'-'z', the numbers 0-9 "
                "and the hyphen. The hyphen may not lead or trail in the name.",
            )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        properties = write.properties
        entra_only = (properties.get("administrators") or {}).get("azureADOnlyAuthentication")
        if write.existing is None and not entra_only:
            for name in ("administratorLogin", "administratorLoginPassword"):
                if not properties.get(name):
                    raise ArmError(
                        400,
                        "InvalidParameterValue",
                        f"Invalid value given for parameter {name}. Specify a valid parameter value.",
                    )
        if write.existing is not None:
            for name in ("administratorLogin", "administratorLoginPassword", "administrators"):
                if name in write.existing.properties:
                    properties.setdefault(name, write.existing.properties[name])
        if not properties.get("administrators"):
            properties.pop("administrators", None)
        write.body["kind"] = "v12.0"
        write.facts["state"] = "Ready"
        write.facts["fullyQualifiedDomainName"] = f"{write.path.name}.database.windows.net"

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        verb = "Drop" if operation.method == "DELETE" else "Upsert"
        return named_operation(operation, f"{verb}LogicalServer")

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        rules = span_rules(plane, resource, first="startIpAddress", last="endIpAddress")
        rules += span_rules(plane, resource, "ipv6FirewallRules", first="startIPv6Address", last="endIPv6Address")
        subnets = plane.store.children(resource.path, f"{SERVERS}/virtualNetworkRules")
        return Firewall(
            public=resource.properties["publicNetworkAccess"] == "Enabled",
            restricted=True,
            rules=rules,
            subnets=tuple(rule.properties["virtualNetworkSubnetId"] for rule in subnets),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        return sql_refusal(resource.path.name, address, public=firewall.public)


def sql_refusal(server: str, address: str, *, public: bool) -> Refusal:
    """:return: the error that ends a login the gateway does not let through

    :param server: the server's name
    :param address: of the caller
    :param public: whether the server has a public endpoint
    """
    if not public:
        return Refusal(
            wire=Wire.TDS,
            code="47073",
            message="An instance-specific error occurred while establishing a connection to SQL Server. The public "
            "network interface on this server is not accessible. To connect to this server, use the Private Endpoint "
            "from inside your virtual network.",
        )
    return Refusal(
        wire=Wire.TDS,
        code="40615",
        message=f"Cannot open server '{server}' requested by the login. Client with IP address '{address}' is not "
        "allowed to access the server. To enable access, use the Azure Management Portal or run sp_set_firewall_rule "
        "on the master database to create a firewall rule for this IP address or address range. It may take up to five "
        "minutes for this change to take effect.",
    )


class ServerNames(NameCheck):
    """Whether a server name is free."""

    type = "Microsoft.Sql/checkNameAvailability"
    api_versions = SQL_VERSIONS
    of = SERVERS
    good = SERVER_NAME


# -- rules -----------------------------------------------------------------------------------------


def _closed(write: Write) -> ArmError | None:
    """The refusal of any rule while the server has no public endpoint."""
    if write.parent_properties.get("publicNetworkAccess") == "Enabled":
        return None
    return ArmError(
        400,
        "DenyPublicEndpointEnabled",
        "Unable to create or modify firewall rules when public network interface for the server is disabled. To manage "
        "server or database level firewall rules, please enable the public network interface.",
    )


def _too_many(server: str) -> ArmError:
    return ArmError(
        400,
        "FirewallRuleLimitExceeded",
        f"Server '{server}' can have at most {MOST_RULES} firewall rules defined.",
    )


class ServerFirewallRules(FirewallRuleKind):
    """Spans of IPv4 addresses. A new one is answered with 200, not 201."""

    type = f"{SERVERS}/firewallRules"
    api_versions = SQL_VERSIONS
    refusals = REFUSALS
    name_pattern = RULE_NAME
    shows_state = False
    created = Answer(status=200)
    properties = Object(
        properties={
            "startIpAddress": PlainAddress(required=True),
            "endIpAddress": PlainAddress(required=True),
        },
        check=span("startIpAddress", "endIpAddress"),
    )

    def prepare(self, write: Write) -> None:
        refusal = _closed(write)
        if refusal is not None:
            raise refusal
        if write.existing is None and len(write.siblings()) >= MOST_RULES:
            raise _too_many(write.path.names[0])

    def replace_all(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
        """PUT on the list: the server has these rules then, and no others."""
        server = path.parent
        assert server is not None
        guarded = plane.store.find(server)
        if guarded is None:
            raise parent_not_found(self.type, server.text.rpartition("/providers/")[2], server.name)
        if guarded.properties["publicNetworkAccess"] != "Enabled":
            raise ArmError(400, "DenyPublicEndpointEnabled", "The server's public network interface is disabled.")
        wanted = read_body(_REPLACEMENT, request.json_object(), self.refusals)["values"]
        if len(wanted) > MOST_RULES:
            raise _too_many(server.name)
        now = plane.clock.now()
        for rule in plane.store.children(server, self.type):
            plane.store.remove(rule)
        kept = []
        for entry in wanted:
            rule_path = server.child("firewallRules", entry["name"].strip())
            self.check_name(rule_path)
            body = {"properties": entry["properties"]}
            kept.append(Resource(path=rule_path, kind=self, body=body, created_at=now, changed_at=now))
            plane.store.add(kept[-1])
        note_change(plane, guarded)
        if not kept:
            return ArmResponse(200, {})
        last = kept[-1]
        return ArmResponse(
            200, {"id": last.id, "name": last.path.name, "type": self.type, "properties": last.properties}
        )


_REPLACEMENT = Object(
    properties={
        "values": Items(
            of=Object(
                properties={
                    "name": Text(required=True, pattern=RULE_NAME),
                    "properties": Object(
                        properties=ServerFirewallRules.properties.properties,
                        check=ServerFirewallRules.properties.check,
                        required=True,
                    ),
                }
            ),
            default=[],
        )
    }
)


class ServerIpv6FirewallRules(FirewallRuleKind):
    """Spans of IPv6 addresses."""

    type = f"{SERVERS}/ipv6FirewallRules"
    api_versions = SQL_VERSIONS
    refusals = REFUSALS
    name_pattern = RULE_NAME
    shows_state = False
    created = Answer(status=200)
    properties = Object(
        properties={
            "startIPv6Address": PlainAddress(required=True, version=6),
            "endIPv6Address": PlainAddress(required=True, version=6),
        },
        check=span("startIPv6Address", "endIPv6Address"),
    )

    def prepare(self, write: Write) -> None:
        refusal = _closed(write)
        if refusal is not None:
            raise refusal
        if write.existing is None and len(write.siblings()) >= MOST_RULES:
            raise _too_many(write.path.names[0])


class VirtualNetworkRules(FirewallRuleKind):
    """Subnets that get in by their service endpoint."""

    type = f"{SERVERS}/virtualNetworkRules"
    api_versions = SQL_VERSIONS
    refusals = REFUSALS
    created = _accepted("InProgress", 10)
    updated = _accepted("InProgress", 10)
    deleted = _accepted("Deleting", 10)
    polling = POLLING
    properties = Object(
        properties={
            "virtualNetworkSubnetId": Text(required=True, pattern=r"(?i)/subscriptions/.+/subnets/[^/]+"),
            "ignoreMissingVnetServiceEndpoint": Flag(default=False),
            "state": Anything(read_only=True),
        }
    )
    shows_state = False

    def prepare(self, write: Write) -> None:
        refusal = _closed(write)
        if refusal is not None:
            raise refusal
        if not write.properties["ignoreMissingVnetServiceEndpoint"]:
            fault = check_subnet(write.plane, write.properties["virtualNetworkSubnetId"], "Microsoft.Sql")
            if fault is not None:
                raise ArmError(400, "VirtualNetworkRuleBadRequest", f"Azure SQL Server Virtual Network Rule: {fault}")
        write.facts["state"] = "Ready"

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        verb = "Drop" if operation.method == "DELETE" else "Upsert"
        return named_operation(operation, f"{verb}VnetFirewallRule")


class OutboundFirewallRules(ResourceKind):
    """Names that the server may reach; the rule's own name says which."""

    type = f"{SERVERS}/outboundFirewallRules"
    api_versions = SQL_VERSIONS
    refusals = REFUSALS
    name_pattern = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
    settled_state = "Ready"
    etag_in_body = False
    created = _accepted("Creating", 5)
    updated = _accepted("Updating", 5)
    deleted = _accepted("Deleting", 5)
    polling = POLLING
    properties = Object(properties={"provisioningState": Anything(read_only=True)})

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        verb = "Drop" if operation.method == "DELETE" else "Upsert"
        return named_operation(operation, f"{verb}OutboundFirewallRules")


# -- databases -------------------------------------------------------------------------------------


class Databases(ResourceKind):
    """Databases of a server, as far as one has to be there."""

    type = f"{SERVERS}/databases"
    api_versions = SQL_VERSIONS
    refusals = REFUSALS
    name_pattern = r"[^<>*%&:\\/?]{0,127}[^<>*%&:\\/? .]"
    tracked = True
    etag_in_body = False
    patch = Patch.MERGE
    shows_state = False
    envelope: ClassVar = {"sku": Object(properties={}, open=True), "identity": Anything(), "kind": Text()}
    created = _accepted("Creating", 30)
    updated = _accepted("Updating", 10)
    patched = _accepted("Updating", 10)
    deleted = Answer(status=200)
    polling = POLLING
    properties = Object(
        properties={
            "collation": Text(default="SQL_Latin1_General_CP1_CI_AS"),
            "maxSizeBytes": Number(lowest=0, default=34_359_738_368),
            "zoneRedundant": Flag(default=False),
        },
        open=True,
    )

    def prepare(self, write: Write) -> None:
        write.body.setdefault("sku", {"name": "GP_Gen5", "tier": "GeneralPurpose", "family": "Gen5", "capacity": 2})
        write.facts["status"] = "Online"
        write.facts.setdefault("creationDate", timestamp(write.plane.clock.now()))

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        return named_operation(
            operation, "CreateLogicalDatabase" if operation.method == "PUT" else "UpdateLogicalDatabase"
        )


KINDS = (
    Servers(),
    ServerNames(),
    ServerFirewallRules(),
    ServerIpv6FirewallRules(),
    VirtualNetworkRules(),
    OutboundFirewallRules(),
    Databases(),
)
