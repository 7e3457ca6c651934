"""``netconn``: the check and the zone table on the command line.

Exit status: 0 all as expected, 1 not, 2 bad input.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn import __version__, connections_command
from airflow_provider_netconn.errors import InvalidOptionError, NetconnError
from airflow_provider_netconn.evidence import Expectation, check_network

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.settings import AzureSettings
    from airflow_provider_netconn.checks import CheckOptions, CheckPlan, FactsRequest, OnVerdict
    from airflow_provider_netconn.evidence import Report, Target, Verdict

EXIT_AS_EXPECTED, EXIT_NOT_AS_EXPECTED, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130


BETWEEN_ERRORS = "\n         "
"""Puts each further error below the first one, behind ``netconn:``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    :param arguments: as a shell gives them, without the program's name
    :return: the exit status
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without some letter must not cost the verdicts
    try:
        return _run(options)
    except NetconnError as error:
        sys.stderr.write(f"netconn: {error}\n")
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NOT_AS_EXPECTED


def _run(options: argparse.Namespace) -> int:
    status = int(options.run(options))
    sys.stdout.flush()  # here, where a reader that has gone is expected
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="netconn", description="Verify private connectivity to Azure.")
    parser.add_argument("--version", action="version", version=f"netconn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands.add_parser("check", help="say for each target whether it runs over a private path"))
    _add_zones(commands.add_parser("zones", help="look up Private Link DNS zones"))
    _add_allowlist(commands.add_parser("allowlist", help="say whether services' IP firewalls admit addresses"))
    connections_command.add_command(commands)
    # Rooms that this one does not know, such as the lab, bring commands of their own.
    for further in entry_points(group="netconn.commands"):
        further.load()(commands)
    return parser


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_check)
    parser.description = "Exit status: 0 all as expected, 1 not, 2 bad input."
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="host:port, or a URL such as https://host")
    parser.add_argument("--conn-id", action="append", default=[], metavar="ID", help="check an Airflow connection")
    parser.add_argument("--config", metavar="FILE", help="check what a YAML file lists")
    expect = [expectation.value for expectation in Expectation]
    parser.add_argument("--expect", choices=expect, help="the path that is expected (default: private)")
    parser.add_argument(
        "--expect-network",
        action="append",
        default=[],
        metavar="CIDR",
        help="a network that counts as private (default: RFC 1918, RFC 6598 and ULA); may be repeated",
    )
    parser.add_argument("--dial", metavar="HOST", help="dial this name or address, and verify the target's own name")
    parser.add_argument("--nameserver", metavar="IP[:PORT]", help="resolve through this nameserver")
    parser.add_argument(
        "--ca", action="append", default=[], metavar="FILE", help="trust these authorities as well (PEM)"
    )
    parser.add_argument("--timeout", type=float, metavar="S", help="limit of each stage in seconds (default: 5)")
    parser.add_argument("--deadline", type=float, metavar="S", help="limit of each target in seconds (default: 30)")
    parser.add_argument("--retries", type=int, metavar="N", help="tries after a passing failure (default: 1)")
    parser.add_argument("--concurrency", type=int, metavar="N", help="targets at a time (default: 1000)")
    parser.add_argument(
        "--auth", action="store_true", help="have connections sign in by their own hook; may wake or cost something"
    )
    parser.add_argument(
        "--auth-timeout", type=float, default=30.0, metavar="S", help="limit of each sign-in (default: 30)"
    )
    parser.add_argument(
        "--azure", action="store_true", help="ask Azure's control plane why; signs in by the default chain"
    )
    parser.add_argument("--azure-conn-id", metavar="ID", help="ask Azure's control plane by an Airflow connection")
    parser.add_argument(
        "--worker-network", metavar="ID", help="id of the virtual network, or subnet, that this runs in (with --azure)"
    )
    parser.add_argument("--azure-all", action="store_true", help="ask about what is as expected too (with --azure)")
    parser.add_argument("--ignore-proxy", action="store_true", help="ignore HTTPS_PROXY and HTTP_PROXY")
    parser.add_argument("--json", action="store_true", help="print the verdicts as a JSON list")
    parser.add_argument("--junit", metavar="FILE", help="write a JUnit XML report")
    parser.add_argument("--html", metavar="FILE", help="write a single-file HTML report")
    parser.add_argument("--markdown", metavar="FILE", help="write a Markdown report")


def _add_zones(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_zones)
    parser.add_argument("host", nargs="?", metavar="HOST", help="a host name, public or privatelink")
    parser.add_argument("--resource-type", metavar="TYPE", help="a type such as Microsoft.Storage/storageAccounts")
    parser.add_argument("--group-id", metavar="ID", help="only this sub-resource of the type, such as blob")
    parser.add_argument("--cloud", metavar="CLOUD", help="only this cloud: Commercial, Government or China")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_allowlist(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_allowlist)
    parser.description = "Signs in to Azure by the default chain. Exit status: 0 all admitted, 1 not, 2 bad input."
    parser.add_argument("resource_ids", nargs="+", metavar="RESOURCE_ID", help="id of a service in Azure")
    parser.add_argument("--address", action="append", default=[], metavar="IP", help="an address or CIDR; repeatable")
    parser.add_argument("--astro-deployment", metavar="ID", help="external IPs of this Deployment; 'this' for our own")
    parser.add_argument("--astro-cluster", metavar="ID", help="external IPs of this cluster, by its id or name")
    parser.add_argument("--egress", action="store_true", help="ask an echo service for this machine's own address")
    parser.add_argument("--echo-url", metavar="URL", help="another echo service (with --egress)")
    parser.add_argument("--region", default="", metavar="NAME", help="the Azure region that callers run in")
    parser.add_argument("--azure-conn-id", metavar="ID", help="sign in to Azure by an Airflow connection")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--html", metavar="FILE", help="write a single-file HTML report")
    parser.add_argument("--markdown", metavar="FILE", help="write a Markdown report")


def _check(options: argparse.Namespace) -> int:
    # Airflow, which is loaded for connections, logs to standard output: that is the verdicts' alone.
    with redirect_stdout(sys.stderr):
        report = _checked(options)
    try:
        _print(report, options.json)  # first of all: what was found is not lost where a file cannot be written
    finally:
        _write_reports(report, {"junit": options.junit, "html": options.html, "markdown": options.markdown})
    return EXIT_NOT_AS_EXPECTED if report.unexpected else EXIT_AS_EXPECTED


def _checked(options: argparse.Namespace) -> Report:
    from airflow_provider_netconn.checks import CheckPlan, check, load_plan

    plan = load_plan(options.config) if options.config else CheckPlan()
    targets = _targets(options, plan)
    if not targets:
        raise InvalidOptionError("TARGET", "nothing to check", "give a target, --conn-id or --config")
    check_options = _check_options(options, plan)
    facts = _facts_request(options)
    if not options.auth_timeout > 0:
        raise InvalidOptionError(
            "--auth-timeout", f"{options.auth_timeout:g} is no time limit", "write seconds above 0"
        )
    try:
        with _progress(len(targets)) as on_verdict:
            report = check(targets, check_options, on_verdict=on_verdict)
    except InvalidOptionError as error:  # a file of authorities is read no earlier
        raise (_as_written(error) if options.ca else error) from None
    if options.auth:
        report = _authenticated(report, options.auth_timeout)
    return report if facts is None else _with_facts(report, facts)


def _authenticated(report: Report, timeout_s: float) -> Report:
    from airflow_provider_netconn.checks import authenticated
    from airflow_provider_netconn.hooks.authentication import authenticate

    return authenticated(report, lambda conn_id, kind: authenticate(conn_id, kind, timeout_s))


def _facts_request(options: argparse.Namespace) -> FactsRequest | None:
    """As whom and about what Azure's control plane is to be asked; None where it is not."""
    from airflow_provider_netconn.azure.settings import AzureSettings
    from airflow_provider_netconn.checks import FactsRequest

    if not (options.azure or options.azure_conn_id):
        for name, given in (("--worker-network", options.worker_network), ("--azure-all", options.azure_all)):
            if given:
                raise InvalidOptionError(name, "is of no use alone", "add --azure or --azure-conn-id")
        return None
    settings = _azure_settings(options.azure_conn_id) if options.azure_conn_id else AzureSettings()
    try:
        return FactsRequest(settings=settings, worker_network=options.worker_network or "", of_all=options.azure_all)
    except InvalidOptionError as error:
        raise _as_written(error) from None


def _with_facts(report: Report, request: FactsRequest) -> Report:
    from airflow_provider_netconn.checks import with_facts

    logging.getLogger("azure").setLevel(logging.WARNING)  # it tells of every request, with all its headers
    return with_facts(report, request)


def _azure_settings(conn_id: str) -> AzureSettings:
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # as for the connections that are checked
    from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook

    return AzureNetworkHook(conn_id).settings()


def _write_reports(report: Report, files: Mapping[str, str | None]) -> None:
    """Write every report that is asked for; one that fails does not keep the others from being written."""
    from airflow_provider_netconn.report import render, write_local

    bad: list[str] = []
    for name, file in files.items():
        try:
            if file:
                write_local(render(report, name), file)
        except NetconnError as error:
            bad.append(str(error))
    if bad:
        raise NetconnError(BETWEEN_ERRORS.join(bad))


def _targets(options: argparse.Namespace, plan: CheckPlan) -> list[Target]:
    """Targets of the command line, of connections and of the file, in that order; every bad one is named."""
    from airflow_provider_netconn.checks import parse_target

    expect = Expectation(options.expect) if options.expect else plan.expect
    networks = _networks(options) or plan.expect_networks
    targets: list[Target] = []
    bad: list[str] = []
    for text in options.targets:
        try:
            target = parse_target(text, expect=expect, expect_networks=networks)
            targets.append(replace(target, dial=_host(options.dial, "--dial")) if options.dial else target)
        except NetconnError as error:
            bad.append(str(error))
    for conn_id in [*options.conn_id, *plan.conn_ids]:
        try:
            found = _connection_targets(conn_id)
        except NetconnError as error:
            bad.append(str(error))
            continue
        targets += [replace(target, expect=expect, expect_networks=networks) for target in found]
    if bad:
        raise NetconnError(BETWEEN_ERRORS.join(bad))
    return targets + list(plan.targets)


def _networks(options: argparse.Namespace) -> tuple[str, ...]:
    for network in options.expect_network:
        try:
            check_network(network, "--expect-network")
        except ValueError as error:
            field, _, message = str(error).partition(": ")
            raise InvalidOptionError(field, message) from None
    return tuple(options.expect_network)


def _host(text: str, field: str) -> str:
    from airflow_provider_netconn.evidence import check_host
    from airflow_provider_netconn.probing.targets import host_of

    host = host_of(text, field)
    try:
        check_host(host, field)
    except ValueError as error:
        raise InvalidOptionError(field, str(error).partition(": ")[2]) from None
    return host


def _connection_targets(conn_id: str) -> tuple[Target, ...]:
    # Outside a task, connections come from the environment, the secrets backend and the metastore, as for Airflow's own
    # `airflow connections`, which sets the same variable to say so.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    from airflow_provider_netconn.hooks.connection_fields import connection_targets

    return connection_targets(conn_id)


def _check_options(options: argparse.Namespace, plan: CheckPlan) -> CheckOptions:
    given: dict[str, Any] = {
        "nameserver": options.nameserver,
        "ca_files": tuple(options.ca) or None,
        "timeout_s": options.timeout,
        "deadline_s": options.deadline,
        "retries": options.retries,
        "concurrency": options.concurrency,
        "use_proxy": False if options.ignore_proxy else None,
    }
    try:
        return replace(plan.options, **{name: value for name, value in given.items() if value is not None})
    except InvalidOptionError as error:
        raise _as_written(error) from None


def _as_written(error: InvalidOptionError) -> InvalidOptionError:
    """The error under the option's name on the command line."""
    return InvalidOptionError(_OPTION_NAMES.get(error.field, error.field), error.seen, error.remedy)


_OPTION_NAMES = {
    "nameserver": "--nameserver",
    "ca_files": "--ca",
    "timeout_s": "--timeout",
    "deadline_s": "--deadline",
    "retries": "--retries",
    "concurrency": "--concurrency",
    "worker_network": "--worker-network",
}


@contextmanager
def _progress(total: int) -> Iterator[OnVerdict | None]:
    """A progress bar on a terminal's standard error; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("checking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[last]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("check", total=total, last="")

        def advance(verdict: Verdict, done: int, _total: int) -> None:
            progress.update(task, completed=done, last=f"{verdict.headline} {verdict.target}", refresh=True)

        yield advance


def _print(report: Report, as_json: bool) -> None:
    from airflow_provider_netconn.evidence import to_json

    if as_json:
        sys.stdout.write(json.dumps(to_json(report)["verdicts"], indent=2) + "\n")
    elif sys.stdout.isatty():
        from rich.console import Console

        from airflow_provider_netconn.report.text import verdict_table

        Console().print(verdict_table(report))
    else:
        from airflow_provider_netconn.report.text import plain_table

        sys.stdout.write(plain_table(report))


def _zones(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.privatelink import describe, zones_for_host, zones_for_resource_type

    if (options.host is None) == (options.resource_type is None):
        raise InvalidOptionError("HOST", "give either a host or --resource-type")
    if options.host is not None:
        found = [describe(match) for match in zones_for_host(_host(options.host, "HOST"))]
    else:
        rows = zones_for_resource_type(options.resource_type, options.group_id, options.cloud)
        found = [describe(row) for row in rows]
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif found:
        sys.stdout.write("\n".join(_zone_lines(entry) for entry in found))
    else:
        sys.stderr.write(f"netconn: no Private Link zone for {options.host or options.resource_type}\n")
    return EXIT_AS_EXPECTED if found else EXIT_NOT_AS_EXPECTED


def _zone_lines(entry: Any) -> str:
    lines = [f"{entry['service']} ({', '.join(entry['group_ids'])}), {entry['cloud']}"]
    lines += [f"  resource type  {name}" for name in entry["resource_types"]]
    if entry.get("zone"):
        lines.append(f"  this record's  {entry['zone']}")
    lines += [f"  zone           {zone}" for zone in entry["zones"]]
    lines += [f"  public name    {forwarder}" for forwarder in entry["forwarders"]]
    if entry["notes"]:
        lines.append(f"  note           {entry['notes']}")
    return "\n".join(lines) + "\n"


def _allowlist(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.astro.settings import AstroSettings
    from airflow_provider_netconn.azure.blocking import BlockingSession
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.settings import AzureSettings
    from airflow_provider_netconn.checks.allowlist import check_allowlists, find_callers
    from airflow_provider_netconn.probing.egress import ECHO_URL
    from airflow_provider_netconn.report.allowlist import allowlist_lines, render_allowlist

    settings = _azure_settings(options.azure_conn_id) if options.azure_conn_id else AzureSettings()
    callers = find_callers(
        addresses=options.address,
        region=options.region,
        deployment_id=options.astro_deployment or "",
        cluster_id=options.astro_cluster or "",
        astro=AstroSettings.from_environment,
        echo_url=(options.echo_url or ECHO_URL) if options.egress else "",
    )
    logging.getLogger("azure").setLevel(logging.WARNING)  # as above
    with BlockingSession(AzureSession(settings)) as azure:
        report = azure.run(check_allowlists, options.resource_ids, callers)
    document = report.to_json()
    shown = render_allowlist(document, "json") if options.json else "\n".join(allowlist_lines(document)) + "\n"
    sys.stdout.write(shown)
    for name, path in (("html", options.html), ("markdown", options.markdown)):
        if path:
            from airflow_provider_netconn.report import write_local

            write_local(render_allowlist(document, name), path)
    admitted = all(one.admission == "ALLOWED" for one in report.resources)
    return EXIT_AS_EXPECTED if admitted else EXIT_NOT_AS_EXPECTED


if __name__ == "__main__":
    sys.exit(main())
