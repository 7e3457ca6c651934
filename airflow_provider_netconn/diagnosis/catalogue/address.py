"""Causes of the stage ``address``: the addresses are not the expected ones."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

ADDRESS_CAUSES: Final = (
    Cause(
        code="ADDRESSES_MIXED",
        stage=Stage.ADDRESS,
        meaning="Some of the name's addresses are private and some are not: a client takes either.",
        proof="Addresses inside and outside the expected networks in one answer.",
        seen="{resolution}; of these {outside} lie outside the expected networks.",
        remedy="Remove the stray records; one name should lead either to the private endpoint or to the public "
        "address.",
    ),
    Cause(
        code="ADDRESS_OUTSIDE_EXPECTED_NETWORKS",
        stage=Stage.ADDRESS,
        meaning="The address is of a private range, but of none of the networks that were given.",
        proof="An address of RFC 1918, RFC 6598 or RFC 4193 outside the expected networks.",
        seen="{resolution} ({ranges}), outside the expected networks {networks}.",
        remedy="Check whether the record is stale or points at an endpoint in another network; else add that network "
        "to the expected ones.",
    ),
    Cause(
        code="PRIVATE_ZONE_NOT_USED",
        stage=Stage.ADDRESS,
        meaning="A private endpoint exists, but DNS here answers the public address: the private zone is not "
        "consulted.",
        proof="The CNAME chain passes a privatelink name and still ends at a public address.",
        seen="{name} passes {privatelink_name} but resolves to {addresses}: this resolver does not see the private "
        "zone.",
        remedy="Link the private zone {zones} to the network whose resolver is {dns_server}, or forward "
        "{public_zones} from there to a resolver in a network that has the link.",
    ),
    Cause(
        code="NO_PRIVATE_ENDPOINT",
        stage=Stage.ADDRESS,
        meaning="An Azure service without a private endpoint (of this sub-resource): its name is public only.",
        proof="A name of a service with Private Link, a public address, and no privatelink name in the CNAME chain.",
        seen="{name} ({service}) resolves to {addresses} without passing a privatelink name.",
        remedy="Create a private endpoint for the resource and its record in {zones}; while the resource has none, its "
        "public name does not lead through privatelink.",
    ),
    Cause(
        code="ADDRESS_LOOPBACK",
        stage=Stage.ADDRESS,
        meaning="The name leads to this host itself; what a forwarder here does with it cannot be seen.",
        proof="A loopback address outside the expected networks.",
        seen="{resolution}, which is this host.",
        remedy="Check /etc/hosts and any local forwarder; where loopback is meant, name it as an expected network.",
    ),
    Cause(
        code="ADDRESS_PUBLIC",
        stage=Stage.ADDRESS,
        meaning="The name resolves to a public address where a private one is expected.",
        proof="An address outside every expected network and every private range.",
        seen="{resolution}, outside the expected networks {networks}.",
        remedy="Give the name a private record where this resolver ({dns_server}) looks it up, or expect a public "
        "path.",
    ),
    Cause(
        code="ADDRESS_NOT_PUBLIC",
        stage=Stage.ADDRESS,
        meaning="The name resolves to a private address where a public one is expected.",
        proof="An address inside the networks that count as private, with a public path expected.",
        seen="{resolution}, which counts as private here.",
        remedy="Expect a private path, or look up which zone or hosts file overrides the public answer.",
    ),
    Cause(
        code="ADDRESS_NOT_THE_EXPECTED_ONE",
        stage=Stage.ADDRESS,
        meaning="The addresses are private, but not exactly the ones that were expected.",
        proof="The set of addresses differs from the expected set.",
        seen="{resolution}; expected were exactly {expected_addresses}.",
        remedy="Check the record: it may be stale after the endpoint was made again with another address.",
    ),
)
