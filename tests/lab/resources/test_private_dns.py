"""Private DNS zones, links and record sets of the lab, each answer held against Azure's OpenAPI."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_netconn.lab.arm.requests import Caller
from airflow_provider_netconn.lab.resources import private_dns_links, private_dns_records
from airflow_provider_netconn.lab.resources.subscriptions import make_subscription
from tests.lab.arm.planes import GROUP, OTHER_SUBSCRIPTION, OTHER_TENANT, OWNER, send
from tests.lab.resources.dns_landscape import (
    NETWORK_VERSION,
    NETWORKS,
    ZONES,
    ask,
    finish,
    landscape,
    link_body,
    made,
    network,
    refused,
    shown,
    zone,
)

HUB = f"{NETWORKS}/hub"


@pytest.fixture
def plane():
    return landscape(time_scale=1.0)


# -- zones -----------------------------------------------------------------------------------------


def test_a_zone_is_accepted_with_an_empty_object_and_followed_by_polls_that_answer_202(plane):
    answer = ask(plane, "PUT", f"{ZONES}/a.example.com", {"location": "Global"})
    assert (answer.status, answer.body) == (202, {})
    url = answer.headers["Azure-AsyncOperation"]
    assert f"{GROUP}/providers/Microsoft.Network/privateDnsOperationStatuses/" in url
    assert "/privateDnsOperationResults/" in answer.headers["Location"]
    path, _, query = url.removeprefix("https://management.lab").partition("?")
    parts = dict(pair.split("=", 1) for pair in query.split("&"))
    poll = send(plane, "GET", path, query=parts, version="2024-06-01")
    assert (poll.status, poll.body) == (202, {"status": "InProgress"})
    assert {"Azure-AsyncOperation", "Location"} <= set(poll.headers)
    finish(plane)
    poll = send(plane, "GET", path, query=parts, version="2024-06-01")
    assert (poll.status, poll.body) == (200, {"status": "Succeeded"})


def test_a_new_zone_has_a_start_of_authority_and_azures_limits(plane):
    path = zone(plane, "a.example.com")
    properties = shown(plane, path)["properties"]
    assert properties == {
        "maxNumberOfRecordSets": 25000,
        "numberOfRecordSets": 1,
        "maxNumberOfVirtualNetworkLinks": 1000,
        "numberOfVirtualNetworkLinks": 0,
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfVirtualNetworkLinksWithRegistration": 0,
        "provisioningState": "Succeeded",
    }
    soa = shown(plane, f"{path}/SOA/@")["properties"]
    assert soa["fqdn"] == "a.example.com."
    assert (soa["soaRecord"]["email"], soa["soaRecord"]["serialNumber"]) == ("azureprivatedns-host.microsoft.com", 1)


@pytest.mark.parametrize("headers", [{"if-none-match": "*"}, {"if-match": "00000000-0000-0000-0000-000000000000"}])
@pytest.mark.parametrize("what", ["zone", "link"])
def test_a_condition_that_does_not_hold_fails_when_the_operation_ends(plane, headers, what):
    path, body = zone(plane, "a.example.com"), {"location": "global", "tags": {"a": "b"}}
    if what == "link":
        path, body = f"{path}/virtualNetworkLinks/hub", {**link_body(HUB), "tags": {"a": "b"}}
        made(plane, path, link_body(HUB))
    answer = ask(plane, "PUT", path, body, headers=headers)
    assert answer.status == 202
    finish(plane)
    poll, _, query = answer.headers["Azure-AsyncOperation"].removeprefix("https://management.lab").partition("?")
    status = send(plane, "GET", poll, query=dict(pair.split("=", 1) for pair in query.split("&"))).body
    assert (status["status"], status["error"]["code"]) == ("Failed", "PreconditionFailed")
    assert "tags" not in shown(plane, path)


def test_an_etag_that_holds_lets_a_zone_change(plane):
    path = zone(plane, "a.example.com")
    etag = shown(plane, path)["etag"]
    assert not etag.startswith(("W/", '"'))
    assert ask(plane, "PATCH", path, {"tags": {"a": "b"}}, headers={"if-match": etag}).status == 202
    finish(plane)
    assert shown(plane, path)["tags"] == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("single", "BadRequest"),
        ("-a.example.com", "BadRequest"),
        (f"{'a' * 64}.example.com", "BadRequest"),
        (".".join("a" * 35), "BadRequest"),
        ("azure.com", "BadRequest"),
    ],
)
def test_a_name_that_no_zone_can_have(plane, name, code):
    assert refused(ask(plane, "PUT", f"{ZONES}/{name}", {"location": "global"})) == (400, code)


def test_a_zone_below_a_reserved_name_is_free(plane):
    zone(plane, "privatelink.blob.core.windows.net")


def test_a_zone_is_global(plane):
    answer = ask(plane, "PUT", f"{ZONES}/a.example.com", {"location": "eastus"})
    assert refused(answer) == (400, "LocationNotAvailableForResourceType")


def test_a_zone_with_links_is_not_deleted_and_one_without_goes_with_its_records(plane):
    path = zone(plane, "a.example.com")
    made(plane, f"{path}/virtualNetworkLinks/hub", link_body(HUB))
    made(plane, f"{path}/A/www", {"properties": {"ttl": 60}})
    answer = ask(plane, "DELETE", path)
    assert refused(answer) == (409, "CannotDeleteResource")
    assert "nested resources" in answer.body["error"]["message"]
    assert ask(plane, "DELETE", f"{path}/virtualNetworkLinks/hub").status == 202
    assert refused(ask(plane, "DELETE", path)) == (409, "CannotDeleteResource")  # until the link has gone
    finish(plane)
    gone = ask(plane, "DELETE", path)
    assert (gone.status, gone.body) == (202, None)
    finish(plane)
    assert refused(ask(plane, "GET", path)) == (404, "ResourceNotFound")
    assert refused(ask(plane, "GET", f"{path}/A/www")) == (404, "ResourceNotFound")


def test_deleting_what_is_not_there_is_no_error(plane):
    assert ask(plane, "DELETE", f"{ZONES}/a.example.com").status == 204
    assert ask(plane, "DELETE", f"{ZONES}/a.example.com/virtualNetworkLinks/l").status == 204
    path = zone(plane, "a.example.com")
    assert ask(plane, "DELETE", f"{path}/A/none").status == 204


def test_zones_are_listed_by_group_and_subscription(plane):
    zone(plane, "a.example.com")
    zone(plane, "b.example.com")
    assert [one["name"] for one in ask(plane, "GET", ZONES).body["value"]] == ["a.example.com", "b.example.com"]
    whole = f"{GROUP.split('/resourceGroups')[0]}/providers/Microsoft.Network/privateDnsZones"
    page = ask(plane, "GET", whole, query={"$top": "1"}).body
    assert [one["name"] for one in page["value"]] == ["a.example.com"]
    assert "skiptoken" in page["nextLink"]


# -- links -----------------------------------------------------------------------------------------


def test_a_link_is_in_progress_until_it_is_provisioned(plane):
    path = zone(plane, "a.example.com") + "/virtualNetworkLinks/hub"
    assert ask(plane, "PUT", path, link_body(HUB)).body == {}
    properties = shown(plane, path)["properties"]
    assert (properties["provisioningState"], properties["virtualNetworkLinkState"]) == ("Creating", "InProgress")
    finish(plane)
    link = shown(plane, path)
    assert (link["location"], link["etag"][0]) == ("global", '"')
    assert link["properties"] == {
        "virtualNetwork": {"id": HUB},
        "registrationEnabled": False,
        "provisioningState": "Succeeded",
        "virtualNetworkLinkState": "Completed",
    }


def test_registration_takes_longer_than_provisioning():
    plane = landscape()  # operations end at once
    path = f"{ZONES}/a.example.com/virtualNetworkLinks/hub"
    zone(plane, "a.example.com")
    made(plane, path, link_body(HUB))
    assert ask(plane, "PATCH", path, {"properties": {"registrationEnabled": True}}).status == 202
    plane.operations.advance()
    properties = shown(plane, path)["properties"]
    assert (properties["provisioningState"], properties["virtualNetworkLinkState"]) == ("Succeeded", "InProgress")
    plane.clock.advance(2)
    assert shown(plane, path)["properties"]["virtualNetworkLinkState"] == "Completed"
    # Another write leaves what is registered alone.
    ask(plane, "PATCH", path, {"tags": {"a": "b"}})
    plane.operations.advance()
    assert shown(plane, path)["properties"]["virtualNetworkLinkState"] == "Completed"


def test_only_privatelink_zones_have_a_resolution_policy_and_only_newer_versions_show_it(plane):
    private = zone(plane, "privatelink.blob.core.windows.net") + "/virtualNetworkLinks/hub"
    assert made(plane, private, link_body(HUB))["properties"]["resolutionPolicy"] == "Default"
    body = link_body(HUB, resolutionPolicy="nxdomainredirect")
    assert made(plane, private, body)["properties"]["resolutionPolicy"] == "NxDomainRedirect"
    assert "resolutionPolicy" not in shown(plane, private, "2020-06-01")["properties"]
    made(plane, private, link_body(HUB), "2020-06-01")
    assert shown(plane, private)["properties"]["resolutionPolicy"] == "NxDomainRedirect"
    other = zone(plane, "a.example.com") + "/virtualNetworkLinks/hub"
    assert refused(ask(plane, "PUT", other, body)) == (400, "BadRequest")
    assert "resolutionPolicy" not in made(plane, other, link_body(HUB))["properties"]


def test_the_links_that_a_network_can_have(plane):
    first = zone(plane, "a.example.com")
    made(plane, f"{first}/virtualNetworkLinks/hub", link_body(HUB, registrationEnabled=True))
    again = ask(plane, "PUT", f"{first}/virtualNetworkLinks/again", link_body(HUB))
    assert refused(again) == (409, "Conflict")
    group = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/other"
    ask(plane, "PUT", group, {"location": "eastus"}, "2021-04-01")
    same_name = f"{group}/providers/Microsoft.Network/privateDnsZones/A.example.com"
    made(plane, same_name, {"location": "global"})
    overlapping = ask(plane, "PUT", f"{same_name}/virtualNetworkLinks/hub", link_body(HUB))
    assert refused(overlapping) == (400, "BadRequest")
    assert "overlapping namespaces" in overlapping.body["error"]["message"]
    second = zone(plane, "b.example.com")
    registering = ask(plane, "PUT", f"{second}/virtualNetworkLinks/hub", link_body(HUB, registrationEnabled=True))
    assert refused(registering) == (409, "Conflict")
    assert '"a.example.com"' in registering.body["error"]["message"]
    made(plane, f"{second}/virtualNetworkLinks/hub", link_body(HUB))
    counts = shown(plane, first)["properties"]
    assert counts["numberOfVirtualNetworkLinks"] == 1
    assert counts["numberOfVirtualNetworkLinksWithRegistration"] == 1


def test_a_link_keeps_its_network(plane):
    other = network(plane, "spoke", "10.20.0.0/16")
    path = zone(plane, "a.example.com") + "/virtualNetworkLinks/hub"
    made(plane, path, link_body(HUB))
    assert refused(ask(plane, "PUT", path, link_body(other))) == (400, "BadRequest")
    assert refused(ask(plane, "PUT", f"{path}2", link_body(f"{NETWORKS}/none"))) == (400, "InvalidResourceReference")
    assert refused(ask(plane, "PUT", f"{path}2", {"location": "global", "properties": {}}))[0] == 400


def test_a_link_needs_the_right_to_join_its_network():
    plane = landscape(denied=("Microsoft.Network/virtualNetworks/join/action",))
    path = zone(plane, "a.example.com") + "/virtualNetworkLinks/hub"
    assert refused(ask(plane, "PUT", path, link_body(HUB))) == (403, "LinkedAuthorizationFailed")


def test_a_link_that_is_not_there_is_named_with_its_zone(plane):
    path = zone(plane, "a.example.com") + "/virtualNetworkLinks/none"
    answer = ask(plane, "GET", path)
    assert refused(answer) == (404, "ResourceNotFound")
    assert "privateDnsZones/a.example.com/virtualNetworkLinks/none" in answer.body["error"]["message"]
    assert refused(ask(plane, "PATCH", path, {"tags": {}})) == (404, "ResourceNotFound")


def test_links_go_with_their_network(plane):
    path = zone(plane, "a.example.com")
    spoke = network(plane, "spoke", "10.20.0.0/16")
    made(plane, f"{path}/virtualNetworkLinks/spoke", link_body(spoke))
    assert ask(plane, "DELETE", spoke, version=NETWORK_VERSION).status == 202
    finish(plane)
    assert ask(plane, "GET", f"{path}/virtualNetworkLinks").body["value"] == []
    assert ask(plane, "DELETE", path).status == 202


def test_links_go_with_the_group_of_their_network(plane):
    base = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/spokes"
    ask(plane, "PUT", base, {"location": "eastus"}, "2021-04-01")
    spoke = f"{base}/providers/Microsoft.Network/virtualNetworks/spoke"
    space = {"addressSpace": {"addressPrefixes": ["10.20.0.0/16"]}}
    made(plane, spoke, {"location": "eastus", "properties": space}, NETWORK_VERSION)
    path = zone(plane, "a.example.com")
    made(plane, f"{path}/virtualNetworkLinks/spoke", link_body(spoke))
    ask(plane, "DELETE", base, version="2021-04-01")
    finish(plane)
    assert shown(plane, path)["properties"]["numberOfVirtualNetworkLinks"] == 0


def test_a_network_of_another_tenant_needs_that_tenants_token_too(plane):
    subscription = "00000000-0000-4000-8000-00000000000f"
    make_subscription(plane, subscription, OTHER_TENANT, "theirs")
    theirs = Caller(tenant_id=OTHER_TENANT, object_id="00000000-0000-4000-8000-0000000000b9")
    base = f"/subscriptions/{subscription}/resourceGroups/rg"
    spoke = f"{base}/providers/Microsoft.Network/virtualNetworks/spoke"
    space = {"addressSpace": {"addressPrefixes": ["10.20.0.0/16"]}}
    ask(plane, "PUT", base, {"location": "eastus"}, "2021-04-01", caller=theirs)
    body = {"location": "eastus", "properties": space}
    assert ask(plane, "PUT", spoke, body, NETWORK_VERSION, caller=theirs).status == 201
    path = zone(plane, "a.example.com") + "/virtualNetworkLinks/spoke"
    assert refused(ask(plane, "PUT", path, link_body(spoke))) == (403, "LinkedAuthorizationFailed")
    both = replace(OWNER, auxiliary=(theirs,))
    assert ask(plane, "PUT", path, link_body(spoke), caller=both).status == 202


@pytest.mark.parametrize(
    ("module", "limit", "record", "body"),
    [
        (private_dns_links, "MOST_LINKS", "virtualNetworkLinks/spoke", link_body(f"{NETWORKS}/spoke")),
        (
            private_dns_links,
            "MOST_REGISTERING_LINKS",
            "virtualNetworkLinks/spoke",
            link_body(f"{NETWORKS}/spoke", registrationEnabled=True),
        ),
        (private_dns_records, "MOST_RECORD_SETS", "A/second", {"properties": {"ttl": 60}}),
    ],
)
def test_what_there_is_only_so_much_of(plane, monkeypatch, module, limit, record, body):
    network(plane, "spoke", "10.20.0.0/16")
    path = zone(plane, "a.example.com")
    made(plane, f"{path}/virtualNetworkLinks/hub", link_body(HUB, registrationEnabled=True))
    monkeypatch.setattr(module, limit, 1)
    assert refused(ask(plane, "PUT", f"{path}/{record}", body)) == (400, "BadRequest")
    monkeypatch.setattr(module, limit, 2)
    assert ask(plane, "PUT", f"{path}/{record}", body).status in {201, 202}


def _machine(plane, name: str, address: str, *, primary: bool = True) -> None:
    interface = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/{name}-nic{'' if primary else '2'}"
    configuration = {"privateIPAddress": address, "subnet": {"id": f"{HUB}/subnets/work"}}
    body = {"properties": {"ipConfigurations": [{"name": "one", "properties": configuration}]}}
    assert send(plane, "PUT", interface, body).status == 201
    machine = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}"
    before = send(plane, "GET", machine).body
    profile = before["properties"]["networkProfile"]["networkInterfaces"] if before.get("properties") else []
    profile = [*profile, {"id": interface, "properties": {"primary": primary}}]
    send(plane, "PUT", machine, {"properties": {"networkProfile": {"networkInterfaces": profile}}})


def test_machines_of_a_registering_network_have_records(plane):
    path = zone(plane, "a.example.com")
    _machine(plane, "Worker1", "10.10.1.4")
    _machine(plane, "Worker1", "10.10.1.5", primary=False)
    made(plane, f"{path}/virtualNetworkLinks/hub", link_body(HUB, registrationEnabled=True))
    registered = shown(plane, f"{path}/A/worker1")
    assert registered["properties"] == {
        "fqdn": "worker1.a.example.com.",
        "ttl": 10,
        "aRecords": [{"ipv4Address": "10.10.1.4"}],
        "isAutoRegistered": True,
    }
    assert registered["etag"] == shown(plane, f"{path}/A/worker1")["etag"]
    assert [one["name"] for one in ask(plane, "GET", f"{path}/ALL").body["value"]] == ["@", "worker1"]
    assert shown(plane, path)["properties"]["numberOfRecordSets"] == 2
    # One that somebody writes takes its place.
    answer = ask(
        plane, "PUT", f"{path}/A/worker1", {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.9.9.9"}]}}
    )
    assert (answer.status, answer.body["properties"]["isAutoRegistered"]) == (200, False)
    assert [one["properties"]["ttl"] for one in ask(plane, "GET", f"{path}/A").body["value"]] == [60]
    assert ask(plane, "DELETE", f"{path}/A/worker1").status == 200
    assert shown(plane, f"{path}/A/worker1")["properties"]["isAutoRegistered"] is True
    ask(plane, "PATCH", f"{path}/virtualNetworkLinks/hub", {"properties": {"registrationEnabled": False}})
    finish(plane)
    assert refused(ask(plane, "GET", f"{path}/A/worker1")) == (404, "NotFound")


# -- record sets -----------------------------------------------------------------------------------


def test_a_record_set_is_written_at_once_and_replaced_as_a_whole(plane):
    path = zone(plane, "a.example.com") + "/A/www"
    first = ask(plane, "PUT", path, {"properties": {"ttl": 3600}}, headers={"if-none-match": "*"})
    assert (first.status, first.headers["ETag"]) == (201, first.body["etag"])
    assert first.body["properties"] == {
        "ttl": 3600,
        "fqdn": "www.a.example.com.",
        "aRecords": [],
        "isAutoRegistered": False,
    }
    body = {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.0.0.1"}], "metadata": {"a": "b"}}}
    assert ask(plane, "PUT", path, body).status == 200
    second = ask(plane, "PUT", path, {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.0.0.2"}]}})
    assert second.body["properties"]["aRecords"] == [{"ipv4Address": "10.0.0.2"}]
    assert "metadata" not in second.body["properties"]
    patched = ask(plane, "PATCH", path, {"properties": {"metadata": {"c": "d"}}})
    assert patched.status == 200
    assert patched.body["properties"]["aRecords"] == [{"ipv4Address": "10.0.0.2"}]
    gone = ask(plane, "DELETE", path)
    assert (gone.status, gone.body) == (200, None)


@pytest.mark.parametrize(
    ("record_type", "member", "content"),
    [
        ("A", "aRecords", [{"ipv4Address": "10.0.0.1"}]),
        ("AAAA", "aaaaRecords", [{"ipv6Address": "fd00::1"}]),
        ("CNAME", "cnameRecord", {"cname": "target1"}),
        ("MX", "mxRecords", [{"preference": 10, "exchange": "mail.example.com"}]),
        ("PTR", "ptrRecords", [{"ptrdname": "host.example.com."}]),
        ("SRV", "srvRecords", [{"priority": 1, "weight": 2, "port": 443, "target": "host.example.com"}]),
        ("TXT", "txtRecords", [{"value": ["one", "two"]}]),
    ],
)
def test_every_type_of_records_reads_as_it_was_written(plane, record_type, member, content):
    path = f"{zone(plane, 'a.example.com')}/{record_type.lower()}/Rec1"
    made(plane, path, {"properties": {"ttl": 60, member: content}})
    read = shown(plane, path)
    assert (read["type"], read["name"]) == (f"Microsoft.Network/privateDnsZones/{record_type}", "rec1")
    assert read["id"].endswith(f"/{record_type}/rec1")
    assert read["properties"][member] == content
    empty = ask(plane, "PUT", path, {"properties": {"ttl": 60}}).body["properties"]
    assert empty.get(member, None) == (None if record_type == "CNAME" else [])
    wrong = "txtRecords" if member != "txtRecords" else "aRecords"
    assert refused(ask(plane, "PUT", path, {"properties": {"ttl": 60, wrong: []}})) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("record", "properties"),
    [
        ("A/www", {}),
        ("A/www", {"ttl": -1}),
        ("A/www", {"ttl": 2**31}),
        ("A/www", {"ttl": 60, "aRecords": [{"ipv4Address": "fd00::1"}]}),
        ("A/www", {"ttl": 60, "aRecords": [{"ipv4Address": "10.0.0.1"}] * 21}),
        ("AAAA/www", {"ttl": 60, "aaaaRecords": [{"ipv6Address": "10.0.0.1"}]}),
        ("CNAME/@", {"ttl": 60, "cnameRecord": {"cname": "a.example.com"}}),
        ("CNAME/www", {"ttl": 60, "cnameRecord": {"cname": '"quoted"'}}),
        ("TXT/www", {"ttl": 60, "txtRecords": [{"value": ["a" * 255] * 5}]}),
        ("SOA/www", {"ttl": 60}),
        ("A/-www", {"ttl": 60}),
        ("A/a*b", {"ttl": 60}),
        ("A/" + ".".join(["a" * 60] * 5), {"ttl": 60}),
    ],
)
def test_what_no_record_set_can_be(plane, record, properties):
    answer = ask(plane, "PUT", f"{zone(plane, 'a.example.com')}/{record}", {"properties": properties})
    assert (answer.status, answer.body["code"]) == (400, "BadRequest")


def test_a_cname_stands_alone(plane):
    path = zone(plane, "a.example.com")
    made(plane, f"{path}/TXT/www", {"properties": {"ttl": 60}})
    assert refused(ask(plane, "PUT", f"{path}/CNAME/WWW", {"properties": {"ttl": 60}})) == (409, "Conflict")
    made(plane, f"{path}/CNAME/web", {"properties": {"ttl": 60}})
    assert refused(ask(plane, "PUT", f"{path}/A/web", {"properties": {"ttl": 60}})) == (409, "Conflict")
    made(plane, f"{path}/CNAME/web", {"properties": {"ttl": 61}})


@pytest.mark.parametrize("headers", [{"if-none-match": "*"}, {"if-match": "00000000-0000-0000-0000-0000000000ff"}])
def test_a_record_set_refuses_conditions_at_once_and_without_the_outer_error(plane, headers):
    path = zone(plane, "a.example.com") + "/A/www"
    made(plane, path, {"properties": {"ttl": 60}})
    for method in ("PUT", "PATCH") if "if-match" in headers else ("PUT",):
        answer = ask(plane, method, path, {"properties": {"ttl": 61}}, headers=headers)
        assert (answer.status, answer.body["code"]) == (412, "PreconditionFailed")
    etag = shown(plane, path)["etag"]
    assert ask(plane, "DELETE", path, headers={"if-match": "other"}).status == 412
    assert ask(plane, "DELETE", path, headers={"if-match": etag}).status == 200


def test_what_is_missing_is_named(plane):
    record = {"properties": {"ttl": 60}}
    assert refused(ask(plane, "PUT", f"{ZONES}/a.example.com/A/www", record)) == (404, "ParentResourceNotFound")
    path = zone(plane, "a.example.com")
    assert refused(ask(plane, "GET", f"{path}/A/www")) == (404, "NotFound")
    assert refused(ask(plane, "PATCH", f"{path}/A/www", record)) == (404, "NotFound")


def test_the_start_of_authority_keeps_its_host_and_serial(plane):
    path = zone(plane, "a.example.com") + "/SOA/@"
    body = {"host": "ns.example.com", "email": "me.example.com", "serialNumber": 5, "expireTime": 1, "minimumTtl": 2}
    answer = ask(plane, "PUT", path, {"properties": {"ttl": 3600, "soaRecord": body}})
    assert answer.status == 200
    assert answer.body["properties"]["soaRecord"] == {
        "host": "azureprivatedns.net",
        "email": "me.example.com",
        "serialNumber": 1,
        "refreshTime": 3600,
        "retryTime": 300,
        "expireTime": 1,
        "minimumTtl": 2,
    }
    assert refused(ask(plane, "DELETE", path)) == (400, "BadRequest")


def test_record_sets_are_listed_by_type_by_suffix_and_in_pages(plane):
    path = zone(plane, "a.example.com")
    for record in ("A/www", "A/www.dev", "TXT/api.dev", "A/*", "A/@"):
        made(plane, f"{path}/{record}", {"properties": {"ttl": 60}})

    def names(collection: str, **query: str) -> list[str]:
        return [one["name"] for one in ask(plane, "GET", f"{path}/{collection}", query=query).body["value"]]

    assert names("A") == ["www", "www.dev", "*", "@"]
    assert names("ALL") == names("recordsets") == ["@", "www", "www.dev", "api.dev", "*", "@"]
    assert names("ALL", **{"$recordsetnamesuffix": "dev"}) == ["www.dev", "api.dev"]
    assert names("A", **{"$top": "2"}) == ["www", "www.dev"]
    assert shown(plane, f"{path}/A/*")["properties"]["fqdn"] == "*.a.example.com."
    assert shown(plane, path)["properties"]["numberOfRecordSets"] == 6
    assert refused(ask(plane, "GET", f"{ZONES}/none.example.com/ALL")) == (404, "ResourceNotFound")
