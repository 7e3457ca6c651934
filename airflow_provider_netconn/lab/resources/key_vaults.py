"""Key vaults, those that were deleted and can be had back, and the vault's firewall.

Microsoft Learn: "Configure network security for Azure Key Vault", "Key Vault soft-delete overview", "Azure Key Vault
REST API error codes" (403 ForbiddenByFirewall, ForbiddenByConnection).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Operation, Shown, provider_polling, timestamp
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Object,
    Refusals,
    Shape,
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
from airflow_provider_netconn.lab.resources.service_versions import KEY_VAULT_VERSIONS
from airflow_provider_netconn.lab.resources.services import NameCheck, Service, check_subnet

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

VAULTS = "Microsoft.KeyVault/vaults"
LOCATIONS = "Microsoft.KeyVault/locations"
DELETED = f"{LOCATIONS}/deletedVaults"
VAULT_NAME = r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]"
MOST_IP_RULES = 1000
MOST_NETWORK_RULES = 200
DAY_S = 86_400.0


class VaultAddress(AddressRange):
    """An address or prefix; the service's own request example has one in quotes, which is kept and matches nothing."""

    def read(self, value: Any, path: str) -> str:
        if isinstance(value, str) and re.fullmatch(r"'[0-9./]+'", value):
            return value
        return super().read(value, path)


def _wording(path: str, value: str) -> str:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return f"Invalid value found at {path}: {value}"
    for reserved in RFC_1918:
        if network.version == 4 and network.subnet_of(reserved):
            span = f"{reserved[0]}–{reserved[-1]}"  # noqa: RUF001 -- the service writes a dash
            return f"Invalid value found at {path}: {value} belongs to forbidden range {span} (private IP addresses)"
    return f"Invalid value found at {path}: {value}"


GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

NETWORK_ACLS = Object(
    properties={
        "bypass": Choice(values=("AzureServices", "None"), default="AzureServices"),
        "defaultAction": Choice(values=("Allow", "Deny"), default="Allow"),
        "ipRules": Items(
            of=Object(properties={"value": VaultAddress(required=True, refused=RFC_1918, wording=_wording)}),
            most=MOST_IP_RULES,
            default=[],
        ),
        "virtualNetworkRules": Items(
            of=Object(
                properties={
                    "id": Text(required=True, pattern=r"(?i)/subscriptions/.+/subnets/[^/]+"),
                    "ignoreMissingVnetServiceEndpoint": Flag(),
                    "state": Text(read_only=True),
                }
            ),
            most=MOST_NETWORK_RULES,
            default=[],
        ),
    }
)


PROPERTIES = Object(
    properties={
        "tenantId": Text(required=True, pattern=GUID),
        "sku": Object(
            properties={
                "family": Choice(values=("A",), default="A"),
                "name": Choice(values=("standard", "premium"), required=True),
            },
            required=True,
        ),
        "accessPolicies": Items(
            of=Object(
                properties={
                    "tenantId": Text(required=True, pattern=GUID),
                    "objectId": Text(required=True),
                    "applicationId": Text(pattern=GUID),
                    "permissions": Object(
                        properties={name: Items(of=Text()) for name in ("keys", "secrets", "certificates", "storage")},
                        required=True,
                    ),
                }
            ),
            most=1024,
            default=[],
        ),
        "networkAcls": NETWORK_ACLS,
        "publicNetworkAccess": Choice(values=("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled"),
        "enabledForDeployment": Flag(),
        "enabledForDiskEncryption": Flag(),
        "enabledForTemplateDeployment": Flag(),
        "enableSoftDelete": Flag(default=True),
        "softDeleteRetentionInDays": Number(lowest=7, highest=90, default=90),
        "enableRbacAuthorization": Flag(default=False),
        "enablePurgeProtection": Flag(),
        "createMode": Choice(values=("default", "recover")),
        **{
            name: Anything(read_only=True)
            for name in ("vaultUri", "hsmPoolResourceId", "provisioningState", "privateEndpointConnections")
        },
    }
)


class Vaults(Service):
    """Vaults: there at once, though their name still has to become known; kept for a while when deleted."""

    type = VAULTS
    api_versions = KEY_VAULT_VERSIONS
    properties = PROPERTIES
    envelope: ClassVar[Mapping[str, Shape]] = {}
    refusals = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")
    created = Answer(status=200, state="RegisteringDns", duration_s=20)
    polling = provider_polling("Microsoft.KeyVault")
    firewall_delay_s = 30.0

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(VAULT_NAME, path.name):
            raise ArmError(
                400,
                "VaultNameNotValid",
                f"The vault name '{path.name}' is invalid. A vault's name must be between 3-24 alphanumeric "
                "characters. The name must begin with a letter, end with a letter or digit, and not contain "
                "consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742",
            )

    def taken(self, name: str) -> ArmError:
        return ArmError(
            409,
            "VaultAlreadyExists",
            f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the "
            "name is already taken. If you are sure that the vault name was not taken then it is possible that a vault "
            "with the same name was recently deleted but not purged after being placed in a recoverable state. Follow "
            "this link for more information https://go.microsoft.com/fwlink/?linkid=2147740",
        )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        if write.existing is None:
            _meet_deleted(write)
        properties = write.properties
        properties.pop("createMode", None)
        acls = properties.get("networkAcls")
        if acls is not None:
            acls["ipRules"] = unique([{"value": _with_length(rule["value"])} for rule in acls["ipRules"]], "value")
            rules = unique(acls["virtualNetworkRules"], "id")
            acls["virtualNetworkRules"] = [{**rule, "id": rule["id"].lower()} for rule in rules]
            _check_subnets(write)
        before = write.existing.properties if write.existing is not None else {}
        if before.get("enablePurgeProtection") and properties.get("enablePurgeProtection") is False:
            raise ArmError(
                400,
                "BadRequest",
                'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a '
                "vault is an irreversible action.",
            )
        write.facts["vaultUri"] = f"https://{write.path.name}.vault.azure.net/"

    def stored(self, write: Write, resource: Resource) -> None:
        recovered = _deleted_of(write.plane, write.path.name)
        if recovered is not None:
            write.plane.store.remove(recovered)
        super().stored(write, resource)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        if resource.properties["enableSoftDelete"]:
            plane.store.add(_deleted(plane, resource))

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        acls = resource.properties.get("networkAcls") or {
            "defaultAction": "Allow",
            "ipRules": [],
            "virtualNetworkRules": [],
        }
        return Firewall(
            public=resource.properties["publicNetworkAccess"] == "Enabled",
            restricted=acls["defaultAction"] == "Deny",
            rules=tuple(range_rule(rule["value"]) for rule in acls["ipRules"] if "'" not in rule["value"]),
            subnets=tuple(rule["id"] for rule in acls["virtualNetworkRules"]),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        if firewall.public:
            inner = "ForbiddenByFirewall"
            message = (
                "Client address is not authorized and caller is not a trusted service.\r\n"
                f"Client address: {address}\r\nVault: {resource.path.name};location={resource.region}"
            )
        else:
            inner = "ForbiddenByConnection"
            message = (
                "Public network access is disabled and request is not from a trusted service nor via an approved "
                f"private link.\r\nVault: {resource.path.name};location={resource.region}"
            )
        body = {"error": {"code": "Forbidden", "message": message, "innererror": {"code": inner}}}
        return Refusal(wire=Wire.HTTP, status=403, code=inner, message=message, body=json.dumps(body))


def _with_length(value: str) -> str:
    return value if "/" in value or "'" in value else f"{value}/32"


def _check_subnets(write: Write) -> None:
    acls = (write.existing.properties.get("networkAcls") or {}) if write.existing is not None else {}
    known = {rule["id"] for rule in acls.get("virtualNetworkRules", ())}
    for rule in write.properties["networkAcls"]["virtualNetworkRules"]:
        if rule["id"] in known or rule.get("ignoreMissingVnetServiceEndpoint"):
            continue
        fault = check_subnet(write.plane, rule["id"], "Microsoft.KeyVault")
        if fault is not None:
            raise ArmError(
                400,
                "VirtualNetworkNotValid",
                f"Call to Microsoft.Network failed. Error message: {fault.partition(':')[2]}",
            )


class AccessPolicies(ResourceKind):
    """What adds policies to a vault's, replaces them or removes some: a PUT, and nothing of it stays but the vault."""

    type = f"{VAULTS}/accessPolicies"
    api_versions = KEY_VAULT_VERSIONS
    name_pattern = "add|replace|remove"
    methods = frozenset({"PUT"})
    listed = False
    etag_in_body = False
    shows_state = False
    created = Answer(status=200)
    properties = Object(properties={"accessPolicies": replace(PROPERTIES.properties["accessPolicies"], required=True)})

    def prepare(self, write: Write) -> None:
        given = {(policy["tenantId"], policy["objectId"]): policy for policy in write.properties["accessPolicies"]}
        if write.path.name == "replace":
            return
        assert write.parent is not None
        kept = {
            (policy["tenantId"], policy["objectId"]): policy for policy in write.parent.properties["accessPolicies"]
        }
        for who, policy in given.items():
            if write.path.name == "remove":
                kept.pop(who, None)
            else:
                kept[who] = _joined(kept.get(who), policy)
        write.properties["accessPolicies"] = list(kept.values())

    def stored(self, write: Write, resource: Resource) -> None:
        vault = write.parent
        assert vault is not None
        vault.properties["accessPolicies"] = resource.properties["accessPolicies"]
        write.plane.store.remove(resource)


def _joined(before: Mapping[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    """A policy with the permissions of two."""
    if before is None:
        return more
    names = (*before["permissions"], *more["permissions"])
    lists = {
        name: list(dict.fromkeys((*before["permissions"].get(name, ()), *more["permissions"].get(name, ()))))
        for name in names
    }
    return {**before, "permissions": lists}


class VaultNames(NameCheck):
    """Whether a vault name is free."""

    type = "Microsoft.KeyVault/checkNameAvailability"
    api_versions = KEY_VAULT_VERSIONS
    of = VAULTS
    good = VAULT_NAME
    bad_reason = "AccountNameInvalid"


# -- deleted vaults --------------------------------------------------------------------------------


def _deleted_of(plane: ControlPlane, name: str) -> Resource | None:
    wanted = name.casefold()
    for deleted in plane.store.of_type(DELETED):
        if deleted.path.name.casefold() == wanted:
            return deleted
    return None


def _meet_deleted(write: Write) -> None:
    """A vault of the same name that was deleted is had back, or stands in the way."""
    deleted = _deleted_of(write.plane, write.path.name)
    if write.properties.get("createMode") == "recover":
        if deleted is None:
            raise ArmError(
                404, "DeletedVaultNotFound", f"The specified deleted vault '{write.path.name}' does not exist."
            )
        write.body = dict(deleted.body["vault"])
    elif deleted is not None:
        raise ArmError(
            409,
            "ConflictError",
            "A vault with the same name already exists in deleted state. You need to either recover or purge existing "
            "key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft "
            "delete.",
        )


def _deleted(plane: ControlPlane, vault: Resource) -> Resource:
    now = plane.clock.now()
    purged_at = now + vault.properties["softDeleteRetentionInDays"] * DAY_S
    kind = plane.kind(DELETED)
    assert kind is not None
    facts: dict[str, Any] = {
        "vaultId": vault.id,
        "location": vault.region,
        "tags": vault.body.get("tags") or {},
        "deletionDate": timestamp(now),
        "scheduledPurgeDate": timestamp(purged_at),
    }
    if vault.properties.get("enablePurgeProtection"):
        facts["purgeProtectionEnabled"] = True
    path = ArmPath(
        f"/subscriptions/{vault.path.subscription}",
        "Microsoft.KeyVault",
        ("locations", "deletedVaults"),
        (vault.region, vault.path.name),
    )
    body = {"properties": {}, "vault": vault.body}
    return Resource(path=path, kind=kind, body=body, facts=facts, created_at=now, changed_at=now)


class DeletedVaults(ResourceKind):
    """Vaults that were deleted and not yet purged."""

    type = DELETED
    shown_type = "Microsoft.KeyVault/deletedVaults"
    api_versions = KEY_VAULT_VERSIONS
    methods = frozenset({"GET"})
    etag_in_body = False
    shows_state = False

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        return ArmError(404, "DeletedVaultNotFound", f"The specified deleted vault '{path.name}' does not exist.")

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {
            "id": resource.id,
            "name": resource.path.name,
            "type": self.shown_type,
            "properties": dict(resource.facts),
        }


def _purge(plane: ControlPlane, request: ArmRequest, deleted: Resource) -> ArmResponse:
    """Let a deleted vault go for good."""
    if deleted.facts.get("purgeProtectionEnabled"):
        raise ArmError(
            400,
            "DeletedVaultPurge",
            f"Vault '{deleted.path.name}' is protected from purge and can't be purged until "
            f"'{deleted.facts['scheduledPurgeDate']}'.",
        )
    now = plane.clock.now()
    answer = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=20, final_status=200)
    operation = Operation(
        method="POST",
        target=deleted.path,
        region=deleted.path.names[0],
        answer=answer,
        polling=Vaults.polling,
        api_version=request.api_version,
        starts_at=now,
        ends_at=now + answer.duration_s * plane.time_scale,
        on_end=lambda: plane.store.remove(deleted),
        on_failure=lambda: None,
        result=lambda: None,
    )
    plane.start(operation)
    return ArmResponse(202, None, plane.follow_headers(operation))


DeletedVaults.actions = {"purge": _purge}


class AllDeletedVaults(ResourceKind):
    """The list of a subscription's deleted vaults."""

    type = "Microsoft.KeyVault/deletedVaults"
    api_versions = KEY_VAULT_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return plane.store.of_type(DELETED, path.subscription)

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return resource.kind.render(plane, resource, look)


KINDS = (Vaults(), AccessPolicies(), VaultNames(), DeletedVaults(), AllDeletedVaults())
