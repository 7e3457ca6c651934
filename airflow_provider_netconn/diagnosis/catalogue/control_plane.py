"""Causes that only Azure's control plane can tell: each makes the cause that probing alone would name a finer one.

States and their meaning: Microsoft Learn, "What is a private endpoint", "Azure Private Endpoint private DNS zone
values", "Virtual network peering", "Network security groups".
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

_ENDPOINTS: Final = (
    Cause(
        code="ENDPOINT_PENDING",
        stage=Stage.ADDRESS,
        meaning="The private endpoint waits for the resource's owner to approve it: until then it leads nowhere.",
        proof="The connection's status is Pending. An address alone proves nothing: it is assigned before.",
        seen="The private endpoint {endpoint} of {host} is Pending; its owner's words: {owner_words}.",
        remedy="Have the owner of {azure_resource} approve the connection: PrivateEndpointConnectionOperator with "
        "action='approve', or in the portal under Networking, Private endpoint connections. "
        "PrivateEndpointSensor waits for it.",
    ),
    Cause(
        code="ENDPOINT_REJECTED",
        stage=Stage.CONNECT,
        meaning="The resource's owner has rejected the private endpoint: it takes no packets, and that is final.",
        proof="The connection's status is Rejected.",
        seen="The private endpoint {endpoint} of {host} was Rejected; its owner's words: {owner_words}.",
        remedy="Ask the owner of {azure_resource} why; then delete {endpoint} (PrivateEndpointDeleteOperator) and ask "
        "anew (PrivateEndpointOperator): a rejected connection does not come back.",
    ),
    Cause(
        code="ENDPOINT_DISCONNECTED",
        stage=Stage.CONNECT,
        meaning="The resource's side of the private endpoint is gone: the connection was removed, or the resource.",
        proof="The connection's status is Disconnected.",
        seen="The private endpoint {endpoint} of {host} is Disconnected.",
        remedy="Delete {endpoint} (PrivateEndpointDeleteOperator) and make it anew (PrivateEndpointOperator): a "
        "connection that was removed does not come back.",
    ),
    Cause(
        code="ENDPOINT_MISSING",
        stage=Stage.ADDRESS,
        meaning="The resource has no private endpoint, in any network: there is no private path to it.",
        proof="The resource's own list of private endpoint connections, in which none is for this name.",
        seen="{azure_resource} has no private endpoint for {host}.",
        remedy="Make one: PrivateEndpointOperator with the id of {azure_resource}, in a subnet of the worker's network "
        "or of one that is peered with it.",
    ),
)

_NAMES: Final = (
    Cause(
        code="ZONE_MISSING",
        stage=Stage.ADDRESS,
        meaning="There is no private DNS zone for the name, so that it resolves as it does for everybody.",
        proof="No zone of that name in any subscription in sight, and the worker's network lies in one of these.",
        seen="There is no private DNS zone {zone} in the {looked_in} subscriptions in sight.",
        remedy="Have PrivateEndpointOperator make the zone, link it to the worker's network and put the endpoint's "
        "records into it (its DNS options); by hand: zone {zone}, a link, a zone group.",
    ),
    Cause(
        code="ZONE_NOT_LINKED",
        stage=Stage.ADDRESS,
        meaning="The private DNS zone is there, and not linked to the network from which the name is asked for.",
        proof="The zone's list of links, in which the worker's network is not, or which is empty.",
        seen="{zone} is linked to {linked_networks}, and not to {worker_network}, whose names are resolved by "
        "{own_dns_servers}.",
        remedy="Link {zone} to {worker_network} (PrivateEndpointOperator does so with its DNS options); where a "
        "network has DNS servers of its own, link the zone to theirs, or have them forward the name to it.",
    ),
    Cause(
        code="ZONE_GROUP_MISSING",
        stage=Stage.RESOLVE,
        meaning="The private endpoint has no DNS zone group, so that nothing writes its records into the zone.",
        proof="The endpoint has no zone group, and the zone no record of the name.",
        seen="{endpoint} has no DNS zone group, and {record} has no record.",
        remedy="Give {endpoint} a zone group with {zone}: PrivateEndpointOperator with its DNS options adds it to an "
        "endpoint that is there.",
    ),
    Cause(
        code="RECORD_MISSING",
        stage=Stage.RESOLVE,
        meaning="The private DNS zone has no record of the name.",
        proof="The zone is there, and has no A record of the name.",
        seen="{zone} has no A record {record}.",
        remedy="Let the endpoint's zone group write it: check that the zone group of {endpoint} names this zone; or "
        "add the record with the address {endpoint_addresses}.",
    ),
    Cause(
        code="RECORD_WRONG",
        stage=Stage.ADDRESS,
        meaning="The private DNS zone has a record of the name that does not lead to the endpoint.",
        proof="The A record's addresses are not the endpoint's.",
        seen="{record} leads to {record_addresses}, and the endpoint {endpoint} has {endpoint_addresses}.",
        remedy="Delete the record from {zone} and let the endpoint's zone group write it anew "
        "(PrivateEndpointOperator), or change it to {endpoint_addresses}.",
    ),
)

_WAYS: Final = (
    Cause(
        code="PEERING_MISSING",
        stage=Stage.CONNECT,
        meaning="The worker's network and the endpoint's are not peered, and no network lies between them.",
        proof="The networks' own lists of peerings, in which neither leads to the other nor both to a third one.",
        seen="There is no peering between {near_network} and {far_network}; {peering_sides}.",
        remedy="Peer them: VirtualNetworkPeeringOperator, from {near_network} to {far_network}.",
    ),
    Cause(
        code="PEERING_ONE_SIDED",
        stage=Stage.CONNECT,
        meaning="Only one of the two networks is peered with the other.",
        proof="One side's state is Initiated, or the other network's list has no such peering.",
        seen="The peering between {near_network} and {far_network} has one side only; {peering_sides}.",
        remedy="Write the other side too: VirtualNetworkPeeringOperator does both; where the other network is "
        "somebody else's, ask its owner. VirtualNetworkPeeringSensor waits for it.",
    ),
    Cause(
        code="PEERING_DISCONNECTED",
        stage=Stage.CONNECT,
        meaning="One side of the peering was deleted: what is left of it carries nothing.",
        proof="A side's state is Disconnected.",
        seen="The peering between {near_network} and {far_network} is Disconnected; {peering_sides}.",
        remedy="Run VirtualNetworkPeeringOperator: it writes the side that is left anew, and then the other one.",
    ),
    Cause(
        code="PEERING_DENIES_ACCESS",
        stage=Stage.CONNECT,
        meaning="The peering is Connected and told to keep the networks from reaching each other.",
        proof="A side's `allowVirtualNetworkAccess` is false.",
        seen="The peering between {near_network} and {far_network} does not allow access; {peering_sides}.",
        remedy="Allow virtual network access on both sides: VirtualNetworkPeeringOperator does by default.",
    ),
    Cause(
        code="PEERING_OUT_OF_SYNC",
        stage=Stage.CONNECT,
        meaning="An address space was changed, and the peering does not know of it yet.",
        proof="A side's peeringSyncLevel is LocalNotInSync, RemoteNotInSync or LocalAndRemoteNotInSync.",
        seen="The peering between {near_network} and {far_network} is out of sync; {peering_sides}.",
        remedy="Run VirtualNetworkPeeringOperator: it syncs the side that has to be.",
    ),
    Cause(
        code="SECURITY_GROUP_DENIES",
        stage=Stage.CONNECT,
        meaning="A security group on the way drops the packets.",
        proof="The first rule, by priority, that is about TCP from the worker to that port of the endpoint denies it.",
        seen="Rule {rule} (priority {rule_priority}) of the security group {security_group} denies {direction} TCP to "
        "port {port} at the subnet {guarded_subnet}.",
        remedy="Allow it in {security_group} by a rule of a priority below {rule_priority}, for TCP port {port}.",
    ),
)

_DOORS: Final = (
    Cause(
        code="PUBLIC_NETWORK_ACCESS_OFF",
        stage=Stage.AUTH,
        meaning="The resource takes nothing from the public side, where the packets come from.",
        proof="The resource's `publicNetworkAccess` is Disabled or SecuredByPerimeter, and the path is public.",
        seen="{azure_resource} has public network access {public_access}, and is dialled at its public address.",
        remedy="Reach it by a private endpoint (PrivateEndpointOperator); or have its owner open public access.",
    ),
    Cause(
        code="SERVICE_FIREWALL_DENIES",
        stage=Stage.AUTH,
        meaning="The resource's firewall denies what no rule of it allows, and this place seems not to be allowed.",
        proof="The firewall's default action is Deny, the path is public, and the service refused.",
        seen="The firewall of {azure_resource} denies by default, with {firewall_rules}.",
        remedy="See which of this place's addresses its rules lack (ExternalIpAllowlistCheckOperator); or reach it by "
        "a private endpoint (PrivateEndpointOperator).",
    ),
)

CONTROL_PLANE_CAUSES: Final = (*_ENDPOINTS, *_NAMES, *_WAYS, *_DOORS)
