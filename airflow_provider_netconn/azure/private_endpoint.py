"""Private endpoints, as the one who makes them: looked at first, made or adopted, and waited for."""

from __future__ import annotations

from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointState, PrivateEndpointWatch

__all__ = ["PrivateEndpointState", "PrivateEndpointWatch"]
