"""What is known of services under their privatelink names, where nobody has looked: for a warning, never for a choice.

The rows are in ``certificates.json``, each with its source and how sure it is.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from airflow_provider_netconn.privatelink.names import privatelink_names


class CertificateFact(NamedTuple):
    """What is known of the services of one row.

    :param services: as the table of zones calls them
    :param carries: whether their certificates carry the privatelink name
    :param routes_by_name: whether they are known to answer only to the name by which the client must call them, so that
        the privatelink name fails without verification too
    :param why: how that comes, in words
    :param confidence: ``documented`` by Microsoft or the maintainers, ``reported`` by users, or ``inferred``
    :param source: where it was read
    """

    services: tuple[str, ...]
    carries: bool
    routes_by_name: bool
    why: str
    confidence: str
    source: str


@cache
def certificate_facts() -> tuple[CertificateFact, ...]:
    """All rows, read once when first asked for."""
    text = resources.files(__package__).joinpath("certificates.json").read_text(encoding="utf-8")
    return tuple(_fact(row) for row in json.loads(text)["rows"])


def certificate_fact(host: str) -> CertificateFact | None:
    """What is known of the service that owns a name, public or private; None where nothing is."""
    by_service = {service: fact for fact in certificate_facts() for service in fact.services}
    services = privatelink_names(host).services
    return next((by_service[service] for service in services if service in by_service), None)


def _fact(row: dict[str, Any]) -> CertificateFact:
    return CertificateFact(**{**row, "services": tuple(row["services"])})
