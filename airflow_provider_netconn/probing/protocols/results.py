"""The results of the protocol stage, as probes hand them back."""

from __future__ import annotations

from typing import Any

from airflow_provider_netconn.evidence import Finding, Stage, StageResult

SHOWN_BYTES = 60
# A TLS record of content type alert, whatever its version (RFC 8446, section 5.1): how a server that serves TLS
# answers a client that does not.
TLS_ALERT = b"\x15\x03"


def seen(finding: Finding, **detail: Any) -> StageResult:
    """The server spoke the protocol, and a client can go on."""
    return StageResult(stage=Stage.PROTOCOL, ok=True, finding=finding, detail=detail)


def failed(finding: Finding, **detail: Any) -> StageResult:
    """A client cannot go on."""
    return StageResult(stage=Stage.PROTOCOL, ok=False, finding=finding, detail=detail)


def unexpected(expected: str, received: bytes, problem: str = "") -> StageResult:
    """The answer is none of the protocol: in TLS, or in whatever else.

    :param expected: what the probe waited for
    :param received: what came instead, of which the first bytes are kept
    :param problem: what is wrong, where the first bytes alone do not show it
    """
    if received.startswith(TLS_ALERT):
        return failed(Finding.TLS_REQUIRED, expected=expected, said="a TLS alert in answer to plain bytes")
    first = f"first bytes {received[:SHOWN_BYTES]!r}"
    return failed(Finding.NOT_THIS_PROTOCOL, expected=expected, seen=f"{problem} ({first})" if problem else first)


def shown(text: bytes, limit: int = 300) -> str:
    """Words of a server as a report may show them: one printable line of bounded length."""
    return printable(text[:limit].decode("utf-8", "replace")).strip()


def printable(text: str, limit: int = 300) -> str:
    """The text with a blank in place of each sign that is not for the eye, cut to so many."""
    cut = text[:limit]
    return cut if cut.isprintable() else "".join(char if char.isprintable() else " " for char in cut)
