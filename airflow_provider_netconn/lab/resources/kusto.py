"""Data Explorer clusters and the addresses that they let in.

Microsoft Learn: "Restrict public access to your Azure Data Explorer cluster": an empty list lets everybody in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, provider_polling
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Items, Number, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import (
    AddressRange,
    Firewall,
    Refusal,
    Wire,
    range_rule,
)
from airflow_provider_netconn.lab.resources.service_versions import KUSTO_VERSIONS
from airflow_provider_netconn.lab.resources.services import IDENTITY, Service

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane


class Clusters(Service):
    """Clusters."""

    type = "Microsoft.Kusto/clusters"
    shown_type = "Microsoft.Kusto/Clusters"
    api_versions = KUSTO_VERSIONS
    refusals = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")
    etag_in_body = True
    etag_quoted = '"{}"'
    created = Answer(status=201, follow=Follow.ASYNC_OPERATION, state="Creating", duration_s=120)
    updated = Answer(status=200, follow=Follow.ASYNC_OPERATION, duration_s=60)
    patched = Answer(status=202, follow=Follow.BOTH, duration_s=60)
    deleted = Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=60)
    polling = provider_polling("Microsoft.Kusto", "operationResults", "operationResultsOf")
    firewall_delay_s = 60.0
    envelope = {  # noqa: RUF012
        "sku": Object(
            properties={
                "name": Text(required=True),
                "tier": Choice(values=("Basic", "Standard"), required=True),
                "capacity": Number(lowest=1, default=2),
            },
            required=True,
        ),
        "identity": IDENTITY,
        "zones": Items(of=Text()),
    }
    properties = Object(
        properties={
            "publicNetworkAccess": Choice(values=("Enabled", "Disabled"), default="Enabled"),
            "allowedIpRangeList": Items(of=AddressRange(versions=(4, 6)), default=[]),
            "restrictOutboundNetworkAccess": Choice(values=("Enabled", "Disabled"), default="Disabled"),
            "publicIPType": Choice(values=("IPv4", "DualStack"), default="IPv4"),
            "engineType": Choice(values=("V2", "V3"), default="V3"),
            "provisioningState": Anything(read_only=True),
            "privateEndpointConnections": Anything(read_only=True),
        },
        open=True,
    )

    def check_name(self, path: ArmPath) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]{3,21}", path.name, re.IGNORECASE):
            raise ArmError(
                400,
                "InvalidClusterName",
                f"The cluster name '{path.name}' is not valid: 4 to 22 letters and numbers, the first a letter.",
            )

    def prepare(self, write: Write) -> None:
        super().prepare(write)
        host = f"{write.path.name.lower()}.{write.body['location']}.kusto.windows.net"
        write.facts.update(state="Running", uri=f"https://{host}", dataIngestionUri=f"https://ingest-{host}")

    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        ranges = resource.properties["allowedIpRangeList"]
        return Firewall(
            public=resource.properties["publicNetworkAccess"] == "Enabled",
            restricted=bool(ranges),
            rules=tuple(range_rule(value) for value in ranges),
        )

    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        message = (
            f"Access to the cluster from the address {address} is denied by its network policy."
            if firewall.public
            else "Public network access to the cluster is disabled."
        )
        body = {
            "error": {
                "code": "Forbidden",
                "message": "Caller is not authorized to perform this action",
                "@type": "Kusto.DataNode.Exceptions.NetworkAccessDeniedException",
                "@message": message,
                "@permanent": True,
            }
        }
        return Refusal(wire=Wire.HTTP, status=403, code="Forbidden", message=message, body=json.dumps(body))


KINDS = (Clusters(),)
