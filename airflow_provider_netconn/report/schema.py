"""Publish the JSON Schema of the report, and hold the published file in step with the code.

::

    python -m airflow_provider_netconn.report.schema --write docs/report-schema.json
    python -m airflow_provider_netconn.report.schema --check docs/report-schema.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_netconn.errors import ReportWriteError
from airflow_provider_netconn.report.json_report import report_schema
from airflow_provider_netconn.report.local_file import write_local


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schema or compare it with a file; without an option, print it.

    :return: exit status: 0 done or in step, 1 the file is out of step or missing, 2 bad arguments or not writable
    """
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_netconn.report.schema", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--write", metavar="FILE", type=Path, help="write the schema to this file")
    choice.add_argument("--check", metavar="FILE", type=Path, help="exit 1 unless this file holds the schema")
    options = parser.parse_args(arguments)
    text = json.dumps(report_schema(), indent=2) + "\n"
    if options.write is not None:
        try:
            write_local(text, options.write)
        except ReportWriteError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    elif options.check is not None:
        return _check(text, options.check)
    else:
        sys.stdout.write(text)
    return 0


def _check(text: str, path: Path) -> int:
    try:
        published = path.read_text(encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
        return 1
    if published == text:
        return 0
    sys.stderr.write(f"{path}: out of step with the code; run this command with --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
