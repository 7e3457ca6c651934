"""What each operator of Azure's control plane has to do under faults, in a place of its own, and what is right then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_netconn.operators.private_endpoint import PrivateEndpointDeleteOperator, PrivateEndpointOperator
from airflow_provider_netconn.operators.private_endpoint_connection import PrivateEndpointConnectionOperator
from airflow_provider_netconn.operators.virtual_hub import (
    VirtualHubConnectionDeleteOperator,
    VirtualHubConnectionOperator,
)
from airflow_provider_netconn.operators.virtual_network_peering import (
    VirtualNetworkPeeringDeleteOperator,
    VirtualNetworkPeeringOperator,
)
from tests.azure.private_endpoint_requests import Landscape
from tests.azure.tasks import CONN_ID

CONNECTED = ("Connected", "FullyInSync")
MESSAGE = "under faults"
VERSION = "2024-05-01"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One task in a place of its own.

    :param label: in all names that are its own, and in no others
    :param task: makes the operator, given further arguments
    :param state: of what it is about: ``right`` when it is as wanted; else as it was, or on the way
    :param count: how many of it there are: never more than one, for each of the things that it makes
    """

    label: str
    task: Callable[..., object]
    state: Callable[[], str]
    count: Callable[[], int]


class Stage:
    """Makes scenes in a lab, one after the other."""

    def __init__(self, lab):
        self.lab = lab
        self.landscape = Landscape.of(lab)

    def common(self, **more):
        return {"task_id": "task", "azure_conn_id": CONN_ID, "poll_interval_s": 0.2, "deferrable": False, **more}

    # -- peerings ------------------------------------------------------------------------------------

    def _peering(self, label, kind, *, made):
        one, other = self.lab.networks(f"one-{label}", f"other-{label}")
        sides = (one.to(other), other.to(one))
        if made:
            for side in sides:
                self.lab.put(side.id, side.body)

        def task(**more):
            return kind(virtual_network_id=one.id, remote_virtual_network_id=other.id, **self.common(**more))

        def state():
            seen = [self.lab.peering(side) for side in sides]
            wanted = [None, None] if made else [CONNECTED, CONNECTED]
            return "right" if seen == wanted else str(seen)

        def count():
            return max(len(self.lab.get(net.id)["properties"]["virtualNetworkPeerings"]) for net in (one, other))

        return Scene(label=label, task=task, state=state, count=count)

    def peer(self, label):
        return self._peering(label, VirtualNetworkPeeringOperator, made=False)

    def unpeer(self, label):
        return self._peering(label, VirtualNetworkPeeringDeleteOperator, made=True)

    # -- hubs ----------------------------------------------------------------------------------------

    def _hub(self, label, kind, *, made):
        group = self.landscape.group_id
        wan = f"{group}/providers/Microsoft.Network/virtualWans/wan-{label}"
        hub = f"{group}/providers/Microsoft.Network/virtualHubs/hub-{label}"
        [network] = self.lab.networks(f"spoke-{label}")
        self.lab.put(wan, {"location": "westeurope", "properties": {"type": "Standard"}})
        body = {"virtualWan": {"id": wan}, "addressPrefix": "10.30.0.0/23"}
        self.lab.put(hub, {"location": "westeurope", "properties": body})
        listed = f"{hub}/hubVirtualNetworkConnections"
        if made:
            remote = {"remoteVirtualNetwork": {"id": network.id}}
            self.lab.put(f"{listed}/to-spoke-{label}", {"properties": remote}, api_version=VERSION)

        def task(**more):
            return kind(virtual_hub_id=hub, virtual_network_id=network.id, **self.common(**more))

        def seen():
            return self.lab.get(listed, api_version=VERSION)["value"]

        def state():
            states = [one["properties"]["provisioningState"] for one in seen()]
            return "right" if states == ([] if made else ["Succeeded"]) else str(states)

        return Scene(label=label, task=task, state=state, count=lambda: len(seen()))

    def connect_hub(self, label):
        return self._hub(label, VirtualHubConnectionOperator, made=False)

    def disconnect_hub(self, label):
        return self._hub(label, VirtualHubConnectionDeleteOperator, made=True)

    # -- private endpoints ---------------------------------------------------------------------------

    def _endpoint_place(self, label):
        group = f"/subscriptions/{self.lab.subscription_id}/resourceGroups/group-{label}"
        self.lab.put(group, {"location": "westeurope"})
        [network] = self.lab.networks(f"net-{label}")
        subnet = f"{network.id}/subnets/all"
        self.lab.put(subnet, {"properties": {"addressPrefix": network.address_prefix}})
        account = f"{group}/providers/Microsoft.Storage/storageAccounts/acct{label}"
        self.lab.put(account, {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
        endpoint = f"{group}/providers/Microsoft.Network/privateEndpoints/pe-{label}"
        return group, subnet, account, endpoint

    def make_endpoint(self, label):
        group, subnet, account, endpoint = self._endpoint_place(label)

        def task(**more):
            return PrivateEndpointOperator(
                endpoint_id=endpoint, target_id=account, subnet_id=subnet, group_id="blob",
                create_dns_zones=True, **self.common(**more),
            )  # fmt: skip

        def state():
            found = self.lab.get(endpoint)
            if found is None:
                return "no endpoint"
            groups = self.lab.get(f"{endpoint}/privateDnsZoneGroups", api_version=VERSION)["value"]
            seen = (self._endpoint_status(found), [one["properties"]["provisioningState"] for one in groups])
            return "right" if seen == ("Approved", ["Succeeded"]) else str(seen)

        return Scene(label=label, task=task, state=state, count=lambda: self._endpoints(group, account))

    def delete_endpoint(self, label):
        group, subnet, account, endpoint = self._endpoint_place(label)
        connection = {"name": "x", "properties": {"privateLinkServiceId": account, "groupIds": ["blob"]}}
        body = {"subnet": {"id": subnet}, "privateLinkServiceConnections": [connection]}
        self.lab.put(endpoint, {"location": "westeurope", "properties": body})

        def task(**more):
            return PrivateEndpointDeleteOperator(endpoint_id=endpoint, **self.common(**more))

        def state():
            return "right" if self.lab.get(endpoint) is None else "there"

        return Scene(label=label, task=task, state=state, count=lambda: self._endpoints(group, account))

    def _endpoint_status(self, endpoint):
        [one] = endpoint["properties"]["privateLinkServiceConnections"]
        return one["properties"]["privateLinkServiceConnectionState"]["status"]

    def _endpoints(self, group, account):
        listed = self.lab.get(f"{group}/providers/Microsoft.Network/privateEndpoints")["value"]
        connections = self.lab.get(f"{account}/privateEndpointConnections", api_version="2023-05-01")["value"]
        return max(len(listed), len(connections))

    # -- the owner's side ----------------------------------------------------------------------------

    def _connection(self, label, resource_type, action):
        target = self.landscape.target(resource_type, f"own{label}")
        endpoint = self.landscape.request(target, f"req-{label}", MESSAGE)
        wanted = {"approve": "Approved", "remove": "Disconnected"}[action]

        def task(**more):
            return PrivateEndpointConnectionOperator(
                target_id=target, action=action, request_message=MESSAGE, **self.common(**more)
            )

        def state():
            seen = self.landscape.seen_by(endpoint)[0]
            return "right" if seen == wanted else seen

        return Scene(label=label, task=task, state=state, count=lambda: 1)

    def approve_storage(self, label):
        return self._connection(label, "Microsoft.Storage/storageAccounts", "approve")

    def approve_registry(self, label):
        return self._connection(label, "Microsoft.ContainerRegistry/registries", "approve")

    def approve_batch(self, label):
        return self._connection(label, "Microsoft.Batch/batchAccounts", "approve")

    def remove_storage(self, label):
        return self._connection(label, "Microsoft.Storage/storageAccounts", "remove")

    def remove_sql(self, label):
        return self._connection(label, "Microsoft.Sql/servers", "remove")


STORIES = {
    "peering": Stage.peer,
    "peering, deleted": Stage.unpeer,
    "hub connection": Stage.connect_hub,
    "hub connection, deleted": Stage.disconnect_hub,
    "private endpoint": Stage.make_endpoint,
    "private endpoint, deleted": Stage.delete_endpoint,
    "approval at Storage": Stage.approve_storage,
    "approval at a registry": Stage.approve_registry,
    "approval at Batch": Stage.approve_batch,
    "removal at Storage": Stage.remove_storage,
    "removal at SQL": Stage.remove_sql,
}
"""By what the operator does; each has a scene of its own for every fault."""

__all__ = ["STORIES", "Scene", "Stage"]
