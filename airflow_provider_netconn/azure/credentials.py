"""From settings to azure-identity's credentials, for an event loop or without one.

Import this module when a session is opened: it brings azure-identity (0.2 s).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.azure.http_log import HTTP_LOG
from airflow_provider_netconn.azure.settings import AzureSettings, SignIn
from airflow_provider_netconn.azure.transports import async_transport, transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential


def async_credential(settings: AzureSettings) -> AsyncTokenCredential:
    """A credential for code on an event loop; close it.

    :raises ValueError: azure-identity cannot use what it is given, such as a file that is no certificate
    """
    from azure.identity import aio

    made: AsyncTokenCredential = _make(aio, settings, transport=async_transport(settings.ca_file, of_tokens=True))
    return made


def credential(settings: AzureSettings) -> TokenCredential:
    """A credential for code without an event loop; close it.

    :raises ValueError: as above
    """
    import azure.identity

    made: TokenCredential = _make(azure.identity, settings, transport=transport(settings.ca_file, of_tokens=True))
    return made


def _make(identity: Any, settings: AzureSettings, **options: Any) -> Any:
    """:param identity: ``azure.identity`` or ``azure.identity.aio``: their classes have the same names and arguments"""
    options["logger"] = HTTP_LOG
    if settings.sign_in is SignIn.MANAGED_IDENTITY:
        return identity.ManagedIdentityCredential(**_named(client_id=settings.client_id), **options)
    options |= _named(authority=settings.authority)
    if not settings.authority_is_azures or _is_foreign(os.environ.get("AZURE_AUTHORITY_HOST", "")):
        options["disable_instance_discovery"] = True  # it would ask Microsoft whether that authority is one of its own
    options["additionally_allowed_tenants"] = list(settings.auxiliary_tenants)
    application = {"tenant_id": settings.tenant_id, "client_id": settings.client_id}
    match settings.sign_in:
        case SignIn.CLIENT_SECRET:
            return identity.ClientSecretCredential(**application, client_secret=settings.client_secret, **options)
        case SignIn.CERTIFICATE:
            kept = _named(
                certificate_path=settings.certificate_path,
                certificate_data=settings.certificate.encode(),
                password=settings.certificate_password,
            )
            return identity.CertificateCredential(**application, **kept, **options)
        case SignIn.WORKLOAD_IDENTITY:
            kept = _named(**application, token_file_path=settings.token_file)
            return identity.WorkloadIdentityCredential(**kept, **options)
    return identity.DefaultAzureCredential(
        **_named(
            managed_identity_client_id=settings.client_id,
            workload_identity_client_id=settings.client_id,
            workload_identity_tenant_id=settings.tenant_id,
        ),
        **options,
    )


def _named(**values: Any) -> dict[str, Any]:
    """Only what is given: azure-identity has defaults of its own, from the environment."""
    return {name: value for name, value in values.items() if value}


def _is_foreign(host: str) -> bool:
    authority = host.rstrip("/")
    url = authority if "://" in authority else f"https://{authority}"
    return bool(host) and not AzureSettings(authority_url=url).authority_is_azures
