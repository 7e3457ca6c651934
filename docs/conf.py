"""How Sphinx builds these pages: ``sphinx-build -W -n -b html docs docs/_build/html``, without any network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from airflow_provider_netconn import __version__  # noqa: E402 - after the path above

project = "airflow-provider-netconn"
author = "The netconn engineers"
copyright = "the netconn engineers, Apache License 2.0"  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = ["myst_parser", "netconn_tables", "netconn_lab_tables"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_*.md"]
nitpicky = True
# No role here refers to Python's own objects, so there is nothing to ignore and no inventory to fetch.
nitpick_ignore: list[tuple[str, str]] = []

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"netconn {__version__}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_copyright = False
