"""From which addresses a Deployment's tasks reach the internet, as Astro tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_netconn.astro.client import AstroClient
from airflow_provider_netconn.errors import AstroError, AstroForbiddenError, InvalidOptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class AstroEgress:
    """The external addresses of a Deployment or cluster, and what is to be known of them.

    :param source: what they are of, for people: ``Astro Deployment prod``
    :param addresses: the external IPs of the cluster
    :param dr_addresses: those of the cluster that takes over in a disaster
    :param cloud_provider: ``AZURE``, ``AWS``, ``GCP``, or what the API says; empty: not told
    :param region: of the cluster; empty: not told
    :param dr_region: of the one that takes over
    :param says_nothing: why these addresses are not those that tasks have; empty where they are
    :param notes: what could not be seen
    """

    source: str
    addresses: tuple[str, ...]
    dr_addresses: tuple[str, ...] = ()
    cloud_provider: str = ""
    region: str = ""
    dr_region: str = ""
    says_nothing: str = ""
    notes: tuple[str, ...] = ()


def deployment_egress(client: AstroClient, deployment_id: str) -> AstroEgress:
    """The external addresses of a Deployment. Its cluster is asked too, and may be hidden from a Deployment's token.

    :raises AstroError: the Deployment could not be read
    """
    deployment = client.deployment(deployment_id)
    cluster, notes = _cluster(client, str(deployment.get("clusterId") or ""))
    remote = (deployment.get("remoteExecution") or {}).get("enabled") is True
    of_cluster = _addresses(cluster.get("metadata") or {}, "externalIPs")
    return AstroEgress(
        source=f"Astro Deployment {deployment.get('name') or deployment_id}",
        addresses=_addresses(deployment, "externalIPs") or of_cluster,
        dr_addresses=_addresses(deployment, "drExternalIPs"),
        cloud_provider=str(cluster.get("cloudProvider") or deployment.get("cloudProvider") or ""),
        region=str(cluster.get("region") or deployment.get("region") or ""),
        dr_region=str(cluster.get("drRegion") or ""),
        says_nothing=_remote_execution() if remote else _private_egress(cluster),
        notes=notes,
    )


def cluster_egress(client: AstroClient, cluster_id: str) -> AstroEgress:
    """The external addresses of a cluster, found by its id or else by its name.

    :raises InvalidOptionError: there is none of that id or name
    :raises AstroError: it could not be read
    """
    found = next((one for one in client.clusters() if cluster_id in {one.get("id"), one.get("name")}), None)
    if found is None:
        raise InvalidOptionError(
            "astro_cluster_id", f"{cluster_id!r} is no cluster that the token sees", "write its id or name"
        )
    return AstroEgress(
        source=f"Astro cluster {found.get('name') or cluster_id}",
        addresses=_addresses(found.get("metadata") or {}, "externalIPs"),
        cloud_provider=str(found.get("cloudProvider") or ""),
        region=str(found.get("region") or ""),
        dr_region=str(found.get("drRegion") or ""),
        says_nothing=_private_egress(found),
    )


def _cluster(client: AstroClient, cluster_id: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    if not cluster_id:
        return {}, ()
    try:
        return client.cluster(cluster_id), ()
    except AstroForbiddenError:
        return {}, ("the token may not see the cluster; what only the cluster tells is left out",)
    except AstroError as error:
        return {}, (f"the cluster could not be read: {error}",)


def _addresses(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one) for one in record.get(name) or ()))


def _remote_execution() -> str:
    return "the Deployment has remote execution: its tasks run elsewhere, and Astro's external IPs say nothing of them"


def _private_egress(cluster: Mapping[str, Any]) -> str:
    if cluster.get("isPrivateNetworkEgressEnabled") is True:
        return "the cluster has private network egress: its tasks reach no public endpoint by Astro's external IPs"
    return ""
