"""The landscape of the cases, as a running lab: what its seed cannot hold is made by requests."""

from __future__ import annotations

from pathlib import Path

SEED = Path(__file__).with_name("landscape.yaml")
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/net"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
LOCATION = "westeurope"

RULES = {
    "Contoso": ("contoso.com.", ["192.168.0.54"]),
    "AzurePrivate": ("azure.contoso.com.", ["10.110.0.4"]),
    "Wildcard": (".", ["192.168.0.53"]),
    "OnPremises": ("onprem.contoso.com.", ["192.168.0.53"]),
    "Vaults": ("vault.azure.net.", ["10.110.0.4"]),
    "Deaf": ("deaf.example.", ["10.111.0.98", "10.111.0.99"]),
    "Second": ("example.org.", ["10.111.0.99", "192.168.0.53"]),
}
"""Of the ruleset that is linked to the spoke; those of Learn's example among them."""

RECORDS = {
    "CNAME/alias": {"cnameRecord": {"cname": "www.contoso.com"}},
    "CNAME/dangling": {"cnameRecord": {"cname": "nowhere.corp.contoso.com"}},
    "CNAME/round": {"cnameRecord": {"cname": "about.contoso.com"}},
    "CNAME/about": {"cnameRecord": {"cname": "round.contoso.com"}},
    "CNAME/lake": {"cnameRecord": {"cname": "storageaccounta.blob.core.windows.net"}},
    "MX/@": {"mxRecords": [{"preference": 10, "exchange": "mail.contoso.com"}]},
    "TXT/text": {"txtRecords": [{"value": ["v=spf1 ", "-all"]}, {"value": ['a "quoted" one']}]},
    "SRV/_sip._tcp": {"srvRecords": [{"priority": 1, "weight": 2, "port": 5060, "target": "sip.contoso.com"}]},
    "AAAA/six": {"aaaaRecords": [{"ipv6Address": "fd00::5"}]},
    "A/empty": {"aRecords": []},
}


def complete(lab):
    """Make what the seed cannot hold."""
    for record, content in RECORDS.items():
        kind, _, name = record.partition("/")
        lab.put(f"{NETWORK}/privateDnsZones/contoso.com/{kind}/{name}", {"properties": {"ttl": 300, **content}})
    ruleset(lab, "spoke", "hub", RULES)
    lab.put(
        f"{NETWORK}/dnsForwardingRulesets/spoke/forwardingRules/Disabled",
        rule("mail.contoso.com.", ["10.111.0.99"], forwardingRuleState="Disabled"),
    )
    ruleset(lab, "circle", "circle", {"Round": ("round.example.", ["10.117.0.4"])})
    machines(lab)
    endpoints(lab)
    second = f"{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.Network/privateDnsZones"
    zone = f"{second}/privatelink.blob.core.windows.net"
    lab.put(zone, {"location": "global"})
    link(lab, zone, "falling-back", resolutionPolicy="NxDomainRedirect")
    lab.put(f"{zone}/A/own", {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": "10.113.0.7"}]}})
    reverse = f"{second}/20.110.10.in-addr.arpa"
    lab.put(reverse, {"location": "global"})
    link(lab, reverse, "hub")
    lab.put(f"{reverse}/PTR/4", {"properties": {"ttl": 60, "ptrRecords": [{"ptrdname": "named.contoso.com"}]}})


def link(lab, zone, network, **properties):
    """Link a zone to a network."""
    properties["virtualNetwork"] = {"id": network_id(network)}
    return lab.put(f"{zone}/virtualNetworkLinks/{network}", {"location": "global", "properties": properties})


def network_id(name):
    return f"{NETWORK}/virtualNetworks/{name}"


def rule(domain, targets, **properties):
    """Body of a forwarding rule; a target is an address, or one with its port."""
    servers = [target if isinstance(target, dict) else {"ipAddress": target} for target in targets]
    return {"properties": {"domainName": domain, "targetDnsServers": servers, **properties}}


def ruleset(lab, name, resolver, rules):
    """A ruleset at a resolver's outbound endpoint, with its rules, linked to the network of its own name."""
    path = f"{NETWORK}/dnsForwardingRulesets/{name}"
    outbound = {"id": f"{NETWORK}/dnsResolvers/{resolver}/outboundEndpoints/out"}
    lab.put(path, {"location": LOCATION, "properties": {"dnsResolverOutboundEndpoints": [outbound]}})
    for one, (domain, targets) in rules.items():
        lab.put(f"{path}/forwardingRules/{one}", rule(domain, targets))
    lab.put(f"{path}/virtualNetworkLinks/{name}", {"properties": {"virtualNetwork": {"id": network_id(name)}}})


def machine(lab, name, addresses, network="machines"):
    """A virtual machine with an interface for each address, the first one the primary."""
    interfaces = []
    for number, address in enumerate(addresses):
        subnet = {"id": f"{network_id(network)}/subnets/work"}
        properties = {"subnet": subnet, "privateIPAddress": address, "privateIPAllocationMethod": "Static"}
        path = f"{NETWORK}/networkInterfaces/{name}-{number}"
        body = {"ipConfigurations": [{"name": "ip", "properties": properties}]}
        lab.put(path, {"location": LOCATION, "properties": body})
        interfaces.append({"id": path, "properties": {"primary": number == 0}})
    lab.put(
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}",
        {"location": LOCATION, "properties": {"networkProfile": {"networkInterfaces": interfaces}}},
        api_version="2024-03-01",
    )


def machines(lab):
    machine(lab, "vnetavm1", ["10.118.0.11"])
    machine(lab, "twofold", ["10.118.0.12", "10.118.0.13"])
    machine(lab, "overwritten", ["10.118.0.14"])
    machine(lab, "hubvm", ["10.110.2.11"], network="hub")
    lab.advance(120)  # registration takes its time


def endpoint(lab, name, target, group, *, network="hub", zones=(), manual=False):
    """A private endpoint, with a zone group where zones are given."""
    place = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    connection = {"name": "c", "properties": {"privateLinkServiceId": f"{GROUP}/providers/{target}"}}
    connection["properties"]["groupIds"] = [group]
    subnet = {"id": f"{network_id(network)}/subnets/endpoints"}
    path = f"{NETWORK}/privateEndpoints/{name}"
    lab.put(path, {"location": LOCATION, "properties": {"subnet": subnet, place: [connection]}})
    if zones:
        configs = [
            {"name": f"zone{number}", "properties": {"privateDnsZoneId": f"{NETWORK}/privateDnsZones/{zone}"}}
            for number, zone in enumerate(zones)
        ]
        lab.put(f"{path}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": configs}})


def endpoints(lab):
    blob, vault = "privatelink.blob.core.windows.net", "privatelink.vaultcore.azure.net"
    endpoint(lab, "a", "Microsoft.Storage/storageAccounts/storageaccounta", "blob", zones=[blob])
    endpoint(lab, "vault", "Microsoft.KeyVault/vaults/fabrikam", "vault", zones=[vault])
    sql, acr = "privatelink.database.windows.net", "privatelink.azurecr.io"
    endpoint(lab, "sql", "Microsoft.Sql/servers/azsql1", "sqlServer", zones=[sql])
    endpoint(lab, "acr", "Microsoft.ContainerRegistry/registries/myregistry", "registry", zones=[acr])
    # Another team's endpoint, of which the hub's zone knows nothing.
    endpoint(lab, "partner", "Microsoft.Storage/storageAccounts/partner", "blob", network="lone")
    endpoint(lab, "waiting", "Microsoft.Storage/storageAccounts/waiting", "blob", zones=[blob], manual=True)
