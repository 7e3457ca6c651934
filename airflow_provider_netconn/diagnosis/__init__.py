"""What it means: evidence in, verdict out, and the catalogue of causes. Pure; imports only evidence."""

from airflow_provider_netconn.diagnosis.catalogue import CAUSES, Cause
from airflow_provider_netconn.diagnosis.diagnose import diagnose

__all__ = ["CAUSES", "Cause", "diagnose"]
