"""Consumers and owners at random: an endpoint and its connection always tell the same state."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.operations import OperationFault
from tests.lab.arm import planes
from tests.lab.resources.endpoint_landscape import (
    BODIES,
    NETWORK,
    REGISTRY,
    STORAGE,
    VAULT,
    endpoint,
    full,
    make_plane,
    make_target,
)

SEARCH = "Microsoft.Search/searchServices/orders"
POSTGRES = "Microsoft.DBforPostgreSQL/flexibleServers/orders"
TARGETS = {
    STORAGE: ("blob", "2023-05-01"),
    VAULT: ("vault", "2023-07-01"),
    REGISTRY: ("registry", "2023-07-01"),
    SEARCH: ("searchService", "2023-11-01"),
    POSTGRES: ("postgresqlServer", "2024-08-01"),
}
ZONE = "Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
DNS = "2020-06-01"
ENDPOINTS = "Microsoft.Network/privateEndpoints"

endpoints = st.sampled_from([f"{ENDPOINTS}/pe{number}" for number in range(3)])
targets = st.sampled_from(list(TARGETS))
states = st.sampled_from(["Approved", "Rejected", "Pending"])

REFUSALS = {
    (400, "BadRequest"),
    (400, "CannotChangePrivateLinkConnectionOnPrivateEndpoint"),
    (400, "InvalidResourceReference"),
    (400, "InvalidValuesForRequestParameters"),
    (400, "OperationNotAllowed"),
    (400, "PrivateEndpointCannotBeUpdatedInDisconnectedState"),
    (400, "ReferencedResourceNotProvisioned"),
    (404, "NotFound"),
    (404, "ParentResourceNotFound"),
    (404, "ResourceNotFound"),
    (409, "AnotherOperationInProgress"),
    (409, "StorageAccountOperationInProgress"),
    (409, "ConflictError"),
}


class Parties(RuleBasedStateMachine):
    """Requests of consumers and owners, none of whom waits for another's operation to end."""

    @initialize(scale=st.sampled_from((0.0, 1.0)))
    def begin(self, scale):
        self.plane = make_plane(time_scale=scale)
        self.send("PUT", ZONE, {"location": "global"}, DNS)
        for target in TARGETS:
            make_target(self.plane, target)
        self.plane.clock.advance(600)

    def send(self, method, path, body=None, version="2024-03-01"):
        answer = planes.send(self.plane, method, path, body, version=version)
        if answer.status >= 300:
            assert (answer.status, answer.body["error"]["code"]) in REFUSALS, answer.body
        return answer

    @rule(path=endpoints, owned=targets, manual=st.booleans(), fails=st.booleans())
    def ask(self, path, owned, manual, fails):
        if fails:
            error = ArmError(500, "InternalServerError", "An error occurred.")
            self.plane.operation_fault = lambda method, _: OperationFault(error=error)
        self.send("PUT", path, endpoint(owned, [TARGETS[owned][0]], manual=manual))
        self.plane.operation_fault = lambda method, _: None

    @rule(path=endpoints)
    def give_up(self, path):
        self.send("DELETE", path)

    @rule(path=endpoints)
    def keep_records(self, path):
        config = {"name": "zone", "properties": {"privateDnsZoneId": full(ZONE)}}
        self.send("PUT", f"{path}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": [config]}})

    @rule(path=endpoints)
    def keep_no_records(self, path):
        self.send("DELETE", f"{path}/privateDnsZoneGroups/default")

    @rule(owned=targets, state=states, which=st.integers(0, 2))
    def decide(self, owned, state, which):
        connections = self.connections(owned)
        if connections:
            body = {"properties": {"privateLinkServiceConnectionState": {"status": state, "description": state}}}
            self.send("PUT", connections[which % len(connections)]["id"], body, TARGETS[owned][1])

    @rule(owned=targets, which=st.integers(0, 2))
    def remove(self, owned, which):
        connections = self.connections(owned)
        if connections:
            self.send("DELETE", connections[which % len(connections)]["id"], version=TARGETS[owned][1])

    @rule(owned=targets)
    def lose(self, owned):
        self.send("DELETE", owned, version=TARGETS[owned][1])

    @rule(owned=targets)
    def make_again(self, owned):
        body = BODIES[owned][0] if owned in BODIES else {"location": "westus", "properties": {}}
        self.send("PUT", owned, body, TARGETS[owned][1])

    @rule(seconds=st.sampled_from((1, 6, 20, 300)))
    def wait(self, seconds):
        self.plane.clock.advance(seconds)
        self.plane.operations.advance()

    def connections(self, target):
        answer = self.send("GET", f"{target}/privateEndpointConnections", version=TARGETS[target][1])
        return answer.body["value"] if answer.status == 200 else []

    def shown_endpoints(self):
        return self.send("GET", ENDPOINTS).body["value"]

    @invariant()
    def both_sides_agree(self):
        owners = {}
        for target in TARGETS:
            for one in self.connections(target):
                properties = one["properties"]
                asker = properties["privateEndpoint"]["id"]
                assert asker not in owners, "an endpoint has one connection"
                owners[asker] = (target, properties["privateLinkServiceConnectionState"]["status"])
        shown = self.shown_endpoints()
        assert set(owners) <= {one["id"] for one in shown}, "a connection has an endpoint"
        for one in shown:
            [connection] = (
                one["properties"]["privateLinkServiceConnections"]
                + one["properties"]["manualPrivateLinkServiceConnections"]
            )
            status = connection["properties"]["privateLinkServiceConnectionState"]["status"]
            target, owners_status = owners.get(one["id"], (None, "Disconnected"))
            assert status == owners_status
            assert target is None or connection["properties"]["privateLinkServiceId"] == full(target)
            assert status == "Approved" or one["properties"]["customDnsConfigs"] == []

    @invariant()
    def each_endpoint_has_its_interface_and_addresses(self):
        interfaces = self.send("GET", "Microsoft.Network/networkInterfaces").body["value"]
        owned = sorted(item["properties"]["privateEndpoint"]["id"] for item in interfaces)
        assert owned == sorted(one["id"] for one in self.shown_endpoints())
        addresses = Counter(
            config["properties"]["privateIPAddress"]
            for item in interfaces
            for config in item["properties"]["ipConfigurations"]
        )
        assert set(addresses.values()) <= {1}
        subnet = self.send("GET", f"{NETWORK}/subnets/endpoints").body["properties"]
        assert len(subnet.get("ipConfigurations", [])) == sum(addresses.values())

    @invariant()
    def records_are_of_endpoints_that_are_there(self):
        guids = {one["properties"]["resourceGuid"] for one in self.shown_endpoints()}
        for record in self.send("GET", f"{ZONE}/A", version=DNS).body["value"]:
            assert record["properties"]["metadata"]["creator"].rpartition(" ")[2] in guids


Parties.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestParties = Parties.TestCase
