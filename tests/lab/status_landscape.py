"""A resource of each type that the recorded table of statuses has, and what has to be there before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Directory, Principal, PrincipalKind, Tenant
from airflow_provider_netconn.lab.resources.catalogue import resource_kinds
from airflow_provider_netconn.lab.resources.generic import generic_kind
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, TENANT, Owners, make_plane, send
from tests.lab.resources.service_landscape import PLAIN

NETWORK = "2024-03-01"
DNS = "2024-06-01"
RESOLVER = "2022-07-01"
SOMEBODY = "00000000-0000-4000-8000-0000000000d7"
ROLE = "11111111-2222-4333-8444-555555555555"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
N = "Microsoft.Network"
ZONE = f"{N}/privateDnsZones/example.test"
HUB = f"{N}/virtualHubs/hub"
GATEWAY = f"{N}/virtualNetworkGateways/gateway"
HUB_GATEWAY = f"{N}/vpnGateways/hubgateway"
WATCHER = f"{N}/networkWatchers/watcher"
RULESET = f"{N}/dnsForwardingRulesets/ruleset"
RESOLVERS = f"{N}/dnsResolvers/resolver"
SQL = "Microsoft.Sql/servers/thesqlserver"
ENDPOINT = f"{N}/privateEndpoints/endpoint"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/worker"


class Everybody(Owners):
    """Everybody owns everything, and there is a directory with somebody in it."""

    replication_delay_s = principal_delay_s = 0.0

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.directory = Directory(clock or Clock())
        self.directory.add_tenant(Tenant(tenant_id=TENANT, domain="example.test", display_name="tenant"))
        self.directory.add(
            Principal(
                object_id=SOMEBODY,
                tenant_id=TENANT,
                kind=PrincipalKind.USER,
                display_name="somebody",
                user_principal_name="somebody@example.test",
            )
        )


@dataclass(frozen=True)
class Subject:
    """One resource.

    :param path: below the group's ``providers``, or absolute
    :param body: of its PUT
    :param needs: types that are made first, by their keys in :data:`SUBJECTS`
    """

    path: str
    body: Any
    version: str = NETWORK
    needs: tuple[str, ...] = ()


def full(path: str) -> str:
    """:return: the id of a path below the group"""
    return path if path.startswith("/") else f"{GROUP}/providers/{path}"


def ref(path: str) -> dict[str, str]:
    """:return: a reference to a path below the group"""
    return {"id": full(path)}


def at(region: str = "eastus", **properties: Any) -> dict[str, Any]:
    """:return: a body with a location"""
    return {"location": region, "properties": properties}


def of(**properties: Any) -> dict[str, Any]:
    """:return: a body without one"""
    return {"properties": properties}


def network(*subnets: tuple[str, str], space: str = "10.20.0.0/16", **more: Any) -> dict[str, Any]:
    """:return: the body of a network"""
    inside = [{"name": name, "properties": {"addressPrefix": prefix, **more.get(name, {})}} for name, prefix in subnets]
    return at(addressSpace={"addressPrefixes": [space]}, subnets=inside)


def _gateway(**more: Any) -> dict[str, Any]:
    configuration = {"subnet": ref(f"{NET}/subnets/GatewaySubnet"), "publicIPAddress": ref(f"{N}/publicIPAddresses/ip")}
    return at(
        ipConfigurations=[{"name": "default", "properties": configuration}],
        gatewayType="Vpn",
        vpnType="RouteBased",
        sku={"name": "VpnGw1", "tier": "VpnGw1"},
        **more,
    )


NET = f"{N}/virtualNetworks/net"
SUBNETS = (
    ("apps", "10.20.0.0/24"),
    ("services", "10.20.1.0/24"),
    ("inbound", "10.20.2.0/28"),
    ("outbound", "10.20.2.16/28"),
    ("GatewaySubnet", "10.20.3.0/24"),
    ("RouteServerSubnet", "10.20.4.0/24"),
)
OPEN_SERVICES = {"services": {"privateLinkServiceNetworkPolicies": "Disabled"}}
STORAGE = "Microsoft.Storage/storageAccounts/thestorage1"
WATCHED = ref(f"{N}/networkInterfaces/card")


def _plain(type_name: str, name: str, **more: Any) -> tuple[str, Any, str]:
    version, body = PLAIN[type_name]
    return f"{type_name}/{name}", {"location": "eastus", **body, **more}, version


def record(kind: str, **properties: Any) -> Subject:
    """:return: a record set in the zone"""
    return Subject(f"{ZONE}/{kind}/name", of(ttl=300, **properties), DNS, ("microsoft.network/privatednszones",))


def _lowered(subjects: dict[str, Subject]) -> dict[str, Subject]:
    return {name.casefold(): subject for name, subject in subjects.items()}


SUBJECTS = _lowered(
    {
        # -- networks --------------------------------------------------------------------------
        f"{N}/virtualNetworks": Subject(NET, network(*SUBNETS, **OPEN_SERVICES)),
        f"{N}/virtualNetworks/subnets": Subject(
            f"{NET}/subnets/more", of(addressPrefix="10.20.9.0/24"), needs=("microsoft.network/virtualnetworks",)
        ),
        "other network": Subject(f"{N}/virtualNetworks/far", network(("apps", "10.9.0.0/24"), space="10.9.0.0/16")),
        f"{N}/virtualNetworks/virtualNetworkPeerings": Subject(
            f"{NET}/virtualNetworkPeerings/to-far",
            of(remoteVirtualNetwork=ref(f"{N}/virtualNetworks/far")),
            needs=("microsoft.network/virtualnetworks", "other network"),
        ),
        f"{N}/networkSecurityGroups": Subject(f"{N}/networkSecurityGroups/group", at()),
        f"{N}/networkSecurityGroups/securityRules": Subject(
            f"{N}/networkSecurityGroups/group/securityRules/rule",
            of(
                protocol="Tcp",
                sourcePortRange="*",
                destinationPortRange="443",
                sourceAddressPrefix="*",
                destinationAddressPrefix="*",
                access="Allow",
                priority=100,
                direction="Inbound",
            ),
            needs=("microsoft.network/networksecuritygroups",),
        ),
        f"{N}/publicIPAddresses": Subject(
            f"{N}/publicIPAddresses/ip",
            {"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}},
        ),
        "interface": Subject(
            f"{N}/networkInterfaces/card",
            at(
                ipConfigurations=[{"name": "one", "properties": {"subnet": ref(f"{NET}/subnets/apps")}}],
                networkSecurityGroup=ref(f"{N}/networkSecurityGroups/group"),
            ),
            needs=("microsoft.network/virtualnetworks", "microsoft.network/networksecuritygroups"),
        ),
        "machine": Subject(
            "Microsoft.Compute/virtualMachines/machine",
            at(networkProfile={"networkInterfaces": [WATCHED]}),
            needs=("interface",),
        ),
        # -- private link ----------------------------------------------------------------------
        f"{N}/privateEndpoints": Subject(
            ENDPOINT,
            at(
                subnet=ref(f"{NET}/subnets/apps"),
                privateLinkServiceConnections=[
                    {
                        "name": "conn",
                        "properties": {"privateLinkServiceId": full(STORAGE), "groupIds": ["blob"]},
                    }
                ],
            ),
            needs=("microsoft.network/virtualnetworks", "microsoft.storage/storageaccounts"),
        ),
        f"{N}/privateEndpoints/privateDnsZoneGroups": Subject(
            f"{ENDPOINT}/privateDnsZoneGroups/default",
            of(privateDnsZoneConfigs=[{"name": "zone", "properties": {"privateDnsZoneId": full(ZONE)}}]),
            needs=("microsoft.network/privateendpoints", "microsoft.network/privatednszones"),
        ),
        "balancer": Subject(
            f"{N}/loadBalancers/balancer",
            at(frontendIPConfigurations=[{"name": "front", "properties": {"subnet": ref(f"{NET}/subnets/services")}}]),
            needs=("microsoft.network/virtualnetworks",),
        ),
        f"{N}/privateLinkServices": Subject(
            f"{N}/privateLinkServices/service",
            at(
                loadBalancerFrontendIpConfigurations=[
                    ref(f"{N}/loadBalancers/balancer/frontendIPConfigurations/front")
                ],
                ipConfigurations=[
                    {"name": "one", "properties": {"subnet": ref(f"{NET}/subnets/services"), "primary": True}}
                ],
            ),
            needs=("balancer",),
        ),
        # -- names -----------------------------------------------------------------------------
        f"{N}/privateDnsZones": Subject(ZONE, {"location": "global"}, DNS),
        f"{N}/privateDnsZones/virtualNetworkLinks": Subject(
            f"{ZONE}/virtualNetworkLinks/link",
            {"location": "global", "properties": {"virtualNetwork": ref(NET), "registrationEnabled": False}},
            DNS,
            ("microsoft.network/privatednszones", "microsoft.network/virtualnetworks"),
        ),
        f"{N}/privateDnsZones/A": record("A", aRecords=[{"ipv4Address": "10.0.0.4"}]),
        f"{N}/privateDnsZones/AAAA": record("AAAA", aaaaRecords=[{"ipv6Address": "fd00::4"}]),
        f"{N}/privateDnsZones/CNAME": record("CNAME", cnameRecord={"cname": "there.example.test"}),
        f"{N}/privateDnsZones/MX": record("MX", mxRecords=[{"preference": 10, "exchange": "mail.example.test"}]),
        f"{N}/privateDnsZones/PTR": record("PTR", ptrRecords=[{"ptrdname": "there.example.test"}]),
        f"{N}/privateDnsZones/SRV": record(
            "SRV", srvRecords=[{"priority": 1, "weight": 1, "port": 80, "target": "there.example.test"}]
        ),
        f"{N}/privateDnsZones/TXT": record("TXT", txtRecords=[{"value": ["one"]}]),
        f"{N}/privateDnsZones/SOA": Subject(
            f"{ZONE}/SOA/@",
            of(
                ttl=3600,
                soaRecord={
                    "host": "azureprivatedns.net",
                    "email": "azureprivatedns-host.microsoft.com",
                    "serialNumber": 1,
                    "refreshTime": 3600,
                    "retryTime": 300,
                    "expireTime": 2419200,
                    "minimumTtl": 10,
                },
            ),
            DNS,
            ("microsoft.network/privatednszones",),
        ),
        f"{N}/dnsResolvers": Subject(
            RESOLVERS, at(virtualNetwork=ref(NET)), RESOLVER, ("microsoft.network/virtualnetworks",)
        ),
        f"{N}/dnsResolvers/inboundEndpoints": Subject(
            f"{RESOLVERS}/inboundEndpoints/in",
            at(ipConfigurations=[{"subnet": ref(f"{NET}/subnets/inbound"), "privateIpAllocationMethod": "Dynamic"}]),
            RESOLVER,
            ("microsoft.network/dnsresolvers",),
        ),
        f"{N}/dnsResolvers/outboundEndpoints": Subject(
            f"{RESOLVERS}/outboundEndpoints/out",
            at(subnet=ref(f"{NET}/subnets/outbound")),
            RESOLVER,
            ("microsoft.network/dnsresolvers",),
        ),
        f"{N}/dnsForwardingRulesets": Subject(
            RULESET,
            at(dnsResolverOutboundEndpoints=[ref(f"{RESOLVERS}/outboundEndpoints/out")]),
            RESOLVER,
            ("microsoft.network/dnsresolvers/outboundendpoints",),
        ),
        f"{N}/dnsForwardingRulesets/forwardingRules": Subject(
            f"{RULESET}/forwardingRules/rule",
            of(
                domainName="onprem.test.",
                forwardingRuleState="Enabled",
                targetDnsServers=[{"ipAddress": "192.0.2.53", "port": 53}],
            ),
            RESOLVER,
            ("microsoft.network/dnsforwardingrulesets",),
        ),
        f"{N}/dnsForwardingRulesets/virtualNetworkLinks": Subject(
            f"{RULESET}/virtualNetworkLinks/link",
            of(virtualNetwork=ref(NET)),
            RESOLVER,
            ("microsoft.network/dnsforwardingrulesets",),
        ),
        # -- gateways and hubs -----------------------------------------------------------------
        f"{N}/localNetworkGateways": Subject(
            f"{N}/localNetworkGateways/site",
            at(gatewayIpAddress="192.0.2.1", localNetworkAddressSpace={"addressPrefixes": ["192.168.0.0/24"]}),
        ),
        f"{N}/virtualNetworkGateways": Subject(
            GATEWAY,
            _gateway(),
            needs=("microsoft.network/virtualnetworks", "microsoft.network/publicipaddresses"),
        ),
        f"{N}/connections": Subject(
            f"{N}/connections/connection",
            at(
                connectionType="IPsec",
                virtualNetworkGateway1=ref(GATEWAY),
                localNetworkGateway2=ref(f"{N}/localNetworkGateways/site"),
                sharedKey="CANARY-key-1",
            ),
            needs=("microsoft.network/virtualnetworkgateways", "microsoft.network/localnetworkgateways"),
        ),
        f"{N}/virtualWans": Subject(f"{N}/virtualWans/wan", at()),
        f"{N}/virtualHubs": Subject(
            HUB,
            at(virtualWan=ref(f"{N}/virtualWans/wan"), addressPrefix="10.5.0.0/16"),
            needs=("microsoft.network/virtualwans",),
        ),
        f"{N}/virtualHubs/hubVirtualNetworkConnections": Subject(
            f"{HUB}/hubVirtualNetworkConnections/to-net",
            of(remoteVirtualNetwork=ref(NET)),
            needs=("microsoft.network/virtualhubs", "microsoft.network/virtualnetworks"),
        ),
        f"{N}/virtualHubs/bgpConnections": Subject(
            f"{HUB}/bgpConnections/peer",
            of(
                peerAsn=65000,
                peerIp="10.0.0.10",
                hubVirtualNetworkConnection=ref(f"{HUB}/hubVirtualNetworkConnections/to-net"),
            ),
            needs=("microsoft.network/virtualhubs/hubvirtualnetworkconnections",),
        ),
        f"{N}/virtualHubs/ipConfigurations": Subject(
            f"{HUB}/ipConfigurations/one",
            of(subnet=ref(f"{NET}/subnets/RouteServerSubnet"), publicIPAddress=ref(f"{N}/publicIPAddresses/ip")),
            needs=(
                "microsoft.network/virtualhubs",
                "microsoft.network/virtualnetworks",
                "microsoft.network/publicipaddresses",
            ),
        ),
        f"{N}/virtualHubs/routeMaps": Subject(
            f"{HUB}/routeMaps/map",
            of(
                rules=[
                    {
                        "name": "rule",
                        "matchCriteria": [{"matchCondition": "Contains", "routePrefix": ["10.0.0.0/8"]}],
                        "actions": [{"type": "Add", "parameters": [{"asPath": ["22334"]}]}],
                        "nextStepIfMatched": "Continue",
                    }
                ]
            ),
            needs=("microsoft.network/virtualhubs",),
        ),
        f"{N}/vpnSites": Subject(
            f"{N}/vpnSites/site",
            at(
                virtualWan=ref(f"{N}/virtualWans/wan"),
                addressSpace={"addressPrefixes": ["192.168.0.0/24"]},
                vpnSiteLinks=[{"name": "link", "properties": {"ipAddress": "192.0.2.2"}}],
            ),
            needs=("microsoft.network/virtualwans",),
        ),
        f"{N}/vpnGateways": Subject(HUB_GATEWAY, at(virtualHub=ref(HUB)), needs=("microsoft.network/virtualhubs",)),
        f"{N}/vpnGateways/natRules": Subject(
            f"{HUB_GATEWAY}/natRules/rule",
            of(
                type="Static",
                mode="EgressSnat",
                internalMappings=[{"addressSpace": "10.4.0.0/24"}],
                externalMappings=[{"addressSpace": "192.168.21.0/24"}],
            ),
            needs=("microsoft.network/vpngateways",),
        ),
        f"{N}/vpnGateways/vpnConnections": Subject(
            f"{HUB_GATEWAY}/vpnConnections/connection",
            of(
                remoteVpnSite=ref(f"{N}/vpnSites/site"),
                vpnLinkConnections=[
                    {"name": "link", "properties": {"vpnSiteLink": ref(f"{N}/vpnSites/site/vpnSiteLinks/link")}}
                ],
            ),
            needs=("microsoft.network/vpngateways", "microsoft.network/vpnsites"),
        ),
        # -- Network Watcher -------------------------------------------------------------------
        f"{N}/networkWatchers": Subject(WATCHER, at()),
        f"{N}/networkWatchers/flowLogs": Subject(
            f"{WATCHER}/flowLogs/log",
            at(
                targetResourceId=full(f"{N}/networkSecurityGroups/group"),
                storageId=full(STORAGE),
                enabled=True,
            ),
            needs=(
                "microsoft.network/networkwatchers",
                "microsoft.network/networksecuritygroups",
                "microsoft.storage/storageaccounts",
            ),
        ),
        f"{N}/networkWatchers/packetCaptures": Subject(
            f"{WATCHER}/packetCaptures/capture",
            of(
                target=full("Microsoft.Compute/virtualMachines/machine"),
                storageLocation={"storageId": full(STORAGE)},
            ),
            needs=("microsoft.network/networkwatchers", "machine", "microsoft.storage/storageaccounts"),
        ),
        f"{N}/networkWatchers/connectionMonitors": Subject(
            f"{WATCHER}/connectionMonitors/monitor",
            at(
                endpoints=[
                    {"name": "here", "resourceId": full("Microsoft.Compute/virtualMachines/machine")},
                    {"name": "there", "address": "example.com"},
                ],
                testConfigurations=[{"name": "tcp", "protocol": "Tcp", "tcpConfiguration": {"port": 443}}],
                testGroups=[
                    {
                        "name": "group",
                        "sources": ["here"],
                        "destinations": ["there"],
                        "testConfigurations": ["tcp"],
                    }
                ],
            ),
            needs=("microsoft.network/networkwatchers", "machine"),
        ),
        # -- rights and identities -------------------------------------------------------------
        "Microsoft.Authorization/locks": Subject(
            f"{GROUP}/providers/Microsoft.Authorization/locks/lock", of(level="CanNotDelete"), "2016-09-01"
        ),
        "Microsoft.Authorization/roleAssignments": Subject(
            f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{ROLE}",
            of(
                roleDefinitionId=f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization"
                f"/roleDefinitions/{READER}",
                principalId=SOMEBODY,
            ),
            "2022-04-01",
        ),
        "Microsoft.Authorization/roleDefinitions": Subject(
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}",
            of(
                roleName="reads names",
                permissions=[{"actions": ["Microsoft.Network/*/read"]}],
                assignableScopes=[f"/subscriptions/{SUBSCRIPTION}"],
            ),
            "2022-04-01",
        ),
        "Microsoft.ManagedIdentity/userAssignedIdentities": Subject(IDENTITY, {"location": "eastus"}, "2023-01-31"),
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": Subject(
            f"{IDENTITY}/federatedIdentityCredentials/cluster",
            of(issuer="https://issuer.test/", subject="system:serviceaccount:a:b", audiences=["api://exchange"]),
            "2023-01-31",
            ("microsoft.managedidentity/userassignedidentities",),
        ),
        # -- services --------------------------------------------------------------------------
        "Microsoft.ContainerRegistry/registries": Subject(
            *_plain("Microsoft.ContainerRegistry/registries", "theregistry1")
        ),
        "Microsoft.DBforMySQL/flexibleServers": Subject(
            *_plain("Microsoft.DBforMySQL/flexibleServers", "themysqlserver")
        ),
        "Microsoft.DBforMySQL/flexibleServers/firewallRules": Subject(
            "Microsoft.DBforMySQL/flexibleServers/themysqlserver/firewallRules/rule",
            of(startIpAddress="203.0.113.1", endIpAddress="203.0.113.9"),
            "2023-12-30",
            ("microsoft.dbformysql/flexibleservers",),
        ),
        "Microsoft.DBforPostgreSQL/flexibleServers": Subject(
            *_plain("Microsoft.DBforPostgreSQL/flexibleServers", "thepostgresserver")
        ),
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules": Subject(
            "Microsoft.DBforPostgreSQL/flexibleServers/thepostgresserver/firewallRules/rule",
            of(startIpAddress="203.0.113.1", endIpAddress="203.0.113.9"),
            "2024-08-01",
            ("microsoft.dbforpostgresql/flexibleservers",),
        ),
        "Microsoft.DocumentDB/databaseAccounts": Subject(
            *_plain("Microsoft.DocumentDB/databaseAccounts", "thecosmosaccount")
        ),
        "Microsoft.EventHub/namespaces": Subject(*_plain("Microsoft.EventHub/namespaces", "theeventhubs")),
        "Microsoft.EventHub/namespaces/networkRuleSets": Subject(
            "Microsoft.EventHub/namespaces/theeventhubs/networkRuleSets/default",
            of(defaultAction="Deny", ipRules=[{"ipMask": "203.0.113.1", "action": "Allow"}]),
            "2024-01-01",
            ("microsoft.eventhub/namespaces",),
        ),
        "Microsoft.ServiceBus/namespaces": Subject(*_plain("Microsoft.ServiceBus/namespaces", "theservicebus")),
        "Microsoft.ServiceBus/namespaces/networkRuleSets": Subject(
            "Microsoft.ServiceBus/namespaces/theservicebus/networkRuleSets/default",
            of(defaultAction="Deny", ipRules=[{"ipMask": "203.0.113.1", "action": "Allow"}]),
            "2024-01-01",
            ("microsoft.servicebus/namespaces",),
        ),
        "Microsoft.KeyVault/vaults": Subject(*_plain("Microsoft.KeyVault/vaults", "thevault")),
        "Microsoft.Sql/servers": Subject(*_plain("Microsoft.Sql/servers", "thesqlserver")),
        "Microsoft.Sql/servers/firewallRules": Subject(
            f"{SQL}/firewallRules/rule",
            of(startIpAddress="203.0.113.1", endIpAddress="203.0.113.9"),
            "2023-05-01-preview",
            ("microsoft.sql/servers",),
        ),
        "Microsoft.Sql/servers/ipv6FirewallRules": Subject(
            f"{SQL}/ipv6FirewallRules/rule",
            of(startIPv6Address="2001:db8::1", endIPv6Address="2001:db8::9"),
            "2023-05-01-preview",
            ("microsoft.sql/servers",),
        ),
        "Microsoft.Sql/servers/outboundFirewallRules": Subject(
            f"{SQL}/outboundFirewallRules/there.database.windows.net",
            None,
            "2023-05-01-preview",
            ("microsoft.sql/servers",),
        ),
        "sql subnet": Subject(
            f"{N}/virtualNetworks/sqlnet",
            network(
                ("sql", "10.8.0.0/24"),
                space="10.8.0.0/16",
                sql={"serviceEndpoints": [{"service": "Microsoft.Sql"}]},
            ),
        ),
        "Microsoft.Sql/servers/virtualNetworkRules": Subject(
            f"{SQL}/virtualNetworkRules/rule",
            of(virtualNetworkSubnetId=full(f"{N}/virtualNetworks/sqlnet/subnets/sql")),
            "2023-05-01-preview",
            ("microsoft.sql/servers", "sql subnet"),
        ),
        "Microsoft.Storage/storageAccounts": Subject(*_plain("Microsoft.Storage/storageAccounts", "thestorage1")),
        # -- Resource Manager itself -----------------------------------------------------------
        "resourcegroup": Subject(
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/more", {"location": "eastus"}, "2021-04-01"
        ),
    }
)
"""Type in lower case -> one of it."""


def landscape() -> Any:
    """:return: a control plane with all types, and a group"""
    return make_plane(resource_kinds(), access=Everybody(), fallback=generic_kind)


def settle(plane: Any) -> None:
    """Let operations end, and what takes its time besides."""
    plane.clock.advance(120)
    plane.operations.advance()


def make(plane: Any, name: str) -> Subject:
    """Make a subject and what it needs.

    :return: the subject
    """
    subject = SUBJECTS[name.casefold()]
    prepare(plane, subject)
    if plane.find(full(subject.path)) is None:
        answer = ask(plane, "PUT", subject)
        assert answer.status < 300, (name, answer.body)
        settle(plane)
    return subject


def prepare(plane: Any, subject: Subject) -> None:
    """Make what a subject needs."""
    for needed in subject.needs:
        make(plane, needed)


def ask(plane: Any, method: str, subject: Subject, body: Any = None, below: str = "") -> Any:
    """Send a request to a subject; a PUT carries its body."""
    given = subject.body if method == "PUT" and body is None else body
    return send(plane, method, full(subject.path) + below, given, version=subject.version)


def connection_to_service(plane: Any) -> Subject:
    """A connection to a private link service, by an endpoint; the service names it."""
    service = make(plane, "microsoft.network/privatelinkservices")
    wanted = {"name": "conn", "properties": {"privateLinkServiceId": full(service.path)}}
    to_service = {"subnet": ref(f"{NET}/subnets/apps")}
    body = {"location": "eastus", "properties": {**to_service, "privateLinkServiceConnections": [wanted]}}
    assert ask(plane, "PUT", Subject(ENDPOINT, body)).status == 201
    plane.operations.advance()
    [shown] = ask(plane, "GET", service).body["properties"]["privateEndpointConnections"]
    state = {"status": "Rejected", "description": "no"}
    return Subject(shown["id"], {"name": shown["name"], **of(privateLinkServiceConnectionState=state)})
