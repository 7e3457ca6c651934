"""The process of one subject: ``python -m tests.fuzz.one MODULE [argument of libFuzzer...]``."""

from __future__ import annotations

import importlib
import sys

import atheris

# What coverage is taken of: our own code, and what stands between a stranger's bytes and it.
INSTRUMENTED = ["airflow_provider_netconn", "dns", "h11", "idna", "tests.fuzz.planted", "urllib.parse", "yaml"]


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        subject = importlib.import_module(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:]], subject.holds)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
