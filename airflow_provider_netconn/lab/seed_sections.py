"""The sections of a seed file that hold resources, and what each stands for in Resource Manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """A list below a resource.

    :param segment: of the child's type
    :param api_version: None for its parent's
    :param location: what it is unless the entry has one; None where children have no location
    """

    segment: str
    api_version: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A list of resources of one type.

    :param type: None: each entry names its own
    :param api_version: unless an entry names another; empty: each entry has to
    :param location: of its resources unless they name another; None: their group's
    :param children: by the key under which they stand in an entry
    """

    type: str | None
    api_version: str = ""
    location: str | None = None
    has_location: bool = True
    children: Mapping[str, Children] = field(default_factory=dict)


_NETWORK: Final = "2024-05-01"
_PRIVATE_DNS: Final = "2024-06-01"
_RESOLVER: Final = "2022-07-01"


def _network(segment: str, **children: str) -> Section:
    below = {key: Children(segment=value) for key, value in children.items()}
    return Section(type=f"Microsoft.Network/{segment}", api_version=_NETWORK, children=below)


SECTIONS: Final[Mapping[str, Section]] = {
    "security_groups": _network("networkSecurityGroups"),
    "public_addresses": _network("publicIPAddresses"),
    "networks": _network("virtualNetworks", peerings="virtualNetworkPeerings"),
    "virtual_wans": _network("virtualWans"),
    "virtual_hubs": _network("virtualHubs", connections="hubVirtualNetworkConnections"),
    "local_gateways": _network("localNetworkGateways"),
    "virtual_network_gateways": _network("virtualNetworkGateways"),
    "vpn_connections": _network("connections"),
    "vpn_sites": _network("vpnSites"),
    "vpn_gateways": _network("vpnGateways", connections="vpnConnections"),
    "storage_accounts": Section(type="Microsoft.Storage/storageAccounts", api_version="2023-05-01"),
    "sql_servers": Section(
        type="Microsoft.Sql/servers",
        api_version="2021-11-01",
        children={"firewall_rules": Children(segment="firewallRules")},
    ),
    "key_vaults": Section(type="Microsoft.KeyVault/vaults", api_version="2023-07-01"),
    "registries": Section(type="Microsoft.ContainerRegistry/registries", api_version="2023-07-01"),
    "service_bus": Section(type="Microsoft.ServiceBus/namespaces", api_version="2021-11-01"),
    "event_hubs": Section(type="Microsoft.EventHub/namespaces", api_version="2021-11-01"),
    "private_dns_zones": Section(
        type="Microsoft.Network/privateDnsZones",
        api_version=_PRIVATE_DNS,
        location="global",
        children={
            "links": Children(segment="virtualNetworkLinks", location="global"),
            "a_records": Children(segment="A"),
        },
    ),
    "dns_resolvers": Section(
        type="Microsoft.Network/dnsResolvers",
        api_version=_RESOLVER,
        children={
            "inbound_endpoints": Children(segment="inboundEndpoints"),
            "outbound_endpoints": Children(segment="outboundEndpoints"),
        },
    ),
    "forwarding_rulesets": Section(
        type="Microsoft.Network/dnsForwardingRulesets",
        api_version=_RESOLVER,
        children={"rules": Children(segment="forwardingRules"), "links": Children(segment="virtualNetworkLinks")},
    ),
    "private_endpoints": _network("privateEndpoints", zone_groups="privateDnsZoneGroups"),
    "private_link_services": _network("privateLinkServices"),
    "resources": Section(type=None),
}
