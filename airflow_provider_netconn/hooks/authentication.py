"""The stage ``auth``: a connection's own hook signs in, in a process of its own that a time limit can end.

A hook is other people's code: it blocks in C, it retries for minutes, it starts programs. A thread that hangs in it
cannot be ended, so it runs in a process. That process has no line to Airflow's supervisor, through which a task looks
connections up, so the connection goes with it: through a pipe, into the environment of that process alone, where
Airflow looks first. It is in no argument list, no log and no file.

For a worker: it costs a process and some seconds, and has no place in a triggerer.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.evidence import Finding, Stage, StageResult
from airflow_provider_netconn.hooks.connection_fields import get_connection
from airflow_provider_netconn.hooks.sign_in import BORROWED_CONNECTIONS, CONN_ID, sign_in_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

_MODULE: Final = "airflow_provider_netconn.hooks.authentication_process"
_MAX_ANSWER_BYTES: Final = 4096
_SUCCESSES: Final = frozenset({Finding.SIGNED_IN, Finding.NOT_CHECKED})
_FINDINGS: Final = _SUCCESSES | {
    Finding.CREDENTIALS_REFUSED,
    Finding.NO_TOKEN,
    Finding.KEYS_NOT_ALLOWED,
    Finding.PERMISSION_MISSING,
    Finding.FIREWALL_REFUSED,
    Finding.PUBLIC_ACCESS_OFF,
    Finding.CONNECT_FAILED,
    Finding.NO_ANSWER,
    Finding.SIGN_IN_FAILED,
}
# What a class, a code and a reason look like. Nothing else leaves the process.
_SHAPES: Final = {"error": r"[\w.]{1,120}", "code": r"[\w.-]{1,60}", "why": r"[\w .,:;'()/-]{1,160}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How the process ended.

    :param answer: what it said, at most :data:`_MAX_ANSWER_BYTES`
    :param status: its exit status; None where it had to be ended
    """

    answer: bytes
    status: int | None


def authenticate(conn_id: str, conn_type: str, timeout_s: float) -> StageResult:
    """Have a connection's own hook sign in; what that does, wakes and may cost is in :mod:`.sign_in`, by type.

    :param conn_id: the Airflow connection
    :param conn_type: its type, by which the hook is chosen
    :param timeout_s: limit of all of it, the start of the process included, in seconds
    :return: the stage's result. Where there is nothing to run (no hook, provider not installed) it is
        ``not_checked``, which is no failure. The detail has what was done (``does``), and for a failure the error's
        class (``error``) and a recognised code (``code``): no message, for it may quote secrets
    :raises InvalidConnectionError: there is no such connection, or it cannot be read
    """
    started = time.perf_counter()
    sign_in = sign_in_of(conn_type)
    detail: dict[str, Any] = {"does": sign_in.does, "timeout_s": timeout_s}
    payload = json.dumps({"conn_type": conn_type, "timeout_s": timeout_s, "environment": _environment(conn_id)})
    ended = _run(payload.encode(), started + timeout_s)
    finding, seen = _read(ended)
    return StageResult(
        stage=Stage.AUTH,
        ok=finding in _SUCCESSES,
        finding=finding,
        duration_s=round(time.perf_counter() - started, 6),
        detail=detail | seen,
    )


def _environment(conn_id: str) -> dict[str, str]:
    """The connection, and those that it borrows credentials from, as Airflow reads them from an environment."""
    connection = get_connection(conn_id)
    found = {f"AIRFLOW_CONN_{CONN_ID.upper()}": _as_json(connection)}
    for key in BORROWED_CONNECTIONS:
        other = connection.extra_dejson.get(key)
        if isinstance(other, str) and other:
            # Its absence is for the hook to complain of.
            with contextlib.suppress(ValueError):
                found[f"AIRFLOW_CONN_{other.upper()}"] = _as_json(get_connection(other))
    return found


def _as_json(connection: Connection) -> str:
    names = ("conn_type", "host", "login", "password", "schema", "port", "extra")
    fields = {name: getattr(connection, name) for name in names}
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def _run(payload: bytes, until: float) -> _Ended:
    """Run the process, and end it and all that it started when the time is over or we are told to stop."""
    process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # An external secrets backend would be asked first, and knows nothing of what is in the environment.
        env={**os.environ, "AIRFLOW__SECRETS__BACKEND": "", "AIRFLOW__WORKERS__SECRETS_BACKEND": ""},
    )
    try:
        answer, _ = process.communicate(payload, timeout=max(0.0, until - time.perf_counter()))
        return _Ended(answer=answer[:_MAX_ANSWER_BYTES], status=process.returncode)
    except subprocess.TimeoutExpired:
        return _Ended(answer=b"", status=None)
    finally:
        # What it started, such as a program to connect through, is in its session and outlives it otherwise.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _read(ended: _Ended) -> tuple[Finding, dict[str, str]]:
    """What the process said: a known finding, and what looks like an error's class, a code and a reason."""
    if ended.status is None or ended.status == -signal.SIGALRM:
        return Finding.NO_ANSWER, {}
    try:
        said = json.loads(ended.answer)
    except ValueError:
        said = None
    if not isinstance(said, Mapping) or said.get("finding") not in _FINDINGS:
        return Finding.SIGN_IN_FAILED, {"error": "ProcessEnded", "code": str(ended.status)}
    kept = {key: said[key] for key in _SHAPES if isinstance(said.get(key), str)}
    return Finding(said["finding"]), {key: value for key, value in kept.items() if re.fullmatch(_SHAPES[key], value)}
