"""A service of each type on the lab, behind a firewall that admits one network."""

from __future__ import annotations

from tests.lab.resources.service_landscape import PLAIN
from tests.lab.resources.test_firewalls import SETTINGS

FRIEND, STRANGER, RANGE = "203.0.113.7", "198.51.100.7", "203.0.113.0/24"
DATABRICKS = "Microsoft.Databricks/workspaces"
TYPES = tuple(SETTINGS)
"""The fourteen types whose firewall Resource Manager has."""


def make_service(lab, type_name, *, name="netconnsvc1", location="eastus", **properties):
    """Make a plain resource; gives its id."""
    group = f"/subscriptions/{lab.subscription_id}/resourceGroups/services"
    if lab.get(group) is None:
        lab.put(group, {"location": "eastus"})
    version, body = PLAIN[type_name]
    resource_id = f"{group}/providers/{type_name}/{name}"
    body = {"location": location, **body, "properties": {**body.get("properties", {}), **properties}}
    lab.request("PUT", resource_id, body, api_version=version)
    return resource_id


def change(lab, resource_id, type_name, method, below, body):
    """Send a request to what is below a service."""
    lab.request(method, f"{resource_id}{below}", body, api_version=PLAIN[type_name][0])


def admit_friends(lab, resource_id, type_name):
    """Let 203.0.113.0/24 in, and nobody else."""
    change(lab, resource_id, type_name, *SETTINGS[type_name])


def lab_admits(lab, resource_id, address, *, region=""):
    """Whether the lab's service lets an address in, once its settings hold: what our reading must agree with."""
    from airflow_provider_netconn.lab.resources.firewall_rules import decide

    def ask():
        plane = lab.local.plane
        plane.operations.advance()
        found = plane.find(resource_id)
        return decide(found.kind.firewall(plane, found), address, region=region)[0]

    return lab._call(ask)
