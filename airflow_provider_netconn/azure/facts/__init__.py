"""What the control plane says of a target: its resource, endpoint, names, ways and rules, as evidence for a verdict.

Everything here only reads, and fails nobody: what cannot be read is a fact that is not visible, with the reason.
"""

from airflow_provider_netconn.azure.facts.finder import FactFinder
from airflow_provider_netconn.azure.facts.question import Question

__all__ = ["FactFinder", "Question"]
