"""``az network private-dns``: zones, their records, and links to networks."""

from __future__ import annotations

import pytest

ZONE = "privatelink.blob.core.windows.net"
RECORDS = f"network private-dns record-set {{}} -g network -z {ZONE}"


@pytest.fixture
def zone(az):
    made = az(f"network private-dns zone create -g network -n {ZONE}")
    assert (made["provisioningState"], made["numberOfRecordSets"]) == ("Succeeded", 1)


def test_zone_is_listed_and_deleted(az, zone):
    assert az("network private-dns zone list -g network --query [].name") == [ZONE]
    az(f"network private-dns zone delete -g network -n {ZONE} --yes")
    assert az("network private-dns zone list -g network") == []
    assert "(ResourceNotFound)" in az.refused(f"network private-dns zone show -g network -n {ZONE}")


def test_zone_that_is_there_is_not_made_again(az, zone):
    assert "(PreconditionFailed)" in az.refused(f"network private-dns zone create -g network -n {ZONE}")


def test_addresses_are_added_and_removed(az, zone):
    az(RECORDS.format("a add-record") + " -n lake -a 10.20.1.9")
    made = az(RECORDS.format("a add-record") + " -n lake -a 10.20.1.10")
    assert [record["ipv4Address"] for record in made["aRecords"]] == ["10.20.1.9", "10.20.1.10"]
    assert made["fqdn"] == f"lake.{ZONE}."
    az(RECORDS.format("a remove-record") + " -n lake -a 10.20.1.9")
    (kept,) = az(RECORDS.format("a list"))
    assert kept["aRecords"] == [{"ipv4Address": "10.20.1.10"}]
    az(RECORDS.format("a remove-record") + " -n lake -a 10.20.1.10")
    assert az(RECORDS.format("a list")) == []


def test_other_records(az, zone):
    az(RECORDS.format("cname set-record") + " -n www -c lake.example.com")
    az(RECORDS.format("txt add-record") + " -n note -v hello")
    az(RECORDS.format("aaaa add-record") + " -n six -a fd00::9")
    az(RECORDS.format("srv add-record") + " -n _amqp._tcp -p 1 -r 5672 -t broker.example.com -w 2")
    found = az(RECORDS.format("list") + " --query [].type")
    assert sorted(name.rpartition("/")[2] for name in found) == ["AAAA", "CNAME", "SOA", "SRV", "TXT"]
    az(RECORDS.format("cname delete") + " -n www --yes")
    assert "(NotFound)" in az.refused(RECORDS.format("cname show") + " -n www")


def test_network_is_linked_and_unlinked(az, zone):
    link = f"network private-dns link vnet {{}} -g network -z {ZONE}"
    made = az(link.format("create") + " -n data --virtual-network data --registration-enabled false")
    assert (made["provisioningState"], made["virtualNetworkLinkState"]) == ("Succeeded", "Completed")
    changed = az(link.format("update") + " -n data --registration-enabled true")
    assert changed["registrationEnabled"] is True
    assert [found["name"] for found in az(link.format("list"))] == ["data"]
    az(link.format("delete") + " -n data --yes")
    assert az(link.format("list")) == []
