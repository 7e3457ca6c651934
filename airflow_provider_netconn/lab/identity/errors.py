"""What the authority refuses, with Entra's numbers and words.

Numbers and meanings: Microsoft Learn, "Microsoft Entra authentication and authorization error codes"; words and status
from answers of the service that users published.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt

from airflow_provider_netconn.lab.directory import Tenant

_CERTIFICATE_PAGE = "https://learn.microsoft.com/entra/identity-platform/certificate-credentials"
_FEDERATION_PAGE = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
_INSTALL = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by "
    "any user in the tenant. You {} have sent your authentication request to the wrong tenant."
)


class SignInError(Exception):
    """A refused request for a token.

    :param code: the number behind ``AADSTS``
    :param error: the word of OAuth 2.0 (RFC 6749, 5.2), or one of Entra's own
    """

    def __init__(self, code: int, error: str, message: str) -> None:
        super().__init__(f"AADSTS{code}: {message}")
        self.code = code
        self.error = error

    @property
    def status(self) -> int:
        """The HTTP status: 401 where the client failed to show who it is, else 400."""
        return 401 if self.error == "invalid_client" else 400

    def body(self, *, authority: str, now: float, trace_id: str, correlation_id: str) -> dict[str, Any]:
        """The answer's JSON.

        :param authority: the authority's address, without a slash at the end
        :param now: seconds since the epoch
        """
        timestamp = _time(now)
        ids = f"Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
        return {
            "error": self.error,
            "error_description": f"{self} {ids}",
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"{authority}/error?code={self.code}",
        }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def missing_parameter(name: str) -> SignInError:
    """The form lacks a parameter."""
    return SignInError(900144, "invalid_request", f"The request body must contain the following parameter: '{name}'.")


def unsupported_grant(grant_type: str) -> SignInError:
    """The grant type is none that the authority knows."""
    return SignInError(70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{grant_type}'.")


def unknown_tenant(name: str, error: str = "invalid_request") -> SignInError:
    """No tenant of that id or domain; the discovery document answers ``invalid_tenant``."""
    return SignInError(
        90002,
        error,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    )


def no_tenant_named() -> SignInError:
    """An application signed in to ``common`` or ``organizations``, which name no tenant."""
    return SignInError(
        50059,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    )


def unknown_application(client_id: str, tenant: Tenant) -> SignInError:
    """No application of that id, or the tenant did not consent to it."""
    return SignInError(
        700016,
        "unauthorized_client",
        f"Application with identifier '{client_id}' was not found in the directory '{tenant.display_name}'. "
        + _INSTALL.format("may"),
    )


def no_service_principal(client_id: str, tenant: Tenant) -> SignInError:
    """The application is registered in this tenant and has no service principal there."""
    return SignInError(
        7000229,
        "unauthorized_client",
        f"The client application {client_id} is missing service principal in the tenant {tenant.tenant_id}. See "
        "instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
    )


def unknown_resource(name: str, tenant: Tenant) -> SignInError:
    """The tenant has no resource of that name."""
    return SignInError(
        500011,
        "invalid_resource",
        f"The resource principal named {name} was not found in the tenant named {tenant.display_name}. "
        + _INSTALL.format("might"),
    )


def invalid_scope(scope: str) -> SignInError:
    """An application for itself may only ask for ``/.default``."""
    return SignInError(
        1002012,
        "invalid_scope",
        f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    )


def several_resources(scope: str) -> SignInError:
    """One request asks for tokens of several resources."""
    return SignInError(
        28000,
        "invalid_scope",
        f"Provided value for the input parameter scope is not valid because it contains more than one resource. "
        f"Scope {scope} is not valid.",
    )


def no_client_credential() -> SignInError:
    """The client sent neither secret nor assertion."""
    return SignInError(
        7000216,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    )


def wrong_secret(client_id: str) -> SignInError:
    """The secret is none of the application's."""
    return SignInError(
        7000215,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{client_id}'.",
    )


def expired_secret(client_id: str) -> SignInError:
    """The secret was right once."""
    return SignInError(
        7000222,
        "invalid_client",
        f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
    )


def malformed_assertion() -> SignInError:
    """The assertion is no JSON Web Token."""
    return SignInError(50027, "invalid_request", "JWT token is invalid or malformed.")


def assertion_without_key() -> SignInError:
    """The assertion's header does not say which certificate signed it."""
    return SignInError(
        5002723,
        "invalid_client",
        "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in "
        "token header.",
    )


def assertion_of_another(claim: str) -> SignInError:
    """Subject or audience of the assertion differ from the client or the authority.

    :param claim: ``sub`` or ``aud``
    """
    if claim == "sub":
        code, words = 700021, "Client assertion application identifier doesn't match 'client_id' parameter."
    else:
        code, words = 700023, "Client assertion audience claim does not match Realm issuer."
    return SignInError(code, "invalid_client", f"{words} Review the documentation at {_CERTIFICATE_PAGE} .")


def assertion_out_of_time(now: float, not_before: float | None, expires_at: float | None) -> SignInError:
    """The assertion is expired, not yet valid, or says not when."""
    start, end = (_iso(moment) if moment is not None else "" for moment in (not_before, expires_at))
    return SignInError(
        700024,
        "invalid_client",
        f"Client assertion is not within its valid time range. Current time: {_iso(now)}, assertion valid from "
        f"{start}, expiry time of assertion {end}. Review the documentation at {_CERTIFICATE_PAGE} .",
    )


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    except (OverflowError, ValueError, OSError):
        return ""  # a claim may hold any number


def _configured_keys(client_id: str) -> str:
    return (
        f"Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id "
        f"'{client_id}'."
    )


def unknown_certificate(client_id: str, thumbprint: str) -> SignInError:
    """The certificate that signed the assertion is none of the application's.

    :param thumbprint: as the client names it, in upper-case hex
    """
    return SignInError(
        700027,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - "
        f"The key was not found., Thumbprint of key used by client: '{thumbprint}', {_configured_keys(client_id)}]",
    )


def wrong_signature(client_id: str, thumbprint: str, reason: str) -> SignInError:
    """The named certificate is the application's and did not make this signature, or is expired."""
    return SignInError(
        700027,
        "invalid_client",
        f"Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key used by client: "
        f"'{thumbprint}', {_configured_keys(client_id)}]",
    )


def no_federation(client_id: str, display_name: str) -> SignInError:
    """The application trusts no other issuer at all."""
    return SignInError(
        70025,
        "invalid_client",
        f"The client '{client_id}'({display_name}) has no configured federated identity credentials.",
    )


def no_federated_match(code: int, claim: str, value: str) -> SignInError:
    """The federated token's issuer (700211), audience (700212) or subject (700213) is not the registered one."""
    return SignInError(
        code,
        "invalid_client",
        f"No matching federated identity record found for presented assertion {claim} '{value}'. Check your federated "
        f"identity credential Subject, Audience and Issuer against the presented assertion. {_FEDERATION_PAGE}",
    )


def federated_signature() -> SignInError:
    """No key of the issuer made the federated token's signature."""
    return SignInError(
        50013, "invalid_client", "Assertion failed signature validation. [Reason - The key was not found.]"
    )


def issuer_out_of_reach(issuer: str) -> SignInError:
    """The issuer's discovery document or keys could not be read."""
    return SignInError(50166, "invalid_request", f"Request to External OIDC endpoint failed. Issuer: '{issuer}'.")


def only_post(method: str) -> SignInError:
    """The token endpoint was asked by another method."""
    return SignInError(
        900561, "invalid_request", f"The endpoint only accepts POST requests. Received a {method} request."
    )


def unverified_claims(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of an assertion, of which nothing is proven yet.

    :raises SignInError: it is no JSON Web Token
    """
    try:
        parts = jwt.decode_complete(assertion, options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError):
        raise malformed_assertion() from None
    return parts["header"], parts["payload"]
