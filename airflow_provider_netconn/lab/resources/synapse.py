"""Synapse workspaces and the rules of their firewall.

Microsoft Learn: "Azure Synapse Analytics IP firewall rules"; the endpoint for development answers 403
``ClientIpAddressNotAuthorized``, those for SQL as SQL does.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Operation, Shown, provider_polling
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Dictionary,
    Flag,
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
from airflow_provider_netconn.lab.resources.service_versions import SYNAPSE_VERSIONS
from airflow_provider_netconn.lab.resources.services import NameCheck, Service

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

WORKSPACES = "Microsoft.Synapse/workspaces"
WORKSPACE_NAME = r"(?!.*-ondemand)[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?"
RULE_NAME = r"[^<>*%&:\\/?]{0,127}[^<>*%&:\\/?.]"
REFUSALS = Refusals(malformed="BadRequest", missing="ValidationFailed", invalid="ValidationFailed")
POLLING = provider_polling("Microsoft.Synapse", "operationStatuses", "operationResults")
OPEN = Object(properties={}, open=True)
SPAN = Object(
    properties={
        "startIpAddress": PlainAddress(required=True),
        "endIpAddress": PlainAddress(required=True),
        "provisioningState": Anything(read_only=True),
    },
    check=span("startIpAddress", "endIpAddress"),
)


class Workspaces(Service):
    """Workspaces."""

    type = WORKSPACES
    api_versions = SYNAPSE_VERSIONS
    refusals = REFUSALS
    created = Answer(status=201, follow=Follow.BOTH, state="Provisioning", duration_s=120)
    updated = Answer(status=201, follow=Follow.BOTH, state="Provisioning", duration_s=30)
    patched = updated
    deleted = Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=60)
    polling = POLLING
    firewall_delay_s = 60.0
    properties = Object(
        properties={
            "defaultDataLakeStorage": OPEN,
            "sqlAdministratorLogin": Text(),
            "sqlAdministratorLoginPassword": Text(secret=True),
            "managedResourceGroupName": Text(),
            "managedVirtualNetwork": Text(),
            "managedVirtualNetworkSettings": OPEN,
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled"), default="Enabled"),
            "trustedServiceBypassEnabled": Flag(default=False),
            "azureADOnlyAuthentication": Flag(default=False),
            "virtualNetworkProfile": OPEN,
            "encryption": OPEN,
            "workspaceRepositoryConfiguration": OPEN,
            "purviewConfiguration": OPEN,
            "cspWorkspaceAdminProperties": OPEN,
            **{
                name: Anything(read_only=True)
                for name in (
                    "provisioningState", "workspaceUID", "connectivityEndpoints", "privateEndpointConnections",
                    "extraProperties", "adlaResourceId", "settings",
                )
            },
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(WORKSPACE_NAME, path.name):
            raise ArmError(
                400,
                "ValidationFailed",
                f"Workspace name '{path.name}' is not valid: 1 to 50 letters, numbers and hyphens, not "
                "beginning or ending with a hyphen, and without '-ondemand'.",
            )

    def taken(self, name: str) -> ArmError:
        return ArmError(409, "WorkspaceNameNotAvailable", f"The workspace name '{name}' is already taken.")

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        name = write.path.name
        write.properties.setdefault("managedResourceGroupName", f"synapseworkspace-managedrg-{uuid.uuid4()}")
        write.facts.setdefault("workspaceUID", str(uuid.uuid4()))
        write.facts["connectivityEndpoints"] = {
            "dev": f"https://{name}.dev.azuresynapse.net",
            "sql": f"{name}.sql.azuresynapse.net",
            "sqlOnDemand": f"{name}-ondemand.sql.azuresynapse.net",
            "web": f"https://web.azuresynapse.net?workspace={write.path.text}",
        }

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        return Firewall(
            public=resource.properties["publicNetworkAccess"] == "Enabled",
            restricted=True,
            rules=span_rules(plane, resource, first="startIpAddress", last="endIpAddress"),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        code = "ClientIpAddressNotAuthorized" if firewall.public else "PublicNetworkAccessDenied"
        message = (
            f"Client Ip address : {address}"
            if firewall.public
            else f"The public network interface on this server is not accessible. Workspace: {resource.path.name}"
        )
        body = json.dumps({"code": code, "message": message})
        return Refusal(wire=Wire.HTTP, status=403, code=code, message=message, body=body)


class WorkspaceFirewallRules(FirewallRuleKind):
    """Spans of IPv4 addresses."""

    type = f"{WORKSPACES}/firewallRules"
    api_versions = SYNAPSE_VERSIONS
    refusals = REFUSALS
    name_pattern = RULE_NAME
    properties = SPAN
    created = Answer(status=201, follow=Follow.BOTH, state="Provisioning", duration_s=5)
    updated = Answer(status=200, follow=Follow.BOTH, state="Provisioning", duration_s=5)
    deleted = Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=5)
    polling = POLLING


def _replace_all(plane: ControlPlane, request: ArmRequest, workspace: Resource) -> ArmResponse:
    """Give a workspace these rules and no others, when the operation ends."""
    rules = read_body(_REPLACEMENT, request.json_object(), REFUSALS)["ipFirewallRules"]
    now = plane.clock.now()
    answer = Answer(status=202, follow=Follow.BOTH, duration_s=5, final_status=200)

    def replace() -> None:
        kind = plane.kind(f"{WORKSPACES}/firewallRules")
        assert kind is not None
        for rule in plane.store.children(workspace.path, kind.type):
            plane.store.remove(rule)
        for name, properties in rules.items():
            path = workspace.path.child("firewallRules", name)
            body = {"properties": properties}
            plane.store.add(Resource(path=path, kind=kind, body=body, created_at=now, changed_at=now))
        note_change(plane, workspace)

    operation = Operation(
        method="POST",
        target=workspace.path,
        region=workspace.region,
        answer=answer,
        polling=POLLING,
        api_version=request.api_version,
        starts_at=now,
        ends_at=now + answer.duration_s * plane.time_scale,
        on_end=replace,
        on_failure=lambda: None,
        result=lambda: {"operationId": operation.id},
    )
    plane.start(operation)
    return ArmResponse(202, {"operationId": operation.id}, plane.follow_headers(operation))


_REPLACEMENT = Object(properties={"ipFirewallRules": Dictionary(of=SPAN, required=True)})
Workspaces.actions = {"replaceallipfirewallrules": _replace_all}


class WorkspaceNames(NameCheck):
    """Whether a workspace name is free."""

    type = "Microsoft.Synapse/checkNameAvailability"
    api_versions = SYNAPSE_VERSIONS
    of = WORKSPACES
    good = WORKSPACE_NAME


KINDS = (Workspaces(), WorkspaceFirewallRules(), WorkspaceNames())
