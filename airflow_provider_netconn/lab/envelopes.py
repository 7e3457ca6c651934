"""How each service words a refusal that a fault asked for."""

from __future__ import annotations

import datetime
import uuid
from typing import Any, Final

from airflow_provider_netconn.lab.arm.errors import ArmError, resource_not_found
from airflow_provider_netconn.lab.arm.identifiers import MalformedPathError, parse_path
from airflow_provider_netconn.lab.effects import ExpireToken, HideAfterPut, Refuse

_EXPIRED_FOR_S: Final = 300
_TRANSIENT: Final = 90033
"""AADSTS90033, "A transient error has occurred": Microsoft Learn, "Microsoft Entra authentication error codes"."""


def refusal(effect: Refuse | ExpireToken | HideAfterPut, path: str, now: float) -> Refuse:
    """What is answered under a fault.

    :param path: the request's; a resource that is not found is named
    :param now: the lab's time, in seconds since the epoch
    """
    if isinstance(effect, Refuse):
        return effect
    if isinstance(effect, ExpireToken):
        expired, seen = (f"{_utc(at):%-m/%-d/%Y %-I:%M:%S %p}" for at in (now - _EXPIRED_FOR_S, now))
        message = f"The access token expiry UTC time '{expired}' is earlier than current UTC time '{seen}'."
        return Refuse(status=401, code="ExpiredAuthenticationToken", message=message)
    error = _not_found(path)
    return Refuse(status=error.status, code=error.code, message=error.message)


def envelope(service: str, refused: Refuse, correlation_id: str, now: float) -> dict[str, Any]:
    """The JSON body of a refusal, as that service words it.

    :param service: ``arm``, ``graph``, ``astro``, ``authority`` or ``managed_identity``
    """
    if service == "astro":
        return {"message": refused.message, "requestId": correlation_id, "statusCode": refused.status}
    if service in {"authority", "managed_identity"}:
        # RFC 6749, section 4.1.2.1, has these two for a server that is down for the moment and one that failed.
        error = "temporarily_unavailable" if refused.status in {429, 503, 504} else "server_error"
        return {
            "error": error,
            "error_description": f"AADSTS{_TRANSIENT}: {refused.message} Correlation ID: {correlation_id}",
            "error_codes": [_TRANSIENT],
            "timestamp": f"{_utc(now):%Y-%m-%d %H:%M:%SZ}",
            "trace_id": str(uuid.uuid4()),
            "correlation_id": correlation_id,
        }
    error_value: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if refused.details is not None:
        error_value["details"] = [dict(detail) for detail in refused.details]
    if service == "graph":
        date = f"{_utc(now):%Y-%m-%dT%H:%M:%S}"
        error_value["innerError"] = {"date": date, "request-id": correlation_id, "client-request-id": correlation_id}
    return {"error": error_value}


def headers(service: str, refused: Refuse, correlation_id: str) -> list[tuple[str, str]]:
    """The headers of a refusal besides its content type."""
    found = []
    if refused.retry_after_s is not None:
        found.append(("Retry-After", str(refused.retry_after_s)))
    if service == "arm":
        found += [("x-ms-correlation-request-id", correlation_id), ("x-ms-request-id", correlation_id)]
    if refused.status == 401 and service in {"arm", "graph"}:
        challenge = f'Bearer error="invalid_token", error_description="{refused.message}"'
        found.append(("WWW-Authenticate", challenge))
    return found


def _not_found(path: str) -> ArmError:
    try:
        parsed = parse_path(path)
        return resource_not_found(parsed.type, "/".join(parsed.names), parsed.group or "")
    except MalformedPathError:
        return resource_not_found("", path, "")


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
