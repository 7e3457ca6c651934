"""What the local Azure covers, read from its resource types when the pages are built."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from netconn_tables import Table, markdown_table
from sphinx.application import Sphinx

from airflow_provider_netconn.lab.arm.kinds import Patch, ResourceKind
from airflow_provider_netconn.lab.arm.operations import Answer, Follow
from airflow_provider_netconn.lab.resources.catalogue import resource_kinds

FOLLOWED_BY = {Follow.NOTHING: "", Follow.ASYNC_OPERATION: " async", Follow.LOCATION: " location", Follow.BOTH: " both"}
CONNECTIONS, GROUPS = "/privateEndpointConnections", "/privateLinkResources"


def kinds() -> list[ResourceKind]:
    """All types, by name."""
    return sorted(resource_kinds(), key=lambda kind: kind.type.casefold())


class LabTypes(Table):
    """The types of each provider: their verbs, how a create and a delete are answered, and actions."""

    def markdown(self) -> str:
        own = [kind for kind in kinds() if not kind.type.endswith((CONNECTIONS, GROUPS))]
        parts = []
        for provider, members in groupby(own, key=lambda kind: kind.type.partition("/")[0]):
            rows = [self._row(kind) for kind in members]
            parts += [f"**{provider}**", markdown_table(("type", "verbs", "create", "delete", "actions"), rows)]
        return "\n\n".join(parts)

    @staticmethod
    def _row(kind: ResourceKind) -> tuple[str, ...]:
        return (
            f"`{kind.type.partition('/')[2]}`",
            ", ".join(_verbs(kind)),
            _answer(kind.created) if "PUT" in kind.methods else "",
            _answer(kind.deleted) if "DELETE" in kind.methods else "",
            ", ".join(f"`{action}`" for action in sorted(kind.actions)),
        )


class LabConnections(Table):
    """The types with private endpoint connections: how their owner's decision and a delete are answered."""

    def markdown(self) -> str:
        rows = [
            (
                f"`{kind.type.removesuffix(CONNECTIONS)}`",
                _answer(kind.updated) if "PUT" in kind.methods else "",
                _answer(kind.deleted) if "DELETE" in kind.methods else "",
                "yes" if kind.listed else "",
            )
            for kind in kinds()
            if kind.type.endswith(CONNECTIONS)
        ]
        return markdown_table(("resource type", "decide", "delete", "list"), rows)


def _verbs(kind: ResourceKind) -> list[str]:
    verbs = set(kind.methods) - (set() if kind.patch is not Patch.NONE else {"PATCH"})
    return [verb for verb in ("GET", "PUT", "PATCH", "DELETE") if verb in verbs] + ["list"] * kind.listed


def _answer(answer: Answer) -> str:
    return f"{answer.status}{FOLLOWED_BY[answer.follow]}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("netconn-lab-types", LabTypes)
    app.add_directive("netconn-lab-connections", LabConnections)
    return {"parallel_read_safe": True}
