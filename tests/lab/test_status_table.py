"""Every kind of request of which live traffic was recorded is answered as it was: status, headers, state.

The rows of private endpoint connections are held in ``resources/test_private_endpoint_connections.py``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.oracles import SHARED, needs_shared
from tests.lab.status_landscape import (
    STORAGE,
    SUBJECTS,
    SUBNETS,
    ask,
    connection_to_service,
    full,
    landscape,
    make,
    network,
    of,
    prepare,
    ref,
)

pytestmark = needs_shared

TABLE = SHARED / "facts" / "arm_status_table.json"
ROWS = [
    row
    for row in (json.loads(TABLE.read_text(encoding="utf-8"))["rows"] if TABLE.is_file() else ())
    if not row["type"].endswith("/privateendpointconnections") or "/privatelinkservices/" in row["type"]
]
FOLLOWED = {"azure-asyncoperation", "location"}

N = "microsoft.network"
WATCHER = f"{N}/networkwatchers"
GROUP = full("Microsoft.Network/networkSecurityGroups/group")
MACHINE = full("Microsoft.Compute/virtualMachines/machine")
FLOW = {
    "targetResourceId": MACHINE,
    "direction": "Outbound",
    "protocol": "TCP",
    "localPort": "50000",
    "remotePort": "443",
    "localIPAddress": "10.0.0.4",
    "remoteIPAddress": "203.0.113.9",
}
CAPTURE = {"sasUrl": "https://thestorage1.blob.core.windows.net/captures?sv=2020-08-04&sig=CANARY"}
TROUBLE = full("Microsoft.Network/connections/connection")
CONNECTIONS = f"{N}/privatelinkservices/privateendpointconnections"

ACTIONS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "microsoft.managedidentity/userassignedidentities/listassociatedresources": ("", None, ()),
    f"{N}/connections/getikesas": ("", None, ()),
    f"{N}/connections/sharedkey": ("/reset", {"keyLength": 128}, ()),
    f"{N}/connections/startpacketcapture": ("", None, ()),
    f"{N}/connections/stoppacketcapture": ("", CAPTURE, ()),
    f"{N}/connections/vpndeviceconfigurationscript": (
        "",
        {"vendor": "Cisco", "deviceFamily": "ISR", "firmwareVersion": "IOS 15.1 (Preview)"},
        (),
    ),
    f"{N}/virtualhubs/bgpconnections/advertisedroutes": ("", None, ()),
    f"{N}/virtualhubs/bgpconnections/learnedroutes": ("", None, ()),
    f"{N}/virtualhubs/effectiveroutes": ("", None, ()),
    f"{N}/vpngateways/vpnconnections/startpacketcapture": ("", {"linkConnectionNames": ["link"]}, ()),
    f"{WATCHER}/configureflowlog": (
        "",
        {"targetResourceId": GROUP, "properties": {"storageId": full(STORAGE), "enabled": True}},
        (f"{N}/networksecuritygroups", "microsoft.storage/storageaccounts"),
    ),
    f"{WATCHER}/queryflowlogstatus": ("", {"targetResourceId": GROUP}, (f"{N}/networksecuritygroups",)),
    f"{WATCHER}/connectivitycheck": (
        "",
        {"source": {"resourceId": MACHINE}, "destination": {"address": "10.0.0.5", "port": 443}},
        ("machine",),
    ),
    f"{WATCHER}/ipflowverify": ("", FLOW, ("machine",)),
    f"{WATCHER}/networkconfigurationdiagnostic": (
        "",
        {
            "targetResourceId": MACHINE,
            "profiles": [
                {
                    "direction": "Inbound",
                    "protocol": "TCP",
                    "source": "203.0.113.9",
                    "destination": "10.0.0.4",
                    "destinationPort": "443",
                }
            ],
        },
        ("machine",),
    ),
    f"{WATCHER}/nexthop": (
        "",
        {"targetResourceId": MACHINE, "sourceIPAddress": "10.0.0.4", "destinationIPAddress": "10.0.0.5"},
        ("machine",),
    ),
    f"{WATCHER}/packetcaptures/querystatus": ("", None, ()),
    f"{WATCHER}/packetcaptures/stop": ("", None, ()),
    f"{WATCHER}/querytroubleshootresult": ("", {"targetResourceId": TROUBLE}, (f"{N}/connections",)),
    f"{WATCHER}/securitygroupview": ("", {"targetResourceId": MACHINE}, ("machine",)),
    f"{WATCHER}/topology": ("", {"targetVirtualNetwork": ref("Microsoft.Network/virtualNetworks/net")}, ("machine",)),
    f"{WATCHER}/troubleshoot": (
        "",
        {
            "targetResourceId": TROUBLE,
            "properties": {
                "storageId": full(STORAGE),
                "storagePath": "https://thestorage1.blob.core.windows.net/logs",
            },
        },
        (f"{N}/connections", "microsoft.storage/storageaccounts"),
    ),
}
"""Action of a POST -> what the path has behind it, the body, and what else has to be there."""


CHANGES: dict[str, dict[str, Any]] = {
    f"{N}/virtualnetworks": network(*SUBNETS[:2]),
    f"{N}/virtualnetworks/subnets": of(addressPrefix="10.20.9.0/24", defaultOutboundAccess=False),
    "microsoft.documentdb/databaseaccounts": {"tags": {"a": "b"}},
    "microsoft.eventhub/namespaces": {"identity": {"type": "SystemAssigned"}},
    "microsoft.servicebus/namespaces": {"identity": {"type": "SystemAssigned"}},
}
"""Types whose update was recorded with two states -> what a PUT changes; the rest of it is the first one's."""


def name_of(row: dict[str, Any]) -> str:
    return f"{row['method']} {row['type']} {row['case'][:28]}".strip()


def seen_in(answer: Any) -> tuple[int, frozenset[str], str | None]:
    """What the table has of an answer."""
    properties = answer.body.get("properties") if isinstance(answer.body, dict) else None
    state = properties.get("provisioningState") if isinstance(properties, dict) else None
    return answer.status, frozenset(name.lower() for name in answer.headers) & FOLLOWED, state


def recorded_in(row: dict[str, Any]) -> dict[tuple[int, frozenset[str], str | None], int]:
    """The successes of a row, and how often each was seen."""
    return {
        (one["status"], frozenset(one["headers"]) & FOLLOWED, one["provisioningState"]): one["seen"]
        for one in row["answers"]
        if one["status"] < 400
    }


def pose(row: dict[str, Any], changed: bool = False) -> Any:
    """Put the landscape into a row's case, and send its request.

    :param changed: whether a PUT of what is there already changes something
    """
    plane = landscape()
    method, case = row["method"], row["case"]
    if row["type"] in ACTIONS and method == "POST":
        owner, _, action = row["type"].rpartition("/")
        below, body, needed = ACTIONS[row["type"]]
        for name in needed:
            make(plane, name)
        return ask(plane, "POST", make(plane, owner), body, f"/{action}{below}")
    if row["type"] == f"{N}/connections/sharedkey":
        return ask(plane, "PUT", make(plane, f"{N}/connections"), {"value": "CANARY-key-2"}, "/sharedkey")
    if row["type"] == CONNECTIONS:
        return ask(plane, method, connection_to_service(plane))
    subject = SUBJECTS[row["type"]]
    prepare(plane, subject)
    usual = max(row["answers"], key=lambda one: one["seen"])["status"]
    is_missing = case.startswith("first") or (method == "DELETE" and usual == 204)
    if not is_missing:
        make(plane, row["type"])
    body = {"tags": {"a": "b"}} if method == "PATCH" else None
    if method == "PUT" and changed:
        body = {**subject.body, **CHANGES.get(row["type"], {"tags": {"a": "b"}})}
    return ask(plane, method, subject, body)


BOTH_WAYS = [row for row in ROWS if row["type"] in CHANGES and row["method"] == "PUT" and "after" in row["case"]]


@pytest.mark.parametrize("row", [row for row in ROWS if row not in BOTH_WAYS], ids=name_of)
def test_a_request_is_answered_as_it_was_recorded_most_often(row):
    recorded = recorded_in(row)
    seen = seen_in(pose(row))
    assert seen in recorded, recorded
    assert recorded[seen] == max(recorded.values()), recorded


@pytest.mark.parametrize("row", BOTH_WAYS, ids=name_of)
def test_an_update_is_answered_as_was_recorded_whether_or_not_it_changes_anything(row):
    recorded = recorded_in(row)
    assert {seen_in(pose(row, changed=changed)) for changed in (False, True)} == set(recorded)


def test_the_table_is_whole():
    """Those of other private endpoint connections are held where that is said."""
    assert len(ROWS) == 316 - 93
