"""``netconn lab exec``: run a program inside the isolated lab."""

from __future__ import annotations

import argparse
import os
from typing import Any, Final

from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.state import ENVIRONMENT, read_state, state_path

_NOT_INSIDE: Final = frozenset(
    {"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "hostaliases", "localdomain", "res_options"}
)
"""Variables by which programs would go elsewhere, or look names up otherwise; without case."""


def add_exec(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of ``exec``."""
    parser.add_argument(
        "--as",
        dest="place",
        metavar="PLACE",
        help="a virtual network, one of its subnets (NETWORK/SUBNET), a site, or internet; a name or an id (default: "
        "the network of the Astro cluster, where there is one)",
    )
    parser.add_argument(
        "--publish",
        action="append",
        default=[],
        metavar="HOSTPORT[:ADDRESS]:PORT",
        help="a port of this computer's loopback that leads into the lab; may be repeated",
    )
    parser.add_argument("--principal", metavar="NAME", help="whose sign-in the environment has (default: the owner)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="and its arguments")


def execute(options: argparse.Namespace) -> int:
    """Run ``netconn lab exec``.

    :return: the program's exit status
    :raises LabError: the lab is not isolated, or has no such place
    """
    from airflow_provider_netconn.lab.admin_client import AdminClient
    from airflow_provider_netconn.lab.packets.entering import run_inside
    from airflow_provider_netconn.lab.packets.publishing import Publication, Publishing

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LabError("exec: what is to be run? Write it behind --, as in: netconn lab exec -- curl https://...")
    path = state_path(options.state)
    state = read_state(path)
    if not state.get("isolated"):
        raise LabError("exec: this lab has no network of its own; start it with 'netconn lab up --isolated'")
    machine = AdminClient(state).ask("POST", "/machines", {"as": options.place} if options.place else {})
    published = [Publication.read(text, machine["address"]) for text in options.publish]
    environment = environment_inside({**state}, options.principal)
    environment[ENVIRONMENT] = str(path)
    return run_inside(machine, command, environment, Publishing(published))


def environment_inside(state: dict[str, Any], principal: str | None) -> dict[str, str]:
    """:return: the caller's environment and what clients need to find the lab, without what leads out of it

    :raises LabError: the lab has no such principal
    """
    from airflow_provider_netconn.lab.environment import variables

    try:
        lab = variables(state, principal)
    except KeyError as error:
        known = ", ".join(one["name"] for one in state["principals"])
        raise LabError(f"--principal: the lab has none called {error.args[0]}; it has {known}") from None
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _NOT_INSIDE}
    return {**kept, **lab, "CURL_CA_BUNDLE": state["ca_file"], "NODE_EXTRA_CA_CERTS": state["ca_file"]}
