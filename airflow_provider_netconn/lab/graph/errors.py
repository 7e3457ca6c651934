"""What Graph refuses, in its own words (Microsoft Learn, "Microsoft Graph error responses and resource types")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_netconn.lab.identity.tokens import TokenFault


class GraphError(Exception):
    """A refused request.

    :param status: HTTP status
    :param code: Graph's word for it
    :param details: further codes with their targets
    """

    def __init__(self, status: int, code: str, message: str, details: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = tuple(details)

    def body(self, *, now: float, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The answer's JSON.

        :param now: seconds since the epoch
        """
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.details:
            error["details"] = list(self.details)
        error["innerError"] = {
            "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": error}


# A GUID, or the name of a user.
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[^@]+@[^@]+", re.IGNORECASE | re.ASCII)
_TOKEN_WORDS = {
    TokenFault.MISSING: "Access token is empty.",
    TokenFault.MALFORMED: "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or "
    "JWE Compact Serialization Format.",
    TokenFault.SIGNATURE: "Access token validation failure. Invalid signature.",
    TokenFault.EXPIRED: "Lifetime validation failed, the token is expired.",
    TokenFault.AUDIENCE: "Access token validation failure. Invalid audience.",
}


def bad_token(fault: TokenFault) -> GraphError:
    """The bearer token is not accepted."""
    return GraphError(401, "InvalidAuthenticationToken", _TOKEN_WORDS[fault])


def caller_gone() -> GraphError:
    """The token is good, and who it speaks for is in the tenant no more."""
    return GraphError(
        401, "Authorization_IdentityNotFound", "The identity of the calling application could not be established."
    )


def not_allowed() -> GraphError:
    """The caller lacks the permission."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def not_found(identifier: str) -> GraphError:
    """No object of that id or name; what can be neither is refused as such."""
    if not _IDENTIFIER.fullmatch(identifier):
        return bad_request(f"Invalid object identifier '{identifier}'.")
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{identifier}' does not exist or one of its queried reference-property objects are not present.",
    )


def bad_request(message: str) -> GraphError:
    """The request itself is wrong."""
    return GraphError(400, "Request_BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    """A query that this resource does not answer."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def name_in_use(app_id: str) -> GraphError:
    """The tenant has the application already."""
    return GraphError(
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "The service principal cannot be created, updated, or restored because the service principal name "
        f"{app_id} is already in use.",
        [
            {
                "code": "ConflictingObjects",
                "message": "Another object with the same value for property servicePrincipalNames already exists.",
                "target": "servicePrincipalNames",
            }
        ],
    )


def no_backing_application(app_id: str) -> GraphError:
    """No application of that id, or none that this tenant may have."""
    message = f"The appId '{app_id}' of the service principal does not reference a valid application object."
    detail = {"code": "NoBackingApplicationObject", "message": message, "target": "appId"}
    return GraphError(400, "Request_BadRequest", message, [detail])


def foreign_application() -> GraphError:
    """An application that may make its own service principals wants one of another tenant's application."""
    return GraphError(
        403,
        "Authorization_RequestDenied",
        "When using this permission, the backing application of the service principal being created must in the local "
        "tenant",
    )
