"""``netconn lab``: start, ask and end a local Azure. Nothing that the lab needs is imported before it is started."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.errors import LabError, StateError
from airflow_provider_netconn.lab.packets.command import add_exec, execute
from airflow_provider_netconn.lab.state import (
    ca_path,
    dns_lines,
    endpoint_lines,
    holding,
    is_held,
    lock_path,
    log_path,
    read_state,
    state_path,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.admin_client import AdminClient
    from airflow_provider_netconn.lab.packets.publishing import Publication

EXIT_OK, EXIT_NO_LAB, EXIT_BAD_INPUT = 0, 1, 2
READY_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0
DEFAULT_SPEED: Final = 60.0
_STEP_S: Final = 0.02
_NO_MERMAID: Final = frozenset({".svg", ".png", ".pdf", ".jpg", ".html"})
_SELECTORS: Final = ("method", "path", "service")
_FAULT_PARTS: Final = (*_SELECTORS, "query", "host", "times", "share", "seed", "retry_after_s", "code", "message")
_FILTERS: Final = (*_SELECTORS, "status", "since", "limit")


def add_command(commands: Any) -> None:
    """Add ``lab`` to the commands of ``netconn``.

    :param commands: what ``argparse`` gives for a parser's subcommands
    """
    configure(commands.add_parser("lab", help="run a local Azure, on this machine alone"))


def configure(parser: argparse.ArgumentParser) -> None:
    """Give a parser the subcommands of the lab."""
    parser.description = "A local Azure: Resource Manager, Entra ID, Graph and the Astro API on loopback."
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=_told(run))
        command.add_argument("--state", metavar="FILE", help="the state file (default: $NETCONN_LAB_STATE, or yours)")
        return command

    _add_up(add("up", _up, "start a lab, and keep it up until Ctrl-C or 'down'"))
    add_exec(add("exec", execute, "run a program inside an isolated lab, at one of its places"))
    add("packets", _packets, "show what programs inside an isolated lab sent, as JSON, and what gets through")
    status = add("status", _status, "say whether a lab is up, and where; exit status 1 where none is")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.add_argument(
        "--picture", metavar="FILE", help="draw networks, peerings, endpoints and zones, as Mermaid; - for the terminal"
    )
    _add_fault(add("fault", _fault, "have requests fail; without a fault, list those that were told"))
    _add_journal(add("journal", _journal, "show the last requests, without their secrets"))
    add("reset", _reset, "return to the seed, without faults and with an empty journal")
    change = add("set", _set, "change settings of the lab; without one, show them")
    change.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="such as time_scale=0, answers=landscape")
    advance = add("advance", _advance, "move the lab's clock on: operations end, tokens expire")
    advance.add_argument("seconds", type=float, metavar="SECONDS")
    _add_env(add("env", _env, "print what clients need to find the lab"))
    add("down", _down, "end the lab")


def _add_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", metavar="FILE", help="the landscape to begin with, as YAML (default: the one shipped)"
    )
    parser.add_argument(
        "--bind", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1, loopback)"
    )
    parser.add_argument("--host", metavar="NAME", help="name by which clients reach it, where not by the address")
    parser.add_argument(
        "--port", action="append", default=[], metavar="SERVICE=PORT", help="such as arm=8443; may be repeated"
    )
    parser.add_argument(
        "--speed",
        default=f"{DEFAULT_SPEED:g}",
        metavar="N",
        help="operations take an Nth of Azure's time, or 'instant' (default: %(default)s)",
    )
    parser.add_argument(
        "--isolated",
        action="store_true",
        help="give the lab a network of its own, in which 'exec' runs programs: real addresses, true ports",
    )
    parser.add_argument(
        "--publish",
        action="append",
        default=[],
        metavar="HOSTPORT:ADDRESS:PORT",
        help="a port of this computer's loopback that leads into an isolated lab; may be repeated",
    )
    parser.add_argument(
        "--answers",
        choices=("landscape", "local"),
        help="addresses in DNS answers: the landscape's, as in Azure (of an isolated lab always), or those in 127/8 "
        "by which this computer reaches what is there (default on loopback)",
    )
    parser.add_argument("--detach", action="store_true", help="return when the lab is ready, and leave it up")


def _add_fault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fault", nargs="?", metavar="FAULT", help="such as throttled:5 or reset-after; see --catalogue")
    _add_selectors(parser)
    parser.add_argument("--query", metavar="PATTERN", help="only requests whose query string is like that")
    parser.add_argument("--host", metavar="PATTERN", help="only services behind resources whose name is like that")
    parser.add_argument("--times", type=int, metavar="N", help="the next N requests (default: 1, with --share all)")
    parser.add_argument("--share", type=float, metavar="PART", help="this part of the requests, from 0 to 1")
    parser.add_argument("--seed", type=int, metavar="N", help="of the random numbers for --share")
    parser.add_argument("--retry-after", dest="retry_after_s", type=int, metavar="S", help="send Retry-After")
    parser.add_argument("--code", metavar="CODE", help="another error code")
    parser.add_argument("--message", metavar="TEXT", help="another message")
    parser.add_argument("--remove", metavar="ID", help="remove the fault of that number, or 'all'")
    parser.add_argument("--catalogue", action="store_true", help="list the faults that there are")


def _add_journal(parser: argparse.ArgumentParser) -> None:
    _add_selectors(parser)
    parser.add_argument("--status", metavar="STATUS", help="such as 409, 4xx, or none for no answer")
    parser.add_argument("--since", metavar="TIME", help="seconds since the epoch, by the lab's clock")
    parser.add_argument("--limit", metavar="N", help="only the last N")
    parser.add_argument("--json", action="store_true", help="print JSON, bodies included")
    parser.add_argument("--clear", action="store_true", help="forget them all")


def _add_selectors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", metavar="METHOD", help="only such requests")
    parser.add_argument("--path", metavar="PATTERN", help="a glob such as 'virtualNetworkPeerings/*', or re:EXPRESSION")
    parser.add_argument("--service", metavar="SERVICE", help="arm, authority, managed_identity, graph, astro or data")


def _add_env(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("shell", "dotenv", "json"), default="shell", help="default: shell")
    parser.add_argument("--principal", metavar="NAME", help="sign in as this one (default: the owner)")
    parser.add_argument("--azure-cli", action="store_true", help="print the commands that sign azure-cli in instead")


def _told(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """A command whose errors are told in a line."""

    def told(options: argparse.Namespace) -> int:
        try:
            return run(options)
        except LabError as error:
            sys.stderr.write(f"netconn lab: {error}\n")
            return EXIT_NO_LAB if isinstance(error, StateError) else EXIT_BAD_INPUT

    return told


def _up(options: argparse.Namespace) -> int:
    try:
        from airflow_provider_netconn.lab.up import up
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("airflow_provider_netconn"):
            raise
        mend = "pip install 'airflow-provider-netconn[lab]'"
        raise LabError(f"{error.name} is not installed; the lab needs the package's extra: {mend}") from None
    path = state_path(options.state)
    if options.publish and not options.isolated:
        raise LabError("--publish: only an isolated lab has ports to publish; add --isolated")
    if options.isolated and options.answers == "local":
        raise LabError("--answers: an isolated lab has the addresses of its landscape; leave the option out")
    if options.isolated:
        from airflow_provider_netconn.lab.services.azurite import have_installed

        have_installed()  # while the registry of npm can be reached
    if options.detach:
        return _detached(options, path)
    up(
        path,
        options.seed,
        bind=options.bind,
        host_name=options.host,
        ports=_ports(options),
        speed=_speed(options),
        isolated=options.isolated,
        answers=options.answers,
        published=_published(options),
    )
    return EXIT_OK


def _published(options: argparse.Namespace) -> list[Publication]:
    from airflow_provider_netconn.lab.packets.publishing import Publication

    return [Publication.read(text) for text in options.publish]


def _packets(options: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(_client(options).ask("GET", "/packets"), indent=2) + "\n")
    return EXIT_OK


def _speed(options: argparse.Namespace) -> float:
    if options.speed == "instant":
        return float("inf")
    try:
        speed = float(options.speed)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise LabError(f"--speed: {options.speed!r} is no speed; write a number above 0, or instant")
    return speed


def _ports(options: argparse.Namespace) -> dict[str, int]:
    ports = {}
    for given in options.port:
        name, _, port = given.partition("=")
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise LabError(f"--port: {given!r} is no port of a service; write it as in arm=8443")
        ports[name] = int(port)
    return ports


def _detached(options: argparse.Namespace, path: Path) -> int:
    """Start the lab as a process of its own, and wait until it is ready."""
    if is_held(path):
        raise StateError(f"a lab is up already at {path}; end it with 'netconn lab down', or name another --state")
    words = ["up", "--state", str(path), "--bind", options.bind, "--speed", options.speed]
    for name, value in (("--seed", options.seed), ("--host", options.host), ("--answers", options.answers)):
        words += [name, value] if value else []
    for option, given in (("--port", options.port), ("--publish", options.publish)):
        for value in given:
            words += [option, value]
    words += ["--isolated"] if options.isolated else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of a lab that is gone; the new one's is what we wait for
    with log_path(path).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "airflow_provider_netconn.lab", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    from airflow_provider_netconn.lab.services.azurite import INSTALL_LIMIT_S

    # Where npm could not install Azurite, an isolated lab tries once more before it is cut off.
    limit_s = READY_LIMIT_S + (INSTALL_LIMIT_S if options.isolated else 0)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists():
            sys.stdout.write(log_path(path).read_text(encoding="utf-8", errors="replace"))
            return EXIT_OK
        time.sleep(_STEP_S)
    process.terminate()
    said = log_path(path).read_text(encoding="utf-8", errors="replace").strip().removeprefix("netconn lab: ")
    raise LabError(said or f"the lab was not ready after {limit_s:g} s; see {log_path(path)}")


def _client(options: argparse.Namespace) -> AdminClient:
    from airflow_provider_netconn.lab.admin_client import AdminClient

    return AdminClient(read_state(state_path(options.state)))


def _status(options: argparse.Namespace) -> int:
    client = _client(options)
    overview, state = client.ask("GET", "/"), read_state(state_path(options.state))
    urls = {name: value for name, value in state.items() if name.endswith("_url")}
    dns, served = client.ask("GET", "/dns"), client.ask("GET", "/endpoints")
    landscape = client.ask("GET", "/picture")
    if options.picture is not None:
        return _draw(options.picture, landscape["mermaid"])
    if options.json:
        found = {"pid": state["pid"], **urls, **overview, "dns": dns, **served}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return EXIT_OK
    lines = [f"up, process {state['pid']}: {overview['resources']} resources, {overview['requests']} requests"]
    lines += [f"  {name:22} {value}" for name, value in urls.items()]
    lines += [f"  {name:22} {place}" for name, place in dns_lines(dns)]
    lines += [f"  {name:22} {_setting(value)}" for name, value in overview["settings"].items()]
    lines += ["", landscape["tables"], "", "endpoints"]
    lines += [f"  {name:60} {place}" for name, place in endpoint_lines(served["endpoints"])]
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_OK


def _draw(file: str, mermaid: str) -> int:
    """Write the picture; into Markdown as a block that its readers draw."""
    if file == "-":
        sys.stdout.write(mermaid)
        return EXIT_OK
    ending = Path(file).suffix.casefold()
    if ending in _NO_MERMAID:
        raise LabError(f"--picture: what is drawn is Mermaid's text, no {ending}; write it to a file .mmd or .md")
    text = f"```mermaid\n{mermaid}```\n" if file.endswith(".md") else mermaid
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"--picture: {file} cannot be written: {error.strerror}") from None
    return EXIT_OK


def _fault(options: argparse.Namespace) -> int:
    if options.catalogue:
        from airflow_provider_netconn.lab.effects import catalogue_lines

        sys.stdout.writelines(f"{name:42} {text}\n" for name, text in catalogue_lines())
        return EXIT_OK
    client = _client(options)
    if options.remove is not None:
        if options.remove != "all" and not options.remove.isdecimal():
            raise LabError(f"--remove: {options.remove!r} is no number of a fault; write one, or all")
        client.ask("DELETE", "/faults" if options.remove == "all" else f"/faults/{options.remove}")
        return EXIT_OK
    if options.fault is None:
        told = client.ask("GET", "/faults")["faults"]
    else:
        given = {name: getattr(options, name) for name in _FAULT_PARTS}
        rule = {name: value for name, value in given.items() if value is not None}
        told = [client.ask("POST", "/faults", {"fault": options.fault, **rule})]
    sys.stdout.writelines(f"{json.dumps(fault)}\n" for fault in told)
    return EXIT_OK


def _journal(options: argparse.Namespace) -> int:
    client = _client(options)
    if options.clear:
        client.ask("DELETE", "/journal")
        return EXIT_OK
    given = {name: getattr(options, name) for name in _FILTERS}
    found = client.ask("GET", "/journal", query={name: value for name, value in given.items() if value is not None})
    if options.json:
        sys.stdout.write(json.dumps(found["entries"], indent=2) + "\n")
        return EXIT_OK
    for entry in found["entries"]:
        at = time.strftime("%H:%M:%S", time.localtime(entry["time"]))
        fault = f"  [{entry['fault']}]" if entry["fault"] else ""
        sys.stdout.write(
            f"{at} {entry['status'] or '---'} {entry['method']:6} {entry['service']} {entry['path']}{fault}\n"
        )
    return EXIT_OK


def _reset(options: argparse.Namespace) -> int:
    _client(options).ask("POST", "/reset")
    return EXIT_OK


def _set(options: argparse.Namespace) -> int:
    changes: dict[str, float | str | None] = {}
    for given in options.settings:
        name, is_written, value = given.partition("=")
        if not is_written:
            raise LabError(f"{given!r} is no setting; write it as in time_scale=0")
        changes[name] = None if value == "none" else _number_or_text(value)
    client = _client(options)
    settings = client.ask("PATCH", "/settings", changes) if changes else client.ask("GET", "/settings")
    sys.stdout.writelines(f"{name}={_setting(value)}\n" for name, value in settings.items())
    return EXIT_OK


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _setting(value: float | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else f"{value:g}"


def _advance(options: argparse.Namespace) -> int:
    _client(options).ask("POST", "/clock", {"advance": options.seconds})
    return EXIT_OK


def _env(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.lab import environment

    state = read_state(state_path(options.state))
    try:
        if options.azure_cli:
            lines = environment.azure_cli(state, options.principal)
        else:
            found = environment.variables(state, options.principal)
            found["NETCONN_LAB_STATE"] = str(state_path(options.state))
            lines = environment.FORMATS[options.format](found)
    except KeyError as error:
        known = ", ".join(one["name"] for one in state["principals"])
        raise LabError(f"--principal: the lab has none called {error.args[0]}; it has {known}") from None
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_OK


def _down(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.lab.admin_client import UnreachableError

    path = state_path(options.state)
    state = read_state(path)
    with holding(path) as is_alive:
        # Of one that was killed the lock is left, and nobody else's: we hold it now.
        left = [path, ca_path(path), log_path(path)] + ([] if is_alive() else [lock_path(path)])
        if is_alive():
            try:
                _client(options).ask("POST", "/shutdown")
            except UnreachableError:
                os.kill(state["pid"], signal.SIGTERM)  # it holds the file, so the number is its own
        deadline = time.monotonic() + STOP_LIMIT_S
        while is_alive():
            if time.monotonic() > deadline:
                raise LabError(f"process {state['pid']} has not ended after {STOP_LIMIT_S:g} s; end it by its number")
            time.sleep(_STEP_S)
        for file in left:  # of a lab that was killed, or that was detached
            file.unlink(missing_ok=True)
    return EXIT_OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the lab, as ``netconn lab`` does."""
    parser = argparse.ArgumentParser(prog="netconn lab")
    configure(parser)
    options = parser.parse_args(arguments)
    return int(options.run(options))
