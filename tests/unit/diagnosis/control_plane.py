"""Facts of a control plane where all is well but what a test says."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Fact, FactKind, Presence

K, P = FactKind, Presence
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/data/providers"
ACCOUNT = f"{GROUP}/Microsoft.Storage/storageAccounts/orders"
ENDPOINT = f"{GROUP}/Microsoft.Network/privateEndpoints/pe"
ZONE = f"{GROUP}/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
WORKERS = f"{GROUP}/Microsoft.Network/virtualNetworks/workers"
DATA = f"{GROUP}/Microsoft.Network/virtualNetworks/data"
RULE = f"{GROUP}/Microsoft.Network/networkSecurityGroups/guard/securityRules/rule"
HIDDEN = "hidden"


def fact(kind, state, subject, **detail):
    """A fact: None is absent, ``HIDDEN`` not visible, and anything else the state of what is there."""
    if state is None:
        return Fact(kind=kind, presence=P.ABSENT, subject=subject, detail=detail)
    if state == HIDDEN:
        return Fact(kind=kind, presence=P.NOT_VISIBLE, subject=subject, reason="403", detail=detail)
    return Fact(kind=kind, presence=P.PRESENT, subject=subject, state=state, detail=detail)


def facts(
    *,
    endpoint="Succeeded",
    connection="Approved",
    zone_group="",
    zone="",
    zone_link="Completed",
    record="right",
    peerings=("Connected", "Connected"),
    sync_level="FullyInSync",
    allows_access=True,
    security_rule="Allow",
    access="Enabled",
    firewall="Allow",
):
    """All facts of one target."""
    sides = zip(("worker", "target"), (WORKERS, DATA), (DATA, WORKERS), peerings, strict=True)
    rule = {"rule": "rule", "priority": 100, "direction": "Inbound", "subnet": f"{DATA}/subnets/endpoints"}
    found = [
        fact(K.RESOURCE, "", ACCOUNT),
        fact(K.ENDPOINT, endpoint, ENDPOINT if endpoint else ACCOUNT),
        fact(K.CONNECTION, connection, ENDPOINT, description="no"),
        fact(K.ZONE_GROUP, zone_group, ENDPOINT),
        fact(K.ZONE, zone, ZONE, looked_in=["a", "b"]),
        fact(K.ZONE_LINK, zone_link, ZONE, network=WORKERS, linked_networks=[DATA]),
        fact(K.RECORD, record, "orders.blob", addresses=["10.0.0.1"], expected=["10.20.0.4"]),
        *(
            fact(
                K.PEERING, state, network if state is None else f"{network}/virtualNetworkPeerings/p", side=side,
                network=network, remote=remote, sync_level=sync_level, allows_access=allows_access,
            )
            for side, network, remote, state in sides
        ),
        fact(K.SECURITY_RULE, security_rule, RULE, security_group=RULE.partition("/securityRules")[0], **rule),
        fact(K.PUBLIC_ACCESS, access, ACCOUNT),
        fact(K.FIREWALL, firewall, ACCOUNT, rules={"ipRules": 1}),
    ]  # fmt: skip
    return tuple(one for one in found if endpoint is not None or one.kind is not K.CONNECTION)
