"""How long the caller is willing to wait. Whatever waits in this room asks the deadline for how long it may.

A deadline is set around code, and holds for all requests made in it, the SDK's own included::

    with deadline(600):
        poller = await network.virtual_network_peerings.begin_create_or_update(...)
        await poller.result()
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.errors import InvalidOptionError

_LAST_TRY_S: Final = 5.0
_LAST_TRY_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment, and how much time there was until then.

    :param ends: by this process's monotonic clock, in seconds
    :param total_s: how long it was from the start
    """

    ends: float
    total_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline so many seconds from now.

        :raises InvalidOptionError: that is no time
        """
        if not 0 < seconds < float("inf"):
            raise InvalidOptionError("timeout_s", f"{seconds!r} is no time limit", "write seconds, more than 0")
        return cls(ends=time.monotonic() + seconds, total_s=seconds)

    @property
    def left_s(self) -> float:
        """Seconds left; 0 when it is over."""
        return max(0.0, self.ends - time.monotonic())

    @property
    def last_try_s(self) -> float:
        """What is kept at the end for one last look, in seconds: what mended just before the deadline still counts."""
        return min(_LAST_TRY_S, self.total_s * _LAST_TRY_SHARE)

    def pause_s(self, wanted_s: float) -> float | None:
        """How long to pause of what is wanted; None where there is no time for a pause and a try behind it."""
        room_s = self.left_s - self.last_try_s
        return min(wanted_s, room_s) if room_s > 0 else None

    def earlier(self, other: Deadline | None) -> Deadline:
        """The earlier one of the two."""
        return self if other is None or self.ends <= other.ends else other


_CURRENT: ContextVar[Deadline | None] = ContextVar("netconn_azure_deadline", default=None)


def current_deadline() -> Deadline | None:
    """The deadline that the code around has set."""
    return _CURRENT.get()


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Set a deadline for all requests in a block. Within another one, the earlier of the two holds.

    :param seconds: from now
    :raises InvalidOptionError: that is no time
    """
    chosen = Deadline.after(seconds).earlier(_CURRENT.get())
    token = _CURRENT.set(chosen)
    try:
        yield chosen
    finally:
        _CURRENT.reset(token)
