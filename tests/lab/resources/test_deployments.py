"""Deployments of templates: what they put, in which order, as whom, and what they show of it."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn.lab.resources import deployments, peerings, subscriptions, virtual_networks, vpn_gateways
from tests.lab.arm.planes import Owners, make_plane, put, send

DEPLOYMENT = "Microsoft.Resources/deployments/office"
VERSION = "2024-11-01"
SECRET = "c4n4ry-deployed"
NETWORK = "[resourceId('Microsoft.Network/virtualNetworks', parameters('name'))]"
MODULES = (subscriptions, virtual_networks, peerings, vpn_gateways, deployments)


def kinds():
    return [kind for module in MODULES for kind in module.KINDS]


@pytest.fixture
def plane():
    return make_plane(kinds())


def network(name, prefix, **more):
    properties = {"addressSpace": {"addressPrefixes": [prefix]}}
    return {
        "type": "Microsoft.Network/virtualNetworks",
        "apiVersion": "2024-05-01",
        "name": name,
        "location": "[resourceGroup().location]",
        "properties": properties,
    } | more


def template(*resources, parameters=None, **more):
    return {"contentVersion": "1.0.0.0", "parameters": parameters or {}, "resources": list(resources)} | more


def deploy(plane, what, **given):
    values = {name: {"value": value} for name, value in given.items()}
    body = {"properties": {"template": what, "parameters": values, "mode": "incremental"}}
    return send(plane, "PUT", DEPLOYMENT, body, version=VERSION)


def outcome(plane, answer):
    plane.operations.advance()
    address = answer.headers["Azure-AsyncOperation"].partition("https://management.lab")[2]
    path, _, query = address.partition("?")
    return send(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&"))).body


def test_resources_are_put_with_their_parameters_behind_what_they_depend_on(plane):
    peering = {
        "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "apiVersion": "2024-05-01",
        "name": "[concat(parameters('name'), '/to-hub')]",
        "dependsOn": [NETWORK, "hub"],
        "properties": {"remoteVirtualNetwork": {"id": "[resourceId('Microsoft.Network/virtualNetworks', 'hub')]"}},
    }
    answer = deploy(
        plane,
        template(
            peering,
            network("hub", "10.1.0.0/16"),
            network("[parameters('name')]", "[variables('prefix')]"),
            parameters={"name": {"type": "string"}},
            variables={"prefix": "10.2.0.0/16"},
            outputs={"state": {"type": "string", "value": "[reference('to-hub').peeringState]"}},
        ),
        name="data",
    )
    assert answer.status == 201
    assert outcome(plane, answer)["status"] == "Succeeded"
    made = send(plane, "GET", "Microsoft.Network/virtualNetworks/data/virtualNetworkPeerings/to-hub")
    assert made.body["properties"]["peeringState"] == "Initiated"
    shown = send(plane, "GET", DEPLOYMENT, version=VERSION).body["properties"]
    assert shown["provisioningState"] == "Succeeded"
    assert shown["outputs"] == {"state": {"type": "string", "value": "Initiated"}}
    assert {resource["id"].rpartition("/")[2] for resource in shown["outputResources"]} == {"hub", "data", "to-hub"}
    assert send(plane, "GET", "Microsoft.Network/virtualNetworks/hub").body["location"] == "eastus"


def test_secure_parameters_are_not_kept(plane):
    answer = deploy(
        plane,
        template(
            network("one", "10.1.0.0/16", tags={"note": "[parameters('key')]"}),
            parameters={"key": {"type": "securestring"}, "size": {"type": "int", "defaultValue": 3}},
        ),
        key=SECRET,
    )
    shown = send(plane, "GET", DEPLOYMENT, version=VERSION)
    assert shown.body["properties"]["parameters"] == {
        "key": {"type": "securestring"},
        "size": {"type": "int", "value": 3},
    }
    assert SECRET not in json.dumps([answer.body, shown.body])
    assert send(plane, "GET", "Microsoft.Network/virtualNetworks/one").body["tags"] == {"note": SECRET}


def test_refused_resource_fails_the_deployment(plane):
    answer = deploy(plane, template(network("one", "10.1.0.0/16"), network("two", "10.300.0.0/16")))
    assert answer.status == 201
    failed = outcome(plane, answer)
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "DeploymentFailed")
    assert failed["error"]["details"][0]["code"] == "InvalidAddressPrefixFormat"


def test_caller_needs_the_right_to_each_resource():
    plane = make_plane(kinds(), access=Owners(denied=["Microsoft.Network/virtualNetworks/write"]))
    failed = outcome(plane, deploy(plane, template(network("one", "10.1.0.0/16"))))
    assert failed["error"]["details"][0]["code"] == "AuthorizationFailed"
    assert send(plane, "GET", "Microsoft.Network/virtualNetworks/one").status == 404


def test_what_was_deployed_outlives_the_deployment(plane):
    deploy(plane, template(network("one", "10.1.0.0/16")))
    assert send(plane, "DELETE", DEPLOYMENT, version=VERSION).status == 204
    assert send(plane, "GET", "Microsoft.Network/virtualNetworks/one").status == 200


def test_resource_whose_condition_does_not_hold_is_left_out(plane):
    deploy(plane, template(network("one", "10.1.0.0/16", condition="[parameters('wanted')]"),
                           parameters={"wanted": {"type": "bool", "defaultValue": False}}))  # fmt: skip
    assert send(plane, "GET", "Microsoft.Network/virtualNetworks/one").status == 404


def test_text_of_two_brackets_is_no_expression(plane):
    deploy(
        plane, template(network("one", "10.1.0.0/16", tags={"note": "[[kept]", "quoted": "[concat('it''s', ' ', 7)]"}))
    )
    tags = send(plane, "GET", "Microsoft.Network/virtualNetworks/one").body["tags"]
    assert tags == {"note": "[kept]", "quoted": "it's 7"}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (template(network("[parameters('none')]", "10.1.0.0/16")), "parameter 'none' is not found"),
        (template(network("[uniqueString('a')]", "10.1.0.0/16")), "function 'uniqueString' is not one"),
        (template(network("[concat('a']", "10.1.0.0/16")), "is not valid"),
        (template(network("[concat('a',)]", "10.1.0.0/16")), "is not valid"),
        (template(network("[concat('a') b]", "10.1.0.0/16")), "is not valid"),
        (template(network("[resourceGroup('a').name]", "10.1.0.0/16")), "does not take 1 arguments"),
        (template(network("[resourceGroup().size]", "10.1.0.0/16")), "'size' does not exist"),
        (template(network("a/b", "10.1.0.0/16")), "has not as many segments"),
        (template(network("one", "10.1.0.0/16", dependsOn=["two"])), "'two' is not defined"),
        (template(network("one", "10.1.0.0/16", dependsOn=["one"])), "circular dependency"),
        (template(network("one", "10.1.0.0/16", copy={"name": "x", "count": 2})), "no copy loops"),
        (template({"type": "Microsoft.Network/virtualNetworks"}), "lacks its type, name or apiVersion"),
        (template(parameters={"key": {"type": "string"}}), "parameter 'key' is not provided"),
        (template(parameters={"key": "string"}), "parameter 'key' has no type"),
    ],
)
def test_template_that_cannot_be_read_is_refused(plane, what, says):
    answer = deploy(plane, what)
    assert (answer.status, answer.body["error"]["code"]) == (400, "InvalidTemplate")
    assert says in answer.body["error"]["message"]


def test_parameter_that_the_template_does_not_declare_is_refused(plane):
    answer = deploy(plane, template(), size=3)
    assert (answer.status, answer.body["error"]["code"]) == (400, "InvalidTemplate")


def test_other_deployments_say_what_is_missing(plane):
    for properties in ({"mode": "Incremental"}, {"mode": "Incremental", "template": []}, {"template": template()}):
        assert send(plane, "PUT", DEPLOYMENT, {"properties": properties}, version=VERSION).status == 400
    put(plane, DEPLOYMENT, {"properties": {"mode": "Incremental", "template": template()}}, version=VERSION)
