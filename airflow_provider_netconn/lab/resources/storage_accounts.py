"""Storage accounts, their keys, blob service and containers, and the account's firewall.

Microsoft Learn: "Configure Azure Storage firewalls", "Storage account overview" (names), "Storage Accounts - Create"
(202 with ``Location`` and no body, recorded too); refusals of rules as azure-cli's users report them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, provider_polling, timestamp
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Dictionary,
    Flag,
    Items,
    Object,
    Refusals,
    Shape,
    ShapeError,
    Text,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    RFC_1918,
    AddressRange,
    Firewall,
    Refusal,
    Wire,
    range_rule,
    unique,
)
from airflow_provider_netconn.lab.resources.service_versions import STORAGE_VERSIONS
from airflow_provider_netconn.lab.resources.services import (
    HIDDEN,
    IDENTITY,
    NameCheck,
    Service,
    check_subnet,
    new_key,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

ACCOUNTS = "Microsoft.Storage/storageAccounts"
ACCOUNT_NAME = r"[a-z0-9]{3,24}"
MOST_IP_RULES = 400
"""Microsoft Learn, "Azure Storage scalability targets": IP address rules of one account."""

ENDPOINTS_BY_KIND: Mapping[str, tuple[str, ...]] = {
    "StorageV2": ("dfs", "web", "blob", "queue", "table", "file"),
    "Storage": ("blob", "queue", "table", "file"),
    "BlobStorage": ("dfs", "blob", "table"),
    "BlockBlobStorage": ("dfs", "web", "blob"),
    "FileStorage": ("file",),
}
SKUS = (
    "Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS",
    "Premium_LRS", "Premium_ZRS", "StandardV2_LRS", "StandardV2_GRS", "StandardV2_ZRS", "StandardV2_GZRS",
    "PremiumV2_LRS", "PremiumV2_ZRS",
)  # fmt: skip
PAIRED_REGIONS = {"eastus": "westus", "westus": "eastus", "westeurope": "northeurope", "northeurope": "westeurope"}


def _invalid(what: str) -> str:
    return (
        f"Values for request parameters are invalid: {what}. For more information, see - "
        "https://aka.ms/storagenetworkruleset"
    )


def _ip_rule(versions: tuple[int, ...], place: str) -> Object:
    longest = 30 if versions == (4,) else 126
    value = AddressRange(
        required=True,
        refused=RFC_1918,
        longest_prefix=longest,
        versions=versions,
        code="InvalidValuesForRequestParameters",
        wording=lambda path, value: _invalid(f"{place}[*].value"),
    )
    return Object(properties={"value": value, "action": Choice(values=("Allow",), default="Allow")})


def _check_acls(acls: Mapping[str, Any], path: str) -> None:
    parts = {part.strip().casefold() for part in acls["bypass"].split(",")}
    if not parts <= {"none", "logging", "metrics", "azureservices"}:
        raise ShapeError(path, _invalid("networkAcls.bypass"), code="InvalidValuesForRequestParameters")
    if len(acls["ipRules"]) > MOST_IP_RULES:
        raise ShapeError(path, _invalid("networkAcls.ipRule[*]"), code="InvalidValuesForRequestParameters")
    for rule in acls["virtualNetworkRules"]:
        if not re.fullmatch(r"/subscriptions/.+/virtualNetworks/[^/]+/subnets/[^/]+", rule["id"], re.IGNORECASE):
            raise ShapeError(
                path, _invalid("networkAcls.virtualNetworkRules[*].id"), code="InvalidValuesForRequestParameters"
            )


NETWORK_ACLS = Object(
    properties={
        "resourceAccessRules": Items(of=Object(properties={"tenantId": Text(), "resourceId": Text()})),
        "ipv6Rules": Items(of=_ip_rule((6,), "networkAcls.ipv6Rule"), default=[]),
        "bypass": Text(default="AzureServices"),
        "virtualNetworkRules": Items(
            of=Object(
                properties={
                    "id": Text(required=True),
                    "action": Choice(values=("Allow",), default="Allow"),
                    "state": Text(read_only=True),
                }
            ),
            default=[],
        ),
        "ipRules": Items(of=_ip_rule((4,), "networkAcls.ipRule"), default=[]),
        "defaultAction": Choice(values=("Allow", "Deny"), default="Allow"),
    },
    check=_check_acls,
    default={"ipv6Rules": [], "bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [],
             "defaultAction": "Allow"},
)  # fmt: skip

PROPERTIES = Object(
    properties={
        "networkAcls": NETWORK_ACLS,
        "publicNetworkAccess": Choice(values=("Enabled", "Disabled", "SecuredByPerimeter")),
        "accessTier": Choice(values=("Hot", "Cool", "Premium", "Cold", "Smart")),
        "supportsHttpsTrafficOnly": Flag(default=True),
        "minimumTlsVersion": Choice(values=("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"), default="TLS1_0"),
        "allowBlobPublicAccess": Flag(default=False),
        "allowSharedKeyAccess": Flag(),
        "allowSharedKeyAccessForServices": Anything(),
        "allowCrossTenantReplication": Flag(default=False),
        "allowCrossTenantDelegationSas": Flag(),
        "defaultToOAuthAuthentication": Flag(),
        "isHnsEnabled": Flag(),
        "isSftpEnabled": Flag(),
        "isNfsV3Enabled": Flag(),
        "isLocalUserEnabled": Flag(),
        "enableExtendedGroups": Flag(),
        "turboTier": Anything(),
        "allowedCopyScope": Choice(values=("PrivateLink", "AAD", "All")),
        "dnsEndpointType": Choice(values=("Standard", "AzureDnsZone")),
        "largeFileSharesState": Choice(values=("Disabled", "Enabled")),
        "customDomain": Object(properties={"name": Text(required=True), "useSubDomainName": Flag()}),
        "encryption": Object(
            properties={"keySource": Text(), "services": Dictionary(of=Object(properties={}, open=True))}, open=True
        ),
        "keyPolicy": Object(properties={}, open=True),
        "sasPolicy": Object(properties={}, open=True),
        "routingPreference": Object(properties={}, open=True),
        "dualStackEndpointPreference": Object(properties={}, open=True),
        "immutableStorageWithVersioning": Object(properties={}, open=True),
        "azureFilesIdentityBasedAuthentication": Object(properties={}, open=True),
        "geoPriorityReplicationStatus": Object(properties={}, open=True),
        "dataCollaborationPolicyProperties": Object(properties={}, open=True),
        **{
            name: Anything(read_only=True)
            for name in (
                "provisioningState", "primaryEndpoints", "secondaryEndpoints", "primaryLocation", "secondaryLocation",
                "statusOfPrimary", "statusOfSecondary", "creationTime", "keyCreationTime", "lastGeoFailoverTime",
                "privateEndpointConnections", "geoReplicationStats", "failoverInProgress", "blobRestoreStatus",
                "storageAccountSkuConversionStatus", "accountMigrationInProgress", "isSkuConversionBlocked",
            )
        },
        "keys": HIDDEN,
    }
)  # fmt: skip


class StorageAccounts(Service):
    """Storage accounts. A PUT on one that is there changes what it names and keeps the rest, as PATCH does."""

    type = ACCOUNTS
    api_versions = STORAGE_VERSIONS
    properties = PROPERTIES
    envelope: ClassVar[Mapping[str, Shape]] = {
        "sku": Object(
            properties={"name": Choice(values=SKUS, required=True), "tier": Text(read_only=True)}, required=True
        ),
        "kind": Choice(values=tuple(ENDPOINTS_BY_KIND)),
        "identity": IDENTITY,
        "zones": Items(of=Text()),
        "extendedLocation": Object(properties={"name": Text(), "type": Text()}),
        "placement": Object(properties={}, open=True),
    }
    hidden = ("keys",)
    refusals = Refusals(malformed="InvalidValuesForRequestParameters", invalid="InvalidValuesForRequestParameters")
    created = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, state="Creating", duration_s=17)
    polling = provider_polling("Microsoft.Storage", "operations", "asyncoperations", signed=False)
    firewall_delay_s = 30.0

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(ACCOUNT_NAME, path.name):
            raise ArmError(
                400,
                "AccountNameInvalid",
                f"{path.name} is not a valid storage account name. Storage account name must be between 3 and 24 "
                "characters in length and use numbers and lower-case letters only.",
            )

    def taken(self, name: str) -> ArmError:
        return ArmError(409, "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")

    def refuse_while_busy(self, plane: ControlPlane, existing: Resource) -> None:
        raise ArmError(
            409,
            "StorageAccountOperationInProgress",
            "An operation is currently performing on this storage account that requires exclusive access.",
        )

    def prepare(self, write: Write) -> None:
        self._keep_what_is_not_named(write)
        super().prepare(write)
        properties, existing = write.properties, write.existing
        acls = properties["networkAcls"]
        acls["ipRules"] = unique(acls["ipRules"], "value")
        acls["ipv6Rules"] = unique(acls["ipv6Rules"], "value")
        acls["virtualNetworkRules"] = [
            {**rule, "state": "Succeeded"} for rule in unique(acls["virtualNetworkRules"], "id")
        ]
        self._check_subnets(write)
        kind = write.body.setdefault("kind", "StorageV2")
        if existing is not None and existing.body["kind"] != kind and kind != "StorageV2":
            raise ArmError(
                400,
                "AccountPropertyCannotBeUpdated",
                "The property 'kind' was specified in the input, but it cannot be updated.",
            )
        write.body["sku"]["tier"] = write.body["sku"]["name"].partition("_")[0].removesuffix("V2")
        if kind in {"StorageV2", "BlobStorage"}:
            properties.setdefault("accessTier", "Hot")
        self._complete_encryption(write)
        now = timestamp(write.plane.clock.now())
        if "keys" not in properties:
            properties["keys"] = [
                {"creationTime": now, "keyName": name, "value": new_key(), "permissions": "FULL"}
                for name in ("key1", "key2")
            ]
            write.facts["creationTime"] = now
            write.facts["keyCreationTime"] = {"key1": now, "key2": now}
        write.facts.update(_places(write))

    @staticmethod
    def _keep_what_is_not_named(write: Write) -> None:
        if write.existing is None or write.request.method != "PUT":
            return
        named = {name.casefold() for name in write.given.get("properties") or {}}
        for name, value in write.existing.properties.items():
            if name.casefold() not in named:
                write.properties[name] = value

    @staticmethod
    def _check_subnets(write: Write) -> None:
        known = {
            rule["id"].casefold()
            for rule in (write.existing.properties["networkAcls"]["virtualNetworkRules"] if write.existing else ())
        }
        for rule in write.properties["networkAcls"]["virtualNetworkRules"]:
            if rule["id"].casefold() in known:
                continue
            fault = check_subnet(write.plane, rule["id"], "Microsoft.Storage")
            if fault is not None:
                refusal = ArmError(400, "NetworkAclsValidationFailure", f"Validation of network acls failure: {fault}")
                if write.existing is not None:
                    raise refusal
                write.error = refusal

    @staticmethod
    def _complete_encryption(write: Write) -> None:
        now = timestamp(write.plane.clock.now())
        encryption = dict(write.properties.get("encryption") or {})
        encryption.setdefault("keySource", "Microsoft.Storage")
        given = encryption.get("services") or {}
        services = {}
        for name in dict.fromkeys((*given, "file", "blob")):
            services[name] = {"keyType": "Account", **(given.get(name) or {}), "enabled": True}
            services[name].setdefault("lastEnabledTime", now)
        encryption["services"] = services
        write.properties["encryption"] = encryption

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        acls = resource.properties["networkAcls"]
        return Firewall(
            public=resource.properties.get("publicNetworkAccess", "Enabled") == "Enabled",
            restricted=acls["defaultAction"] == "Deny",
            rules=tuple(range_rule(rule["value"]) for rule in (*acls["ipRules"], *acls["ipv6Rules"])),
            subnets=tuple(rule["id"] for rule in acls["virtualNetworkRules"]),
            blind_region=resource.region,
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        message = "This request is not authorized to perform this operation."
        return Refusal(
            wire=Wire.HTTP,
            status=403,
            code="AuthorizationFailure",
            message=message,
            body='<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationFailure</Code>'
            f"<Message>{message}</Message></Error>",
            content_type="application/xml",
        )


def _places(write: Write) -> dict[str, Any]:
    """Where an account lies, and where its endpoints are."""
    name, kind, sku = write.path.name, write.body["kind"], write.body["sku"]["name"]
    region = write.body["location"]
    places: dict[str, Any] = {
        "primaryEndpoints": _endpoints(name, kind),
        "primaryLocation": region,
        "statusOfPrimary": "available",
    }
    if "GRS" in sku or "GZRS" in sku:
        places["secondaryLocation"] = PAIRED_REGIONS.get(region, "westus" if region != "westus" else "eastus")
        places["statusOfSecondary"] = "available"
    if "RAG" in sku:
        secondary = _endpoints(f"{name}-secondary", kind)
        secondary.pop("file", None)
        places["secondaryEndpoints"] = secondary
    return places


def _endpoints(host: str, kind: str) -> dict[str, str]:
    return {
        service: f"https://{host}.{'z13.' if service == 'web' else ''}{service}.core.windows.net/"
        for service in ENDPOINTS_BY_KIND[kind]
    }


# -- actions ---------------------------------------------------------------------------------------


def _list_keys(plane: ControlPlane, request: ArmRequest, account: Resource) -> ArmResponse:
    return ArmResponse(200, {"keys": account.properties["keys"]})


def _regenerate_key(plane: ControlPlane, request: ArmRequest, account: Resource) -> ArmResponse:
    wanted = request.json_object().get("keyName")
    now = timestamp(plane.clock.now())
    for key in account.properties["keys"]:
        if key["keyName"] == wanted:
            key.update(value=new_key(), creationTime=now)
            account.facts["keyCreationTime"][wanted] = now
            return _list_keys(plane, request, account)
    raise ArmError(400, "InvalidValuesForRequestParameters", "Values for request parameters are invalid: keyName.")


StorageAccounts.actions = {"listkeys": _list_keys, "regeneratekey": _regenerate_key}


class StorageNames(NameCheck):
    """Whether an account name is free."""

    type = "Microsoft.Storage/checkNameAvailability"
    api_versions = STORAGE_VERSIONS
    of = ACCOUNTS
    good = ACCOUNT_NAME
    bad_reason = "AccountNameInvalid"


# -- the blob service ------------------------------------------------------------------------------


class BlobServices(ResourceKind):
    """An account's blob service: one, named ``default``, from the start."""

    type = f"{ACCOUNTS}/blobServices"
    api_versions = STORAGE_VERSIONS
    name_pattern = "default"
    methods = frozenset({"GET", "PUT"})
    etag_in_body = False
    shows_state = False
    created = Answer(status=200)
    properties = Object(
        properties={
            "deleteRetentionPolicy": Object(
                properties={}, open=True, default={"allowPermanentDelete": False, "enabled": False}
            ),
            "cors": Object(properties={}, open=True, default={"corsRules": []}),
        },
        open=True,
    )

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        assert path.parent is not None
        account = plane.store.find(path.parent)
        if account is None or path.name.casefold() != "default":
            return None
        return plane.store.find(path) or Resource(
            path=path,
            kind=self,
            body={"properties": self.properties.read({}, "properties")},
            created_at=account.created_at,
            changed_at=account.created_at,
        )

    def prepare(self, write: Write) -> None:
        # The service is there from the start, yet in the store only once it was written.
        if write.plane.store.find(write.path) is None:
            write.existing = None

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        found = self.find(plane, ArmPath(path.scope, path.namespace, path.types, (*path.names, "default")))
        return [] if found is None else [found]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        account = plane.store.find(resource.path.parent) if resource.path.parent is not None else None
        shown = super().render(plane, resource, look)
        if account is not None:
            shown["sku"] = account.body["sku"]
        return shown


class Containers(ResourceKind):
    """Containers of the blob service, as Resource Manager makes them."""

    type = f"{ACCOUNTS}/blobServices/containers"
    api_versions = STORAGE_VERSIONS
    name_pattern = r"\$root|\$logs|\$web|(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
    etag_quoted = '"{}"'
    shows_state = False
    patch = Patch.MERGE
    refusals = Refusals(malformed="InvalidRequestPropertyName", invalid="InvalidRequestPropertyValue")
    properties = Object(
        properties={
            "publicAccess": Choice(values=("None", "Blob", "Container"), default="None"),
            "metadata": Dictionary(of=Text()),
            "defaultEncryptionScope": Text(default="$account-encryption-key"),
            "denyEncryptionScopeOverride": Flag(default=False),
            "immutableStorageWithVersioning": Object(properties={}, open=True),
            "enableNfsV3RootSquash": Flag(),
            "enableNfsV3AllSquash": Flag(),
        }
    )

    def prepare(self, write: Write) -> None:
        account = write.plane.store.find(f"{write.path.scope}/providers/{ACCOUNTS}/{write.path.names[0]}")
        assert account is not None
        if write.properties["publicAccess"] != "None" and not account.properties["allowBlobPublicAccess"]:
            raise ArmError(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
        write.facts.update(
            leaseStatus="Unlocked",
            leaseState="Available",
            lastModifiedTime=timestamp(write.plane.clock.now()),
            hasImmutabilityPolicy=False,
            hasLegalHold=False,
        )


KINDS = (StorageAccounts(), StorageNames(), BlobServices(), Containers())
