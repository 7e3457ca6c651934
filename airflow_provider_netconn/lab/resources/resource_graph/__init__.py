"""Azure Resource Graph: queries over all resources that the caller may read.

Of the query language (a subset of Kusto's, Microsoft Learn, "Understanding the Azure Resource Graph query language")
it knows what is needed to find resources and what hangs on them: see :mod:`.language`.
"""

from airflow_provider_netconn.lab.resources.resource_graph.service import KINDS

__all__ = ["KINDS"]
