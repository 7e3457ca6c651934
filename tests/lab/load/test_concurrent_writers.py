"""Many clients write at once, over TLS and connections of their own; afterwards the state machines still fit together.

Operations take some time here, so that requests meet others halfway.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter

import aiohttp
import pytest

WRITERS = 12
REQUESTS = 60
GROUP = "crowd"
NETWORKS = [f"net-{number}" for number in range(4)]
ENDPOINTS = [f"pe-{number}" for number in range(5)]
STORE = "Microsoft.Storage/storageAccounts/crowdlake"
REFUSALS = {400, 404, 409, 412}
"""What a writer that is too late may be told."""

PATIENCE_S = 10


class Crowd:
    """The clients.

    :param statuses: what they were answered, by method
    """

    def __init__(self, lab, seed):
        self.lab, self.dice = lab, random.Random(seed)
        self.base = f"/subscriptions/{lab.subscription_id}/resourceGroups/{GROUP}"
        self.token, self.trust = lab.token(), ssl.create_default_context(cafile=lab.ca_file)
        self.statuses: Counter[tuple[str, int]] = Counter()

    def id(self, path):
        return f"{self.base}/providers/{path}"

    def network(self, name):
        return self.id(f"Microsoft.Network/virtualNetworks/{name}")

    def peering(self):
        """One that leads from a network to another, by the one name that it always has."""
        local, remote = self.dice.sample(NETWORKS, 2)
        return f"{self.network(local)}/virtualNetworkPeerings/to-{remote}", {
            "properties": {
                "remoteVirtualNetwork": {"id": self.network(remote)},
                "allowForwardedTraffic": self.dice.random() < 0.5,
            }
        }

    def endpoint(self):
        how = self.dice.choice(["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"])
        link = {"privateLinkServiceId": self.id(STORE), "groupIds": ["blob"]}
        properties = {
            "subnet": {"id": f"{self.network(NETWORKS[0])}/subnets/endpoints"},
            how: [{"name": "one", "properties": link}],
        }
        name = self.dice.choice(ENDPOINTS)
        return self.id(f"Microsoft.Network/privateEndpoints/{name}"), {
            "location": "westeurope",
            "properties": properties,
        }

    async def write(self, session):
        """One request, chosen at random."""
        roll = self.dice.random()
        if roll < 0.5:
            path, body = self.peering()
            await self.send(session, *(("PUT", path, body) if roll < 0.3 else ("DELETE", path)))
        elif roll < 0.6:
            number = self.dice.randrange(len(NETWORKS))
            await self.send(session, "PUT", self.network(NETWORKS[number]), self.space(number))
        elif roll < 0.85:
            path, body = self.endpoint()
            await self.send(session, *(("PUT", path, body) if roll < 0.75 else ("DELETE", path)))
        else:
            await self.decide(session)

    async def decide(self, session):
        """Approve, reject or remove a connection, as the account's owner."""
        answer = await self.send(session, "GET", self.id(f"{STORE}/privateEndpointConnections"), version="2023-01-01")
        if answer["value"]:
            path = self.dice.choice(answer["value"])["id"]
            status = self.dice.choice(["Approved", "Rejected", ""])
            state = {"privateLinkServiceConnectionState": {"status": status, "description": "so"}}
            request = ("PUT", path, {"properties": state}) if status else ("DELETE", path)
            await self.send(session, *request, version="2023-01-01")

    async def send(self, session, method, path, body=None, version="2024-05-01"):
        url, token = f"{self.lab.arm_url}{path}", {"Authorization": f"Bearer {self.token}"}
        async with session.request(
            method, url, json=body, params={"api-version": version}, headers=token, ssl=self.trust
        ) as answer:
            self.statuses[method, answer.status] += 1
            return await answer.json(content_type=None) if answer.status != 204 else None

    def space(self, number):
        """A network that has one prefix more, or has not."""
        more = [f"10.{number}.128.0/20"] if self.dice.random() < 0.5 else []
        subnets = [{"name": "endpoints", "properties": {"addressPrefix": f"10.{number}.1.0/24"}}]
        space = {"addressSpace": {"addressPrefixes": [f"10.{number}.0.0/18", *more]}}
        return {"location": "westeurope", "properties": {**space, "subnets": subnets}}

    async def __call__(self):
        async def client():
            async with aiohttp.ClientSession() as session:
                for _ in range(REQUESTS):
                    await self.write(session)

        await asyncio.gather(*(client() for _ in range(WRITERS)))


@pytest.fixture(params=[1, 2])
def crowd(request, azure_lab):
    """A crowd before its networks and its storage account."""
    azure_lab.put(f"/subscriptions/{azure_lab.subscription_id}/resourceGroups/{GROUP}", {"location": "westeurope"})
    crowd = Crowd(azure_lab, request.param)
    for number, name in enumerate(NETWORKS):
        azure_lab.put(crowd.network(name), crowd.space(number))
    account = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}
    azure_lab.put(crowd.id(STORE), account)
    azure_lab.change_settings(time_scale=0.004)
    return crowd


async def settled(crowd):
    """All resources of the crowd's group, when nothing works on them any more."""
    while True:
        resources = [one for one in crowd.lab.local.landscape()["resources"] if f"/{GROUP}/" in one["id"]]
        if not any(one["is_busy"] for one in resources):
            return resources
        await asyncio.sleep(0.05)
        crowd.lab.get(crowd.id(STORE))  # operations end when somebody looks


async def test_a_crowd_of_writers_leaves_all_sides_in_agreement(crowd):
    await crowd()
    assert {status for method, status in crowd.statuses} <= {200, 201, 202, 204} | REFUSALS, crowd.statuses
    assert crowd.statuses["PUT", 201] > 10, crowd.statuses
    assert crowd.statuses["PUT", 409] + crowd.statuses["PUT", 400] + crowd.statuses["DELETE", 409] > 0, crowd.statuses
    resources = await asyncio.wait_for(settled(crowd), PATIENCE_S)
    check_peerings(crowd, [one for one in resources if one["type"].endswith("/virtualNetworkPeerings")])
    check_endpoints(crowd, resources)


def check_peerings(crowd, peerings):
    """A side is Connected if and only if the other one is, and says of the other what is true."""
    states = {}
    for one in peerings:
        local, _, name = one["id"].rpartition("/virtualNetworkPeerings/to-")
        shown = crowd.lab.get(one["id"])["properties"]
        assert shown["provisioningState"] == "Succeeded", one["id"]
        states[local, crowd.network(name)] = shown
    for (local, remote), shown in states.items():
        other = states.get((remote, local))
        is_connected = shown["peeringState"] == "Connected"
        assert is_connected == (other is not None and other["peeringState"] == "Connected"), (local, remote)
        space = crowd.lab.get(remote)["properties"]["addressSpace"]["addressPrefixes"]
        seen = shown["remoteAddressSpace"]["addressPrefixes"]
        if shown["peeringSyncLevel"] in {"FullyInSync", "RemoteNotInSync"}:
            assert sorted(seen) == sorted(space), (local, remote)


def check_endpoints(crowd, resources):
    """Each endpoint has its one interface, at an address of its own, and its owner's connection says what it says."""
    by_id = {one["id"].casefold(): one for one in resources}
    endpoints = [one for one in resources if one["type"] == "Microsoft.Network/privateEndpoints"]
    interfaces = [one for one in resources if one["type"] == "Microsoft.Network/networkInterfaces"]
    owners = [one["properties"]["privateEndpoint"]["id"].casefold() for one in interfaces]
    assert sorted(owners) == sorted(one["id"].casefold() for one in endpoints)
    addresses = [
        item["properties"]["privateIPAddress"] for one in interfaces for item in one["properties"]["ipConfigurations"]
    ]
    assert len(set(addresses)) == len(addresses)
    listed = crowd.lab.request("GET", crowd.id(f"{STORE}/privateEndpointConnections"), api_version="2023-01-01")
    held = {one["properties"]["privateEndpoint"]["id"].casefold(): one["properties"] for one in listed["value"]}
    assert set(held) <= set(by_id)
    for endpoint in endpoints:
        shown = crowd.lab.get(endpoint["id"])["properties"]
        ways = (*shown["privateLinkServiceConnections"], *shown["manualPrivateLinkServiceConnections"])
        (status,) = [one["properties"]["privateLinkServiceConnectionState"]["status"] for one in ways]
        connection = held.get(endpoint["id"].casefold())
        expected = "Disconnected" if connection is None else connection["privateLinkServiceConnectionState"]["status"]
        assert status == expected, endpoint["id"]
