"""Cosmos DB accounts and their firewall.

Microsoft Learn: "Configure IP firewall in Azure Cosmos DB" (private ranges and 100.64/10 are refused, ``0.0.0.0``
stands for Azure's datacenters), "Troubleshoot forbidden exceptions". Recorded traffic: a create answers 200, and a
PATCH shows the list as it was while the account is updating.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Operation, Shown, provider_polling
from airflow_provider_netconn.lab.arm.regions import read_region
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Flag, Items, Number, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    RFC_1918,
    SHARED_ADDRESSES,
    AddressRange,
    Firewall,
    Refusal,
    Wire,
    range_rule,
    unique,
)
from airflow_provider_netconn.lab.resources.service_versions import COSMOS_VERSIONS
from airflow_provider_netconn.lab.resources.services import HIDDEN, Service, check_subnet, new_key

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

ACCOUNTS = "Microsoft.DocumentDB/databaseAccounts"
OPEN = Object(properties={}, open=True)
KEY_NAMES = ("primaryMasterKey", "secondaryMasterKey", "primaryReadonlyMasterKey", "secondaryReadonlyMasterKey")


def _wording(path: str, value: str) -> str:
    return f"Supplied IpAddressOrRange is not publicly routable or not valid: {value}"


class DatabaseAccounts(Service):
    """Accounts. A change shows, and its rules hold, when the operation has ended; one at a time."""

    type = ACCOUNTS
    api_versions = COSMOS_VERSIONS
    refusals = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")
    created = Answer(status=200, follow=Follow.BOTH, state="Creating", duration_s=120)
    updated = Answer(status=200, follow=Follow.BOTH, duration_s=90, deferred=True)
    patched = updated
    rests_unchanged = True
    deleted = Answer(status=202, follow=Follow.BOTH, shown=Shown.OPERATION, state="Deleting", duration_s=60)
    polling = provider_polling("Microsoft.DocumentDB", "operationsStatus", "operationResults")
    hidden = ("keys",)
    properties = Object(
        properties={
            "databaseAccountOfferType": Choice(values=("Standard",), required=True),
            "locations": Items(
                of=Object(
                    properties={
                        "locationName": Text(required=True),
                        "failoverPriority": Number(lowest=0, default=0),
                        "isZoneRedundant": Flag(default=False),
                        **{
                            name: Anything(read_only=True)
                            for name in ("id", "documentEndpoint", "provisioningState")
                        },
                    }
                ),
                required=True,
                fewest=1,
            ),
            "ipRules": Items(
                of=Object(
                    properties={
                        "ipAddressOrRange": AddressRange(
                            required=True, refused=(*RFC_1918, SHARED_ADDRESSES), wording=_wording
                        )
                    }
                ),
                default=[],
            ),
            "isVirtualNetworkFilterEnabled": Flag(default=False),
            "virtualNetworkRules": Items(
                of=Object(
                    properties={
                        "id": Text(required=True, pattern=r"(?i)/subscriptions/.+/subnets/[^/]+"),
                        "ignoreMissingVNetServiceEndpoint": Flag(default=False),
                    }
                ),
                default=[],
            ),
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled"),
            "networkAclBypass": Choice(values=("None", "AzureServices"), default="None"),
            "networkAclBypassResourceIds": Items(of=Text(), default=[]),
            "disableLocalAuth": Flag(default=False),
            "minimalTlsVersion": Choice(values=("Tls", "Tls11", "Tls12"), default="Tls12"),
            "enableAutomaticFailover": Flag(default=False),
            "enableMultipleWriteLocations": Flag(default=False),
            "enableFreeTier": Flag(default=False),
            "enableAnalyticalStorage": Flag(default=False),
            "disableKeyBasedMetadataWriteAccess": Flag(default=False),
            "defaultIdentity": Text(default="FirstPartyIdentity"),
            "consistencyPolicy": Object(
                properties={
                    "defaultConsistencyLevel": Choice(
                        values=("Eventual", "Session", "BoundedStaleness", "Strong", "ConsistentPrefix"), required=True
                    ),
                    "maxStalenessPrefix": Number(lowest=1, default=100),
                    "maxIntervalInSeconds": Number(lowest=5, highest=86_400, default=5),
                },
                default={
                    "defaultConsistencyLevel": "Session", "maxIntervalInSeconds": 5, "maxStalenessPrefix": 100
                },
            ),
            "capabilities": Items(of=OPEN, default=[]),
            "cors": Items(of=OPEN, default=[]),
            "backupPolicy": Object(properties={}, open=True),
            "provisioningState": Anything(read_only=True),
            "documentEndpoint": Anything(read_only=True),
            "privateEndpointConnections": Anything(read_only=True),
            "keys": HIDDEN,
        },
        open=True,
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]", path.name):
            raise ArmError(
                400,
                "BadRequest",
                f"The name '{path.name}' is not valid: 3 to 44 lowercase letters, numbers and hyphens are allowed.",
            )

    def taken(self, name: str) -> ArmError:
        return ArmError(
            409,
            "Conflict",
            f"Dns record for {name} under zone Document is already taken. Please choose a different name.",
        )

    def refuse_while_busy(self, plane: ControlPlane, existing: Resource) -> None:
        raise ArmError(
            412,
            "PreconditionFailed",
            "There is already an operation in progress which requires exclusive lock on this service "
            f"{existing.path.name}. Please retry the operation after sometime.",
        )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        properties, name = write.properties, write.path.name
        properties["ipRules"] = unique(properties["ipRules"], "ipAddressOrRange")
        properties["virtualNetworkRules"] = unique(properties["virtualNetworkRules"], "id")
        self._check_subnets(write)
        write.body.setdefault("kind", "GlobalDocumentDB")
        for location in properties["locations"]:
            region = read_region(location["locationName"], self.type)
            location["id"] = f"{name}-{region}"
            location["documentEndpoint"] = f"https://{name}-{region}.documents.azure.com:443/"
            location["provisioningState"] = "Succeeded"
        if "keys" not in properties:
            properties["keys"] = {key: new_key() for key in KEY_NAMES}
        ordered = sorted(properties["locations"], key=lambda location: int(location["failoverPriority"]))
        write.facts.update(
            documentEndpoint=f"https://{name}.documents.azure.com:443/",
            writeLocations=ordered[:1],
            readLocations=ordered,
            failoverPolicies=[
                {entry: location[entry] for entry in ("id", "locationName", "failoverPriority")} for location in ordered
            ],
        )

    @staticmethod
    def _check_subnets(write: Write) -> None:
        before = write.existing.properties["virtualNetworkRules"] if write.existing is not None else []
        known = {rule["id"].casefold() for rule in before}
        for rule in write.properties["virtualNetworkRules"]:
            if rule["ignoreMissingVNetServiceEndpoint"] or rule["id"].casefold() in known:
                continue
            fault = check_subnet(write.plane, rule["id"], "Microsoft.AzureCosmosDB")
            if fault is not None:
                raise ArmError(400, "BadRequest", fault.partition(":")[2])

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        return {"status": "Enqueued"}

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        properties = resource.properties
        filtered = properties["isVirtualNetworkFilterEnabled"]
        return Firewall(
            public=properties["publicNetworkAccess"] == "Enabled",
            restricted=bool(properties["ipRules"] or filtered),
            rules=tuple(range_rule(rule["ipAddressOrRange"], azure=True) for rule in properties["ipRules"]),
            subnets=tuple(rule["id"] for rule in properties["virtualNetworkRules"]) if filtered else (),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        message = (
            f"Request originated from IP {address} through public internet. This is blocked by your Cosmos DB account "
            "firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden"
        )
        body = json.dumps({"code": "Forbidden", "message": message})
        return Refusal(wire=Wire.HTTP, status=403, code="Forbidden", message=message, body=body)


def _list_keys(plane: ControlPlane, request: ArmRequest, account: Resource) -> ArmResponse:
    return ArmResponse(200, dict(account.properties["keys"]))


def _list_connection_strings(plane: ControlPlane, request: ArmRequest, account: Resource) -> ArmResponse:
    endpoint, keys = account.facts["documentEndpoint"], account.properties["keys"]
    strings = [
        {"connectionString": f"AccountEndpoint={endpoint};AccountKey={keys[name]};", "description": name}
        for name in KEY_NAMES
    ]
    return ArmResponse(200, {"connectionStrings": strings})


DatabaseAccounts.actions = {"listkeys": _list_keys, "listconnectionstrings": _list_connection_strings}

KINDS = (DatabaseAccounts(),)
