"""Caches of Azure Cache for Redis and the rules of their firewall.

Microsoft Learn: "Network isolation options for Azure Cache for Redis": without a rule everybody gets in; who does not
is not answered at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, provider_polling
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Dictionary,
    Flag,
    Number,
    Object,
    Refusals,
    Text,
)
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
from airflow_provider_netconn.lab.resources.service_versions import REDIS_VERSIONS
from airflow_provider_netconn.lab.resources.services import HIDDEN, NameCheck, Service, new_key

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

CACHES = "Microsoft.Cache/Redis"
CACHE_NAME = r"(?!.*--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
REFUSALS = Refusals(malformed="InvalidRequestBody", missing="InvalidRequestBody", invalid="InvalidRequestBody")


class Caches(Service):
    """Caches; their size stands among the properties."""

    type = CACHES
    api_versions = REDIS_VERSIONS
    refusals = REFUSALS
    created = Answer(status=201, follow=Follow.BOTH, state="Creating", duration_s=120)
    updated = Answer(status=200, follow=Follow.BOTH, state="Updating", duration_s=30)
    patched = updated
    deleted = Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=60)
    polling = provider_polling("Microsoft.Cache", "asyncOperations", "operationResults")
    firewall_delay_s = 60.0
    hidden = ("keys",)
    properties = Object(
        properties={
            "sku": Object(
                properties={
                    "name": Choice(values=("Basic", "Standard", "Premium"), required=True),
                    "family": Choice(values=("C", "P"), required=True),
                    "capacity": Number(lowest=0, highest=6, required=True),
                },
                required=True,
            ),
            "redisConfiguration": Object(properties={}, open=True, default={}),
            "redisVersion": Text(default="6.0"),
            "enableNonSslPort": Flag(default=False),
            "minimumTlsVersion": Choice(values=("1.0", "1.1", "1.2"), default="1.2"),
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled"), default="Enabled"),
            "disableAccessKeyAuthentication": Flag(default=False),
            "updateChannel": Text(),
            "zonalAllocationPolicy": Text(),
            "subnetId": Text(),
            "staticIP": Text(),
            "shardCount": Number(lowest=1),
            "replicasPerMaster": Number(lowest=1),
            "replicasPerPrimary": Number(lowest=1),
            "tenantSettings": Dictionary(of=Text()),
            **{
                name: Anything(read_only=True)
                for name in (
                    "provisioningState", "hostName", "port", "sslPort", "accessKeys", "linkedServers", "instances",
                    "privateEndpointConnections",
                )
            },
            "keys": HIDDEN,
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(CACHE_NAME, path.name):
            raise ArmError(400, "InvalidRequestBody", f"The name '{path.name}' is not valid for a cache.")

    def taken(self, name: str) -> ArmError:
        return ArmError(
            409,
            "NameNotAvailable",
            f"An error occurred when trying to reserve the DNS name for the cache. "
            f"The name '{name}' is already in use.",
        )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        if "keys" not in write.properties:
            write.properties["keys"] = {"primaryKey": new_key(32), "secondaryKey": new_key(32)}
        write.facts.update(hostName=f"{write.path.name.lower()}.redis.cache.windows.net", port=6379, sslPort=6380)
        write.facts["accessKeys"] = None

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        rules = span_rules(plane, resource, first="startIP", last="endIP")
        return Firewall(
            public=resource.properties["publicNetworkAccess"] == "Enabled", restricted=bool(rules), rules=rules
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        return Refusal(wire=Wire.CLOSED)


class CacheFirewallRules(FirewallRuleKind):
    """Spans of IPv4 addresses; they are named after the cache and themselves."""

    type = f"{CACHES}/firewallRules"
    api_versions = REDIS_VERSIONS
    refusals = REFUSALS
    name_pattern = r"[A-Za-z0-9_]{1,256}"
    shows_state = False
    properties = Object(
        properties={"startIP": PlainAddress(required=True), "endIP": PlainAddress(required=True)},
        check=span("startIP", "endIP"),
    )

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(self.name_pattern, path.name):
            raise ArmError(
                400,
                "InvalidRequestBody",
                f"The name '{path.name}' is not valid for a rule: letters, numbers and underscores are allowed.",
            )

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render(plane, resource, look)
        shown["name"] = "/".join(resource.path.names)
        return shown


def _list_keys(plane: ControlPlane, request: ArmRequest, cache: Resource) -> ArmResponse:
    return ArmResponse(200, dict(cache.properties["keys"]))


def _regenerate_key(plane: ControlPlane, request: ArmRequest, cache: Resource) -> ArmResponse:
    which = str(request.json_object().get("keyType", "")).casefold()
    if which not in {"primary", "secondary"}:
        raise ArmError(400, "InvalidRequestBody", "The keyType must be Primary or Secondary.")
    cache.properties["keys"][f"{which}Key"] = new_key(32)
    return _list_keys(plane, request, cache)


Caches.actions = {"listkeys": _list_keys, "regeneratekey": _regenerate_key}


class CacheNames(NameCheck):
    """Whether a cache name is free."""

    type = "Microsoft.Cache/checkNameAvailability"
    api_versions = REDIS_VERSIONS
    of = CACHES
    good = CACHE_NAME


KINDS = (Caches(), CacheFirewallRules(), CacheNames())
