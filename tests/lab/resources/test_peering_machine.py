"""Many writers on three networks, at random: whatever they do in whatever order, both sides of a peering agree."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airflow_provider_netconn.lab.arm.engine import no_faults
from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.operations import OperationFault
from airflow_provider_netconn.lab.resources import peerings, subscriptions, virtual_networks
from tests.lab.arm.planes import GROUP, make_plane, send

KINDS = [*subscriptions.KINDS, *virtual_networks.KINDS, *peerings.KINDS]
NETWORKS = ("n1", "n2", "n3")
EXTRA = {"n1": "10.101.0.0/16", "n2": "10.102.0.0/16", "n3": "10.2.0.0/17"}
"""A second prefix for each network; that of the third overlaps with the second network."""

REFUSALS = {
    (400, "RemotePeeringIsDisconnected"),
    (400, "AnotherPeeringAlreadyReferencesRemoteVnet"),
    (400, "CannotPeerVirtualNetworkWithItself"),
    (400, "RemoteVirtualNetworkCannotBeChanged"),
    (400, "VnetAddressSpacesOverlap"),
    (400, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"),
    (400, "InvalidResourceReference"),
    (400, "ReferencedResourceNotProvisioned"),
    (404, "ParentResourceNotFound"),
    (409, "AnotherOperationInProgress"),
}

networks = st.sampled_from(NETWORKS)
names = st.sampled_from(("p", "q"))


def path_of(network, peering=None):
    path = f"Microsoft.Network/virtualNetworks/{network}"
    return path if peering is None else f"{path}/virtualNetworkPeerings/{peering}"


class Writers(RuleBasedStateMachine):
    """Requests of many writers, none of whom waits for another's operation to end."""

    @initialize(scale=st.sampled_from((0.0, 1.0)))
    def begin(self, scale):
        self.plane = make_plane(KINDS, time_scale=scale)
        for network in NETWORKS:
            self.write_network(network, extra=False, carried=False)
        self.plane.clock.advance(60)

    def send(self, method, path, body=None, **options):
        answer = send(self.plane, method, path, body, **options)
        if answer.status >= 300:
            assert (answer.status, answer.body["error"]["code"]) in REFUSALS, answer.body
        return answer

    @rule(network=networks, extra=st.booleans(), carried=st.booleans())
    def write_network(self, network, extra, carried):
        """A network's own PUT; with its peerings as they were read, or without."""
        prefixes = [f"10.{network[1]}.0.0/16", *([EXTRA[network]] if extra else [])]
        properties = {"addressSpace": {"addressPrefixes": prefixes}}
        shown = send(self.plane, "GET", path_of(network))
        if carried and shown.status == 200:
            properties["virtualNetworkPeerings"] = shown.body["properties"]["virtualNetworkPeerings"]
        self.send("PUT", path_of(network), {"location": "eastus", "properties": properties})

    @rule(network=networks)
    def delete_network(self, network):
        self.send("DELETE", path_of(network))

    @rule(network=networks, name=names, remote=networks, sync=st.booleans())
    def write_peering(self, network, name, remote, sync):
        body = {"properties": {"remoteVirtualNetwork": {"id": f"{GROUP}/providers/{path_of(remote)}"}}}
        query = {"syncRemoteAddressSpace": "true"} if sync else {}
        was_there = send(self.plane, "GET", path_of(network, name)).status == 200
        other_before = self.state_towards(remote, network)
        answer = self.send("PUT", path_of(network, name), body, query=query)
        if answer.status < 300:
            shown = answer.body["properties"]
            assert shown["peeringState"] == ("Connected" if other_before else "Initiated")
            assert was_there or other_before != "Disconnected"
            assert not (sync and shown["peeringSyncLevel"].startswith("Local"))

    def state_towards(self, network, remote):
        """State of a network's peering that leads to another one; None: there is none."""
        for peering in send(self.plane, "GET", f"{path_of(network)}/virtualNetworkPeerings").body.get("value", ()):
            if peering["properties"]["remoteVirtualNetwork"]["id"].endswith(f"/{remote}"):
                return peering["properties"]["peeringState"]
        return None

    @rule(network=networks, remote=networks, pause=st.sampled_from((0, 60)))
    def peer(self, network, remote, pause):
        """Both sides, one after the other; without a pause the second one comes too early if time matters."""
        self.write_peering(network, "p", remote, sync=False)
        self.plane.clock.advance(pause)
        self.write_peering(remote, "p", network, sync=False)
        self.plane.clock.advance(pause)

    @rule(network=networks, name=names)
    def delete_peering(self, network, name):
        self.send("DELETE", path_of(network, name))

    @rule(network=networks)
    def drop_all_peerings(self, network):
        shown = send(self.plane, "GET", path_of(network))
        if shown.status == 200:
            space = shown.body["properties"]["addressSpace"]
            body = {"location": "eastus", "properties": {"addressSpace": space, "virtualNetworkPeerings": []}}
            self.send("PUT", path_of(network), body)

    @rule()
    def the_next_operation_fails(self):
        fault = OperationFault(error=ArmError(500, "InternalServerError", "An error occurred."))

        def once(method, path):
            self.plane.operation_fault = no_faults
            return fault

        self.plane.operation_fault = once

    @rule(seconds=st.sampled_from((1, 4, 60)))
    def time_passes(self, seconds):
        self.plane.clock.advance(seconds)

    @invariant()
    def both_sides_agree(self):
        spaces, sides = {}, {}
        for network in NETWORKS:
            shown = send(self.plane, "GET", path_of(network))
            if shown.status == 200:
                spaces[network] = shown.body["properties"]["addressSpace"]["addressPrefixes"]
                for peering in shown.body["properties"]["virtualNetworkPeerings"]:
                    remote = peering["properties"]["remoteVirtualNetwork"]["id"].rpartition("/")[2]
                    assert (network, remote) not in sides, "two peerings to one network"
                    assert remote != network
                    sides[network, remote] = peering["properties"]
        for (network, remote), side in sides.items():
            check_side(side, sides.get((remote, network)), spaces[network], spaces.get(remote))


def check_side(side, other, space, remote_space):
    """What holds for one side of a peering.

    :param other: the other side, if there is one
    :param space: prefixes of the side's own network
    :param remote_space: those of the network that it leads to, if that is there
    """
    state, level = side["peeringState"], side["peeringSyncLevel"]
    taken = side["remoteAddressSpace"]["addressPrefixes"]
    assert (state == "Connected") == (other is not None)
    assert state in {"Connected", "Initiated", "Disconnected"}
    if remote_space is None:
        assert state == "Disconnected"
    else:
        assert side["remoteVirtualNetworkAddressSpace"]["addressPrefixes"] == remote_space
        assert level.startswith("Local") == (sorted(taken) != sorted(remote_space))
    assert side["localAddressSpace"]["addressPrefixes"] == space
    if other is None:
        assert level in {"RemoteNotInSync", "LocalAndRemoteNotInSync"}
    else:
        assert other["resourceGuid"] == side["resourceGuid"]
        theirs = other["peeringSyncLevel"]
        mirrored = {"RemoteNotInSync": "LocalNotInSync", "LocalNotInSync": "RemoteNotInSync"}
        assert theirs == mirrored.get(level, level)
    assert side["provisioningState"] in {"Succeeded", "Updating", "Deleting", "Failed"}


Writers.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestWriters = Writers.TestCase
