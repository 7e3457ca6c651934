"""Every resource type that there is: what the modules of this room list in their ``KINDS``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from airflow_provider_netconn.lab import resources
from airflow_provider_netconn.lab.arm.kinds import ResourceKind


def resource_kinds() -> Iterator[ResourceKind]:
    """:return: the types, module by module"""
    for found in pkgutil.iter_modules(resources.__path__, f"{resources.__name__}."):
        yield from getattr(importlib.import_module(found.name), "KINDS", ())
