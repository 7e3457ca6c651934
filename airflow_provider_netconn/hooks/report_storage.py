"""Where reports go: a local path, any of Airflow's object storages, or a blob of Azure Storage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from airflow_provider_netconn.errors import InvalidOptionError, NetconnError, ReportWriteError
from airflow_provider_netconn.evidence import is_address

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_CONNECT_TIMEOUT_S: Final = 10
_READ_TIMEOUT_S: Final = 30
# The library's own defaults wait for more than a minute before they give up on a name that does not resolve.
_RETRY_POLICY: Final[dict[str, Any]] = {"retry_total": 2, "initial_backoff": 1, "increment_base": 2}
_QUERY: Final = re.compile(r"\?[^\s'\"<>]+")

_REMEDIES: Final = {
    "ContainerNotFound": "create the container, or correct the URL",
    "AuthenticationFailed": "check the key or SAS of `report_conn_id`, its expiry, and this machine's clock",
    "AuthorizationPermissionMismatch": "give the identity the role 'Storage Blob Data Contributor' on the container",
    "AuthorizationFailure": "let this machine's network through the account's firewall, and check the SAS permissions",
    "PublicAccessNotPermitted": "give credentials by `report_conn_id`",
    "NoAuthenticationInformation": "give credentials by `report_conn_id`",
}
"""What mends the error codes that a write meets most often.

https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One place to write a report to.

    :param path: as the user gave it, a SAS in the query included; never to be shown
    :param location: the same without query and credentials; for logs, XCom and errors
    :param format: the format that the suffix asks for
    """

    path: str
    location: str
    format: str

    @property
    def is_blob(self) -> bool:
        """Whether this is the URL of a blob."""
        return self.path.startswith(("https://", "http://"))


def parse_destination(path: str) -> Destination:
    """Read a local path, a URL of an object storage (``s3://conn@bucket/key``) or a blob URL.

    :raises InvalidOptionError: the suffix names no format, or a blob URL names no container and blob
    """
    from airflow_provider_netconn.report import format_for

    destination = Destination(path=path, location=_without_secrets(path), format=format_for(path))
    if destination.is_blob and not _names_a_blob(path):
        raise InvalidOptionError(
            "report_path",
            f"{destination.location} names no blob",
            "write https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME.html",
        )
    return destination


def write_report(text: str, destination: Destination, conn_id: str | None = None) -> str:
    """Write the text there, in place of what was there, and return the location without secrets.

    :param conn_id: the Airflow connection with the credentials. For a blob one of type ``wasb``; without it a SAS
        in the URL's query, else ``DefaultAzureCredential``. For an object storage the same as ``conn@`` in the URL.
    :raises ReportWriteError: naming the place, what happened and the mend; free of secrets
    """
    from airflow_provider_netconn.report import write_local

    if destination.is_blob:
        _write_blob(text, destination, conn_id)
    elif "://" in destination.path:
        _write_object(text, destination, conn_id)
    else:
        return str(write_local(text, destination.path))
    return destination.location


def _without_secrets(path: str) -> str:
    if "://" not in path:
        return path
    parts = urlsplit(path)
    # `conn@` of an object storage is a connection id; a password, and any user of a web address, is dropped.
    user, at, host = parts.netloc.rpartition("@")
    shown = host if not at or parts.scheme in ("http", "https") else f"{user.partition(':')[0]}@{host}"
    return urlunsplit((parts.scheme, shown, parts.path, "", ""))


def _write_object(text: str, destination: Destination, conn_id: str | None) -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    try:
        path = ObjectStoragePath(destination.path, conn_id=conn_id) if conn_id else ObjectStoragePath(destination.path)
        if destination.path.startswith("file:"):
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # type: ignore[no-untyped-call] # Airflow's own has no annotations
            file.write(text.encode("utf-8", "backslashreplace"))
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own, and they may quote credentials
        raise ReportWriteError(
            destination.location,
            _QUERY.sub("?...", f"{type(error).__name__}: {error}".splitlines()[0]),
            "install the provider of this storage, and check its connection and the bucket's permissions",
        ) from None


def _account_in_path(host: str) -> bool:
    """Whether this host serves many accounts, as an emulator does under an address or a name without a domain."""
    return "." not in host or is_address(host)


def _names_a_blob(url: str) -> bool:
    container_and_blob = _blob_address(url)[1]
    return bool(urlsplit(url).hostname) and len(container_and_blob) == 2 and not url.endswith("/")  # noqa: PLR2004


def _blob_address(url: str) -> tuple[str, list[str]]:
    """The account's name, and the container's and the blob's as far as they are given.

    Azure has the account in the host name; an emulator has it first in the path.
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path.lstrip("/")
    account, _, rest = path.partition("/") if _account_in_path(host) else (host.partition(".")[0], "", path)
    return account, [piece for piece in rest.split("/", maxsplit=1) if piece]


def _write_blob(text: str, destination: Destination, conn_id: str | None) -> None:
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.storage.blob import BlobClient, ContentSettings

    from airflow_provider_netconn.azure.http_log import HTTP_LOG
    from airflow_provider_netconn.report import FORMATS

    secrets: list[str] = []
    try:
        sas, credential = _blob_credentials(destination, conn_id, secrets)
        parts = urlsplit(destination.path)
        account, (container, blob) = _blob_address(destination.path)
        prefix = f"/{account}" if _account_in_path(parts.hostname or "") else ""
        client = BlobClient(
            urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], prefix, sas, "")),
            container,
            blob,
            credential=credential,
            connection_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            logger=HTTP_LOG,
            **_RETRY_POLICY,
        )
        with client:
            client.upload_blob(
                text.encode("utf-8", "backslashreplace"),
                overwrite=True,
                content_settings=ContentSettings(content_type=FORMATS[destination.format].media_type),
            )
    except NetconnError:
        raise
    except HttpResponseError as error:
        code = str(getattr(error, "error_code", None) or error.reason or "")
        seen = f"{error.status_code} {code}: {error.message}" if error.status_code else str(error.message)
        remedy = _REMEDIES.get(code.rpartition(".")[2], "check the URL, the credentials and the account's firewall")
        raise ReportWriteError(destination.location, _redacted(seen, secrets), remedy) from None
    except (AzureError, ValueError) as error:
        raise ReportWriteError(
            destination.location,
            _redacted(f"{type(error).__name__}: {error}", secrets),
            "check that the account's name resolves here and is reachable, and the credentials' form",
        ) from None


def _redacted(message: str, secrets: list[str]) -> str:
    """The first line of the message, without the secrets and without anything that stands in a URL's query."""
    line = (message.splitlines() or [""])[0]
    for secret in secrets:
        line = line.replace(secret, "***")
    return _QUERY.sub("?***", line)


def _blob_credentials(
    destination: Destination, conn_id: str | None, secrets: list[str]
) -> tuple[str, dict[str, str] | TokenCredential | None]:
    """The SAS to put in the query, or the credential; the fields are those that Airflow's ``wasb`` connections have.

    :param secrets: gets every secret that was met, to be kept out of errors; Airflow masks them in logs
    """
    from airflow.providers.common.compat.sdk import mask_secret

    if conn_id is None:
        query = urlsplit(destination.path).query
        if query:
            _keep(secrets, _sas_signature(query), query)
            for secret in secrets:
                mask_secret(secret)
            return query, None
        return "", _default_credential({})
    fields = _blob_fields(destination, conn_id)
    for key in ("account_key", "sas", "client_secret"):
        _keep(secrets, fields.get(key))
    _keep(secrets, _sas_signature(fields.get("sas") or ""))
    for secret in secrets:
        mask_secret(secret)
    if fields.get("client_secret"):
        from azure.identity import ClientSecretCredential

        from airflow_provider_netconn.azure.http_log import HTTP_LOG

        return "", ClientSecretCredential(
            str(fields["tenant_id"]),
            str(fields["login"]),
            str(fields["client_secret"]),
            **{"logger": HTTP_LOG, **fields["identity_options"]},
        )
    if fields.get("account_key"):
        return "", {"account_name": _blob_address(destination.path)[0], "account_key": fields["account_key"]}
    if fields.get("sas"):
        return fields["sas"], None
    return "", _default_credential(fields)


def _keep(secrets: list[str], *found: str | None) -> None:
    """Add what was found, and its form without percent signs, in which a log may have it."""
    both = [form for secret in found if secret for form in (secret, unquote(secret))]
    secrets.extend(form for form in dict.fromkeys(both) if form not in secrets)


def _sas_signature(query: str) -> str | None:
    found = re.search(r"(?:^|[?&])sig=([^&]+)", query)
    return found[1] if found else None


def _default_credential(fields: Mapping[str, Any]) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    from airflow_provider_netconn.azure.http_log import HTTP_LOG

    return DefaultAzureCredential(
        logger=HTTP_LOG,
        managed_identity_client_id=fields.get("managed_identity_client_id"),
        workload_identity_tenant_id=fields.get("workload_identity_tenant_id"),
    )


def _blob_fields(destination: Destination, conn_id: str) -> dict[str, Any]:
    """The credentials of a ``wasb`` connection, in the order in which Airflow's own hook prefers them."""
    from airflow_provider_netconn.hooks.connection_fields import get_connection

    connection = get_connection(conn_id)
    extra = connection.extra_dejson

    def field(name: str) -> Any:
        return extra.get(name) or extra.get(f"extra__wasb__{name}") or None

    if field("connection_string"):
        return _connection_string_fields(field("connection_string"), destination, conn_id)
    if field("tenant_id"):
        return {
            "tenant_id": field("tenant_id"),
            "login": connection.login,
            "client_secret": connection.password,
            "identity_options": extra.get("client_secret_auth_config") or {},
        }
    if field("shared_access_key"):
        return {"account_key": field("shared_access_key")}
    if field("sas_token"):
        token = str(field("sas_token"))
        return {"sas": urlsplit(token).query if token.startswith("https") else token.removeprefix("?")}
    if connection.password or field("account_key"):
        return {"account_key": connection.password or field("account_key")}
    return {name: field(name) for name in ("managed_identity_client_id", "workload_identity_tenant_id")}


def _connection_string_fields(text: str, destination: Destination, conn_id: str) -> dict[str, Any]:
    """Key or SAS of a connection string; the place stays the one of the URL, so the account must be the same."""
    pairs = {key.strip().lower(): value for key, _, value in (pair.partition("=") for pair in text.split(";"))}
    account, given = _blob_address(destination.path)[0], pairs.get("accountname")
    if given and given != account:
        raise ReportWriteError(
            destination.location,
            f"connection {conn_id} is for the account {given}",
            "write a report_path in that account, or name another report_conn_id",
        )
    return {"account_key": pairs.get("accountkey"), "sas": pairs.get("sharedaccesssignature")}
