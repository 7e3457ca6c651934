"""Try inputs from files again, without the fuzzer: ``python -m tests.fuzz.replay SUBJECT FILE...``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Raise what the first input that breaks something raises."""
    subject = importlib.import_module(f"tests.fuzz.subjects.{sys.argv[1]}")
    for file in sys.argv[2:]:
        subject.holds(Path(file).read_bytes())


if __name__ == "__main__":
    main()
