"""Deployments of ARM templates in a resource group: ``az network vpn-connection create`` makes its connection by one.

The resources are put one after the other, those that others depend on first, as the caller and with its rights.
Not there: loops, nested and linked templates, deployments of other scopes.
"""

from __future__ import annotations

import graphlib
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.errors import ArmError, invalid_request_content
from airflow_provider_netconn.lab.arm.identifiers import ArmPath, parse_path
from airflow_provider_netconn.lab.arm.kinds import ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Polling
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Object
from airflow_provider_netconn.lab.resources.subscriptions import RESOURCE_MANAGER_VERSIONS
from airflow_provider_netconn.lab.resources.template_expressions import Function, evaluated, invalid_template

DURATION_S = 5


class Deployments(ResourceKind):
    """Deployments: what they put stays when they go."""

    type = "Microsoft.Resources/deployments"
    api_versions = RESOURCE_MANAGER_VERSIONS
    name_pattern = r"[-\w._()]{1,64}"
    properties = Object(
        properties={
            "template": Anything(required=True),
            "parameters": Anything(),
            "mode": Choice(values=("Incremental", "Complete"), required=True),
        },
        open=True,
    )
    tags = True
    etag_in_body = False
    created = Answer(status=201, follow=Follow.ASYNC_OPERATION, state="Accepted", duration_s=DURATION_S)
    updated = Answer(status=200, follow=Follow.ASYNC_OPERATION, state="Accepted", duration_s=DURATION_S)
    deleted = Answer(status=204)
    polling = Polling(async_operation="{resource}/operationStatuses/{id}", location="{resource}/operationResults/{id}")

    def prepare(self, write: Write) -> None:
        template = write.properties["template"]
        if not isinstance(template, dict) or not isinstance(template.get("resources"), list):
            raise invalid_request_content("The template is no object with a list of resources")
        deployment = _Deployment(write, template)
        try:
            deployment.carry_out()
            write.facts = deployment.shown()
        except _RefusedError as refused:
            write.error = refused.error
        # Azure does not keep the template with its parameters either: an export is another request.
        write.body["properties"] = {"mode": write.properties["mode"]}


class _RefusedError(Exception):
    """One of the resources was refused: the deployment ends as failed."""

    def __init__(self, error: ArmError) -> None:
        super().__init__(str(error))
        self.error = error


class _Deployment:
    """A template on its way."""

    def __init__(self, write: Write, template: Mapping[str, Any]) -> None:
        self._plane: ControlPlane = write.plane
        self._request = write.request
        self._scope = write.path.scope
        self._template = template
        self._parameters = _parameters(template, write.properties.get("parameters"))
        self._ids: dict[str, str] = {}
        self._functions: dict[str, Function] = {
            "concat": lambda *parts: "".join(map(str, parts)),
            "parameters": lambda name: _named("parameter", self._parameters, name),
            "variables": lambda name: evaluated(
                _named("variable", self._template.get("variables"), name), self._functions
            ),
            "resourcegroup": self._group,
            "subscription": lambda: {"id": self._subscription_id(), "subscriptionId": write.path.subscription},
            "resourceid": self._resource_id,
            "reference": self._reference,
        }

    def carry_out(self) -> None:
        """Put the resources.

        :raises ArmError: the template cannot be read
        :raises _RefusedError: a resource was refused
        """
        functions = {name: function for name, function in self._functions.items() if name != "reference"}
        resources = [evaluated(resource, functions) for resource in self._template["resources"]]
        for resource in resources:
            if not isinstance(resource, dict) or not all(
                isinstance(resource.get(name), str) for name in ("type", "name", "apiVersion")
            ):
                raise invalid_template("a resource lacks its type, name or apiVersion")
            if "copy" in resource:
                raise invalid_template("the lab carries out no copy loops")
        for resource in _in_order(resources, self._resource_id):
            if resource.get("condition", True) is not False:
                self._put(resource)

    def _put(self, resource: Mapping[str, Any]) -> None:
        resource_id = self._resource_id(resource["type"], *resource["name"].split("/"))
        said = {name: value for name, value in resource.items() if name not in _OF_THE_TEMPLATE and value is not None}
        answer = self._plane.handle(self._request_for("PUT", resource_id, resource["apiVersion"], said))
        if answer.status >= 400:
            inner = answer.body.get("error", answer.body) if isinstance(answer.body, dict) else {}
            raise _RefusedError(
                ArmError(
                    409,
                    "DeploymentFailed",
                    "At least one resource deployment operation failed. Please list deployment operations for details. "
                    "Please see https://aka.ms/arm-deployment-operations for usage details.",
                    details=({"code": inner.get("code"), "message": inner.get("message")},),
                )
            )
        self._ids[resource_id] = resource["apiVersion"]

    def shown(self) -> dict[str, Any]:
        """What a read shows of the deployment; the values of secure parameters are not among it."""
        outputs = self._template.get("outputs")
        declared: Any = self._template.get("parameters")
        return {
            "templateHash": str(int(hashlib.sha256(json.dumps(self._template).encode()).hexdigest()[:15], 16)),
            "parameters": {
                name: {"type": told["type"]} | ({} if "secure" in told["type"].casefold() else {"value": value})
                for name, value in self._parameters.items()
                for told in [declared[name]]
            },
            "correlationId": str(uuid.uuid4()),
            "duration": f"PT{DURATION_S}S",
            "dependencies": [],
            "outputResources": [{"id": resource_id} for resource_id in self._ids],
            "outputs": evaluated(outputs, self._functions) if isinstance(outputs, dict) else {},
        }

    # -- functions of templates ------------------------------------------------------------------

    def _subscription_id(self) -> str:
        return "/".join(self._scope.split("/")[:3])

    def _group(self) -> dict[str, Any]:
        found = self._plane.store.find(parse_path(self._scope))
        assert found is not None
        return {"id": found.id, "name": found.path.name, "location": found.body.get("location")}

    def _resource_id(self, type_name: str, *names: str) -> str:
        namespace, *types = type_name.split("/")
        if len(types) != len(names):
            raise invalid_template(f"the resource name '{'/'.join(names)}' has not as many segments as '{type_name}'")
        return ArmPath(self._scope, namespace, tuple(types), names).text

    def _reference(self, named: str) -> Any:
        for resource_id, version in self._ids.items():
            if named.casefold() in {resource_id.casefold(), parse_path(resource_id).name.casefold()}:
                body = self._plane.handle(self._request_for("GET", resource_id, version, None)).body
                return body["properties"] if isinstance(body, dict) and "properties" in body else {}
        raise invalid_template(f"the template reference '{named}' is not valid: the template has no such resource")

    def _request_for(self, method: str, resource_id: str, version: str, body: Any) -> ArmRequest:
        return ArmRequest(
            method=method,
            path=resource_id,
            query={"api-version": version},
            content=b"" if body is None else json.dumps(body).encode(),
            caller=self._request.caller,
        )


_OF_THE_TEMPLATE = frozenset({"type", "name", "apiVersion", "dependsOn", "condition", "comments"})


def _parameters(template: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """The parameters' values: those given, or else the template's defaults."""
    declared = template.get("parameters") or {}
    given = given or {}
    if not isinstance(declared, dict) or not isinstance(given, dict):
        raise invalid_request_content("The parameters are no object")
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise invalid_template(f"the template parameters '{', '.join(unknown)}' are not valid: it declares none such")
    values = {}
    for name, told in declared.items():
        if not isinstance(told, dict) or not isinstance(told.get("type"), str):
            raise invalid_template(f"the template parameter '{name}' has no type")
        source = given.get(name)
        if isinstance(source, dict) and "value" in source:
            values[name] = source["value"]
        elif "defaultValue" in told:
            values[name] = told["defaultValue"]
        else:
            raise invalid_template(f"the value for the template parameter '{name}' is not provided")
    return values


def _named(what: str, values: Any, name: str) -> Any:
    if not isinstance(values, dict) or name not in values:
        raise invalid_template(f"the template {what} '{name}' is not found")
    return values[name]


def _in_order(resources: list[dict[str, Any]], resource_id: Any) -> list[dict[str, Any]]:
    """The resources, each behind those that it depends on, by their names or ids."""
    ids = [resource_id(resource["type"], *resource["name"].split("/")).casefold() for resource in resources]
    keys = {key: at for at, resource in enumerate(resources) for key in (resource["name"].casefold(), ids[at])}
    sorter: graphlib.TopologicalSorter[int] = graphlib.TopologicalSorter()
    for at, resource in enumerate(resources):
        needed = resource.get("dependsOn") or []
        if not isinstance(needed, list) or not all(isinstance(name, str) for name in needed):
            raise invalid_template(f"'dependsOn' of the resource '{resource['name']}' is no list of texts")
        unknown = [name for name in needed if name.casefold() not in keys]
        if unknown:
            raise invalid_template(f"the resource '{unknown[0]}' is not defined in the template")
        sorter.add(at, *(keys[name.casefold()] for name in needed))
    try:
        return [resources[at] for at in sorter.static_order()]
    except graphlib.CycleError:
        raise invalid_template("circular dependency detected between the resources") from None


KINDS = (Deployments(),)
