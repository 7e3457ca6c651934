"""Databricks workspaces, as Resource Manager has them; their access lists are of the workspace's own API.

Microsoft Learn: "Workspaces - Create Or Update", "IP access lists" (Premium; an address in a block list is kept out
even where an allow list has it).
"""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, provider_polling, timestamp
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Object, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import Firewall, Refusal, Wire, range_rule
from airflow_provider_netconn.lab.resources.service_versions import DATABRICKS_VERSIONS
from airflow_provider_netconn.lab.resources.services import HIDDEN, Service

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

OPEN = Object(properties={}, open=True)
ENABLED = "enableIpAccessLists"
"""Setting of a workspace without which its lists have no effect."""


class Workspaces(Service):
    """Workspaces. Their names need be unique in their group only; their URL is made up."""

    type = "Microsoft.Databricks/workspaces"
    api_versions = DATABRICKS_VERSIONS
    created = Answer(status=201, follow=Follow.BOTH, state="Accepted", duration_s=120)
    updated = Answer(status=200, follow=Follow.BOTH, state="Updating", duration_s=60)
    patched = Answer(status=202, follow=Follow.BOTH, state="Updating", duration_s=20)
    deleted = Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=60)
    polling = provider_polling("Microsoft.Databricks", "operationstatuses", "operationresults")
    firewall_delay_s = 180.0
    globally_named = False
    hidden = ("ipAccessLists", "workspaceConf")
    properties = Object(
        properties={
            "managedResourceGroupId": Text(pattern=r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+"),
            "parameters": OPEN,
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled"), default="Enabled"),
            "requiredNsgRules": Choice(values=("AllRules", "NoAzureDatabricksRules", "NoAzureServiceRules")),
            "defaultCatalog": OPEN,
            "accessConnector": OPEN,
            "defaultStorageFirewall": Choice(values=("Enabled", "Disabled")),
            "encryption": OPEN,
            "enhancedSecurityCompliance": OPEN,
            "computeMode": Text(),
            "uiDefinitionUri": Text(),
            "authorizations": Anything(),
            **{
                name: Anything(read_only=True)
                for name in (
                    "provisioningState", "workspaceId", "workspaceUrl", "createdBy", "updatedBy", "createdDateTime",
                    "storageAccountIdentity", "managedDiskIdentity", "diskEncryptionSetId", "isUcEnabled",
                    "privateEndpointConnections",
                )
            },
            "ipAccessLists": HIDDEN,
            "workspaceConf": HIDDEN,
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{3,64}", path.name):
            raise ArmError(
                400,
                "InvalidWorkspaceName",
                f"The workspace name '{path.name}' is not valid: 3 to 64 letters, numbers, hyphens and underscores.",
            )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        group = f"/subscriptions/{write.path.subscription}/resourceGroups"
        write.properties.setdefault("managedResourceGroupId", f"{group}/databricks-rg-{write.path.name}")
        write.body.setdefault("sku", {"name": "premium"})
        if write.existing is None:
            number = 10**15 + secrets.randbelow(9 * 10**15)
            caller = write.request.caller
            by = {"oid": caller.object_id if caller else "", "applicationId": caller.app_id if caller else ""}
            write.facts.update(
                workspaceId=str(number),
                workspaceUrl=f"adb-{number}.{secrets.randbelow(20)}.azuredatabricks.net",
                createdDateTime=timestamp(write.plane.clock.now()),
                createdBy=by,
                updatedBy=by,
                isUcEnabled=True,
            )
            write.properties["ipAccessLists"] = {}
            write.properties["workspaceConf"] = {ENABLED: "false"}

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        return access_firewall(resource)

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        workspace = resource.facts["workspaceId"]
        message = (
            f"Source IP address: {address} is blocked by Databricks IP ACL for workspace: {workspace}"
            if firewall.public
            else f"Unauthorized network access to workspace: {workspace}"
        )
        body = json.dumps({"error_code": "403", "message": message})
        return Refusal(wire=Wire.HTTP, status=403, code="403", message=message, body=body)


def access_firewall(workspace: Resource, lists: dict[str, Any] | None = None, enabled: bool | None = None) -> Firewall:
    """:return: the firewall that a workspace's access lists make

    :param lists: instead of those that it has
    :param enabled: instead of whether they have effect
    """
    if lists is None:
        lists = workspace.properties["ipAccessLists"]
    if enabled is None:
        enabled = workspace.properties["workspaceConf"].get(ENABLED) == "true"
    active = [entry for entry in lists.values() if entry["enabled"]] if enabled else []
    blocks = [entry for entry in active if entry["list_type"] == "BLOCK"]
    allows = [entry for entry in active if entry["list_type"] == "ALLOW"]
    rules = [
        range_rule(address, name=entry["label"], allow=entry["list_type"] == "ALLOW")
        for entry in (*blocks, *allows)
        for address in entry["ip_addresses"]
    ]
    return Firewall(
        public=workspace.properties["publicNetworkAccess"] == "Enabled", restricted=bool(allows), rules=tuple(rules)
    )


KINDS = (Workspaces(),)
