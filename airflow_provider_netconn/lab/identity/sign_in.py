"""The client credentials grant: who the client is, and what it asks for.

Microsoft Learn, "OAuth 2.0 client credentials flow on the Microsoft identity platform" (secret, certificate and
federated credential), and "Microsoft identity application authentication certificate credentials".
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import (
    ClientCertificate,
    ClientSecret,
    Directory,
    FederatedCredential,
    Principal,
    Tenant,
)
from airflow_provider_netconn.lab.identity import errors
from airflow_provider_netconn.lab.identity.federation import Federation, IssuerUnreachableError
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Proof, Tokens

GRANT: Final = "client_credentials"
_DEFAULT_SCOPE: Final = "/.default"
_ALL_TENANTS: Final = ("common", "organizations", "consumers")
CLOCK_SKEW_S: Final = 300
_END_OF_TIME: Final = 1e12  # seconds; a claim may hold any number, and one of a thousand digits is no float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a client asks of the token endpoint.

    :param tenant: id or domain, from the URL
    :param form: the parameters of the request's body
    :param audiences: what an assertion may name as its audience: the endpoint itself and its like
    """

    tenant: str
    form: Mapping[str, str] = field(repr=False)
    audiences: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token that was issued.

    :param access_token: the token
    :param expires_in_s: seconds until it expires
    :param resource: whom it is for
    """

    access_token: str = field(repr=False)
    expires_in_s: int
    resource: str


class Authority:
    """Signs applications in.

    :param resources: whom tokens may be for, besides the tenant's own applications
    :param federation: where the keys of federated issuers come from
    """

    def __init__(
        self, directory: Directory, tokens: Tokens, resources: Resources, federation: Federation, clock: Clock
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._resources = resources
        self._federation = federation
        self._clock = clock

    def tenant(self, name: str, error: str = "invalid_request") -> Tenant:
        """The tenant that a URL names.

        :param error: the word of the error
        :raises SignInError: there is none
        """
        tenant = self._directory.tenant(name)
        if tenant is None:
            raise errors.unknown_tenant(name, error)
        return tenant

    async def sign_in(self, request: SignIn) -> Grant:
        """Issue a token for what the client asks.

        :raises SignInError: what Entra would answer
        """
        if request.tenant.lower() in _ALL_TENANTS:
            raise errors.no_tenant_named()
        tenant = self.tenant(request.tenant)
        grant_type = _required(request.form, "grant_type")
        if grant_type != GRANT:
            raise errors.unsupported_grant(grant_type)
        principal = self._client(tenant, _required(request.form, "client_id"))
        resource = _asked_resource(request.form)
        proof = await self._authenticate(request, principal)
        if not self._is_resource(tenant, resource):
            raise errors.unknown_resource(resource, tenant)
        token = self._tokens.issue(principal, audience=resource, proof=proof)
        return Grant(access_token=token, expires_in_s=int(self._tokens.lifetime_s), resource=resource)

    def _client(self, tenant: Tenant, client_id: str) -> Principal:
        principal = self._directory.service_principal(tenant.tenant_id, client_id)
        if principal is not None:
            return principal
        application = self._directory.application(client_id)
        if application is not None and application.tenant_id.lower() == tenant.tenant_id.lower():
            raise errors.no_service_principal(client_id, tenant)
        raise errors.unknown_application(client_id, tenant)

    def _is_resource(self, tenant: Tenant, name: str) -> bool:
        application = self._directory.application_named(name)
        if application is not None:
            return self._directory.service_principal(tenant.tenant_id, application.app_id) is not None
        return self._resources.is_known(name)

    async def _authenticate(self, request: SignIn, principal: Principal) -> Proof:
        client_id = str(principal.app_id)
        if assertion := request.form.get("client_assertion"):
            header, claims = errors.unverified_claims(assertion)
            # A client's own assertion is issued by itself; any other was issued by whom the application trusts.
            if str(claims.get("iss", "")).lower() == client_id.lower():
                self._check_own_assertion(request, client_id, assertion, header, claims)
            else:
                await self._check_federated(principal, assertion, claims)
            return Proof.ASSERTION
        if secret := request.form.get("client_secret"):
            self._check_secret(client_id, secret)
            return Proof.SECRET
        raise errors.no_client_credential()

    def _check_secret(self, client_id: str, secret: str) -> None:
        same = [
            one
            for one in self._directory.credentials(client_id)
            if isinstance(one, ClientSecret) and hmac.compare_digest(one.value.encode(), secret.encode())
        ]
        if not same:
            raise errors.wrong_secret(client_id)
        if not any(one.expires_at is None or self._clock.now() < one.expires_at for one in same):
            raise errors.expired_secret(client_id)

    def _check_own_assertion(
        self, request: SignIn, client_id: str, assertion: str, header: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> None:
        thumbprint = _thumbprint(header)
        if str(claims.get("sub", "")).lower() != client_id.lower():
            raise errors.assertion_of_another("sub")
        if not _audiences(claims) & request.audiences:
            raise errors.assertion_of_another("aud")
        self._check_times(claims)
        certificate = self._certificate(client_id, thumbprint)
        key = certificate.certificate.public_key()
        named = thumbprint.hex().upper()
        if not isinstance(key, rsa.RSAPublicKey) or not _is_signed_by(assertion, key):
            reason = "Key was found, but use of the key to verify the signature failed."
            raise errors.wrong_signature(client_id, named, reason)
        if not self._is_in_force(certificate):
            raise errors.wrong_signature(client_id, named, "The key used is expired.")

    def _certificate(self, client_id: str, thumbprint: bytes) -> ClientCertificate:
        for one in self._directory.credentials(client_id):
            if isinstance(one, ClientCertificate) and thumbprint in {one.sha1, one.sha256}:
                return one
        raise errors.unknown_certificate(client_id, thumbprint.hex().upper())

    def _is_in_force(self, certificate: ClientCertificate) -> bool:
        found = certificate.certificate
        return found.not_valid_before_utc.timestamp() <= self._clock.now() < found.not_valid_after_utc.timestamp()

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, start, end = self._clock.now(), _seconds(claims, "nbf"), _seconds(claims, "exp")
        if end is None or now >= end + CLOCK_SKEW_S or (start is not None and now < start - CLOCK_SKEW_S):
            raise errors.assertion_out_of_time(now, start, end)

    async def _check_federated(self, principal: Principal, assertion: str, claims: Mapping[str, Any]) -> None:
        client_id, issuer = str(principal.app_id), str(claims.get("iss", ""))
        trusted = [one for one in self._directory.credentials(client_id) if isinstance(one, FederatedCredential)]
        _check_federated_match(principal, trusted, claims)
        # Only now: an issuer that nobody registered is never fetched from.
        try:
            keys = await self._federation.public_keys(issuer)
        except IssuerUnreachableError:
            raise errors.issuer_out_of_reach(issuer) from None
        if not any(_is_signed_by(assertion, key) for key in _rsa_keys(keys)):
            raise errors.federated_signature()
        self._check_times(claims)


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise errors.missing_parameter(name)
    return value


def _asked_resource(form: Mapping[str, str]) -> str:
    """The resource: ``resource`` of the first endpoint, or what stands before ``/.default`` in ``scope`` of the second.

    A slash that ends the resource is kept, as Entra keeps it in the token's audience.
    """
    if form.get("resource"):
        return form["resource"]
    scopes = _required(form, "scope").split()
    for scope in scopes:
        if not scope.endswith(_DEFAULT_SCOPE) or scope == _DEFAULT_SCOPE:
            raise errors.invalid_scope(scope)
    resources = {scope.removesuffix(_DEFAULT_SCOPE) for scope in scopes}
    if len(resources) != 1:
        raise errors.several_resources(form["scope"])
    return resources.pop()


def _thumbprint(header: Mapping[str, Any]) -> bytes:
    # ``kid`` is the thumbprint in hex where a client sends it alone.
    named = header.get("x5t#S256") or header.get("x5t")
    try:
        if named:
            return base64.urlsafe_b64decode(f"{named}{'=' * (-len(named) % 4)}")
        if header.get("kid"):
            return bytes.fromhex(header["kid"])
    except (TypeError, ValueError, binascii.Error):
        raise errors.malformed_assertion() from None
    raise errors.assertion_without_key()


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    audience = claims.get("aud")
    return frozenset(str(one) for one in (audience if isinstance(audience, list) else [audience]))


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and abs(value) < _END_OF_TIME else None


def _is_signed_by(assertion: str, key: rsa.RSAPublicKey) -> bool:
    try:
        # The claims are compared elsewhere: times by the lab's clock, and all with Entra's own errors.
        jwt.PyJWS().decode(assertion, key, algorithms=["RS256", "PS256"])
    except jwt.InvalidTokenError:
        return False
    return True


def _rsa_keys(keys: list[dict[str, Any]]) -> list[rsa.RSAPublicKey]:
    found = []
    for key in keys:
        try:
            loaded = jwt.PyJWK(key, algorithm="RS256").key
        except (jwt.PyJWKError, jwt.InvalidKeyError):
            continue
        if isinstance(loaded, rsa.RSAPublicKey):
            found.append(loaded)
    return found


def _check_federated_match(principal: Principal, trusted: list[FederatedCredential], claims: Mapping[str, Any]) -> None:
    if not trusted:
        raise errors.no_federation(str(principal.app_id), principal.display_name)
    issuer, subject, audiences = str(claims.get("iss", "")), str(claims.get("sub", "")), _audiences(claims)
    trusted = [one for one in trusted if one.issuer == issuer]
    if not trusted:
        raise errors.no_federated_match(700211, "issuer", issuer)
    by_subject = [one for one in trusted if one.subject == subject]
    if not by_subject:
        raise errors.no_federated_match(700213, "subject", subject)
    if not any(one.audience in audiences for one in by_subject):
        raise errors.no_federated_match(700212, "audience", ", ".join(sorted(audiences)))
