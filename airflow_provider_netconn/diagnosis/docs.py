"""The catalogue as a page: ``python -m airflow_provider_netconn.diagnosis.docs [--check] docs/causes.md``."""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_netconn.diagnosis.catalogue import CAUSES, CONTROL_PLANE_CAUSES, ENGINE_CAUSES, Cause

_HEAD = """\
# Causes

Every verdict that is not as expected names one cause of this catalogue, and so do warnings: the target works, but
something wants attention. Codes are stable; filter and route on them. Words in angle brackets are filled in from the
evidence of the target.

This page is rendered from `airflow_provider_netconn/diagnosis/catalogue/` by `make causes`; CI fails where the two
differ.
"""
_TITLES = {
    "resolve": "Resolving the name",
    "address": "Judging the addresses",
    "proxy": "Going through a proxy",
    "connect": "Connecting",
    "tls": "TLS",
    "protocol": "The protocol",
    "auth": "Signing in",
    "control plane": "What Azure's control plane says",
    "warning": "Warnings",
    "engine": "The check itself",
}


def render() -> str:
    """The page in Markdown."""
    parts = [_HEAD]
    for section, causes in itertools.groupby(CAUSES.values(), key=_section):
        parts.append(f"## {_TITLES[section]}\n")
        parts += [_entry(cause) for cause in causes]
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with ``--check`` say whether it is in step; 1 where it is not."""
    parser = argparse.ArgumentParser(description="Render the catalogue of causes.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is out of step")
    parser.add_argument("page", type=Path)
    options = parser.parse_args(arguments)
    text = render()
    if not options.check:
        options.page.write_text(text, encoding="utf-8")
        return 0
    if options.page.exists() and options.page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{options.page} is out of step with the catalogue: run 'make causes'\n")
    return 1


def _section(cause: Cause) -> str:
    if cause.warning:
        return "warning"
    if cause in CONTROL_PLANE_CAUSES:
        return "control plane"
    return "engine" if cause in ENGINE_CAUSES else cause.stage.value


def _entry(cause: Cause) -> str:
    return (
        f"### {cause.code}\n\n{cause.meaning}\n\n"
        f"- Proof: {cause.proof}\n"
        f"- Seen: {_blanks(cause.seen)}\n"
        f"- Remedy: {_blanks(cause.remedy)}\n"
    )


def _blanks(template: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: f"`<{found[1].replace('_', ' ')}>`", template)


if __name__ == "__main__":
    sys.exit(main())
