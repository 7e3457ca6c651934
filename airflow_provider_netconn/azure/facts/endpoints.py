"""The resource behind a name, and its private endpoint: as its owner sees it, and as the endpoint's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_netconn.azure.facts.inventory import Inventory, Json, Seen, id_in, network_of, properties_of
from airflow_provider_netconn.azure.facts.question import Question
from airflow_provider_netconn.azure.resource_ids import same_id
from airflow_provider_netconn.evidence import Fact, FactKind, Presence

ENDPOINTS: Final = "Microsoft.Network/privateEndpoints"
_CONNECTIONS: Final = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A private endpoint that leads to the target.

    :param id: its id
    :param status: of its connection: ``Pending``, ``Approved``, ``Rejected``, ``Disconnected``
    :param description: the owner's words on it
    :param resource: the endpoint itself; None where it is not in sight
    :param hidden: why it is not in sight
    :param addresses: the endpoint's own
    """

    id: str
    status: str = ""
    description: str = ""
    resource: Json | None = None
    hidden: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def subnet(self) -> str:
        """Id of its subnet; empty where the endpoint is not in sight."""
        return id_in(properties_of(self.resource), "subnet")

    @property
    def network(self) -> str:
        """Id of its network; likewise."""
        return network_of(self.subnet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What is behind a name.

    :param resource: from Resource Graph; None where none is in sight
    :param endpoint: the one that the target is to be reached by; None where none is in sight
    :param facts: what there is to say of both
    """

    resource: Json | None
    endpoint: Endpoint | None
    facts: tuple[Fact, ...]


async def look_behind(question: Question, inventory: Inventory, resources: Seen[list[Json]]) -> Behind:
    """Find the resource and its private endpoint.

    :param resources: those in sight that are called as the name begins
    """
    if not question.resource_name:
        return Behind(resource=None, endpoint=None, facts=())
    resource = _resource(question, resources.value)
    listed = await inventory.everywhere(ENDPOINTS)
    candidates = await _endpoints(question, resource, listed.value, inventory)
    endpoint = max(candidates, key=lambda one: _fitness(one, question), default=None)
    facts = [_resource_fact(question, resource, resources.hidden)]
    if endpoint is None:
        facts.append(_no_endpoint(question, resource, listed.hidden))
    else:
        facts += [_endpoint_fact(endpoint, len(candidates)), _connection_fact(endpoint)]
    return Behind(resource=resource, endpoint=endpoint, facts=tuple(facts))


def _resource(question: Question, rows: Iterable[Json]) -> Json | None:
    types = question.resource_types
    return next(
        (
            row
            for row in rows
            if str(row["name"]).casefold() == question.resource_name and str(row["type"]).casefold() in types
        ),
        None,
    )


async def _endpoints(
    question: Question, resource: Json | None, listed: list[Json], inventory: Inventory
) -> list[Endpoint]:
    """Those in sight that lead to the target, and those that only its owner sees."""
    leading = {one["id"].casefold(): one for one in listed if _leading(one, question, resource)}
    owners = {id_in(properties_of(one), "privateEndpoint").casefold(): one for one in _owners_view(resource)}
    unlisted = [key for key in owners if key and key not in leading]
    reads = await asyncio.gather(*(inventory.resource(key) for key in unlisted))
    hidden = {}
    for key, read in zip(unlisted, reads, strict=True):
        if read.value is not None:
            if _leading(read.value, question, resource):
                leading[key] = read.value
        elif _concerns(owners[key], question):
            hidden[key] = read.hidden or "there is no such endpoint any more, or it lies in a subscription out of sight"
    found = [await _seen_endpoint(one, question, resource, inventory) for one in leading.values()]
    return found + [_hidden_endpoint(owners[key], reason) for key, reason in hidden.items()]


def _owners_view(resource: Json | None) -> list[Json]:
    found = properties_of(resource).get("privateEndpointConnections")
    return [one for one in found or () if isinstance(one, dict)]


def _concerns(connection: Json, question: Question) -> bool:
    """Whether a connection, as its owner sees it, is for the sub-resource that the name stands for."""
    groups = properties_of(connection).get("groupIds") or ()
    return not groups or bool({str(group).casefold() for group in groups} & question.group_ids)


def _connections_of(endpoint: Json) -> list[Json]:
    return [one for name in _CONNECTIONS for one in properties_of(endpoint).get(name) or ()]


def _leading(endpoint: Json, question: Question, resource: Json | None) -> Json | None:
    """The connection of an endpoint that leads to the target; None where none does."""
    for connection in _connections_of(endpoint):
        properties = properties_of(connection)
        linked = str(properties.get("privateLinkServiceId") or "")
        if resource is not None:
            fits = same_id(linked, resource["id"])
        else:
            fits = linked.casefold().rpartition("/")[2] == question.resource_name
        if fits and _concerns(connection, question):
            return connection
    return None


async def _seen_endpoint(endpoint: Json, question: Question, resource: Json | None, inventory: Inventory) -> Endpoint:
    connection = _leading(endpoint, question, resource)
    status, description = _state(properties_of(connection))
    interfaces = properties_of(endpoint).get("networkInterfaces") or ()
    reads = await asyncio.gather(*(inventory.resource(str(one["id"])) for one in interfaces))
    addresses = [
        str(properties_of(one).get("privateIPAddress") or "")
        for read in reads
        for one in properties_of(read.value).get("ipConfigurations") or ()
    ]
    if not any(addresses):
        configs = properties_of(endpoint).get("customDnsConfigs") or ()
        addresses = [str(one) for config in configs for one in config.get("ipAddresses") or ()]
    return Endpoint(
        id=endpoint["id"],
        status=status,
        description=description,
        resource=endpoint,
        addresses=tuple(dict.fromkeys(filter(None, addresses))),
    )


def _hidden_endpoint(connection: Json, reason: str) -> Endpoint:
    properties = properties_of(connection)
    status, description = _state(properties)
    return Endpoint(id=id_in(properties, "privateEndpoint"), status=status, description=description, hidden=reason)


def _state(connection: Json) -> tuple[str, str]:
    state: Any = connection.get("privateLinkServiceConnectionState") or {}
    return str(state.get("status") or "Unknown"), str(state.get("description") or "")


def _fitness(endpoint: Endpoint, question: Question) -> tuple[bool, ...]:
    """Which of several is the one that the target is to be reached by."""
    home = network_of(question.worker_network)
    return (
        bool({*endpoint.addresses} & {*question.addresses}),
        same_id(endpoint.network, home),
        endpoint.status == "Approved",
        endpoint.resource is not None,
    )


# -- in words -----------------------------------------------------------------------------------------


def _resource_fact(question: Question, resource: Json | None, hidden: str) -> Fact:
    if resource is None:
        reason = hidden or f"no resource called {question.resource_name} is in sight of this identity"
        return Fact(kind=FactKind.RESOURCE, presence=Presence.NOT_VISIBLE, subject=question.host, reason=reason)
    detail = {"type": resource["type"], "location": resource.get("location") or ""}
    return Fact(kind=FactKind.RESOURCE, presence=Presence.PRESENT, subject=resource["id"], detail=detail)


def _no_endpoint(question: Question, resource: Json | None, hidden: str) -> Fact:
    if resource is not None and isinstance(properties_of(resource).get("privateEndpointConnections"), list):
        # The owner sees every connection, whoever asked for it.
        return Fact(kind=FactKind.ENDPOINT, presence=Presence.ABSENT, subject=resource["id"])
    reason = hidden or "the resource is not in sight, nor any private endpoint that leads to it"
    return Fact(kind=FactKind.ENDPOINT, presence=Presence.NOT_VISIBLE, subject=question.host, reason=reason)


def _endpoint_fact(endpoint: Endpoint, candidates: int) -> Fact:
    if endpoint.resource is None:
        return Fact(kind=FactKind.ENDPOINT, presence=Presence.NOT_VISIBLE, subject=endpoint.id, reason=endpoint.hidden)
    detail = {"subnet": endpoint.subnet, "addresses": list(endpoint.addresses), "endpoints_in_sight": candidates}
    provisioning = str(properties_of(endpoint.resource).get("provisioningState") or "")
    return Fact(
        kind=FactKind.ENDPOINT, presence=Presence.PRESENT, subject=endpoint.id, state=provisioning, detail=detail
    )


def _connection_fact(endpoint: Endpoint) -> Fact:
    return Fact(
        kind=FactKind.CONNECTION,
        presence=Presence.PRESENT,
        subject=endpoint.id,
        state=endpoint.status,
        detail={"description": endpoint.description},
    )
