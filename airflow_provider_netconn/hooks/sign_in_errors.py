"""What an error of a hook means: refused credentials, a firewall, a network failure. Never its message.

Read are: the classes of the error and of those that caused it, codes that a service gives, and words that a server is
known to say. Only a class's name and a code out of the tables below are handed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from airflow_provider_netconn.evidence import Finding

_MAX_CHAIN: Final = 12

_CODES: Final = {
    Finding.FIREWALL_REFUSED: (
        # Azure Storage: learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
        "AuthorizationFailure", "AuthorizationSourceIPMismatch", "NetworkAclDenied", "ForbiddenByFirewall",
        # Azure SQL: 40615 address, 40914 virtual network rule, 47073 public access off. Azure's MySQL: 9000.
        "40615", "40914", "47073", "9000", "390422",
    ),
    Finding.PUBLIC_ACCESS_OFF: ("PublicAccessNotPermitted",),
    Finding.KEYS_NOT_ALLOWED: ("KeyBasedAuthenticationNotPermitted", "AuthenticationDisabled"),
    Finding.PERMISSION_MISSING: (
        "AuthorizationPermissionMismatch", "AuthorizationServiceMismatch", "AuthorizationResourceTypeMismatch",
        "AuthorizationProtocolMismatch", "InsufficientAccountPermissions", "AuthorizationFailed",
        "LinkedAuthorizationFailed", "Authorization_RequestDenied", "ForbiddenByRbac",
        # SQL Server: 4060 database, 229 object. MySQL: 1044 database. MongoDB: 13 Unauthorized.
        "4060", "229", "1044", "13",
        "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED",
    ),
    Finding.CREDENTIALS_REFUSED: (
        "AuthenticationFailed", "NoAuthenticationInformation", "InvalidAuthenticationInfo",
        "InvalidAuthenticationToken", "InvalidAuthenticationTokenTenant", "ExpiredAuthenticationToken",
        "AccountIsDisabled", "Unauthorized",
        # SQL Server: 18456 login, 18452 domain. MySQL: 1045, 1698. MongoDB: 18. Snowflake: 390100 and on.
        "18456", "18452", "1045", "1698", "18", "8000", "390100", "390144", "390101",
        "28P01", "28000",
        "_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED",
    ),
    Finding.CONNECT_FAILED: (
        "2002", "2003", "2005", "2013", "20002", "20009", "250003", "251005", "08001", "08S01",
        "_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_RESOLVE", "_SSL",
    ),
}  # fmt: skip
_FINDING_OF_CODE: Final = {code: finding for finding, codes in _CODES.items() for code in codes}

_CLASSES: Final = {
    Finding.NO_TOKEN: ("CredentialUnavailableError",),
    Finding.CREDENTIALS_REFUSED: (
        "redis.exceptions.AuthenticationError", "redis.exceptions.AuthenticationWrongNumberOfArgsError",
        "paramiko.ssh_exception.AuthenticationException", "paramiko.ssh_exception.BadAuthenticationType",
        "smtplib.SMTPAuthenticationError",
    ),
    Finding.PERMISSION_MISSING: ("redis.exceptions.NoPermissionError",),
    Finding.CONNECT_FAILED: (
        "azure.core.exceptions.ServiceRequestError", "azure.core.exceptions.ServiceResponseError",
        "azure.core.exceptions.ServiceRequestTimeoutError", "azure.core.exceptions.ServiceResponseTimeoutError",
        "requests.exceptions.ConnectionError", "requests.exceptions.Timeout", "requests.exceptions.SSLError",
        "urllib3.exceptions.NewConnectionError", "urllib3.exceptions.MaxRetryError",
        "redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError",
        "pymongo.errors.ServerSelectionTimeoutError", "pymongo.errors.AutoReconnect", "pymongo.errors.NetworkTimeout",
        "paramiko.ssh_exception.NoValidConnectionsError",
        "smtplib.SMTPServerDisconnected", "smtplib.SMTPConnectError",
        "azure.kusto.data.exceptions.KustoNetworkError", "psycopg.errors.ConnectionTimeout",
        "azure.servicebus.exceptions.ServiceBusConnectionError", "httpx.TransportError", "httpx.ConnectError",
    ),
}  # fmt: skip
_FINDING_OF_CLASS: Final = {name: finding for finding, names in _CLASSES.items() for name in names}

# Words of servers whose clients give no code for a failed connection (libpq, FreeTDS, ODBC) and of Azure Cosmos DB.
_WORDS: Final = (
    (
        Finding.FIREWALL_REFUSED,
        r"no pg_hba\.conf entry|pg_hba\.conf rejects|is not allowed to (?:access|connect)|blocked by your Cosmos DB",
    ),
    (Finding.CREDENTIALS_REFUSED, r"password authentication failed|no password supplied|Access denied for user"),
    (Finding.CREDENTIALS_REFUSED, r'role "[^"]*" does not exist|Login failed for user|Incorrect username or password'),
    (Finding.PERMISSION_MISSING, r'permission denied for|database "[^"]*" does not exist'),
    (
        Finding.CONNECT_FAILED,
        r"could not translate host name|Connection refused|timeout expired|No route to host|Network is unreachable"
        r"|server closed the connection unexpectedly|connection timed out|Name or service not known"
        r"|failed to resolve host|could not connect to server",
    ),
)
_NUMBERS: Final = re.compile(r"(?<![\w.])(40615|40914|47073|18456|18452|4060|20009|20002)(?![\w.])")
_ENTRA_CODE: Final = re.compile(r"\bAADSTS[0-9]{4,7}\b")
_NETWORK_ERRORS: Final = (ConnectionError, TimeoutError)
_UNAUTHORIZED, _FORBIDDEN = 401, 403


def classify(error: BaseException) -> dict[str, Any]:
    """What the error means, as ``finding``, the ``error``'s class, and a ``code`` where one is recognised."""
    said: dict[str, Any] = {"finding": Finding.SIGN_IN_FAILED.value, "error": _name(error)}
    chain = list(_chain(error))
    for read in (_by_firewall_words, _by_code, _by_identity, _by_class, _by_words, _by_status):
        for link in chain:
            found = read(link, chain)
            if found is not None:
                finding, code = found
                return said | {"finding": finding.value, "error": _name(link)} | ({"code": code} if code else {})
    return said


_Found = tuple[Finding, str] | None
_Reader = Callable[[BaseException, list[BaseException]], _Found]


def _by_firewall_words(error: BaseException, _chain: list[BaseException]) -> _Found:
    """PostgreSQL has one code for this and for a refused login."""
    finding, words = _WORDS[0]
    return (finding, "") if re.search(words, str(error), re.IGNORECASE) else None


def _by_code(error: BaseException, _chain: list[BaseException]) -> _Found:
    """A code that the service gave, where its class gives one."""
    for code in _codes(error):
        if code == "AuthorizationFailure" and "failed to authenticate" in str(error):
            return Finding.CREDENTIALS_REFUSED, code  # as Azurite 3.35 has it; Azure says AuthenticationFailed
        if code in _FINDING_OF_CODE:
            return _FINDING_OF_CODE[code], code
    return None


def _codes(error: BaseException) -> Iterator[str]:
    """Codes as the clients' errors hold them: Azure, DB-API, PyMongo, librdkafka, Snowflake."""
    module = type(error).__module__
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None)
    if headers is not None and hasattr(headers, "get"):
        yield str(headers.get("x-ms-error-code"))
    for holder, name in ((error, "error_code"), (getattr(error, "error", None), "code")):
        code = getattr(holder, name, None)
        yield str(getattr(code, "value", code))
    for name in ("sqlstate", "pgcode", "errno"):
        # errno is MySQL's and Snowflake's number here, and the system's in an OSError.
        if not isinstance(error, OSError):
            yield str(getattr(error, name, None))
    if module.startswith("pymongo"):
        yield str(getattr(error, "code", None))
    first = error.args[0] if error.args else None
    if module.startswith("cimpl") and first is not None and hasattr(first, "name"):
        yield str(first.name())
    if module.startswith(("pymssql", "MySQLdb", "pymysql")) and isinstance(first, int):
        yield str(first)
    if module.startswith("pyodbc"):
        yield from _NUMBERS.findall(str(error))
        yield str(first)


def _by_identity(error: BaseException, chain: list[BaseException]) -> _Found:
    """An error of azure-identity: no token, unless Entra ID was not reached at all."""
    if type(error).__name__ not in {"ClientAuthenticationError", "CredentialUnavailableError"}:
        return None
    entra = _ENTRA_CODE.search(str(error))
    if getattr(error, "status_code", None) and entra is None:  # the service's own 401, not Entra ID's
        return None
    # A chain of credentials asks the machine's own identity service, which need not be there.
    asked_many = "failed to retrieve a token from the included credentials" in str(error)
    alone = type(error).__name__ == "ClientAuthenticationError" and not asked_many and entra is None
    if alone and any(_by_class(link, chain) for link in chain if link is not error):
        return Finding.CONNECT_FAILED, ""
    return Finding.NO_TOKEN, entra[0] if entra else ""


def _by_class(error: BaseException, _chain: list[BaseException]) -> _Found:
    import socket
    import ssl

    for kind in type(error).__mro__:
        finding = _FINDING_OF_CLASS.get(f"{kind.__module__}.{kind.__qualname__}") or _FINDING_OF_CLASS.get(
            kind.__name__
        )
        if finding is not None:
            return finding, ""
    if isinstance(error, (*_NETWORK_ERRORS, socket.gaierror, ssl.SSLError)):
        return Finding.CONNECT_FAILED, ""
    return None


def _by_words(error: BaseException, _chain: list[BaseException]) -> _Found:
    text = str(error)
    number = _NUMBERS.search(text)
    if number and type(error).__module__.startswith(("pymssql", "pyodbc")):
        return _FINDING_OF_CODE[number[1]], number[1]
    return next(((finding, "") for finding, words in _WORDS if re.search(words, text, re.IGNORECASE)), None)


def _by_status(error: BaseException, _chain: list[BaseException]) -> _Found:
    """An HTTP status without a code that is known."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if status == _UNAUTHORIZED:
        return Finding.CREDENTIALS_REFUSED, "401"
    return (Finding.PERMISSION_MISSING, "403") if status == _FORBIDDEN else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the outermost first."""
    link: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
