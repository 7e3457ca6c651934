"""Slowing down before Azure refuses: what each answer says is left, and who was told to wait.

One bucket to a subscription, principal and kind of request; reads hold 250 and gain 25 a second, writes and deletes
hold 200 and gain 10 a second (Microsoft Learn, "Understand how Azure Resource Manager throttles requests").
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_KINDS: Final = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_GAIN_PER_S: Final = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
_RESERVE: Final = 10
"""Requests that are left to others: whoever has fewer left goes slower."""
_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)


@dataclass(slots=True)
class _Bucket:
    left: float
    seen_at: float
    closed_until: float = 0.0


class ThrottleBook:
    """How long to pause before a request. One for all clients of one principal; for any threads.

    :param now: seconds of a clock that never goes back
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._lock = threading.Lock()

    def pause_s(self, method: str, url: str) -> float:
        """Seconds to wait before this request; 0 for none. The request counts as sent."""
        key = _key(method, url)
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                return 0.0
            now, gain_per_s = self._now(), _GAIN_PER_S[key[1]]
            left = bucket.left + (now - bucket.seen_at) * gain_per_s
            bucket.left, bucket.seen_at = left - 1, now
            return max(bucket.closed_until - now, (_RESERVE - left) / gain_per_s, 0.0)

    def note(self, method: str, url: str, headers: Mapping[str, str], closed_for_s: float | None = None) -> None:
        """Note what an answer says.

        :param headers: the answer's
        :param closed_for_s: after a refusal, how long it asks to wait: that goes for all requests of the kind
        """
        key = _key(method, url)
        told = headers.get(f"x-ms-ratelimit-remaining-subscription-{key[1]}", "")
        if not told.isdecimal() and closed_for_s is None:
            return
        with self._lock:
            now = self._now()
            bucket = self._buckets.setdefault(key, _Bucket(left=float("inf"), seen_at=now))
            if told.isdecimal():
                bucket.left, bucket.seen_at = float(told), now
            if closed_for_s is not None:
                bucket.closed_until = max(bucket.closed_until, now + closed_for_s)


def _key(method: str, url: str) -> tuple[str, str]:
    found = _SUBSCRIPTION.search(url)
    return (found.group(1).casefold() if found else "", _KINDS.get(method, "writes"))
