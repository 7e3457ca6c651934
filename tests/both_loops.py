"""A conftest that imports this has the asynchronous tests of its folder run on asyncio's loop and on uvloop's.

Helper processes probe on uvloop's where it is installed; all else probes on the loop that it is given.
"""

from __future__ import annotations

import asyncio


def pytest_asyncio_loop_factories():
    """A hook: each name, and what makes such a loop."""
    loops = {"asyncio": asyncio.new_event_loop}
    try:
        import uvloop
    except ImportError:
        return loops
    return loops | {"uvloop": uvloop.new_event_loop}
