"""What Airflow is told of this provider; imports nothing of Airflow, which reads it before its own configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_netconn import __version__


def _text(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], **schema}}


AZURE_NETWORK: Final[Mapping[str, Any]] = {
    "connection-type": "azure_network",
    "hook-name": "Azure Network",
    "hook-class-name": "airflow_provider_netconn.hooks.azure_network.AzureNetworkHook",
    "ui-field-behaviour": {
        "hidden-fields": ["host", "port", "schema", "extra"],
        "relabeling": {"login": "Client ID", "password": "Client Secret"},
        "placeholders": {"login": "of the application", "password": "of the application"},
    },
    "conn-fields": {
        "tenantId": _text("Tenant ID", "Directory to sign in to"),
        "subscriptionId": _text("Subscription ID", "Where operators work unless told otherwise"),
        "sign_in": _text(
            "Sign in by",
            "Empty: by client secret or certificate where there is one, else by the default chain",
            enum=["", "client_secret", "certificate", "managed_identity", "workload_identity", "default"],
        ),
        "managed_identity_client_id": _text("Managed Identity Client ID", "Of a user-assigned identity"),
        "workload_identity_tenant_id": _text("Workload Identity Tenant ID", "Where it differs from the tenant"),
        "token_file": _text("Federated Token File", "Instead of AZURE_FEDERATED_TOKEN_FILE"),
        "certificate_path": _text("Certificate File", "PEM or PKCS12, with the private key, on each worker"),
        "certificate": _text("Certificate", "Instead of a file: its PEM text", format="password"),
        "certificate_password": _text("Certificate Password", "Of the private key", format="password"),
        "cloud_environment": _text("Cloud", "AzurePublicCloud, AzureUSGovernment or AzureChinaCloud"),
        "auxiliary_tenants": _text("Auxiliary Tenants", "Tenants of resources that writes refer to; 3 at most"),
        "arm_url": _text("Resource Manager URL", "A private or local endpoint, instead of the cloud's"),
        "authority_url": _text("Authority URL", "Where to sign in, instead of the cloud's"),
        "ca_file": _text("CA File", "PEM file of authorities to trust besides the system's"),
    },
}
"""The connection type of ``AzureNetworkHook``: what Airflow 3 makes its form of, and the hook the older one."""


def get_provider_info() -> dict[str, Any]:
    """The provider info that Airflow finds through the ``apache_airflow_provider`` entry point.

    ``package-name`` must equal the canonical name of the distribution, or Airflow ignores the provider.
    """
    return {
        "package-name": "airflow-provider-netconn",
        "name": "netconn",
        "description": "Manage and verify private connectivity to Azure from inside Apache Airflow.",
        "versions": [__version__],
        "connection-types": [dict(AZURE_NETWORK)],
        "secrets-backends": ["airflow_provider_netconn.secrets.private_link.PrivateLinkSecretsBackend"],
        "extra-links": ["airflow_provider_netconn.hooks.azure_portal.AzurePortalLink"],
    }
