"""SSH (RFC 4253): the identification string that a server sends at once."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

EXPECTED = "an SSH identification string"
# Both sides send theirs when the connection stands (RFC 4253, 4.2): a server that waits for the client's gets it, and
# none has to log a client that left without a word.
OWN_IDENTIFICATION = b"SSH-2.0-netconn\r\n"
# The RFC sets no limit to the lines before the string; OpenSSH's client has these, and gives up beyond them.
MAX_LINES = 1024
MAX_LINE_LENGTH = 8192
# "1.99" is a server of version 2 that also admits clients of version 1 (RFC 4253, 5.1).
VERSIONS: Final = ("2.0", "1.99")


@register("ssh", default_port=22)
async def probe_ssh(stream: Stream, _target: Target) -> StageResult:
    """Read the identification string (RFC 4253, section 4.2); lines before it are allowed.

    The detail has ``software``, ``protocol_version``, the server's ``comments``, and the number of ``lines_before``.
    """
    await stream.send(OWN_IDENTIFICATION)
    before = b""
    count = 0
    async for line in stream.lines(limit=MAX_LINES, max_length=MAX_LINE_LENGTH):
        if line.startswith(b"SSH-"):
            return _identification(line, count)
        before = before or line
        count += 1
        if len(line) >= MAX_LINE_LENGTH:
            break
    if not count:
        return failed(Finding.CLOSED, expected=EXPECTED)
    return unexpected(f"{EXPECTED} within {MAX_LINES} lines", before)


def _identification(line: bytes, lines_before: int) -> StageResult:
    """``SSH-protoversion-softwareversion SP comments`` (RFC 4253, 4.2)."""
    identification, _, comments = line.partition(b" ")
    parts = identification.split(b"-", 2)
    if len(parts) < len(("SSH", "protoversion", "softwareversion")):
        return unexpected(EXPECTED, line)
    version, software = shown(parts[1]), shown(parts[2])
    detail: dict[str, Any] = {"software": software, "protocol_version": version}
    if comments:
        detail["comments"] = shown(comments)
    if lines_before:
        detail["lines_before"] = lines_before
    if version not in VERSIONS:
        return failed(Finding.OTHER_VERSION, expected="SSH 2.0", seen=f"SSH {version}", **detail)
    return seen(Finding.GREETED, **detail)
