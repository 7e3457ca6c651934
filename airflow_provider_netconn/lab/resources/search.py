"""AI Search services and the addresses that they let in.

Microsoft Learn: "Configure network access and firewall rules for Azure AI Search": without a rule everybody gets in.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.operations import Answer
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Flag, Items, Number, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    AddressRange,
    Firewall,
    Refusal,
    Wire,
    range_rule,
    unique,
)
from airflow_provider_netconn.lab.resources.service_versions import SEARCH_VERSIONS
from airflow_provider_netconn.lab.resources.services import HIDDEN, IDENTITY, NameCheck, Service

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

SERVICES = "Microsoft.Search/searchServices"
SERVICE_NAME = r"(?!.*--)[a-z0-9][a-z0-9-]{0,58}[a-z0-9]"
SKUS = (
    "free", "basic", "standard", "standard2", "standard3", "storage_optimized_l1", "storage_optimized_l2",
    "serverless",
)  # fmt: skip


class SearchServices(Service):
    """Search services. Their words are in lower case."""

    type = SERVICES
    api_versions = SEARCH_VERSIONS
    refusals = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")
    settled_state = "succeeded"
    created = Answer(status=201, state="provisioning", duration_s=60)
    updated = Answer(status=200)
    firewall_delay_s = 60.0
    hidden = ("keys",)
    envelope = {  # noqa: RUF012
        "sku": Object(properties={"name": Choice(values=SKUS, required=True)}, required=True),
        "identity": IDENTITY,
    }
    properties = Object(
        properties={
            "replicaCount": Number(lowest=1, highest=12, default=1),
            "partitionCount": Number(lowest=1, highest=12, default=1),
            "hostingMode": Choice(values=("default", "highDensity"), default="default"),
            "publicNetworkAccess": Choice(values=("enabled", "disabled", "securedByPerimeter"), default="enabled"),
            "networkRuleSet": Object(
                properties={
                    "ipRules": Items(of=Object(properties={"value": AddressRange(required=True)}), default=[]),
                    "bypass": Choice(values=("None", "AzurePortal", "AzureServices"), default="None"),
                },
                default={"ipRules": [], "bypass": "None"},
            ),
            "disableLocalAuth": Flag(default=False),
            "authOptions": Object(properties={}, open=True),
            "encryptionWithCmk": Object(properties={}, open=True),
            "semanticSearch": Text(),
            "disabledDataExfiltrationOptions": Items(of=Text()),
            "dataExfiltrationProtections": Items(of=Text()),
            "computeType": Text(),
            "upgradeAvailable": Anything(),
            "endpoint": Text(),
            **{
                name: Anything(read_only=True)
                for name in (
                    "provisioningState", "status", "statusDetails", "privateEndpointConnections",
                    "sharedPrivateLinkResources", "eTag", "serviceUpgradedAt",
                )
            },
            "keys": HIDDEN,
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(SERVICE_NAME, path.name):
            raise ArmError(400, "BadRequest", f"The service name '{path.name}' is not valid.")

    def taken(self, name: str) -> ArmError:
        return ArmError(409, "ServiceNameUnavailable", f"The service name '{name}' is already in use.")

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        rule_set = write.properties["networkRuleSet"]
        rule_set["ipRules"] = unique(rule_set["ipRules"], "value")
        if "keys" not in write.properties:
            write.properties["keys"] = {
                name: secrets.token_urlsafe(39) for name in ("primaryKey", "secondaryKey", "queryKey")
            }
        write.facts.update(status="running", statusDetails="", sharedPrivateLinkResources=[])

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        rules = resource.properties["networkRuleSet"]["ipRules"]
        return Firewall(
            public=resource.properties["publicNetworkAccess"] == "enabled",
            restricted=bool(rules),
            rules=tuple(range_rule(rule["value"]) for rule in rules),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        message = f"Access to this resource is restricted by its network rules. Client address: {address}"
        body = json.dumps({"error": {"code": "Forbidden", "message": message}})
        return Refusal(wire=Wire.HTTP, status=403, code="Forbidden", message=message, body=body)


def _list_admin_keys(plane: ControlPlane, request: ArmRequest, service: Resource) -> ArmResponse:
    keys = service.properties["keys"]
    return ArmResponse(200, {"primaryKey": keys["primaryKey"], "secondaryKey": keys["secondaryKey"]})


def _list_query_keys(plane: ControlPlane, request: ArmRequest, service: Resource) -> ArmResponse:
    return ArmResponse(200, {"value": [{"name": None, "key": service.properties["keys"]["queryKey"]}]})


SearchServices.actions = {"listadminkeys": _list_admin_keys, "listquerykeys": _list_query_keys}


class SearchNames(NameCheck):
    """Whether the name of a search service is free."""

    type = "Microsoft.Search/checkNameAvailability"
    api_versions = SEARCH_VERSIONS
    of = SERVICES
    good = SERVICE_NAME


KINDS = (SearchServices(), SearchNames())
