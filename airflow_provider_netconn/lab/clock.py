"""The lab's time: every service of one lab reads the same clock, and a test may move it on."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch, as the lab sees them: the machine's time and what it was moved on by."""

    def __init__(self) -> None:
        self._moved_on_s = 0.0

    def now(self) -> float:
        """:return: the lab's time, in seconds since 1970-01-01 UTC"""
        return time.time() + self._moved_on_s

    def advance(self, seconds: float) -> None:
        """Move the clock on: operations end, tokens expire and grants replicate as if the time had passed.

        :param seconds: by how much; time does not run backwards
        :raises ValueError: ``seconds`` is negative
        """
        if seconds < 0:
            raise ValueError(f"a clock can't be set back: advance({seconds})")
        self._moved_on_s += seconds

    def reset(self) -> None:
        """Return to the machine's time."""
        self._moved_on_s = 0.0
