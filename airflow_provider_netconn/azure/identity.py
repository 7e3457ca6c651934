"""Who we are to Azure, as our own token says, and how that identity came about."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_netconn.azure.settings import AzureSettings, SignIn

_HOW: Final[Mapping[SignIn, str]] = {
    SignIn.CLIENT_SECRET: "client secret of the connection",
    SignIn.CERTIFICATE: "certificate of the connection",
    SignIn.MANAGED_IDENTITY: "managed identity",
    SignIn.WORKLOAD_IDENTITY: "workload identity",
    SignIn.DEFAULT: "default chain",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are to Azure. What the token does not say is empty.

    :param object_id: of the principal in the tenant: what role assignments name
    :param client_id: of the application or managed identity
    :param tenant_id: of the token
    :param name: the application's or user's name, where the token has it
    :param resource_id: of a managed identity
    :param how: how it came about, in words
    """

    object_id: str
    client_id: str
    tenant_id: str
    name: str = ""
    resource_id: str = ""
    how: str = ""

    def __str__(self) -> str:
        who = self.name or f"application {self.client_id}"
        return (
            f"{who} (object id {self.object_id}, client id {self.client_id}) in tenant {self.tenant_id}, by {self.how}"
        )


def identity_of(token: str, settings: AzureSettings, credential: Any) -> Identity:
    """Read an identity from a token of Resource Manager. Nothing is verified: the token is our own.

    :param credential: azure-identity's, which knows which member of its chain gave the token
    """
    claims = _claims(token)
    return Identity(
        object_id=_text(claims, "oid"),
        client_id=_text(claims, "appid", "azp"),
        tenant_id=_text(claims, "tid"),
        name=_text(claims, "app_displayname", "upn", "unique_name"),
        resource_id=_text(claims, "xms_mirid"),
        how=how_obtained(settings, credential),
    )


def how_obtained(settings: AzureSettings, credential: Any = None, environment: Mapping[str, str] = os.environ) -> str:
    """How an identity came about, in words.

    Astro sets ``AZURE_CLIENT_ID`` and ``AZURE_TENANT_ID`` itself, over those of the user: so their part is told.
    """
    words = [_HOW[settings.sign_in]]
    chosen = getattr(credential, "_successful_credential", None)
    if settings.sign_in is SignIn.DEFAULT and chosen is not None:
        words.append(type(chosen).__name__)
    ambient = environment.get("AZURE_CLIENT_ID", "")
    from_environment = settings.sign_in in {SignIn.DEFAULT, SignIn.WORKLOAD_IDENTITY} and not settings.client_id
    if ambient and from_environment:
        by = ", which Astro sets" if environment.get("ASTRO_DEPLOYMENT_ID") else ""
        words.append(f"AZURE_CLIENT_ID={ambient} of the environment{by}")
    elif settings.client_id and settings.sign_in is not SignIn.CLIENT_SECRET:
        words.append(f"client id {settings.client_id} of the connection")
    return ": ".join((words[0], ", ".join(words[1:]))) if len(words) > 1 else words[0]


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(claims: Mapping[str, Any], *names: str) -> str:
    return next((str(claims[name]) for name in names if claims.get(name)), "")
