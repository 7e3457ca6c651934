"""Runs commands of azure-cli, one after the other: a program for azure-cli's own Python.

Each line of standard input is a JSON list, the arguments of one ``az``; each line of output tells how it ended. A
command runs in a process of its own as ``az`` itself runs it, but the process is forked from this one, where azure-cli
has been imported already: that takes longer than most commands do.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import runpy
import sys
import tempfile
from pathlib import Path

MODULE = "azure.cli"


def main() -> None:
    """Answer until standard input ends."""
    import_what_commands_need()
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                os._exit(run(json.loads(line), output.fileno(), errors.fileno()))
            _, status = os.waitpid(child, 0)
            told = {"status": os.waitstatus_to_exitcode(status)}
            for name, file in (("output", output), ("errors", errors)):
                file.seek(0)
                told[name] = file.read()
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def import_what_commands_need() -> None:
    """Have azure-cli import itself by a command that does nothing but show its help."""
    from azure.cli.core import get_default_cli

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.suppress(SystemExit):
        get_default_cli().invoke(["network", "vnet", "list", "--help"], out_file=nowhere)
    for name in (None, "cli", "az"):  # what is set up once a process must be set up in each
        logging.getLogger(name).handlers.clear()


def run(arguments: list[str], output: int, errors: int) -> int:
    """What the script ``az`` does: run the package."""
    os.dup2(output, 1)
    os.dup2(errors, 2)
    sys.argv = ["az", *arguments]
    try:
        runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    else:
        status = 0
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    main()
