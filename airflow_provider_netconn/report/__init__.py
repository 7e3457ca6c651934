"""How it is shown: a report as JSON, an HTML page, Markdown, JUnit XML, or a table on a terminal.

This room imports only the values of :mod:`airflow_provider_netconn.evidence` and the exception tree; nothing of
Airflow. Jinja2, msgspec and rich are imported when they are first needed.
"""

from __future__ import annotations

from airflow_provider_netconn.report.formats import FORMATS, Format, format_for, render
from airflow_provider_netconn.report.html import render_side_by_side
from airflow_provider_netconn.report.json_report import read, report_schema
from airflow_provider_netconn.report.local_file import write_local
from airflow_provider_netconn.report.text import plain_table, verdict_table

__all__ = [
    "FORMATS",
    "Format",
    "format_for",
    "plain_table",
    "read",
    "render",
    "render_side_by_side",
    "report_schema",
    "verdict_table",
    "write_local",
]
