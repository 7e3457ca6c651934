"""``python -m airflow_provider_netconn.lab``: the same as ``netconn lab``."""

from __future__ import annotations

import sys

from airflow_provider_netconn.lab.command import main

sys.exit(main())
