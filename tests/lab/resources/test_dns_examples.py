"""Every request example of private DNS and of the DNS resolver is accepted, and its answer fits the OpenAPI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.resources.subscriptions import make_subscription
from tests.lab import oracles
from tests.lab.arm.planes import TENANT, make_plane, send
from tests.lab.resources.dns_landscape import KINDS, NETWORK_VERSION, finish

VERSIONS = {"privatednszones": "2024-06-01", "dnsresolvers": "2022-07-01", "dnsforwardingrulesets": "2022-07-01"}

SECOND_ENDPOINT_PREFIX = "10.10.0.16/28"


def _operation(file: Path) -> oracles.SwaggerOperation:
    for operation in oracles.operations():
        for example in operation.body.get("x-ms-examples", {}).values():
            if example["$ref"].endswith(f"/{file.name}") and operation.file.split("/stable/")[0].endswith(
                str(file).split("/examples/", 1)[1].split("/stable/")[0]
            ):
                return operation
    raise AssertionError(f"no operation has the example {file.name}")


def _group(plane: ControlPlane, path: str) -> None:
    """Make the subscription, and the group, that an id lies in."""
    parts = path.split("/")
    if plane.store.find("/".join(parts[:3])) is None:
        make_subscription(plane, parts[2], TENANT, "of the example")
    if parts[3] == "resourceGroups":
        group = send(plane, "PUT", "/".join(parts[:5]), {"location": "westus2"}, version="2021-04-01")
        assert group.status in {200, 201}


def _put(plane: ControlPlane, path: str, body: dict[str, Any], version: str) -> None:
    """Make a resource that is not there yet."""
    _group(plane, path)
    if send(plane, "GET", path, version=version).status == 200:
        return
    answer = send(plane, "PUT", path, body, version=version)
    assert answer.status < 300, answer.body
    finish(plane)


def _network(plane: ControlPlane, path: str) -> None:
    space = {"addressSpace": {"addressPrefixes": ["10.10.0.0/16"]}}
    _put(plane, path, {"location": "westus2", "properties": space}, NETWORK_VERSION)


def _referenced(plane: ControlPlane, resource_id: str) -> None:
    """Make a network, a subnet or an endpoint that an example refers to."""
    network, _, subnet = resource_id.partition("/subnets/")
    if "/virtualNetworks/" in resource_id:
        _network(plane, network)
        if subnet:
            _put(plane, resource_id, {"properties": {"addressPrefix": "10.10.0.0/28"}}, NETWORK_VERSION)
        return
    resolver, _, name = resource_id.partition("/outboundEndpoints/")
    network = resolver.replace("/dnsResolvers/", "/virtualNetworks/")
    _network(plane, network)
    _parent(plane, resolver, network)
    prefix = "10.10.0.0/28" if name.endswith("0") else SECOND_ENDPOINT_PREFIX
    _put(plane, f"{network}/subnets/{name}", {"properties": {"addressPrefix": prefix}}, NETWORK_VERSION)
    body = {"location": "westus2", "properties": {"subnet": {"id": f"{network}/subnets/{name}"}}}
    _put(plane, resource_id, body, "2022-07-01")


def _parent(plane: ControlPlane, path: str, network: str) -> None:
    """Make what the resource of an example is below."""
    if "/privateDnsZones/" in path:
        _put(plane, path, {"location": "global"}, "2024-06-01")
    elif "/dnsResolvers/" in path:
        _network(plane, network)
        body = {"location": "westus2", "properties": {"virtualNetwork": {"id": network}}}
        _put(plane, path, body, "2022-07-01")
    elif "/dnsForwardingRulesets/" in path:
        endpoint = path.replace("/dnsForwardingRulesets/", "/dnsResolvers/") + "/outboundEndpoints/out0"
        _referenced(plane, endpoint)
        body = {"location": "westus2", "properties": {"dnsResolverOutboundEndpoints": [{"id": endpoint}]}}
        _put(plane, path, body, "2022-07-01")


def _ids_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [one for item in value.values() for one in _ids_in(item)]
    if isinstance(value, list):
        return [one for item in value for one in _ids_in(item)]
    return [value] if isinstance(value, str) and value.startswith("/subscriptions/") else []


def _prepare(plane: ControlPlane, file: Path, path: str, body: Any) -> None:
    """Bring a control plane to where an example begins: what it names is there, and, unless it is a PUT, it itself."""
    put = file.with_name(re.sub(r"(Get|Put|Patch|Delete|List\w*)$", "Put", file.stem) + ".json")
    own = oracles.example_body(put)[1] if put != file and put.is_file() else None
    references = [*_ids_in(body), *_ids_in(own)]
    for reference in references:
        _referenced(plane, reference)
    _group(plane, path)
    base, _, rest = path.partition("/providers/Microsoft.Network/")
    parts = rest.split("/")
    top = f"{base}/providers/Microsoft.Network/{'/'.join(parts[:2])}"
    if parts[0] == "virtualNetworks":
        _network(plane, top)
    elif len(parts) > 2:
        named = next(iter(references), f"{base}/providers/Microsoft.Network/virtualNetworks/own")
        _parent(plane, top, named.split("/subnets/")[0])
    if own is not None and len(parts) % 2 == 0:
        _put(plane, path, own, VERSIONS[parts[0].casefold()])


@pytest.mark.parametrize("file", [*oracles.examples("privatedns"), *oracles.examples("dnsresolver")])
def test_an_example_of_the_openapi_is_accepted(file):
    operation = _operation(file)
    parameters, body = oracles.example_body(file)
    path = re.sub(r"\{(\w+)\}", lambda found: parameters[found[1]], operation.template)
    plane = make_plane(KINDS)
    _prepare(plane, file, path, body)
    answer = send(plane, operation.method, path, body, version=parameters["api-version"])
    assert answer.status < 300, answer.body
    assert oracles.check_answer(operation.method, path, answer.status, answer.body)
    finish(plane)
    if operation.method in {"PUT", "PATCH"}:
        after = send(plane, "GET", path, version=parameters["api-version"])
        assert oracles.check_answer("GET", path, after.status, after.body)
        assert after.status == 200
        assert after.body["properties"].get("provisioningState", "Succeeded") == "Succeeded"
