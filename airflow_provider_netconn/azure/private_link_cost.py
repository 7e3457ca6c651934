"""What a private endpoint costs a month, told as a range from a dated table (``private_link_prices.json``).

An endpoint costs by the hour, whether anybody uses it or not, and by the gigabyte that goes through it in either
direction. Each private DNS zone costs by the month. It is meant for a decision, and is no bill.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

TRAFFIC_GB: Final = 1000
"""What the upper end of the range assumes to go through an endpoint in a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """List prices.

    :param as_of: year and month in which they held
    :param source: where they stand
    :param currency: such as ``USD``
    :param hours_per_month: as Azure's calculator counts them
    :param endpoint_per_hour: of one private endpoint
    :param processed_per_gb: in either direction
    :param zone_per_month: of one private DNS zone, among the first 25 of a subscription
    """

    as_of: str
    source: str
    currency: str
    hours_per_month: int
    endpoint_per_hour: float
    processed_per_gb: float
    zone_per_month: float


@cache
def prices() -> Prices:
    """The table, read from the package when first asked for."""
    return Prices(**json.loads(resources.files(__package__).joinpath("private_link_prices.json").read_text("utf-8")))


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyCost:
    """What an endpoint costs a month.

    :param low: without any traffic, and where its zones are there already
    :param high: with :data:`TRAFFIC_GB` of traffic and all zones new
    :param zones: how many zones may be new
    """

    low: float
    high: float
    zones: int

    def __str__(self) -> str:
        table = prices()
        zones = f", up to {self.zones} new private DNS zones at {table.zone_per_month:.2f} each" if self.zones else ""
        return (
            f"{table.currency} {self.low:.2f} to {self.high:.2f} a month: {table.hours_per_month} hours at "
            f"{table.endpoint_per_hour:.2f}, 0 to {TRAFFIC_GB} GB at {table.processed_per_gb:.2f}{zones} "
            f"(list prices as of {table.as_of}, {table.source})"
        )


def monthly_cost(*, new_zones: int = 0) -> MonthlyCost:
    """What one endpoint costs a month.

    :param new_zones: private DNS zones that may have to be made for it, at most
    """
    table = prices()
    low = table.hours_per_month * table.endpoint_per_hour
    high = low + TRAFFIC_GB * table.processed_per_gb + new_zones * table.zone_per_month
    return MonthlyCost(low=low, high=high, zones=new_zones)
