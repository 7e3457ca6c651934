"""Reading connections of the types ``azure`` and ``azure_network`` into settings.

The fields of ``azure`` are read as its own hook reads them (apache-airflow-providers-microsoft-azure 15.2.1:
``AzureBaseHook``): an auth file first, then client id, secret and tenant, then the default chain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import InvalidConnectionError, InvalidOptionError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_netconn.azure.settings import AzureSettings, SignIn

_FIELDS: Final[Mapping[str, str]] = {
    "tenantId": "tenant_id",
    "subscriptionId": "subscription_id",
    "certificate_path": "certificate_path",
    "certificate": "certificate",
    "certificate_password": "certificate_password",
    "token_file": "token_file",
    "authority_url": "authority_url",
    "arm_url": "arm_url",
    "ca_file": "ca_file",
}
"""Extra fields, and what they are in the settings."""

_AUTH_FILE: Final[Mapping[str, str]] = {
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "tenantId": "tenant_id",
    "subscriptionId": "subscription_id",
    "activeDirectoryEndpointUrl": "authority_url",
    "resourceManagerEndpointUrl": "arm_url",
}
"""Keys of the auth files that azure-cli once wrote (``az ad sp create-for-rbac --sdk-auth``)."""


def azure_settings(connection: Connection, *, subscription_id: str = "") -> AzureSettings:
    """The settings that a connection holds.

    :param subscription_id: instead of the connection's
    :raises InvalidConnectionError: naming the field that is missing or wrong; a secret is never quoted
    """
    from airflow_provider_netconn.azure.clouds import cloud_named
    from airflow_provider_netconn.azure.settings import AzureSettings

    extra = _Extra(connection)
    given: dict[str, Any] = {ours: extra.text(theirs) for theirs, ours in _FIELDS.items()}
    given |= {"client_id": connection.login or "", "client_secret": connection.password or ""}
    given |= {name: value for name, value in _auth_file(extra).items() if value}
    given["subscription_id"] = subscription_id or given["subscription_id"]
    given["auxiliary_tenants"] = tuple(
        tenant.strip() for tenant in extra.text("auxiliary_tenants").split(",") if tenant.strip()
    )
    try:
        given["cloud"] = cloud_named(extra.text("cloud_environment"))
        given["sign_in"] = _sign_in(extra.text("sign_in"), given)
        return AzureSettings(**_as_signed_in(given, extra))
    except InvalidOptionError as error:
        field = f"connection {connection.conn_id}: {error.field}"
        raise InvalidConnectionError(field, error.seen, error.remedy) from None


class _Extra:
    """The extra fields of a connection, by their plain names or by the long ones of Airflow before 2.3."""

    def __init__(self, connection: Connection) -> None:
        self._name = connection.conn_id
        self._values = connection.extra_dejson
        self._prefix = f"extra__{connection.conn_type}__"

    def text(self, name: str) -> str:
        value = self._values.get(name) or self._values.get(f"{self._prefix}{name}") or ""
        return str(value).strip()

    def value(self, name: str) -> Any:
        return self._values.get(name)

    def wrong(self, field: str, seen: str, remedy: str) -> InvalidConnectionError:
        return InvalidConnectionError(f"connection {self._name}: {field}", seen, remedy)


def _auth_file(extra: _Extra) -> dict[str, str]:
    held = extra.value("key_json")
    path = extra.text("key_path")
    if path:
        try:
            held = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise extra.wrong("key_path", f"it cannot be read ({type(error).__name__})", "name a JSON file") from None
    if not held:
        return {}
    if isinstance(held, str):
        try:
            held = json.loads(held)
        except ValueError:
            raise extra.wrong("key_json", "it is no JSON", "write a JSON object") from None
    if not isinstance(held, dict):
        raise extra.wrong("key_json", "it is no JSON object", "write a JSON object")
    return {ours: str(held[theirs]) for theirs, ours in _AUTH_FILE.items() if held.get(theirs)}


def _sign_in(chosen: str, given: Mapping[str, Any]) -> SignIn:
    from airflow_provider_netconn.azure.settings import SignIn

    if chosen:
        try:
            return SignIn(chosen.casefold())
        except ValueError:
            raise InvalidOptionError(
                "sign_in", f"{chosen!r} is no way to sign in", f"write one of {', '.join(SignIn)}"
            ) from None
    if given["client_id"] and given["client_secret"] and given["tenant_id"]:
        return SignIn.CLIENT_SECRET
    return SignIn.CERTIFICATE if given["certificate"] or given["certificate_path"] else SignIn.DEFAULT


def _as_signed_in(given: dict[str, Any], extra: _Extra) -> dict[str, Any]:
    """Without what the chosen way does not take: the Azure provider's hook passes over it, too."""
    from airflow_provider_netconn.azure.settings import SignIn

    if given["sign_in"] is SignIn.DEFAULT:
        given["client_id"] = extra.text("managed_identity_client_id")
        given["tenant_id"] = extra.text("workload_identity_tenant_id") or given["tenant_id"]
    elif given["sign_in"] is SignIn.MANAGED_IDENTITY:
        given["client_id"] = extra.text("managed_identity_client_id") or given["client_id"]
    elif given["sign_in"] is SignIn.WORKLOAD_IDENTITY:
        given["tenant_id"] = extra.text("workload_identity_tenant_id") or given["tenant_id"]
    return given
