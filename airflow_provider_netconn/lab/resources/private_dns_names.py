"""What private DNS zones, their links and their record sets share: names, api-versions, polls, refusals.

Sources: recorded traffic; Microsoft Learn, "What is an Azure Private DNS zone?" and "Azure subscription and service
limits" (Azure DNS); RFC 1035, section 2.3.4, for the lengths of names.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Polling, Shown
from airflow_provider_netconn.lab.arm.schema import Shape, ShapeError

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

ZONES = "Microsoft.Network/privateDnsZones"
ZONE_LINKS = f"{ZONES}/virtualNetworkLinks"
RECORD_TYPES = ("A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT")

PRIVATE_DNS_VERSIONS = ("2018-09-01", "2020-01-01", "2020-06-01", "2024-06-01")

_OPERATIONS = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/privateDnsOperation"

PRIVATE_DNS_POLLING = Polling(
    async_operation=f"{_OPERATIONS}Statuses/{{id}}",
    location=f"{_OPERATIONS}Results/{{id}}",
    running_status=202,
    fresh_headers=True,
)
"""Polls answer 202 with fresh headers while the operation runs (recorded)."""

MOST_RECORD_SETS = 25_000
MOST_LINKS = 1_000
MOST_REGISTERING_LINKS = 100
MOST_RECORDS = 20
"""In a record set."""

FEWEST_LABELS, MOST_LABELS = 2, 34
LONGEST_NAME = 253
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"

JOIN_NETWORK = "Microsoft.Network/virtualNetworks/join/action"


def accepted(duration_s: float, state: str = "Updating") -> Answer:
    """:return: the answer to a write: 202, both headers and an empty object (recorded)

    :param duration_s: how long it takes at time scale 1, in seconds
    :param state: ``provisioningState`` until then
    """
    return Answer(status=202, follow=Follow.BOTH, shown=Shown.EMPTY_OBJECT, state=state, duration_s=duration_s)


def accepted_delete(duration_s: float) -> Answer:
    """:return: the answer to a DELETE: 202 with both headers and no body (recorded)

    :param duration_s: how long it takes at time scale 1, in seconds
    """
    return Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=duration_s)


def bad_request(message: str, *, enveloped: bool = True) -> ArmError:
    """:return: the 400 of the DNS services, whose code is ``BadRequest`` whatever is wrong

    :param enveloped: record sets answer without the outer ``error``
    """
    return ArmError(400, "BadRequest", message, enveloped=enveloped)


def conflict(message: str, *, enveloped: bool = True) -> ArmError:
    """:return: the 409 of the DNS services

    :param enveloped: record sets answer without the outer ``error``
    """
    return ArmError(409, "Conflict", message, enveloped=enveloped)


def nested_resources(children: list[Resource]) -> ArmError:
    """:return: the 409 to the delete of what has children that are resources to Resource Manager

    :param children: some of them
    """
    first = children[0].path
    return ArmError(
        409,
        "CannotDeleteResource",
        "Can not delete resource before nested resources are deleted. Some existing nested resource IDs include: "
        f"'{first.text.rpartition('/providers/')[2]}'. Please delete all nested resources before deleting this "
        "resource.",
    )


def is_domain_name(name: str) -> bool:
    """:return: whether it is one of labels that Azure takes, without a dot at the end"""
    return len(name) <= LONGEST_NAME and all(re.fullmatch(LABEL, label) for label in name.split("."))


def is_privatelink(zone_name: str) -> bool:
    """:return: whether a zone is for private endpoints: one of its labels is ``privatelink``"""
    return "privatelink" in zone_name.casefold().split(".")


def links_of(plane: ControlPlane, zone: Resource) -> list[Resource]:
    """:return: the links of a zone; one that is being deleted is there until it has gone"""
    return plane.store.children(zone.path, ZONE_LINKS)


@dataclass(frozen=True, kw_only=True)
class DomainName(Shape):
    """A name that a record points to: a dot at its end does not matter."""

    def read(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not is_domain_name(value.removesuffix(".")):
            raise ShapeError(path, f"The domain name '{value}' is invalid.")
        return value


@dataclass(frozen=True, kw_only=True)
class AddressOf(Shape):
    """An IP address.

    :param version: of the Internet Protocol, 4 or 6
    """

    version: int

    def read(self, value: Any, path: str) -> str:
        try:
            address = ipaddress.ip_address(value if isinstance(value, str) else "")
        except ValueError:
            address = None
        if address is None or address.version != self.version:
            raise ShapeError(path, f"The value '{value}' is not a valid IPv{self.version} address.")
        return str(value)
