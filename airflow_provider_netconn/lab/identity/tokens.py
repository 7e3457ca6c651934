"""Access tokens as Entra ID issues them, and their verification as a resource does it.

Claims follow Microsoft Learn, "Access token claims reference": a resource gets tokens of version 1.0 or 2.0 by its own
registration, whichever endpoint the client used. Resource Manager and Graph have version 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Directory, Principal, PrincipalKind, ServicePrincipalType
from airflow_provider_netconn.lab.identity.resources import Resources

V1_ISSUER: Final = "https://sts.windows.net/{tenant_id}/"
V2_ISSUER: Final = "https://login.microsoftonline.com/{tenant_id}/v2.0"
# Entra dates tokens back, for clients and resources whose clocks differ.
DATED_BACK_S: Final = 300
DEFAULT_LIFETIME_S: Final = 3599
MAX_CACHED: Final = 10_000


class TokenFault(StrEnum):
    """What is wrong with a token."""

    MISSING = "missing"
    MALFORMED = "malformed"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    AUDIENCE = "audience"


class TokenError(Exception):
    """A token that is not accepted. Its text tells no part of the token but the claims named in it.

    :param reason: what is wrong
    """

    def __init__(self, reason: TokenFault, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Whom an accepted token speaks for.

    :param app_id: the client that the token was issued to; None for a user's token without one
    :param audience: as the token has it
    :param expires_at: seconds since the epoch
    :param permissions: what it may do at the audience: an application's roles, or a user's delegated scopes
    :param is_user: whether it was issued to a user, and not to an application for itself
    """

    tenant_id: str
    object_id: str
    app_id: str | None
    audience: str
    expires_at: float
    permissions: frozenset[str] = frozenset()
    is_user: bool = False


class Proof(StrEnum):
    """How a client showed who it is, as the claims ``appidacr`` and ``azpacr`` spell it."""

    NONE = "0"
    SECRET = "1"
    ASSERTION = "2"


class Tokens:
    """Issues and verifies the access tokens of one lab, all signed by one key.

    :param lifetime_s: how long tokens are valid unless said otherwise, in seconds; may be set at any time
    :param private_key_pem: RSA key in PEM to go on with; a new one by default
    """

    def __init__(
        self,
        directory: Directory,
        resources: Resources,
        clock: Clock,
        *,
        lifetime_s: float = DEFAULT_LIFETIME_S,
        private_key_pem: str | None = None,
    ) -> None:
        self.lifetime_s = lifetime_s
        self._directory = directory
        self._resources = resources
        self._clock = clock
        self._key = _load_key(private_key_pem)
        self._public_key = self._key.public_key()
        self._key_id = key_id(self._public_key)
        self._verified: OrderedDict[str, tuple[Claims, float]] = OrderedDict()

    def private_key_pem(self) -> str:
        """The signing key in PEM, for a lab that wants to know its own tokens after a restart. A secret."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")

    def public_keys(self) -> list[dict[str, Any]]:
        """The public key as a list of JSON Web Keys (RFC 7517)."""
        return [json_web_key(self._public_key)]

    def issue(
        self,
        principal: Principal,
        *,
        audience: str,
        lifetime_s: float | None = None,
        proof: Proof = Proof.SECRET,
        client_id: str | None = None,
    ) -> str:
        """Issue an access token.

        :param audience: the resource, as the client named it
        :param lifetime_s: seconds until it expires; :attr:`lifetime_s` by default
        :param proof: how the client showed who it is
        :param client_id: the application that a user signed in to; not for service principals
        """
        now = int(self._clock.now())
        lifetime = self.lifetime_s if lifetime_s is None else lifetime_s
        version = self._version(audience)
        issuer = V1_ISSUER if version == 1 else V2_ISSUER
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": issuer.format(tenant_id=principal.tenant_id),
            "iat": now - DATED_BACK_S,
            "nbf": now - DATED_BACK_S,
            "exp": now + int(lifetime),
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": principal.tenant_id,
            "uti": base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode("ascii"),
            "ver": f"{version}.0",
            **_client_claims(principal.app_id or client_id, version, proof),
            **self._subject_claims(principal, audience, version),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def verify(self, token: str | None, audiences: Collection[str]) -> Claims:
        """Accept a bearer token, or say why not.

        :param token: as the client sent it, without ``Bearer``
        :param audiences: names of the resource; a slash at the end makes no difference
        :raises TokenError: it is missing, malformed, signed by another, expired, not yet valid, or for another resource
        """
        if not token:
            raise TokenError(TokenFault.MISSING, "no access token")
        claims, not_before = self._verified.get(token) or self._check(token)
        now = self._clock.now()
        if not not_before <= now < claims.expires_at:
            raise TokenError(
                TokenFault.EXPIRED, f"valid from {not_before:.0f} to {claims.expires_at:.0f}, not {now:.0f}"
            )
        if claims.audience.rstrip("/") not in {audience.rstrip("/") for audience in audiences}:
            raise TokenError(TokenFault.AUDIENCE, f"for {claims.audience}, and not for {', '.join(sorted(audiences))}")
        return claims

    def _check(self, token: str) -> tuple[Claims, float]:
        try:
            # Times are the lab's, and so are compared by the caller, also for tokens that are known already.
            found = jwt.decode(
                token,
                self._public_key,
                algorithms=["RS256"],
                options={
                    "require": ["exp", "nbf", "aud", "tid", "oid"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                },
            )
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            raise TokenError(TokenFault.SIGNATURE, "not signed by this lab's authority") from None
        except (jwt.InvalidTokenError, RecursionError) as error:
            raise TokenError(TokenFault.MALFORMED, f"no access token: {type(error).__name__}") from None
        checked = _read_claims(found), float(found["nbf"])
        self._verified[token] = checked
        while len(self._verified) > MAX_CACHED:
            self._verified.popitem(last=False)
        return checked

    def _version(self, audience: str) -> int:
        application = self._directory.application_named(audience)
        return application.access_token_version if application else 1

    def _subject_claims(self, principal: Principal, audience: str, version: int) -> dict[str, Any]:
        if principal.kind is PrincipalKind.USER:
            return {
                "idtyp": "user",
                "name": principal.display_name,
                "scp": " ".join(principal.graph_permissions)
                if self._resources.is_graph(audience)
                else "user_impersonation",
                ("upn" if version == 1 else "preferred_username"): principal.user_principal_name,
            }
        claims: dict[str, Any] = {"idtyp": "app"}
        if version == 1:
            claims["idp"] = V1_ISSUER.format(tenant_id=principal.tenant_id)
        if principal.service_principal_type is ServicePrincipalType.MANAGED_IDENTITY and principal.resource_id:
            claims["xms_mirid"] = principal.resource_id
        if self._resources.is_graph(audience) and principal.graph_permissions:
            claims["roles"] = list(principal.graph_permissions)
        return claims


def key_id(key: rsa.RSAPublicKey) -> str:
    """A name of a public key that depends on nothing but the key."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).rstrip(b"=").decode("ascii")


def json_web_key(key: rsa.RSAPublicKey) -> dict[str, Any]:
    """A public key as an issuer publishes it (RFC 7517)."""
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "use": "sig", "alg": "RS256", "kid": key_id(key)}


def _load_key(pem: str | None) -> rsa.RSAPrivateKey:
    if pem is None:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("private_key_pem: is no RSA key")  # noqa: TRY004 - the text is of the right type
    return key


def _client_claims(app_id: str | None, version: int, proof: Proof) -> dict[str, Any]:
    if app_id is None:
        return {}
    return {"appid": app_id, "appidacr": proof} if version == 1 else {"azp": app_id, "azpacr": proof}


def _read_claims(found: Mapping[str, Any]) -> Claims:
    return Claims(
        tenant_id=found["tid"],
        object_id=found["oid"],
        app_id=found.get("appid") or found.get("azp"),
        audience=found["aud"],
        expires_at=float(found["exp"]),
        permissions=frozenset([*found.get("roles", ()), *found.get("scp", "").split()]),
        is_user=found.get("idtyp") == "user",
    )
