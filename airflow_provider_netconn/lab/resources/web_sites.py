"""App Service: plans, sites and the access restrictions in a site's configuration.

Microsoft Learn: "Set up Azure App Service access restrictions": rules go by priority, the first that fits decides, and
what no rule is about is denied as soon as there is one, unless ``ipSecurityRestrictionsDefaultAction`` says otherwise;
512 rules at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Flag, Items, Number, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    AZURE,
    Firewall,
    FirewallRuleKind,
    Refusal,
    Rule,
    Wire,
    range_rule,
)
from airflow_provider_netconn.lab.resources.service_versions import WEB_VERSIONS
from airflow_provider_netconn.lab.resources.services import NameCheck, Service

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

SITES = "Microsoft.Web/sites"
SITE_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?"
MOST_RESTRICTIONS = 512
LAST_PRIORITY = 2_147_483_647
REFUSALS = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")

RESTRICTION = Object(
    properties={
        "ipAddress": Text(),
        "subnetMask": Text(),
        "vnetSubnetResourceId": Text(),
        "vnetTrafficTag": Number(),
        "subnetTrafficTag": Number(),
        "action": Choice(values=("Allow", "Deny"), default="Allow"),
        "tag": Choice(values=("Default", "XffProxy", "ServiceTag"), default="Default"),
        "priority": Number(lowest=1, highest=LAST_PRIORITY, default=65_000),
        "name": Text(longest=255),
        "description": Text(longest=255),
        "headers": Anything(),
    }
)

CONFIG = Object(
    properties={
        "ipSecurityRestrictions": Items(of=RESTRICTION, most=MOST_RESTRICTIONS + 1),
        "scmIpSecurityRestrictions": Items(of=RESTRICTION, most=MOST_RESTRICTIONS + 1),
        "ipSecurityRestrictionsDefaultAction": Choice(values=("Allow", "Deny")),
        "scmIpSecurityRestrictionsDefaultAction": Choice(values=("Allow", "Deny")),
        "scmIpSecurityRestrictionsUseMain": Flag(),
        "publicNetworkAccess": Choice(values=("Enabled", "Disabled")),
    },
    open=True,
)


class Plans(ResourceKind):
    """App Service plans, as far as a site needs one."""

    type = "Microsoft.Web/serverfarms"
    shown_type = "Microsoft.Web/serverFarms"
    api_versions = WEB_VERSIONS
    refusals = REFUSALS
    created = Answer(status=200)
    tracked = True
    etag_in_body = False
    patch = Patch.MERGE
    envelope = {"sku": Anything(), "kind": Text()}  # noqa: RUF012
    properties = Object(properties={"provisioningState": Anything(read_only=True)}, open=True)

    def prepare(self, write: Write) -> None:
        write.body.setdefault(
            "sku", {"name": "P1v3", "tier": "PremiumV3", "size": "P1v3", "family": "Pv3", "capacity": 1}
        )
        write.facts["status"] = "Ready"


class Sites(Service):
    """Web and function apps."""

    type = SITES
    api_versions = WEB_VERSIONS
    refusals = REFUSALS
    created = Answer(status=200)
    firewall_delay_s = 10.0
    shows_state = False
    connections_shown = False
    properties = Object(
        properties={
            "serverFarmId": Text(),
            "siteConfig": CONFIG,
            "httpsOnly": Flag(default=False),
            "enabled": Flag(default=True),
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled")),
            "virtualNetworkSubnetId": Text(),
            **{
                name: Anything(read_only=True)
                for name in (
                    "state", "hostNames", "enabledHostNames", "defaultHostName", "outboundIpAddresses",
                    "possibleOutboundIpAddresses", "privateEndpointConnections",
                )
            },
        },
        open=True,
    )  # fmt: skip

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(SITE_NAME, path.name):
            raise ArmError(400, "BadRequest", f"The parameter name has an invalid value: '{path.name}'.")

    def taken(self, name: str) -> ArmError:
        return ArmError(409, "Conflict", f"Website with given name {name} already exists.")

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        host = f"{write.path.name.lower()}.azurewebsites.net"
        write.body.setdefault("kind", "app")
        config = write.properties.pop("siteConfig", None)
        if config:
            _check_config(write, config)
            write.properties["siteConfig"] = config
        write.facts.update(
            state="Running",
            defaultHostName=host,
            hostNames=[host],
            enabledHostNames=[host, f"{write.path.name.lower()}.scm.azurewebsites.net"],
        )

    def stored(self, write: Write, resource: Resource) -> None:
        config = resource.properties.pop("siteConfig", None)
        if config:
            kept = _config_of(write.plane, resource)
            kept.body = {"properties": {**kept.properties, **config}}
            write.plane.store.add(kept)
        super().stored(write, resource)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown.setdefault("publicNetworkAccess", None)
        shown["siteConfig"] = {"numberOfWorkers": 1}
        return shown

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        config = _config_of(plane, resource).properties
        access = config.get("publicNetworkAccess") or resource.properties.get("publicNetworkAccess") or "Enabled"
        rules, subnets = _restrictions(config.get("ipSecurityRestrictions") or [])
        default = config.get("ipSecurityRestrictionsDefaultAction")
        return Firewall(
            public=access == "Enabled",
            restricted=default == "Deny" or (default is None and bool(rules or subnets)),
            rules=rules,
            subnets=subnets,
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        title = "Ip Forbidden" if firewall.public else "Web App - Unavailable"
        return Refusal(
            wire=Wire.HTTP,
            status=403,
            code=title,
            message=title,
            body=f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>Error 403 - Forbidden</h1>"
            "<p>The web app you have attempted to reach has blocked your access.</p></body></html>",
            content_type="text/html",
        )


class SiteConfigs(FirewallRuleKind):
    """A site's configuration: ``web``, there from the start, and others by name, such as ``appsettings``."""

    type = f"{SITES}/config"
    api_versions = WEB_VERSIONS
    refusals = REFUSALS
    shows_state = False
    patch = Patch.MERGE
    created = Answer(status=200)
    methods = frozenset({"GET", "PUT", "PATCH"})
    properties = CONFIG

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        assert path.parent is not None
        found = plane.store.find(path)
        site = plane.store.find(path.parent)
        return (
            _config_of(plane, site) if found is None and site is not None and path.name.casefold() == "web" else found
        )

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        found = self.find(plane, ArmPath(path.scope, path.namespace, path.types, (*path.names, "web")))
        return [] if found is None else [found]

    def prepare(self, write: Write) -> None:
        if write.existing is not None:
            write.body["properties"] = {**write.existing.properties, **write.properties}
        _check_config(write, write.properties)
        if write.plane.store.find(write.path) is None:
            write.existing = None

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = dict(resource.properties)
        if resource.path.name != "web":
            return shown
        shown.setdefault("scmIpSecurityRestrictionsUseMain", False)
        for name in ("ipSecurityRestrictions", "scmIpSecurityRestrictions"):
            shown[name] = _with_last(shown.get(name) or [], shown.get(f"{name}DefaultAction"))
        return shown


def _config_of(plane: ControlPlane, site: Resource) -> Resource:
    """:return: the site's ``config/web``, also where nobody has written it yet"""
    path = site.path.child("config", "web")
    kind = plane.kind(f"{SITES}/config")
    assert kind is not None
    return plane.store.find(path) or Resource(
        path=path, kind=kind, body={"properties": {}}, created_at=site.created_at, changed_at=site.changed_at
    )


def _check_config(write: Write, config: dict[str, Any]) -> None:
    """Refuse restrictions that name no caller; the last rule, which reads add, is not kept."""
    for name in ("ipSecurityRestrictions", "scmIpSecurityRestrictions"):
        if config.get(name) is None:
            continue
        config[name] = [rule for rule in config[name] if rule.get("ipAddress") != "Any"]
        if len(config[name]) > MOST_RESTRICTIONS:
            raise ArmError(400, "BadRequest", f"At most {MOST_RESTRICTIONS} access restrictions are allowed.")
        for rule in config[name]:
            _check_restriction(rule)


def _check_restriction(rule: Mapping[str, Any]) -> None:
    address, subnet = rule.get("ipAddress"), rule.get("vnetSubnetResourceId")
    if not address and not subnet:
        raise ArmError(400, "BadRequest", "IpSecurityRestriction has to have an IpAddress or a VnetSubnetResourceId.")
    if not address or rule.get("tag") == "ServiceTag":
        return
    try:
        for part in address.split(","):
            range_rule(_prefix(part.strip(), rule.get("subnetMask")))
    except ValueError:
        raise ArmError(
            400, "BadRequest", f"IpSecurityRestriction.IpAddress is invalid.  For format, use CIDR notation: {address}"
        ) from None


def _prefix(address: str, mask: str | None) -> str:
    return address if "/" in address or not mask else f"{address}/{mask}"


def _restrictions(entries: list[Mapping[str, Any]]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules in the order that they are asked, and the subnets that get in."""
    rules: list[Rule] = []
    subnets: list[str] = []
    for entry in sorted(entries, key=lambda entry: int(entry.get("priority") or LAST_PRIORITY)):
        allow = entry.get("action", "Allow") == "Allow"
        name = entry.get("name") or entry.get("ipAddress") or ""
        address = entry.get("ipAddress")
        if not address:
            subnets += [entry["vnetSubnetResourceId"]] if allow else []
        elif entry.get("tag") == "ServiceTag":
            if address.casefold().startswith("azurecloud"):
                rules.append(range_rule(AZURE, name=name, allow=allow, azure=True))
        else:
            parts = [_prefix(part.strip(), entry.get("subnetMask")) for part in address.split(",")]
            rules += [range_rule(part, name=name, allow=allow) for part in parts]
    return tuple(rules), tuple(subnets)


def _with_last(rules: list[dict[str, Any]], default: str | None) -> list[dict[str, Any]]:
    action = default or ("Deny" if rules else "Allow")
    word = "Allow all" if action == "Allow" else "Deny all"
    last = {
        "ipAddress": "Any",
        "action": action,
        "priority": LAST_PRIORITY,
        "name": word,
        "description": f"{word} access",
    }
    return [*rules, last]


def _list_settings(plane: ControlPlane, request: ArmRequest, config: Resource) -> ArmResponse:
    return ArmResponse(200, config.kind.render(plane, config, Look(api_version=request.api_version, query={})))


SiteConfigs.actions = {"list": _list_settings}


class SiteNames(NameCheck):
    """Whether a site name is free."""

    type = "Microsoft.Web/checkNameAvailability"
    api_versions = WEB_VERSIONS
    of = SITES
    good = SITE_NAME


KINDS = (Plans(), Sites(), SiteConfigs(), SiteNames())
