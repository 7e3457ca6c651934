"""Networks for tests: the kinds that they need, bodies, and requests whose answers are held against Azure's OpenAPI."""

from __future__ import annotations

from airflow_provider_netconn.lab.resources import (
    network_interfaces,
    network_security_groups,
    peerings,
    public_addresses,
    route_tables,
    subscriptions,
    virtual_networks,
)
from tests.lab.arm.planes import GROUP
from tests.lab.arm.planes import send as send_unchecked
from tests.lab.oracles import SWAGGER, check_answer

KINDS = [
    kind
    for module in (
        subscriptions,
        virtual_networks,
        peerings,
        network_security_groups,
        route_tables,
        public_addresses,
        network_interfaces,
    )
    for kind in module.KINDS
]
NET = "Microsoft.Network/virtualNetworks/net"
SUBNET = f"{NET}/subnets/apps"


def full(path):
    return f"{GROUP}/providers/{path}"


def send(plane, method, path, body=None, **options):
    answer = send_unchecked(plane, method, path, body, **options)
    if SWAGGER.is_dir():
        check_answer(method, path if path.startswith("/") else full(path), answer.status, answer.body)
    return answer


def code(answer):
    return answer.status, answer.body["error"]["code"]


def vnet(*prefixes, subnets=None):
    properties = {"addressSpace": {"addressPrefixes": list(prefixes)}}
    if subnets is not None:
        properties["subnets"] = [{"name": name, "properties": more} for name, more in subnets.items()]
    return {"location": "eastus", "properties": properties}


def nic(subnet=SUBNET, **more):
    configuration = {"name": "ipconfig1", "properties": {"subnet": {"id": full(subnet)}, **more}}
    return {"location": "eastus", "properties": {"ipConfigurations": [configuration]}}


def result_of(plane, answer):
    """The list that an accepted action ends with."""
    path, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
    return send(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&"))).body["value"]
