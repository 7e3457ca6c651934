"""The process in which a hook signs in: reads a connection from its input, says what was seen, and ends at once.

Run by :mod:`airflow_provider_netconn.hooks.authentication` alone. All output of hooks and clients is thrown away: it
may quote secrets.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_ALARM_AFTER_S = 2.0


def main() -> None:
    """Sign in as told, and write one line of JSON: ``finding``, and where there is one ``error``, ``code``, ``why``."""
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _end_with_parent()
    order = json.load(sys.stdin)
    # Ends even a hook that holds the interpreter's lock in C, should the parent have been killed before it could.
    signal.setitimer(signal.ITIMER_REAL, order["timeout_s"] + _ALARM_AFTER_S)
    os.environ.update(order["environment"])
    os.write(answer, json.dumps(_sign_in(order["conn_type"])).encode())
    # No waiting for threads that clients left behind.
    os._exit(0)


def _sign_in(conn_type: str) -> dict[str, Any]:
    from airflow_provider_netconn.hooks.sign_in import NotCheckedError, sign_in_of
    from airflow_provider_netconn.hooks.sign_in_errors import classify

    try:
        sign_in_of(conn_type).run()
    except NotCheckedError as error:
        return {"finding": "not_checked", "why": error.why}
    except BaseException as error:  # noqa: BLE001 - a hook may raise anything, and its message must not get out
        return classify(error)
    return {"finding": "signed_in"}


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent dies (``prctl(2)``; Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
