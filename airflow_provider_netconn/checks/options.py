from airflow_provider_netconn.probing.options import CheckOptions, parse_nameserver
__all__ = ["CheckOptions", "parse_nameserver"]
