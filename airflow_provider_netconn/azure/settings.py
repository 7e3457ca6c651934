"""As whom, where and through what a session asks Azure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_netconn.azure.clouds import CLOUDS, PUBLIC, Cloud
from airflow_provider_netconn.errors import InvalidOptionError

MOST_AUXILIARY_TENANTS: Final = 3
"""Tokens in ``x-ms-authorization-auxiliary`` at most (Microsoft Learn, "Authenticate requests across tenants")."""


class SignIn(StrEnum):
    """How a token is had."""

    CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a way, not a secret
    CERTIFICATE = "certificate"
    MANAGED_IDENTITY = "managed_identity"
    WORKLOAD_IDENTITY = "workload_identity"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSettings:
    """As whom, where and through what a session asks Azure. Its ``repr`` shows no secret.

    :param sign_in: how a token is had; ``DEFAULT`` is azure-identity's ``DefaultAzureCredential``
    :param tenant_id: id or domain of the tenant; where the way to sign in knows it, it may be empty
    :param client_id: of the application or of the managed identity; empty for the system's own identity
    :param client_secret: for ``CLIENT_SECRET``
    :param certificate_path: for ``CERTIFICATE``: a PEM or PKCS12 file with certificate and private key
    :param certificate: instead of a file: the text of such a PEM file
    :param certificate_password: of the private key
    :param token_file: for ``WORKLOAD_IDENTITY``; by default ``AZURE_FEDERATED_TOKEN_FILE`` of the environment
    :param subscription_id: what typed clients and the like take where they are not told another
    :param cloud: which of Azure's clouds
    :param authority_url: where to sign in, instead of the cloud's; for the public cloud ``AZURE_AUTHORITY_HOST`` of the
        environment counts too
    :param arm_url: Resource Manager, instead of the cloud's: a private or local endpoint, https
    :param ca_file: a PEM file of authorities to trust besides the system's
    :param auxiliary_tenants: tenants whose tokens go with each write (``x-ms-authorization-auxiliary``), 3 at most; the
        principal must exist in all of them
    :raises InvalidOptionError: naming the field; never quoting a secret
    """

    sign_in: SignIn = SignIn.DEFAULT
    tenant_id: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    certificate_path: str = ""
    certificate: str = field(default="", repr=False)
    certificate_password: str = field(default="", repr=False)
    token_file: str = ""
    subscription_id: str = ""
    cloud: Cloud = PUBLIC
    authority_url: str = ""
    arm_url: str = ""
    ca_file: str = ""
    auxiliary_tenants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.sign_in in {SignIn.CLIENT_SECRET, SignIn.CERTIFICATE}:
            for name in ("tenant_id", "client_id"):
                if not getattr(self, name):
                    raise InvalidOptionError(name, f"is missing, and {self.sign_in} needs it", "set it")
        if self.sign_in is SignIn.CLIENT_SECRET and not self.client_secret:
            raise InvalidOptionError("client_secret", "is missing", "set it, or choose another way to sign in")
        if self.sign_in is SignIn.CERTIFICATE and bool(self.certificate_path) == bool(self.certificate):
            raise InvalidOptionError("certificate_path", "needs a file or a text, and not both", "set one of the two")
        for name in ("authority_url", "arm_url"):
            _check_url(name, getattr(self, name))
        if self.ca_file and not Path(self.ca_file).is_file():
            raise InvalidOptionError("ca_file", f"{self.ca_file!r} is no file", "name a PEM file on this machine")
        if len(self.auxiliary_tenants) > MOST_AUXILIARY_TENANTS:
            raise InvalidOptionError(
                "auxiliary_tenants",
                f"{len(self.auxiliary_tenants)} tenants, and Azure takes {MOST_AUXILIARY_TENANTS} at most",
                "name only the tenants of the resources that the writes refer to",
            )

    @property
    def resource_manager(self) -> str:
        """URL of Resource Manager, without a slash at the end."""
        return (self.arm_url or self.cloud.arm_url).rstrip("/")

    @property
    def required_subscription_id(self) -> str:
        """The subscription, where there must be one.

        :raises InvalidOptionError: none was set
        """
        if not self.subscription_id:
            raise InvalidOptionError("subscription_id", "is missing", "set it in the connection, or name one")
        return self.subscription_id

    @property
    def authority(self) -> str | None:
        """URL to sign in at; None leaves it to azure-identity, which reads ``AZURE_AUTHORITY_HOST``."""
        if self.authority_url:
            return self.authority_url.rstrip("/")
        return None if self.cloud is PUBLIC else self.cloud.authority_url

    @property
    def authority_is_azures(self) -> bool:
        """Whether the place to sign in is one of those that Microsoft runs."""
        return self.authority is None or self.authority in {cloud.authority_url for cloud in CLOUDS.values()}


def _check_url(name: str, url: str) -> None:
    if not url:
        return
    parts = urlsplit(url)
    # Tokens travel there: never in clear.
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise InvalidOptionError(name, "is no https URL", "write https://HOST[:PORT], without credentials")
