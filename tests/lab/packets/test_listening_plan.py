"""Who listens where, what that is on this machine, and the text of the rules."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pytest

from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.faults import FaultRule
from airflow_provider_netconn.lab.packets import addresses as addresses_module
from airflow_provider_netconn.lab.packets import lateness
from airflow_provider_netconn.lab.packets.addresses import Endpoint, LoopbackAddresses
from airflow_provider_netconn.lab.packets.lateness import delay_of
from airflow_provider_netconn.lab.packets.listeners import Role, listeners
from airflow_provider_netconn.lab.packets.machines import Machine
from airflow_provider_netconn.lab.packets.namespaces import IsolationError
from airflow_provider_netconn.lab.packets.packet_faults import Delay
from airflow_provider_netconn.lab.packets.places import INTERNET, RESOLVER_ADDRESS
from airflow_provider_netconn.lab.packets.policy import TCP, Action, Decision, Target, Verdict
from airflow_provider_netconn.lab.packets.ports import ports_of
from airflow_provider_netconn.lab.packets.publishing import Publication
from airflow_provider_netconn.lab.packets.ruleset import BASE, Block, Harm, Translation, reached, ruleset
from tests.e2e.isolated import run_isolated, why_not
from tests.lab.packets.changes import ENDPOINT_ADDRESS, STORAGE, network


@dataclass(frozen=True)
class PublicHost:
    name: str
    address: str
    resource_id: str
    group_id: str


def machine(number=1, place="/p/one", address="10.1.0.254", **more):
    return Machine(
        number=number, place=place, subnet=f"{place}/s", address=address, public_address="203.0.113.9", **more
    )


def verdict(action, *, place="/p/one", address=ENDPOINT_ADDRESS, sender=None, first=443, last=443):
    return Verdict(
        machine=sender or machine(),
        target=Target(place=place, address=address),
        protocol=TCP,
        first_port=first,
        last_port=last,
        decision=Decision(action=action),
    )


# -- listeners -----------------------------------------------------------------------------------------


def test_a_private_endpoint_is_a_listener_in_its_network_with_its_names(landscape):
    (found,) = [one for one in listeners(landscape.plane, ()) if one.endpoint_id]
    assert (found.place, found.address, found.port, found.role) == (
        network("data"),
        ENDPOINT_ADDRESS,
        443,
        Role.SERVICE,
    )
    assert found.resource_id == STORAGE
    assert found.hosts == ("packetstore.blob.core.windows.net",)


def test_public_names_at_one_address_are_one_listener_a_port(landscape):
    names = [PublicHost(name, "198.19.0.7", STORAGE, "file") for name in ("a.file.core", "b.file.core")]
    found = [one for one in listeners(landscape.plane, names) if one.address == "198.19.0.7"]
    assert {one.port for one in found} == {443, 445}
    assert all(one.hosts == ("a.file.core", "b.file.core") and one.place == INTERNET for one in found)


def test_every_place_has_a_resolver_of_its_own(landscape):
    resolvers = [one for one in listeners(landscape.plane, ()) if one.address == RESOLVER_ADDRESS]
    assert len({one.place for one in resolvers}) == len(resolvers) == 5
    assert {one.role for one in resolvers} == {Role.RESOLVER}


@pytest.mark.parametrize(
    ("kind", "group", "ports"),
    [
        ("Microsoft.Storage/storageAccounts", "blob", (443,)),
        ("microsoft.sql/servers", "SQLSERVER", (1433,)),
        ("Microsoft.EventHub/namespaces", "namespace", (5671, 5672, 443, 9093)),
        ("Microsoft.DocumentDB/databaseAccounts", "MongoDB", (10255,)),
        ("Contoso.Own/things", "", (443,)),
    ],
)
def test_services_answer_on_the_ports_that_they_document(kind, group, ports):
    assert ports_of(kind, group) == ports


# -- addresses -----------------------------------------------------------------------------------------


def test_what_an_address_is_here_depends_on_its_place_and_never_changes():
    addresses = LoopbackAddresses("127.9.0.0/16")
    first = addresses.local("/p/One", "10.0.0.4", 443)
    assert addresses.local("/p/one", "10.0.0.4", 5432).address == first.address
    assert addresses.local("/p/two", "10.0.0.4", 443).address != first.address
    assert addresses.local("/P/ONE", "10.0.0.4", 443) == first
    assert ipaddress.ip_address(first.address).is_loopback
    assert first.port >= 1024
    assert addresses.meaning(first.address) == ("/p/one", "10.0.0.4")
    assert addresses.meaning("127.0.0.1") is None


def test_no_two_labs_of_a_machine_have_the_same_addresses(monkeypatch):
    monkeypatch.setattr(addresses_module, "_CLAIM_PORT", 20_001)  # tests that run beside this one need parts too
    labs = []
    try:
        labs.extend(LoopbackAddresses() for _ in range(250))
        assert len({lab.network for lab in labs}) == 250
        with pytest.raises(RuntimeError, match="others have them all"):
            LoopbackAddresses()
        left = labs.pop()
        left.close()
        labs.append(LoopbackAddresses())
        assert labs[-1].network == left.network
    finally:
        for lab in labs:
            lab.close()


def test_addresses_run_out_with_a_word_about_it():
    addresses = LoopbackAddresses("127.9.9.0/30")
    addresses.local_address("p", "10.0.0.1")
    addresses.local_address("p", "10.0.0.2")
    with pytest.raises(RuntimeError, match="wider"):
        addresses.local_address("p", "10.0.0.3")
    with pytest.raises(ValueError, match="no part"):
        LoopbackAddresses("10.0.0.0/16")


# -- rules ---------------------------------------------------------------------------------------------


def test_where_networks_overlap_the_one_in_reach_is_meant():
    closed, opened = verdict(Action.DROP, place="/p/two"), verdict(Action.PASS)
    assert reached([closed, opened]) == [opened]
    assert reached([closed]) == [closed]


def test_nft_takes_the_rules_whatever_is_in_them():
    if why_not():
        pytest.skip(why_not())
    sender, late = machine(), machine(is_late=True)
    told = [
        verdict(Action.PASS),
        verdict(Action.DROP_NEW, address="10.1.0.5", first=0, last=65535),
        verdict(Action.DROP, address="10.1.0.6", sender=late, first=8000, last=8080),
    ]
    translations = [
        Translation(
            machine=sender,
            address=ENDPOINT_ADDRESS,
            port=443,
            local=Endpoint("127.9.0.1", 20443),
            seen_as="203.0.113.9",
        )
    ]
    harms = [
        Block(harm=harm, devices=devices, prefix=prefix, port=port)
        for harm in Harm
        for devices in ((), (sender.device,))
        for prefix, port in (("", 0), ("10.1.1.4", 443))
    ]
    full = ruleset([sender, late], told, translations, harms, outside=[sender.device])
    empty = ruleset([], [], [])
    script = "\n".join(f"nft -f - <<'RULES'\n{text}RULES" for text in (BASE, full, empty, full))
    ran = run_isolated(f"ip link set lo up\n{script}\nnft list ruleset")
    assert ran.returncode == 0, ran.stderr
    assert "netconn1late" in ran.stdout


# -- delays and ports to the outside -------------------------------------------------------------------


def packet(destination, port, protocol=6, options=0):
    header = bytes([0x45 + options, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1])
    return header + ipaddress.IPv4Address(destination).packed + bytes(4 * options) + b"\x12\x34" + port.to_bytes(2)


def test_the_first_delay_that_is_about_a_packet_counts():
    blocks = [Block(harm=Harm.DELAY, devices=(), prefix="10.0.0.4", port=443), Block(harm=Harm.DELAY, devices=())]
    delays = [Delay(block=block, seconds=seconds) for block, seconds in zip(blocks, (2.0, 1.0), strict=True)]
    assert delay_of(packet("10.0.0.4", 443), delays) == 2.0
    assert delay_of(packet("10.0.0.4", 443, options=3), delays) == 2.0
    assert delay_of(packet("10.0.0.4", 444), delays) == 1.0
    assert delay_of(packet("10.0.0.4", 443, protocol=1), delays) == 1.0
    assert delay_of(packet("10.0.0.4", 444), delays[:1]) == 0.0


def test_a_delay_is_refused_where_packets_cannot_be_late(landscape, monkeypatch):
    monkeypatch.setattr(lateness, "DEVICE_FILE", "/dev/net/none")
    landscape.local.isolation = object()
    with pytest.raises(IsolationError, match="packets cannot be delayed here: /dev/net/none: No such file"):
        landscape.local.add_fault(FaultRule(fault="packets-delay"))
    landscape.local.add_fault(FaultRule(fault="packets-drop"))
    assert [one.rule.fault for one in landscape.local.faults.all()] == ["packets-drop"]


def test_publications_are_read_as_they_are_written():
    assert Publication.read("8080:10.0.0.4:80") == Publication(port=8080, target=Endpoint("10.0.0.4", 80))
    assert Publication.read("8080:80", "10.0.0.9").target == Endpoint("10.0.0.9", 80)
    for wrong in ("8080", "8080:80", "0:10.0.0.4:80", "x:10.0.0.4:80", "1:host:80", "1:10.0.0.4:70000"):
        with pytest.raises(LabError, match="publish"):
            Publication.read(wrong)
