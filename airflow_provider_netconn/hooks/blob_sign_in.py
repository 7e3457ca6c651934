"""Signing in to a storage account's blob service with what a ``wasb`` connection holds; needs no Airflow provider.

The credentials are taken in the order in which the Azure provider's hook prefers them
(apache-airflow-providers-microsoft-azure 15.2.1: WasbHook.get_conn).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection
    from azure.storage.blob import BlobServiceClient

_PASSED_ON: Final = ("connection_verify", "proxies")
_READ_TIMEOUT_S: Final = 20
_LONGEST_ACCOUNT: Final = 24
_SERVICE_SAS: Final = re.compile(r"(?:^|[?&])sr=")


def is_service_sas(connection: Connection) -> bool:
    """Whether all that the connection has is a SAS for one container or blob; which one, it does not say."""
    token = _field(connection, "sas_token")
    others = ("connection_string", "tenant_id", "shared_access_key")
    return bool(token and _SERVICE_SAS.search(str(token))) and not any(_field(connection, name) for name in others)


def sign_in_to_blobs(connection: Connection) -> None:
    """Ask for the account's kind (with a key or an account SAS) or its first container (with a token): no data.

    With a token the former would need a role on the account's management, and the latter needs one on its data.
    """
    with _client(connection) as client:
        if hasattr(client.credential, "get_token"):
            next(iter(client.list_containers(results_per_page=1)), None)
        else:
            client.get_account_information()


def _client(connection: Connection) -> BlobServiceClient:
    from azure.storage.blob import BlobServiceClient

    options: dict[str, Any] = {"retry_total": 0, "connection_timeout": _READ_TIMEOUT_S, "read_timeout": _READ_TIMEOUT_S}
    options |= {name: connection.extra_dejson[name] for name in _PASSED_ON if name in connection.extra_dejson}
    text = _field(connection, "connection_string")
    if text:
        return BlobServiceClient.from_connection_string(str(text), **options)
    sas = str(_field(connection, "sas_token") or "")
    earlier = _field(connection, "tenant_id") or _field(connection, "shared_access_key")
    if sas.startswith("https") and not earlier:
        return BlobServiceClient(sas, **options)
    return BlobServiceClient(_account_url(connection), credential=_credential(connection), **options)


def _credential(connection: Connection) -> Any:
    from azure.core.credentials import AzureSasCredential
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    tenant = _field(connection, "tenant_id")
    if tenant:
        more: Mapping[str, Any] = connection.extra_dejson.get("client_secret_auth_config") or {}
        return ClientSecretCredential(str(tenant), str(connection.login), str(connection.password), **more)
    if _field(connection, "shared_access_key"):
        return _field(connection, "shared_access_key")
    if _field(connection, "sas_token"):
        return AzureSasCredential(str(_field(connection, "sas_token")))
    key = connection.password or _field(connection, "account_key")
    if key:
        return key
    identity = {
        "managed_identity_client_id": _field(connection, "managed_identity_client_id"),
        "workload_identity_tenant_id": _field(connection, "workload_identity_tenant_id"),
    }
    return DefaultAzureCredential(**identity) if all(identity.values()) else DefaultAzureCredential()


def _account_url(connection: Connection) -> str:
    """As ``parse_blob_account_url`` of the provider makes it."""
    own = f"{connection.login}.blob.core.windows.net"
    text = connection.host or f"https://{own}/"
    parts = urlsplit(text if urlsplit(text).scheme else f"https://{text}")
    first, dot, rest = (parts.netloc if "." in parts.netloc else own).partition(".")
    return urlunsplit(parts._replace(netloc=f"{first[:_LONGEST_ACCOUNT]}{dot}{rest}"))


def _field(connection: Connection, name: str) -> Any:
    extra = connection.extra_dejson
    return (extra[name] if name in extra else extra.get(f"extra__wasb__{name}")) or None
