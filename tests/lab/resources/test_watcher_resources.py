"""Network Watcher's flow logs, packet captures and connection monitors, and what it tells of a landscape."""

from __future__ import annotations

import pytest

from tests.lab.arm.planes import send as send_plain
from tests.lab.oracles import SWAGGER, check_answer
from tests.lab.resources.network_landscape import code
from tests.lab.status_landscape import (
    NET,
    STORAGE,
    WATCHER,
    N,
    Subject,
    ask,
    at,
    full,
    landscape,
    make,
    of,
    ref,
    settle,
)

GROUP = f"{N}/networkSecurityGroups/group"
MACHINE = "Microsoft.Compute/virtualMachines/machine"
LOG, CAPTURE, MONITOR = (f"{N}/networkWatchers/{name}" for name in ("flowLogs", "packetCaptures", "connectionMonitors"))


@pytest.fixture
def plane():
    plane = landscape()
    for name in (f"{N}/networkWatchers", "machine", "microsoft.storage/storageaccounts"):
        make(plane, name)
    return plane


def send(plane, method, subject, body=None, below=""):
    answer = ask(plane, method, subject, body, below)
    if SWAGGER.is_dir():
        check_answer(method, full(subject.path) + below, answer.status, answer.body)
    return answer


def tell(plane, question, body):
    """What the watcher tells, in the end."""
    answer = ask(plane, "POST", Subject(WATCHER, None), body, f"/{question}")
    if answer.status != 202:
        return answer
    settle(plane)
    path, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
    ended = send_plain(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&")))
    if SWAGGER.is_dir():
        check_answer("POST", f"{full(WATCHER)}/{question}", ended.status, ended.body)
    return ended


def shown(plane, subject):
    return send(plane, "GET", subject).body["properties"]


# -- flow logs -------------------------------------------------------------------------------------


def test_a_flow_log_has_its_defaults_and_its_targets_guid(plane):
    log = make(plane, LOG)
    properties = shown(plane, log)
    guid = send_plain(plane, "GET", GROUP).body["properties"]["resourceGuid"]
    assert properties["targetResourceGuid"] == guid
    assert properties["retentionPolicy"] == {"days": 0, "enabled": False}
    assert properties["format"] == {"type": "JSON", "version": 1}
    assert shown(plane, Subject(GROUP, None))["flowLogs"] == [ref(log.path)]


def test_a_target_has_one_flow_log(plane):
    log = make(plane, LOG)
    assert code(send(plane, "PUT", Subject(f"{log.path}2", None), log.body)) == (400, "FlowLogAlreadyExistsForTarget")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"targetResourceId": full(f"{GROUP}2")}, "InvalidResourceReference"),
        ({"targetResourceId": full(MACHINE)}, "InvalidFlowLogTarget"),
        ({"storageId": full(f"{STORAGE}2")}, "InvalidResourceReference"),
        ({"retentionPolicy": {"days": 366}}, "InvalidRequestFormat"),
    ],
)
def test_a_flow_log_that_cannot_be(plane, changes, expected):
    properties = {"targetResourceId": full(GROUP), "storageId": full(STORAGE), **changes}
    log = Subject(f"{WATCHER}/flowLogs/log", at(**properties))
    assert code(send(plane, "PUT", log)) == (400, expected)


def test_a_flow_log_is_configured_as_before_there_were_resources(plane):
    question = {"targetResourceId": full(GROUP)}
    off = tell(plane, "queryFlowLogStatus", question)
    assert (off.status, off.body["properties"]["enabled"]) == (200, False)
    body = {**question, "properties": {"storageId": full(STORAGE), "enabled": True}}
    assert tell(plane, "configureFlowLog", body).body["properties"]["enabled"] is True
    assert tell(plane, "queryFlowLogStatus", question).body["properties"]["storageId"] == full(STORAGE)
    [log] = send(plane, "GET", Subject(f"{WATCHER}/flowLogs", None)).body["value"]
    assert (log["name"], log["properties"]["enabled"]) == ("Microsoft.Networkrggroup", True)
    body["properties"]["enabled"] = False
    tell(plane, "configureFlowLog", body)
    [log] = send(plane, "GET", Subject(f"{WATCHER}/flowLogs", None)).body["value"]
    assert log["properties"]["enabled"] is False


# -- packet captures -------------------------------------------------------------------------------


def status_of(plane, capture):
    answer = send(plane, "POST", capture, below="/queryStatus")
    assert answer.status == 200
    return answer.body["packetCaptureStatus"], answer.body.get("stopReason")


def test_a_capture_runs_until_it_is_stopped(plane):
    capture = make(plane, CAPTURE)
    assert status_of(plane, capture) == ("Running", None)
    assert send(plane, "POST", capture, below="/stop").status == 202
    assert status_of(plane, capture) == ("Stopped", "Manual")
    assert set(shown(plane, capture)) >= {"timeLimitInSeconds", "totalBytesPerSession"}
    assert not any(name.startswith("_") for name in shown(plane, capture))


def test_a_capture_ends_by_its_time_limit(plane):
    limited = of(target=full(MACHINE), storageLocation={"filePath": "/var/captures/a.cap"}, timeLimitInSeconds=600)
    capture = Subject(f"{WATCHER}/packetCaptures/short", limited)
    assert send(plane, "PUT", capture).status == 201
    settle(plane)
    assert status_of(plane, capture) == ("Running", None)
    plane.clock.advance(600)
    assert status_of(plane, capture) == ("Stopped", "TimeExceeded")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"target": full(f"{MACHINE}2")}, "InvalidResourceReference"),
        ({"storageLocation": {}}, "PacketCaptureStorageLocationMissing"),
        ({"timeLimitInSeconds": 18_001}, "InvalidRequestFormat"),
        ({"filters": [{"protocol": "GRE"}]}, "InvalidRequestFormat"),
    ],
)
def test_a_capture_that_cannot_be(plane, changes, expected):
    properties = {"target": full(MACHINE), "storageLocation": {"storageId": full(STORAGE)}, **changes}
    assert code(send(plane, "PUT", Subject(f"{WATCHER}/packetCaptures/one", of(**properties)))) == (400, expected)


def test_a_capture_is_not_changed(plane):
    assert code(send(plane, "PUT", make(plane, CAPTURE))) == (400, "PacketCaptureAlreadyExists")


# -- connection monitors ---------------------------------------------------------------------------


def test_a_monitor_of_two_ends_tells_whether_they_meet(plane):
    ends = of(source={"resourceId": full(MACHINE)}, destination={"address": "203.0.113.9", "port": 443})
    monitor = Subject(f"{WATCHER}/connectionMonitors/two", {"location": "eastus", **ends})
    assert send(plane, "PUT", monitor).status == 201
    settle(plane)
    properties = shown(plane, monitor)
    assert (properties["connectionMonitorType"], properties["monitoringStatus"]) == (
        "SingleSourceDestination",
        "Running",
    )
    answer = send(plane, "POST", monitor, below="/query")
    settle(plane)
    path, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
    told = send_plain(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&"))).body
    assert (told["sourceStatus"], told["states"][0]["connectionState"]) == ("Active", "Reachable")
    assert told["states"][0]["hops"][0]["type"] == "Source"


def test_a_monitor_stops_and_starts(plane):
    monitor = make(plane, MONITOR)
    assert shown(plane, monitor)["connectionMonitorType"] == "MultiEndpoint"
    for action, status in (("stop", "Stopped"), ("start", "Running")):
        assert send(plane, "POST", monitor, below=f"/{action}").status == 202
        assert shown(plane, monitor)["monitoringStatus"] == status
    assert code(send(plane, "POST", monitor, below="/query")) == (400, "ConnectionMonitorQueryNotSupported")


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"source": {"resourceId": full(MACHINE)}},
        {
            "endpoints": [{"name": "here", "address": "10.0.0.1"}],
            "testConfigurations": [{"name": "tcp", "protocol": "Tcp"}],
            "testGroups": [{"name": "g", "sources": ["here"], "destinations": ["gone"], "testConfigurations": ["tcp"]}],
        },
    ],
)
def test_a_monitor_that_cannot_be(plane, properties):
    monitor = Subject(f"{WATCHER}/connectionMonitors/one", at(**properties))
    assert code(send(plane, "PUT", monitor)) == (400, "InvalidConnectionMonitor")


# -- what it tells ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        {"targetResourceGroupName": "rg"},
        {"targetVirtualNetwork": ref(NET)},
        {"targetSubnet": ref(f"{NET}/subnets/apps")},
    ],
)
def test_a_topology_tells_what_hangs_on_what(plane, target):
    answer = tell(plane, "topology", target)
    assert answer.status == 200
    assert {name for name in answer.headers if name in {"Azure-AsyncOperation", "Location"}} == {
        "Azure-AsyncOperation",
        "Location",
    }
    found = {one["name"]: one for one in answer.body["resources"]}
    assert {"apps", "card", "group"} <= set(found)
    kinds = {(one["name"], one["associationType"]) for one in found["card"]["associations"]}
    assert kinds == {("group", "Associated")}
    assert ("card", "Contains") in {(one["name"], one["associationType"]) for one in found["apps"]["associations"]}
    assert found["apps"]["location"] == "eastus"


def test_a_topology_of_nothing_is_refused(plane):
    assert code(tell(plane, "topology", {})) == (400, "TopologyTargetMissing")


def test_a_machines_security_rules_are_told(plane):
    make(plane, f"{N}/networkSecurityGroups/securityRules")
    [interface] = tell(plane, "securityGroupView", {"targetResourceId": full(MACHINE)}).body["networkInterfaces"]
    rules = interface["securityRuleAssociations"]
    assert [one["name"] for one in rules["networkInterfaceAssociation"]["securityRules"]] == ["rule"]
    assert len(rules["defaultSecurityRules"]) == 6
    assert "subnetAssociation" not in rules
    assert "securityRules/rule" in [one["name"] for one in rules["effectiveSecurityRules"]]


@pytest.mark.parametrize(("port", "access", "rule"), [("443", "Allow", "rule"), ("22", "Deny", "DenyAllInBound")])
def test_a_diagnosis_names_the_rule_that_decides(plane, port, access, rule):
    make(plane, f"{N}/networkSecurityGroups/securityRules")
    profile = {
        "direction": "Inbound",
        "protocol": "TCP",
        "source": "203.0.113.9",
        "destination": "10.20.0.4",
        "destinationPort": port,
    }
    body = {"targetResourceId": full(MACHINE), "profiles": [profile]}
    [told] = tell(plane, "networkConfigurationDiagnostic", body).body["results"]
    assert told["profile"] == profile
    judged = told["networkSecurityGroupResult"]
    assert judged["securityRuleAccessResult"] == access
    [group] = judged["evaluatedNetworkSecurityGroups"]
    assert group["matchedRule"] == {"ruleName": rule, "action": access}
    profile["destinationPort"] = "http"
    assert code(tell(plane, "networkConfigurationDiagnostic", body)) == (400, "InvalidDiagnosticProfile")
