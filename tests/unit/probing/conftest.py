"""Streams and the like are tested on both loops that they may run on."""

from __future__ import annotations

from tests.both_loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook
