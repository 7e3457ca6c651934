"""The landscape as tables and as a picture."""

from airflow_provider_netconn.lab.landscape import Landscape, Place, Way, landscape_of, mermaid, tables
from tests.lab.services.reaching import STORAGE, connect_privately

HUB = Place(id="/hub", kind="network", name="hub", detail="10.0.0.0/16")
DATA = Place(id="/Data", kind="network", name="data", detail="10.1.0.0/16")
LAKE = Place(id="/lake", kind="service", name="lake", detail="storageAccounts, open")
OTHER = Place(id="/other", kind="service", name="other", detail="vaults, open")


def way(kind, source, target, state, works, name="w"):
    return Way(kind=kind, name=name, source=source, target=target, state=state, works=works)


def test_two_sides_of_a_peering_are_one_line():
    there = way("peering", "/hub", "/data", "Connected", True, "to-data")
    back = way("peering", "/DATA", "/hub", "Connected", True, "to-hub")
    drawn = mermaid(Landscape((HUB, DATA), (there, back)))
    assert drawn == (
        "flowchart LR\n"
        '    n1["hub<br/>10.0.0.0/16"]\n'
        '    n2["data<br/>10.1.0.0/16"]\n'
        '    n1 -->|"peering to-data / to-hub<br/>Connected"| n2\n'
    )


def test_what_lets_nothing_through_is_dashed():
    one_side = way("peering", "/hub", "/data", "Initiated", False)
    assert 'n1 -.->|"peering w<br/>Initiated"| n2' in mermaid(Landscape((HUB, DATA), (one_side,)))
    pending = way("private endpoint", "/hub", "/lake", "Pending", False)
    assert 'n1 -.->|"private endpoint w<br/>Pending"| n2' in mermaid(Landscape((HUB, LAKE), (pending,)))


def test_a_connected_side_alone_does_not_work():
    assert "-.->" in mermaid(Landscape((HUB, DATA), (way("peering", "/hub", "/data", "Connected", True),)))


def test_services_that_nothing_leads_to_are_left_out():
    drawn = mermaid(Landscape((HUB, LAKE, OTHER), (way("private endpoint", "/hub", "/lake", "Approved", True),)))
    assert "other" not in drawn


def test_what_is_gone_is_drawn_as_gone():
    drawn = mermaid(Landscape((HUB,), (way("peering", "/hub", "/x/old", "Disconnected", False),)))
    assert '>"old (gone)"]' in drawn


def test_no_name_can_break_the_picture():
    place = Place(id="/a", kind="network", name='a"]<b>;|', detail="")
    assert mermaid(Landscape((place,), ())) == 'flowchart LR\n    n1["a#34;]#60;b#62;#59;#124;"]\n'


def test_tables_have_a_heading_for_each_kind():
    told = tables(Landscape((HUB, LAKE), (way("private endpoint", "/hub", "/lake", "Approved", True, "to-lake"),)))
    assert told == (
        "networks\n  name\n  hub   10.0.0.0/16\n\n"
        "services\n  name\n  lake  storageAccounts, open\n\n"
        "private endpoints\n  name     from  to    state\n  to-lake  hub   lake  Approved"
    )


def test_it_is_the_control_planes_state(azure_lab):
    hub, data = azure_lab.networks("hub", "spoke")
    azure_lab.put(hub.to(data).id, hub.to(data).body)
    connect_privately(azure_lab, STORAGE, "blob", "to-lake")
    zone = f"{data.id.rpartition('/providers/')[0]}/providers/Microsoft.Network/privateDnsZones/lab.example"
    azure_lab.put(zone, {"location": "global"})
    link = {"location": "global", "properties": {"virtualNetwork": {"id": data.id}, "registrationEnabled": True}}
    azure_lab.put(f"{zone}/virtualNetworkLinks/spoke", link)
    azure_lab.advance(3600)
    found = azure_lab._call(lambda: landscape_of(azure_lab.local.plane))
    ways = {one.name: (one.kind, one.state, one.works, one.detail) for one in found.ways}
    assert ways["to-spoke"] == ("peering", "Initiated", False, "RemoteNotInSync")
    assert ways["to-lake"] == ("private endpoint", "Approved", True, "blob 10.20.1.4")
    assert ways["spoke"] == ("zone link", "Completed", True, "registers machines")
    drawn = mermaid(found)
    assert drawn.count("-->") == 1
    assert drawn.count("---|") == 1


def test_a_site_hangs_on_the_network_whose_gateway_connects_it(azure_lab):
    group = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network/providers/Microsoft.Network"
    elsewhere = group.replace("0001/resourceGroups/network", "0002/resourceGroups/connectivity")
    here = {"location": "westeurope"}
    azure_lab.put(
        f"{group}/virtualNetworks/data/subnets/GatewaySubnet", {"properties": {"addressPrefix": "10.20.9.0/27"}}
    )
    address = f"{group}/publicIPAddresses/gateway"
    azure_lab.put(address, {**here, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}})
    subnet = {"id": f"{group}/virtualNetworks/data/subnets/GatewaySubnet"}
    placed = {"name": "default", "properties": {"subnet": subnet, "publicIPAddress": {"id": address}}}
    properties = {"gatewayType": "Vpn", "sku": {"name": "VpnGw1"}, "ipConfigurations": [placed]}
    azure_lab.put(f"{group}/virtualNetworkGateways/gateway", {**here, "properties": properties})
    ends = {
        "virtualNetworkGateway1": {"id": f"{group}/virtualNetworkGateways/gateway"},
        "localNetworkGateway2": {"id": f"{elsewhere}/localNetworkGateways/on-premises"},
    }
    properties = {"connectionType": "IPsec", "sharedKey": "Lab-only-key", **ends}
    azure_lab.put(f"{group}/connections/office", {**here, "properties": properties})
    found = azure_lab._call(lambda: landscape_of(azure_lab.local.plane))
    (tunnel,) = [one for one in found.ways if one.kind == "VPN connection"]
    assert (tunnel.state, tunnel.works) == ("Unknown", False)
    drawn = mermaid(found)
    assert '(["on-premises<br/>192.168.100.0/24"])' in drawn
    assert '-.->|"VPN connection office<br/>Unknown"|' in drawn
    assert "sites\n  name\n  on-premises  192.168.100.0/24" in tables(found)
