"""Names that Azure gives the machines of a network by itself: ``internal.cloudapp.net``, and reverse names.

They are the network's alone, peered or not. Where a zone registers the machines, a reverse look-up gives the name in
that zone too (Microsoft Learn, "Name resolution for resources in Azure virtual networks": reverse DNS considerations;
"Scenarios for Azure Private DNS zones").
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.names.public_names import negative
from airflow_provider_netconn.lab.names.values import NOERROR, NXDOMAIN, Answer, Question, Record, is_within
from airflow_provider_netconn.lab.resources.private_dns_names import ZONE_LINKS
from airflow_provider_netconn.lab.resources.private_dns_registration import (
    REGISTERED_TTL_S,
    link_state,
    machines_in,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

SUFFIX: Final = "internal.cloudapp.net"
_REVERSE_SUFFIX: Final = ".in-addr.arpa"


def answer_in_network(plane: ControlPlane, network: Resource, question: Question) -> Answer | None:
    """What Azure itself answers in a network about its machines.

    :return: None: the name is neither below ``internal.cloudapp.net`` nor of an address of the network
    """
    if is_within(question.key, SUFFIX):
        return _forward(plane, network, question)
    address = _address_of(question.key)
    if address is None or not _is_in(network, address):
        return None
    return _reverse(plane, network, question, str(address))


def _forward(plane: ControlPlane, network: Resource, question: Question) -> Answer:
    label = question.key.removesuffix(SUFFIX).removesuffix(".")
    found = [address for machine, address in machines_in(plane, network.id) if machine == label]
    if not found or question.type != "A":
        return negative(question, NOERROR if found or not label else NXDOMAIN)
    return Answer(NOERROR, tuple(Record(question.name, "A", REGISTERED_TTL_S, one) for one in found))


def _reverse(plane: ControlPlane, network: Resource, question: Question, address: str) -> Answer:
    machines = [machine for machine, held in machines_in(plane, network.id) if held == address]
    if not machines or question.type != "PTR":
        return negative(question, NOERROR if machines else NXDOMAIN)
    suffixes = (*_registering(plane, network), SUFFIX)
    names = [f"{machine}.{suffix}." for machine in machines for suffix in suffixes]
    return Answer(NOERROR, tuple(Record(question.name, "PTR", REGISTERED_TTL_S, one) for one in names))


def _address_of(name: str) -> ipaddress.IPv4Address | None:
    """The address whose reverse name it is."""
    if not name.endswith(_REVERSE_SUFFIX):
        return None
    try:
        return ipaddress.IPv4Address(".".join(reversed(name.removesuffix(_REVERSE_SUFFIX).split("."))))
    except ValueError:
        return None


def _is_in(network: Resource, address: ipaddress.IPv4Address) -> bool:
    prefixes = (network.properties.get("addressSpace") or {}).get("addressPrefixes") or ()
    return any(address in ipaddress.ip_network(prefix) for prefix in prefixes if ":" not in prefix)


def _registering(plane: ControlPlane, network: Resource) -> list[str]:
    """The zone in which the network's machines are registered, if there is one."""
    return [
        link.path.parent.name
        for link in plane.store.referrers(network.path, ZONE_LINKS)
        if link.properties["registrationEnabled"] and link_state(plane, link) == "Completed" and link.path.parent
    ]
