"""How many requests a caller has left: Resource Manager's token buckets.

One bucket to a subscription, a principal and a kind of request; reads hold 250 and gain 25 a second, writes and deletes
hold 200 and gain 10 a second (Microsoft Learn, "Understand how Azure Resource Manager throttles requests"). Each answer
tells what is left. By default the lab counts and refuses nobody: tests are faster than Azure lets anyone be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.requests import ArmRequest

HEADER: Final = "x-ms-ratelimit-remaining-subscription-{}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket's size and what it gains a second."""

    size: float
    per_s: float


READS = Limit(250, 25)
CHANGES = Limit(200, 10)

KINDS: Final = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
LIMITS: Final = {"reads": READS, "writes": CHANGES, "deletes": CHANGES}


class Throttle:
    """The buckets of a lab.

    :param now: the lab's time
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.share: float | None = None
        """What part of Azure's limits holds, such as 0.1 for a tenth; None: nobody is refused."""
        self._now = now
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def clear(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()

    def take(self, request: ArmRequest) -> dict[str, str]:
        """Count a request.

        :param request: authenticated
        :return: the header that tells what is left
        :raises ArmError: 429, nothing is
        """
        parts = request.path.split("/")
        if request.caller is None or len(parts) < 3 or parts[1].casefold() != "subscriptions":
            return {}
        kind = KINDS.get(request.method, "writes")
        limit = LIMITS[kind]
        header = HEADER.format(kind)
        if self.share is None:
            return {header: str(int(limit.size) - 1)}
        size, per_s = limit.size * self.share, limit.per_s * self.share
        key = (parts[2].casefold(), request.caller.object_id, kind)
        now = self._now()
        left, since = self._buckets.get(key, (size, now))
        left = min(size, left + (now - since) * per_s)
        if left < 1:
            self._buckets[key] = (left, now)
            raise _refusal(parts[2], kind, header, (1 - left) / per_s)
        self._buckets[key] = (left - 1, now)
        return {header: str(int(left - 1))}


def _refusal(subscription: str, kind: str, header: str, wait_s: float) -> ArmError:
    seconds = math.ceil(wait_s)
    return ArmError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind}' requests for subscription '{subscription}' actor exceeded. Please try again after "
        f"'{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
        headers={"Retry-After": str(seconds), header: "0"},
    )
