"""Namespaces of Service Bus and Event Hubs, and their one network rule set.

Microsoft Learn: "Allow access to Azure Service Bus namespace from specific IP addresses" and its Event Hubs twin
(tiers; a firewall without any rule restricts nobody). Recorded traffic: the rule set is there from the start, is read
as ``networkrulesets`` of type ``Namespaces/NetworkRuleSets``, and a namespace is made without a header to follow.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import (
    Answer,
    Follow,
    Operation,
    Polling,
    Shown,
    provider_polling,
    timestamp,
)
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Flag, Items, Number, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    AddressRange,
    Firewall,
    FirewallRuleKind,
    Refusal,
    Wire,
    range_rule,
    unique,
)
from airflow_provider_netconn.lab.resources.service_versions import EVENT_HUBS_VERSIONS, SERVICE_BUS_VERSIONS
from airflow_provider_netconn.lab.resources.services import HIDDEN, NameCheck, Service, check_subnet, new_key

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

NAMESPACE_NAME = r"[A-Za-z](?:(?!.*--)[A-Za-z0-9-]{4,48})[A-Za-z0-9]"
TIERS = ("Basic", "Standard", "Premium")
MOST_IP_RULES = 128
RULES = "networkRuleSets"
REFUSALS = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")


def _polling(provider: str) -> Polling:
    return provider_polling(
        provider, "namespaceOperationStatus", "namespaceOperationResults", signed=False, location_at_end=True
    )


class Namespaces(Service):
    """What the namespaces of both services have in common."""

    refusals = REFUSALS
    created = Answer(status=201, state="Creating", duration_s=30)
    updated = Answer(status=200, state="Updating", duration_s=10)
    deleted = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, state="Deleting", duration_s=30)
    firewall_delay_s = 60.0
    hidden = ("keys",)
    tiers_with_rules: ClassVar[tuple[str, ...]]
    """Tiers whose namespaces have a firewall."""
    envelope: ClassVar = {
        **Service.envelope,
        "sku": Object(
            properties={
                "name": Choice(values=TIERS, required=True),
                "tier": Choice(values=TIERS),
                "capacity": Number(lowest=0),
            },
            default={"name": "Standard", "tier": "Standard"},
        ),
    }
    properties = Object(
        properties={
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled"),
            "disableLocalAuth": Flag(default=False),
            "minimumTlsVersion": Choice(values=("1.0", "1.1", "1.2", "1.3"), default="1.2"),
            "zoneRedundant": Flag(default=False),
            "premiumMessagingPartitions": Number(lowest=0),
            "alternateName": Text(),
            "encryption": Object(properties={}, open=True),
            "isAutoInflateEnabled": Flag(),
            "maximumThroughputUnits": Number(lowest=0),
            "kafkaEnabled": Flag(),
            "clusterArmId": Text(),
            "geoDataReplication": Object(properties={}, open=True),
            "platformCapabilities": Object(properties={}, open=True),
            **{
                name: Anything(read_only=True)
                for name in (
                    "provisioningState", "status", "createdAt", "updatedAt", "serviceBusEndpoint", "metricId",
                    "privateEndpointConnections",
                )
            },
            "keys": HIDDEN,
        }
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(NAMESPACE_NAME, path.name):
            raise ArmError(
                400,
                "BadRequest",
                f"The specified service namespace '{path.name}' is invalid. CorrelationId: {uuid.uuid4()}",
            )

    def taken(self, name: str) -> ArmError:
        return ArmError(400, "NamespaceUnavailable", f"The namespace name '{name}' is not available.")

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        if resource.is_busy:
            raise ArmError(
                429,
                "NamespaceInTransition",
                f"Namespace '{resource.path.name}' is in transition: another operation on it has not ended. Please try "
                "again later.",
            )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        properties, name = write.properties, write.path.name
        identity, before = write.body.get("identity"), write.existing
        if before is not None and identity and identity != before.body.get("identity"):
            write.answer = replace(self.updated, state="ActivatingIdentity")  # recorded
        write.body["sku"]["tier"] = write.body["sku"]["name"]
        if "keys" not in properties:
            properties["keys"] = {"primaryKey": new_key(32), "secondaryKey": new_key(32)}
        now = timestamp(write.plane.clock.now())
        write.facts.setdefault("createdAt", now)
        write.facts.update(
            updatedAt=now,
            status="Active",
            serviceBusEndpoint=f"https://{name}.servicebus.windows.net:443/",
            metricId=f"{write.path.subscription}:{name.lower()}",
        )

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        kind = plane.kind(f"{self.type}/{RULES}")
        assert kind is not None
        rule_set = kind.find(plane, resource.path.child(RULES, "default"))
        assert rule_set is not None
        rules, subnets = rule_set.properties["ipRules"], rule_set.properties["virtualNetworkRules"]
        return Firewall(
            public=rule_set.properties["publicNetworkAccess"] == "Enabled",
            restricted=rule_set.properties["defaultAction"] == "Deny" and bool(rules or subnets),
            rules=tuple(range_rule(rule["ipMask"]) for rule in rules),
            subnets=tuple(rule["subnet"]["id"] for rule in subnets),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        message = "Ip has been prevented to connect to the endpoint."
        return Refusal(
            wire=Wire.AMQP,
            status=401,
            code="amqp:unauthorized-access",
            message=message,
            body=f"<Error><Code>401</Code><Detail>{message}</Detail></Error>",
            content_type="application/xml",
        )


class NetworkRuleSets(FirewallRuleKind):
    """The network rules of a namespace: one set, ``default``, there from the start and put as a whole."""

    refusals = REFUSALS
    name_pattern = "(?i)default"
    methods = frozenset({"GET", "PUT"})
    shows_state = False
    created = Answer(status=200)
    namespaces: ClassVar[Namespaces]
    properties = Object(
        properties={
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled", "SecuredByPerimeter"), default="Enabled"),
            "defaultAction": Choice(values=("Allow", "Deny"), default="Allow"),
            "trustedServiceAccessEnabled": Flag(default=False),
            "virtualNetworkRules": Items(
                of=Object(
                    properties={
                        "subnet": Object(
                            properties={"id": Text(required=True, pattern=r"(?i)/subscriptions/.+/subnets/[^/]+")},
                            required=True,
                        ),
                        "ignoreMissingVnetServiceEndpoint": Flag(default=False),
                    }
                ),
                default=[],
            ),
            "ipRules": Items(
                of=Object(
                    properties={
                        "ipMask": AddressRange(required=True, versions=(4, 6)),
                        "action": Choice(values=("Allow",), default="Allow"),
                    }
                ),
                most=MOST_IP_RULES,
                default=[],
            ),
        }
    )

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        assert path.parent is not None
        namespace = plane.store.find(path.parent)
        if namespace is None or path.name.casefold() != "default":
            return None
        return plane.store.find(path) or Resource(
            path=path.parent.child(RULES, "default"),
            kind=self,
            body={
                "properties": {
                    **self.properties.read({}, "properties"),
                    "publicNetworkAccess": namespace.properties["publicNetworkAccess"],
                }
            },
            created_at=namespace.created_at,
            changed_at=namespace.changed_at,
        )

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        found = self.find(plane, ArmPath(path.scope, path.namespace, path.types, (*path.names, "default")))
        return [] if found is None else [found]

    def prepare(self, write: Write) -> None:
        namespace = write.parent
        assert namespace is not None
        properties = write.properties
        if namespace.body["sku"]["name"] not in self.namespaces.tiers_with_rules:
            raise ArmError(
                400,
                "BadRequest",
                f"Network rules are not supported for namespaces of the {namespace.body['sku']['name']} tier.",
            )
        properties["ipRules"] = unique(properties["ipRules"], "ipMask")
        for rule in properties["virtualNetworkRules"]:
            if not rule["ignoreMissingVnetServiceEndpoint"]:
                fault = check_subnet(write.plane, rule["subnet"]["id"], self.type.partition("/")[0])
                if fault is not None:
                    raise ArmError(400, "BadRequest", fault.partition(":")[2])
        if write.plane.store.find(write.path) is None:
            # It is there from the start, yet in the store only once it was written.
            write.existing = None

    def stored(self, write: Write, resource: Resource) -> None:
        namespace = write.parent
        assert namespace is not None
        namespace.properties["publicNetworkAccess"] = resource.properties["publicNetworkAccess"]
        super().stored(write, resource)

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render(plane, resource, look)
        namespace = plane.store.find(resource.path.parent) if resource.path.parent is not None else None
        assert namespace is not None
        assert resource.path.parent is not None
        shown["id"] = f"{resource.path.parent.text}/networkrulesets/default"
        shown["location"] = namespace.region
        shown["properties"]["publicNetworkAccess"] = namespace.properties["publicNetworkAccess"]
        return shown


class NamespaceResults(ResourceKind):
    """Results of operations on namespaces, which tell of an operation they do not know by what its URL says."""

    methods = frozenset({"GET"})
    listed = False
    namespaces: ClassVar[Namespaces]

    def answer_get(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse | None:
        name = request.query.get("resourcename", "").casefold()
        known = plane.store.of_type(self.namespaces.type, path.subscription)
        namespace = next((one for one in known if one.path.name.casefold() == name), None)
        if namespace is None:
            return ArmResponse(204)
        now = plane.clock.now()
        operation = Operation(
            method="DELETE",
            target=namespace.path,
            region=path.names[0],
            answer=Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=10),
            polling=self.namespaces.polling,
            api_version=request.api_version,
            starts_at=now,
            ends_at=now + 10 * plane.time_scale,
            on_end=lambda: None,
            on_failure=lambda: None,
            id=path.name,
        )
        plane.operations.start(operation)
        return ArmResponse(202, None, plane.follow_headers(operation))


class AuthorizationRules(ResourceKind):
    """Keys of a namespace under a name; ``RootManageSharedAccessKey`` is there from the start."""

    etag_in_body = False
    shows_state = False
    created = Answer(status=200)
    properties = Object(
        properties={
            "rights": Items(of=Choice(values=("Manage", "Listen", "Send")), required=True, fewest=1),
            "keys": HIDDEN,
        }
    )

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        assert path.parent is not None
        namespace = plane.store.find(path.parent)
        found = plane.store.find(path)
        if found is not None or namespace is None or path.name.casefold() != "rootmanagesharedaccesskey":
            return found
        rights = ["Listen", "Manage", "Send"]
        return Resource(
            path=path.parent.child("authorizationRules", "RootManageSharedAccessKey"),
            kind=self,
            body={"properties": {"rights": rights, "keys": namespace.properties["keys"]}},
            created_at=namespace.created_at,
            changed_at=namespace.changed_at,
        )

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        root = ArmPath(path.scope, path.namespace, path.types, (*path.names, "RootManageSharedAccessKey"))
        found = self.find(plane, root)
        others = [rule for rule in super().members(plane, path) if found is None or rule.path.key != found.path.key]
        return others if found is None else [found, *others]

    def prepare(self, write: Write) -> None:
        before = write.existing.properties if write.existing is not None else {}
        write.properties["keys"] = before.get("keys") or {"primaryKey": new_key(32), "secondaryKey": new_key(32)}
        if write.plane.store.find(write.path) is None:
            write.existing = None


def _list_keys(plane: ControlPlane, request: ArmRequest, rule: Resource) -> ArmResponse:
    keys, namespace = rule.properties["keys"], rule.path.names[0]
    body = {"keyName": rule.path.name, **keys}
    for which in ("primary", "secondary"):
        body[f"{which}ConnectionString"] = (
            f"Endpoint=sb://{namespace}.servicebus.windows.net/;SharedAccessKeyName={rule.path.name};"
            f"SharedAccessKey={keys[f'{which}Key']}"
        )
    return ArmResponse(200, body)


AuthorizationRules.actions = {"listkeys": _list_keys}


# -- the two services ------------------------------------------------------------------------------


class ServiceBusNamespaces(Namespaces):
    """Namespaces of Service Bus; those of the Premium tier have a firewall."""

    type = "Microsoft.ServiceBus/namespaces"
    shown_type = "Microsoft.ServiceBus/Namespaces"
    api_versions = SERVICE_BUS_VERSIONS
    polling = _polling("Microsoft.ServiceBus")
    tiers_with_rules = ("Premium",)


class EventHubsNamespaces(Namespaces):
    """Namespaces of Event Hubs; those of the Basic tier have no firewall."""

    type = "Microsoft.EventHub/namespaces"
    shown_type = "Microsoft.EventHub/Namespaces"
    api_versions = EVENT_HUBS_VERSIONS
    polling = _polling("Microsoft.EventHub")
    deleted = replace(Namespaces.deleted, follow=Follow.BOTH)  # recorded more often than Location alone
    tiers_with_rules = ("Standard", "Premium")


class ServiceBusRuleSets(NetworkRuleSets):
    """The network rules of a Service Bus namespace."""

    type = f"{ServiceBusNamespaces.type}/{RULES}"
    shown_type = "Microsoft.ServiceBus/Namespaces/NetworkRuleSets"
    api_versions = SERVICE_BUS_VERSIONS
    namespaces = ServiceBusNamespaces()


class EventHubsRuleSets(NetworkRuleSets):
    """The network rules of an Event Hubs namespace."""

    type = f"{EventHubsNamespaces.type}/{RULES}"
    shown_type = "Microsoft.EventHub/Namespaces/NetworkRuleSets"
    api_versions = EVENT_HUBS_VERSIONS
    namespaces = EventHubsNamespaces()


class ServiceBusResults(NamespaceResults):
    """Results of operations on Service Bus namespaces."""

    type = "Microsoft.ServiceBus/locations/namespaceOperationResults"
    api_versions = SERVICE_BUS_VERSIONS
    namespaces = ServiceBusRuleSets.namespaces


class EventHubsResults(NamespaceResults):
    """Results of operations on Event Hubs namespaces."""

    type = "Microsoft.EventHub/locations/namespaceOperationResults"
    api_versions = EVENT_HUBS_VERSIONS
    namespaces = EventHubsRuleSets.namespaces


class ServiceBusAuthorizationRules(AuthorizationRules):
    """Keys of Service Bus namespaces."""

    type = f"{ServiceBusNamespaces.type}/authorizationRules"
    shown_type = "Microsoft.ServiceBus/Namespaces/AuthorizationRules"
    api_versions = SERVICE_BUS_VERSIONS


class EventHubsAuthorizationRules(AuthorizationRules):
    """Keys of Event Hubs namespaces."""

    type = f"{EventHubsNamespaces.type}/authorizationRules"
    shown_type = "Microsoft.EventHub/Namespaces/AuthorizationRules"
    api_versions = EVENT_HUBS_VERSIONS


class ServiceBusNames(NameCheck):
    """Whether the name of a Service Bus namespace is free."""

    type = "Microsoft.ServiceBus/checkNameAvailability"
    api_versions = SERVICE_BUS_VERSIONS
    of = ServiceBusNamespaces.type
    good = NAMESPACE_NAME
    bad_reason = "InvalidName"
    taken_reason = "NameInUse"


class EventHubsNames(NameCheck):
    """Whether the name of an Event Hubs namespace is free."""

    type = "Microsoft.EventHub/checkNameAvailability"
    api_versions = EVENT_HUBS_VERSIONS
    of = EventHubsNamespaces.type
    good = NAMESPACE_NAME
    bad_reason = "InvalidName"
    taken_reason = "NameInUse"


KINDS = (
    ServiceBusRuleSets.namespaces,
    EventHubsRuleSets.namespaces,
    ServiceBusRuleSets(),
    EventHubsRuleSets(),
    ServiceBusResults(),
    EventHubsResults(),
    ServiceBusAuthorizationRules(),
    EventHubsAuthorizationRules(),
    ServiceBusNames(),
    EventHubsNames(),
)
