"""``netconn lab`` (placeholder until the composition stands)."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Add the command to those of ``netconn``."""
    parser: argparse.ArgumentParser = commands.add_parser("lab", help="run a local Azure")
    parser.set_defaults(run=lambda _options: 2)
