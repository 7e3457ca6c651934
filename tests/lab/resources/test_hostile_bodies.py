"""Whatever stands where in a service's body, it is answered: no request ends in an exception."""

from __future__ import annotations

import copy
import random

import pytest

from airflow_provider_netconn.lab.resources.firewall_rules import admits
from tests.lab.arm.planes import send
from tests.lab.resources.service_landscape import PLAIN, make, services_plane
from tests.lab.resources.test_firewalls import SETTINGS

JUNK = (
    None, "", 0, -1, 1.5, True, [], {}, [None], [{}], {"a": None}, "x", "1.2.3.4", "/subscriptions/x", [1], {"x": []},
    "é\u0000", "0.0.0.0/0", 10**30, "Deny", "/subscriptions/x/subnets/y",
)  # fmt: skip

RULES = {
    "ipSecurityRestrictions": [{"ipAddress": "1.2.3.4", "priority": 1, "name": "x", "subnetMask": "255.255.255.0"}]
}
EXTRA = (
    ("Microsoft.Web/sites", "PUT", "", {"location": "eastus", "properties": {"siteConfig": RULES}}),
    (
        "Microsoft.Storage/storageAccounts",
        "PATCH",
        "",
        {
            "properties": {"encryption": {"services": {"blob": {"enabled": True}}, "keySource": "x"}},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}},
        },
    ),
    (
        "Microsoft.ServiceBus/namespaces",
        "PUT",
        "/networkRuleSets/default",
        {"properties": {"virtualNetworkRules": [{"subnet": {"id": "/subscriptions/x/subnets/y"}}]}},
    ),
    ("Microsoft.ContainerRegistry/registries", "PATCH", "", {"properties": {"policies": {}, "networkRuleSet": {}}}),
)
REQUESTS = (
    *((type_name, *request) for type_name, request in SETTINGS.items()),
    *((type_name, "PUT", "", {"location": "eastus", **body}) for type_name, (_, body) in PLAIN.items()),
    *EXTRA,
)


def places(value, path=()):
    """The paths of all that stands in a body."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


@pytest.mark.parametrize("seed", range(4))
def test_no_body_breaks_a_service(seed):
    chance = random.Random(seed)
    plane = services_plane()
    made = {type_name: make(plane, type_name) for type_name in PLAIN}
    seen = set()
    for _ in range(400):
        type_name, method, below, body = chance.choice(REQUESTS)
        body = copy.deepcopy(body)
        *way, last = chance.choice(list(places(body)))
        place = body
        for key in way:
            place = place[key]
        place[last] = chance.choice(JUNK)
        version = PLAIN[type_name][0]
        answer = send(plane, method, f"{type_name}/theservice1{below}", body, version=version)
        plane.operations.advance()
        assert send(plane, "GET", f"{type_name}/theservice1", version=version).status == 200
        admits(plane, made[type_name], "1.2.3.4")
        seen.add(answer.status)
    assert {200, 400} <= seen
    assert 500 not in seen
