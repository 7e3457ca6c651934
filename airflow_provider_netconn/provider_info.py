"""What Airflow is told of this provider; imports nothing of Airflow, which reads it before its own configuration."""

from __future__ import annotations

from typing import Any

from airflow_provider_netconn import __version__


def get_provider_info() -> dict[str, Any]:
    """The provider info that Airflow finds through the ``apache_airflow_provider`` entry point.

    ``package-name`` must equal the canonical name of the distribution, or Airflow ignores the provider.
    """
    return {
        "package-name": "airflow-provider-netconn",
        "name": "netconn",
        "description": "Manage and verify private connectivity to Azure from inside Apache Airflow.",
        "versions": [__version__],
    }
