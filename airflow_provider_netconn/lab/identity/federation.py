"""Issuers of federated tokens: the lab's own, which stands for a Kubernetes cluster's, and others by HTTPS.

Microsoft Learn, "Workload identity federation" and "Use Microsoft Entra Workload ID with Azure Kubernetes Service": a
pod's projected service account token is exchanged for one of Entra, which reads the issuer's keys by OpenID Connect
discovery.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import urllib.request
import uuid
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import TOKEN_EXCHANGE_AUDIENCE
from airflow_provider_netconn.lab.identity.tokens import json_web_key, key_id

DISCOVERY: Final = ".well-known/openid-configuration"
KEYS: Final = "openid/v1/jwks"
FETCH_TIMEOUT_S: Final = 5
MAX_DOCUMENT_BYTES: Final = 1_000_000


def service_account_subject(namespace: str, name: str) -> str:
    """The subject of a Kubernetes service account's tokens."""
    return f"system:serviceaccount:{namespace}:{name}"


class FederatedIssuer:
    """One OpenID Connect issuer of the lab, with a key of its own.

    :param url: the issuer, compared to the letter; a slash is added at its end, as Azure Kubernetes Service has it
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = f"{url.rstrip('/')}/"
        self._clock = clock
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def mint(self, subject: str, *, audience: str = TOKEN_EXCHANGE_AUDIENCE, lifetime_s: float = 3600) -> str:
        """A token for that subject, as a cluster projects it into a pod.

        :param subject: such as :func:`service_account_subject` gives
        :param lifetime_s: seconds until it expires
        """
        now = int(self._clock.now())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": subject,
            "aud": [audience],
            "iat": now,
            "nbf": now,
            "exp": now + int(lifetime_s),
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": key_id(self._key.public_key())})

    def write_token_file(self, path: str | Path, subject: str, *, lifetime_s: float = 3600) -> Path:
        """Mint a token into a file that only its owner reads; ``AZURE_FEDERATED_TOKEN_FILE`` names it to a client."""
        path = Path(path)
        beside = path.with_name(f".{path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self.mint(subject, lifetime_s=lifetime_s))
        beside.replace(path)  # a client never reads half a token
        return path

    def discovery(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def public_keys(self) -> list[dict[str, Any]]:
        """The public key as a list of JSON Web Keys."""
        return [json_web_key(self._key.public_key())]


class IssuerUnreachableError(Exception):
    """An issuer's discovery document or keys could not be read, or are none."""


class Federation:
    """Where the keys of issuers come from.

    :param ca_file: further certificate authorities, in PEM, that issuers outside the lab are verified by
    """

    def __init__(self, *, ca_file: str | Path | None = None) -> None:
        self._own: dict[str, FederatedIssuer] = {}
        self._ca_file = ca_file

    def add(self, issuer: FederatedIssuer) -> FederatedIssuer:
        """Let the lab be this issuer too: the authority knows its keys, and publishes them below its path."""
        self._own[issuer.url] = issuer
        return issuer

    def by_path(self, path: str) -> FederatedIssuer | None:
        """The lab's issuer whose URL has this path; slashes around it make no difference."""
        wanted = path.strip("/")
        return next((one for one in tuple(self._own.values()) if urlsplit(one.url).path.strip("/") == wanted), None)

    async def public_keys(self, issuer: str) -> list[dict[str, Any]]:
        """The JSON Web Keys of an issuer: a known one's at once, another's by HTTPS.

        :raises IssuerUnreachableError: they could not be read
        """
        own = self._own.get(issuer)
        if own is not None:
            return own.public_keys()
        return await asyncio.to_thread(self._fetch_keys, issuer)

    def _fetch_keys(self, issuer: str) -> list[dict[str, Any]]:
        try:
            discovery = self._fetch(f"{issuer.rstrip('/')}/{DISCOVERY}")
            keys = self._fetch(discovery["jwks_uri"])["keys"]
            return [dict(key) for key in keys]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IssuerUnreachableError(f"{issuer}: {error}") from error

    def _fetch(self, url: str) -> dict[str, Any]:
        if not url.startswith("https://"):
            raise ValueError(f"{url}: an issuer is read by https")
        trust = ssl.create_default_context(cafile=self._ca_file)
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S, context=trust) as answer:  # noqa: S310 - https alone
            document = json.loads(answer.read(MAX_DOCUMENT_BYTES))
        if not isinstance(document, dict):
            raise ValueError(f"{url}: no JSON object")  # noqa: TRY004 - what came is at fault, not the caller
        return document
