"""The use case: targets and options in, verdicts out. Composes the rooms below; knows no Airflow."""

from airflow_provider_netconn.checks.authentication import SignIn, authenticated
from airflow_provider_netconn.checks.config import CheckPlan, load_plan
from airflow_provider_netconn.checks.facts import FactsRequest, with_facts
from airflow_provider_netconn.checks.run import OnVerdict, check, run_check
from airflow_provider_netconn.probing.options import CheckOptions
from airflow_provider_netconn.probing.targets import parse_target

__all__ = [
    "CheckOptions",
    "CheckPlan",
    "FactsRequest",
    "OnVerdict",
    "SignIn",
    "authenticated",
    "check",
    "load_plan",
    "parse_target",
    "run_check",
    "with_facts",
]
