"""What a running lab is to its clients: environment variables, Airflow connections, and the way in for azure-cli."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from airflow_provider_netconn.lab.cloud_metadata import CLOUD


def variables(state: Mapping[str, Any], principal: str | None = None) -> dict[str, str]:
    """Environment variables by which the Azure SDKs, Airflow and HTTP libraries find a lab.

    :param state: what the state file tells
    :param principal: as whom they sign in; by default the owner
    :raises KeyError: there is no principal of that name
    """
    chosen = _principal(state, principal or state["owner"])
    authority = f"{state['authority_url']}/"
    connection = {
        "conn_type": "azure",
        "login": chosen["app_id"],
        "password": chosen["client_secret"],
        "extra": {"tenantId": chosen["tenant_id"], "subscriptionId": state["subscription_id"]},
    }
    hosts = dict.fromkeys((urlsplit(state["arm_url"]).hostname or "", "127.0.0.1", "localhost"))
    found = {
        "AZURE_AUTHORITY_HOST": authority,
        "AZURE_TENANT_ID": chosen["tenant_id"],
        "AZURE_CLIENT_ID": chosen["app_id"] or "",
        "AZURE_CLIENT_SECRET": chosen["client_secret"] or "",
        "AZURE_SUBSCRIPTION_ID": state["subscription_id"],
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": state["managed_identity_url"],
        "AIRFLOW_CONN_AZURE_DEFAULT": json.dumps(connection),
        "REQUESTS_CA_BUNDLE": state["ca_file"],
        "SSL_CERT_FILE": state["ca_file"],
        "NO_PROXY": ",".join(hosts),
        "NETCONN_LAB_ARM_URL": state["arm_url"],
        "NETCONN_LAB_GRAPH_URL": state["graph_url"],
    }
    return {**found, "ASTRO_API_URL": f"{state['astro_url']}/v1", **state["astro"]["environment"]}


def azure_cli(state: Mapping[str, Any], principal: str | None = None) -> list[str]:
    """The shell commands by which azure-cli signs in to a lab, in a folder of settings of its own.

    :raises KeyError: there is no principal of that name
    """
    chosen = _principal(state, principal or state["owner"])
    login = {"--username": chosen["app_id"], "--password": chosen["client_secret"], "--tenant": chosen["tenant_id"]}
    return [
        'export AZURE_CONFIG_DIR="$(mktemp -d)"  # your own clouds and sign-ins stay as they are',
        f"export REQUESTS_CA_BUNDLE={shlex.quote(state['ca_file'])}",
        "export AZURE_CORE_INSTANCE_DISCOVERY=false  # it would ask Microsoft whether the lab's authority is one",
        "export AZURE_CORE_COLLECT_TELEMETRY=false",
        _command("az cloud register", {"--name": CLOUD, "--endpoint-resource-manager": state["arm_url"]}),
        f"az cloud set --name {CLOUD}",
        _command("az login --service-principal", login),
    ]


def shell_lines(found: Mapping[str, str]) -> list[str]:
    """Variables as a POSIX shell sets them: ``eval "$(netconn lab env)"``."""
    return [f"export {name}={shlex.quote(value)}" for name, value in found.items()]


def dotenv_lines(found: Mapping[str, str]) -> list[str]:
    """Variables as ``.env`` files have them, which docker, Astro CLI and python-dotenv read."""
    return [f"{name}={value}" for name, value in found.items()]


def json_lines(found: Mapping[str, str]) -> list[str]:
    """Variables as a JSON object."""
    return [json.dumps(found, indent=2)]


FORMATS: Final[Mapping[str, Callable[[Mapping[str, str]], list[str]]]] = {
    "shell": shell_lines,
    "dotenv": dotenv_lines,
    "json": json_lines,
}


def _principal(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = next((one for one in state["principals"] if one["name"] == name), None)
    if found is None:
        raise KeyError(name)
    return found


def _command(command: str, options: Mapping[str, Any]) -> str:
    return " ".join([command, *(f"{name} {shlex.quote(str(value))}" for name, value in options.items())])
