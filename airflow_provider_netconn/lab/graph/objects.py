"""How Graph shows what is in the directory (Microsoft Learn, "servicePrincipal", "application", "user" and "group")."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from airflow_provider_netconn.lab.directory import (
    Application,
    ClientCertificate,
    ClientSecret,
    Directory,
    Principal,
    PrincipalKind,
)

ODATA_TYPES = {
    PrincipalKind.USER: "#microsoft.graph.user",
    PrincipalKind.GROUP: "#microsoft.graph.group",
    PrincipalKind.SERVICE_PRINCIPAL: "#microsoft.graph.servicePrincipal",
}
"""The word for each kind in answers that hold several."""


def time_text(seconds: float) -> str:
    """A time as Graph writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def principal_object(directory: Directory, principal: Principal) -> dict[str, Any]:
    """A user, group or service principal."""
    if principal.kind is PrincipalKind.USER:
        return _user(principal)
    if principal.kind is PrincipalKind.GROUP:
        return _group(principal)
    return _service_principal(directory, principal)


def _service_principal(directory: Directory, principal: Principal) -> dict[str, Any]:
    application = directory.application(principal.app_id or "")
    uris = application.identifier_uris if application else ()
    return {
        "id": principal.object_id,
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": ["isExplicit=True", principal.resource_id] if principal.resource_id else [],
        "appDisplayName": application.display_name if application else None,
        "appId": principal.app_id,
        "appOwnerOrganizationId": application.tenant_id if application else None,
        "appRoleAssignmentRequired": False,
        "createdDateTime": time_text(principal.created_at or 0),
        "displayName": principal.display_name,
        "servicePrincipalNames": [principal.app_id, *uris],
        "servicePrincipalType": principal.service_principal_type,
        "signInAudience": _audience(application) if application else None,
        "tags": [],
        "appRoles": [],
        "keyCredentials": [],
        "oauth2PermissionScopes": [],
        "passwordCredentials": [],
    }


def _user(principal: Principal) -> dict[str, Any]:
    return {
        "id": principal.object_id,
        "businessPhones": [],
        "displayName": principal.display_name,
        "givenName": None,
        "jobTitle": None,
        "mail": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": None,
        "userPrincipalName": principal.user_principal_name,
    }


def _group(principal: Principal) -> dict[str, Any]:
    return {
        "id": principal.object_id,
        "deletedDateTime": None,
        "createdDateTime": time_text(principal.created_at or 0),
        "description": None,
        "displayName": principal.display_name,
        "groupTypes": [],
        "mail": None,
        "mailEnabled": False,
        "mailNickname": principal.display_name.replace(" ", ""),
        "securityEnabled": True,
        "visibility": None,
    }


def application_object(directory: Directory, application: Application) -> dict[str, Any]:
    """The registration of an application. Its secrets show by their first three letters alone, as in Graph."""
    credentials = directory.credentials(application.app_id)
    return {
        "id": application.object_id,
        "deletedDateTime": None,
        "appId": application.app_id,
        "displayName": application.display_name,
        "identifierUris": list(application.identifier_uris),
        "signInAudience": _audience(application),
        "tags": [],
        "api": {"requestedAccessTokenVersion": application.access_token_version},
        "keyCredentials": [_key(one) for one in credentials if isinstance(one, ClientCertificate)],
        "passwordCredentials": [password_object(one) for one in credentials if isinstance(one, ClientSecret)],
        "requiredResourceAccess": [],
    }


def password_object(secret: ClientSecret) -> dict[str, Any]:
    """A secret without its text."""
    return {
        "customKeyIdentifier": None,
        "displayName": secret.display_name or None,
        "endDateTime": time_text(secret.expires_at) if secret.expires_at is not None else None,
        "hint": secret.value[:3],
        "keyId": secret.key_id,
        "secretText": None,
        "startDateTime": None,
    }


def _key(certificate: ClientCertificate) -> dict[str, Any]:
    found = certificate.certificate
    return {
        "customKeyIdentifier": base64.b64encode(certificate.sha1).decode("ascii"),
        "displayName": found.subject.rfc4514_string(),
        "endDateTime": time_text(found.not_valid_after_utc.timestamp()),
        "key": None,
        "keyId": certificate.key_id,
        "startDateTime": time_text(found.not_valid_before_utc.timestamp()),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _audience(application: Application) -> str:
    return "AzureADMultipleOrgs" if application.multi_tenant else "AzureADMyOrg"
