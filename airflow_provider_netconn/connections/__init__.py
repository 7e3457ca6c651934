"""Where addresses live: for each Airflow connection type, the fields that hold the hosts it talks to."""

from __future__ import annotations

from airflow_provider_netconn.connections.fields import AddressField, ConnectionFields, ConnectionType
from airflow_provider_netconn.connections.table import CONNECTION_TYPES, connection_type
from airflow_provider_netconn.connections.targets import read_targets

__all__ = ["CONNECTION_TYPES", "AddressField", "ConnectionFields", "ConnectionType", "connection_type", "read_targets"]
