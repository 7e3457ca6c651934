"""The ways in which an address is written in a field, each as one reader.

A reader does with the text what the hook and its client do with it, down to their oddities, because the address of
interest is the one they will dial. Sources are named in :mod:`airflow_provider_netconn.connections.table`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from airflow_provider_netconn.connections.fields import Address, Reading
from airflow_provider_netconn.connections.names import (
    HOST_REMEDY,
    Origin,
    host_name,
    origin,
    port_number,
    refuse_more_than_a_host,
)
from airflow_provider_netconn.target import is_address

WEB_PORTS = {"http": 80, "https": 443}

SCHEME_PORTS = {
    **WEB_PORTS,
    "amqp": 5672,
    "amqps": 5671,
    "ftp": 21,
    "mysql": 3306,
    "mssql": 1433,
    "mongodb": 27017,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "sftp": 22,
    "smtp": 25,
    "smtps": 465,
    "ssh": 22,
    "ws": 80,
    "wss": 443,
}
"""TCP ports of the schemes that a URL in ``host`` may have (IANA's registry; ``rediss``: redis-py)."""

_PROTOCOLS = {
    **{scheme: scheme for scheme in ("http", "https", "amqp", "amqps", "redis", "rediss", "ssh", "smtp", "smtps")},
    **{scheme: scheme for scheme in ("mysql", "postgres", "mongodb")},
    "mssql": "tds",
    "postgresql": "postgres",
    "sftp": "ssh",
    "wss": "tls",
}
"""What is spoken with a URL of such a scheme; any other is but connected to."""
_LONGEST_ACCOUNT = 24


def web_address(found: Origin, reading: Reading) -> Address:
    """The address of an http or https URL, with its own port or its scheme's.

    :raises InvalidConnectionError: it has another scheme
    """
    if found.scheme not in WEB_PORTS:
        raise reading.refusal("the URL is neither http nor https", "write one that starts with https://")
    return Address(host=found.host, port=found.port or WEB_PORTS[found.scheme], protocol=found.scheme)


def bare_host(reading: Reading) -> tuple[Address, ...]:
    """A host name or address and nothing else; the port is the connection's."""
    return (Address(host=host_name(reading, reading.text)),)


def libpq_hosts(reading: Reading) -> tuple[Address, ...]:
    """Hosts as libpq takes them: several with commas, one port for all or one each, ``hostaddr`` to dial instead.

    postgresql.org/docs/current/libpq-connect.html, sections "Specifying Multiple Hosts" and "host"/"hostaddr".
    """
    extra = reading.fields.extra
    hosts = reading.text.split(",")
    if any(host.startswith(("/", "@")) for host in hosts):
        raise reading.refusal("names a Unix socket, which no network leads to", HOST_REMEDY)
    names = [host_name(reading, host) for host in hosts]
    numeric = str(extra.get("hostaddr") or "")
    dials = [_numeric(reading, part) for part in numeric.split(",")] if numeric else [None] * len(names)
    written = str(extra.get("port") or "").split(",") if extra.get("port") else []
    ports = [port_number(reading, part) if part else None for part in written] or [_port_of_iam(reading)]
    if len(ports) == 1:
        ports *= len(names)
    if not len(names) == len(dials) == len(ports):
        raise reading.refusal("hosts, hostaddr and ports differ in number", "write as many of each, or one port")
    return tuple(
        Address(host=name, port=port, dial=dial if dial != name else None)
        for name, dial, port in zip(names, dials, ports, strict=True)
    )


def _numeric(reading: Reading, text: str) -> str:
    name = host_name(reading, text)
    if not is_address(name):
        raise reading.refusal("hostaddr holds a name where libpq takes an address", "write one such as 10.20.0.4")
    return name


def _port_of_iam(reading: Reading) -> int | None:
    # With AWS IAM and Redshift the hook's own default port is Redshift's (PostgresHook.get_iam_token).
    extra = reading.fields.extra
    redshift = extra.get("redshift") or extra.get("redshift-serverless")
    own_default = extra.get("iam") and redshift and not extra.get("azure_conn_id")
    return 5439 if own_default and not reading.fields.port else None


def pymssql_server(reading: Reading) -> tuple[Address, ...]:
    """``host`` or ``host:port``; a port there wins over the connection's. ``.`` and ``(local)`` are this machine."""
    if "\\" in reading.text:
        raise reading.refusal(
            "names an instance, whose port only the server's browser service knows", "write host:port instead"
        )
    if "," in reading.text:
        raise reading.refusal("holds a ',' where FreeTDS takes host:port", "write the port after a ':'")
    if reading.text in {".", "(local)"}:
        return (Address(host="localhost"),)
    return (_host_and_port(reading, reading.text),)


def redis_host(reading: Reading) -> tuple[Address, ...]:
    """A host name, for which the port must be written: the hook hands on None, which redis-py does not take.

    In cluster mode redis-py then passes the host by, where there are startup nodes.
    """
    extra = reading.fields.extra
    if not reading.fields.port and extra.get("cluster") and extra.get("startup_nodes"):
        return ()
    return bare_host(reading)


def redis_nodes(reading: Reading) -> tuple[Address, ...]:
    """``host`` or ``host:port``, several with commas; each has the default port of its own, not the connection's."""
    nodes = [_host_and_port(reading, part.strip()) for part in reading.text.split(",")]
    return tuple(Address(host=node.host, port=node.port or SCHEME_PORTS["redis"]) for node in nodes)


def _host_and_port(reading: Reading, text: str) -> Address:
    refuse_more_than_a_host(reading, text)
    host, colon, port = text.partition(":")
    return Address(host=host_name(reading, host), port=port_number(reading, port) if colon else None)


def http_base_url(reading: Reading) -> tuple[Address, ...]:
    """A URL, or a host with the scheme in ``schema``; the connection's port is put after whatever stands there."""
    fields = reading.fields
    if str(fields.extra.get("srv_lookup", False)).lower() in {"true", "t", "yes", "y", "on", "1"}:
        raise reading.refusal(
            "is the name of SRV records (extra.srv_lookup), which name other hosts", "check these hosts as targets"
        )
    url = reading.text if "://" in reading.text else f"{fields.schema or 'http'}://{reading.text}"
    found = web_address(origin(reading, f"{url}:{fields.port}" if fields.port else url), reading)
    return (found,)


def databricks_host(reading: Reading) -> tuple[Address, ...]:
    """A host or URL; of a URL only the host counts, its scheme and port do not: these are ``schema`` and ``port``."""
    fields = reading.fields
    text = reading.text.rstrip("/")
    host = origin(reading, text).host if "://" in text else text
    scheme = (fields.schema or "").lower()
    # The SQL hook speaks HTTPS whatever `schema` says, and a database's name may stand there.
    scheme = scheme if scheme in WEB_PORTS else "https"
    port = f":{fields.port}" if fields.port else ""
    return (web_address(origin(reading, f"{scheme}://{host}{port}/"), reading),)


def storage_url(reading: Reading) -> tuple[Address, ...]:
    """The URL of a storage service, with or without ``https://``; a signature after ``?`` is dropped."""
    return (_storage_address(reading, reading.text),)


def _storage_address(reading: Reading, url: str) -> Address:
    # The SDK puts https:// before all that does not start with "http", even before another scheme; that is no URL.
    has_scheme = re.match(r"[^/?#]*://", url) is not None or url.lower().startswith("http")
    return web_address(origin(reading, url if has_scheme else f"https://{url}"), reading)


def blob_account_url(reading: Reading) -> tuple[Address, ...]:
    """A URL or DNS name of a blob service; without any dot, the account named in ``login`` is meant.

    As ``parse_blob_account_url`` does: the first label is cut to 24 characters, be it an account's or not. It takes
    ``host:port`` without a scheme for a scheme and a path, and what is left of that is the host, without the port.
    """
    lost_port = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*):(?!//)[0-9]*(/.*)?", reading.text)
    if lost_port:
        return (web_address(origin(reading, f"https://{lost_port[1]}"), reading),)
    text = reading.text if _scheme(reading.text) else f"https://{reading.text}"
    found = origin(reading, text)
    if "." not in text.partition("://")[2].partition("/")[0]:
        return blob_account_of_login(reading, scheme=found.scheme)
    first, dot, rest = found.host.partition(".")
    host = host_name(reading, f"{first[:_LONGEST_ACCOUNT]}{dot}{rest}")
    return (web_address(Origin(scheme=found.scheme, host=host, port=found.port), reading),)


def _scheme(text: str) -> str:
    try:
        return urlsplit(text).scheme
    except ValueError:
        return ""


def blob_account_of_login(reading: Reading, scheme: str = "https") -> tuple[Address, ...]:
    """The storage account named by ``login``, in the public cloud."""
    at_login = reading._replace(where="login")
    account = reading.fields.login
    remedy = "write the account's URL into host, such as https://account.blob.core.windows.net"
    if not account:
        raise reading.refusal("is no DNS name, so login must name the account, and login is empty", remedy)
    tenant = reading.row.client_id_if
    if tenant is not None and tenant.value(reading.fields) is not None:
        raise at_login.refusal("is a client id here (extra.tenant_id), so it names no account", remedy)
    host = host_name(at_login, f"{_account(at_login, account)[:_LONGEST_ACCOUNT]}.blob.core.windows.net")
    return (web_address(Origin(scheme=scheme, host=host, port=None), reading),)


def adls_account(reading: Reading) -> tuple[Address, ...]:
    """The name of a storage account, in the public cloud, by its ``dfs`` and ``blob`` endpoints."""
    host = f"{_account(reading, reading.text)}.dfs.core.windows.net"
    return _dfs_and_blob(Address(host=host, port=WEB_PORTS["https"], protocol="https"))


def adls_url(reading: Reading) -> tuple[Address, ...]:
    """The URL of a storage account's ``dfs`` endpoint, with or without ``https://``, and the ``blob`` one."""
    return _dfs_and_blob(_storage_address(reading, reading.text))


def _dfs_and_blob(dfs: Address) -> tuple[Address, ...]:
    """Files go through the first; making, listing and finding file systems through the second.

    As ``convert_dfs_url_to_blob_url`` of azure-storage-file-datalake.
    """
    return (dfs, dfs._replace(host=dfs.host.replace(".dfs.", ".blob.")))


def data_lake_store(reading: Reading) -> tuple[Address, ...]:
    """The name of a Data Lake Storage Gen1 account, which Azure retired on 29 February 2024."""
    return (Address(host=f"{_account(reading, reading.text)}.azuredatalakestore.net", port=WEB_PORTS["https"]),)


def _account(reading: Reading, text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", text) is None:
        raise reading.refusal(
            "the hook takes the bare name of an account here", "write letters and digits alone, without any dot or URL"
        )
    return text.lower()


def blob_connection_string(reading: Reading) -> tuple[Address, ...]:
    """A storage connection string, by its blob endpoint."""
    return (connection_string_endpoint(reading, "blob"),)


def dfs_connection_string(reading: Reading) -> tuple[Address, ...]:
    """A storage connection string, by its dfs endpoint, which the SDK derives from the blob endpoint, and by both."""
    return _dfs_and_blob(connection_string_endpoint(reading, "dfs"))


def connection_string_endpoint(reading: Reading, service: str) -> Address:
    """One service's endpoint in a storage connection string, as ``parse_connection_str`` of the storage SDKs.

    :param service: ``blob``, ``dfs`` or ``file``; ``dfs`` is derived from the blob endpoint
    """
    parts = reading.text.rstrip(";").split(";")
    if not all("=" in part for part in parts):
        raise reading.refusal("is no connection string", "copy it from the account's page 'Access keys'")
    settings = {name.upper(): value for name, _, value in (part.partition("=") for part in parts)}
    if settings.get("USEDEVELOPMENTSTORAGE") == "true":
        return Address(host="127.0.0.1", port=10000, protocol="http")
    endpoint = "FILEENDPOINT" if service == "file" else "BLOBENDPOINT"
    if endpoint in settings:
        url = settings[endpoint]
    elif "ACCOUNTNAME" in settings:
        account, suffix = settings["ACCOUNTNAME"], settings.get("ENDPOINTSUFFIX")
        scheme = settings.get("DEFAULTENDPOINTSPROTOCOL", "https") if suffix is not None else "https"
        url = f"{scheme}://{account}.{service}.{suffix if suffix is not None else 'core.windows.net'}"
    else:
        raise reading.refusal(
            "the connection string names no account", "it needs AccountName=... or an endpoint's https://..."
        )
    if service == "dfs":
        url = url.replace(".blob.", ".dfs.")
    return _storage_address(reading, url)


def snowflake_account(reading: Reading) -> tuple[Address, ...]:
    """A Snowflake account, by itself or with region, cloud and ``privatelink`` after it; ``region`` replaces these.

    As ``construct_hostname`` of the connector: the region ``us-west-2`` counts for nothing, and regions of China
    (``cn-...``) live under ``.cn``.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]+", reading.text) is None:
        raise reading.refusal("is no Snowflake account", "write one such as xy12345.west-europe.azure.privatelink")
    fields = reading.fields
    region = str(fields.extra.get("region", fields.extra.get("extra__snowflake__region")) or "")
    region = "" if region == "us-west-2" else region
    labels = reading.text.split(".")
    path = [labels[0], region] if region else labels
    domain = "cn" if len(path) > 1 and path[1].lower().startswith("cn-") else "com"
    host = host_name(reading, ".".join([*path, f"snowflakecomputing.{domain}"]))
    return (Address(host=host, port=_snowflake_port(reading)),)


def snowflake_host(reading: Reading) -> tuple[Address, ...]:
    """The host that replaces the one made from the account: a private endpoint of one's own, or a proxy's name."""
    return (Address(host=host_name(reading, reading.text), port=_snowflake_port(reading)),)


def _snowflake_port(reading: Reading) -> int:
    port = reading.fields.extra.get("port")
    return port_number(reading, port) if port else WEB_PORTS["https"]


def host_or_url(reading: Reading) -> tuple[Address, ...]:
    """Whatever a connection of an unknown type holds: a host, with the port beside it or after it, or a URL."""
    fields = reading.fields
    if "://" in reading.text:
        found = origin(reading, reading.text)
        port = found.port or fields.port or SCHEME_PORTS.get(found.scheme)
        return (Address(host=found.host, port=port, protocol=_PROTOCOLS.get(found.scheme)),)
    if is_address(reading.text):
        return (Address(host=reading.text),)
    found = origin(reading, f"//{reading.text}")
    return (Address(host=found.host, port=found.port),)
