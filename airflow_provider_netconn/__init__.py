"""netconn: manage and verify private connectivity to Azure from inside Apache Airflow."""

__version__ = "0.1.0"
