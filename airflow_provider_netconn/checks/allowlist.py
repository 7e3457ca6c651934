"""The use case: do these services let these addresses in? Resources and addresses in, one report out."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn import __version__
from airflow_provider_netconn.azure.firewall.evaluation import (
    AddressAdmission,
    Admission,
    Caller,
    Finding,
    evaluate,
)
from airflow_provider_netconn.azure.firewall.table import firewall_service
from airflow_provider_netconn.azure.firewall.values import AddressRange, Firewall
from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import AzureError, InvalidOptionError

if TYPE_CHECKING:
    from airflow_provider_netconn.astro.egress import AstroEgress
    from airflow_provider_netconn.astro.settings import AstroSettings
    from airflow_provider_netconn.azure.session import AzureSession

_AT_ONCE: Final = 8
_ALL_OF_AZURE: Final = "AZURE"
THIS_DEPLOYMENT: Final = "this"
"""Instead of a Deployment's id: the one that this runs in, which Astro tells as ``ASTRO_DEPLOYMENT_ID``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Who calls: from which addresses, and where from.

    :param addresses: each once
    :param caller: the place that they are used in
    :param sources: where the addresses were had from, in words
    :param notes: what else is to be known of them
    """

    addresses: tuple[AddressRange, ...] = ()
    caller: Caller = field(default_factory=Caller)
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def given(self, addresses: Sequence[str]) -> Callers:
        """With addresses and networks that somebody wrote down.

        :raises InvalidOptionError: naming the one that is none
        """
        found = [AddressRange.parse(text, f"addresses[{number}]") for number, text in enumerate(addresses)]
        return self._more(found, "given") if found else self

    def from_astro(self, egress: AstroEgress) -> Callers:
        """With the external IPs that Astro tells, and the region that it tells; unless they say nothing."""
        notes = (*self.notes, *(f"{egress.source}: {note}" for note in egress.notes))
        if egress.says_nothing:
            return replace(self, notes=(*notes, f"{egress.source}: {egress.says_nothing}"))
        if egress.dr_addresses:
            notes = (*notes, f"{', '.join(egress.dr_addresses)}: of the cluster that takes over in a disaster")
        in_azure = egress.cloud_provider.upper() == _ALL_OF_AZURE if egress.cloud_provider else None
        region = self.caller.region or (egress.region if in_azure is not False else "")
        caller = Caller(region=region, in_azure=in_azure if self.caller.in_azure is None else self.caller.in_azure)
        found = [AddressRange.parse(text, egress.source) for text in (*egress.addresses, *egress.dr_addresses)]
        return replace(self, caller=caller, notes=notes)._more(found, egress.source)

    def from_echo(self, address: str, echo_url: str) -> Callers:
        """With this machine's own address, as an echo service saw it."""
        return self._more([AddressRange.parse(address, "echo_url")], f"this machine's egress, as {echo_url} sees it")

    def required(self) -> Callers:
        """The same, where there is an address at all.

        :raises InvalidOptionError: there is none
        """
        if self.addresses:
            return self
        seen = "; ".join(("no address to look for", *self.notes))
        raise InvalidOptionError("addresses", seen, "give addresses, an Astro Deployment or cluster, or egress=True")

    def _more(self, found: Sequence[AddressRange], source: str) -> Callers:
        known = {one.text: one for one in (*self.addresses, *found)}
        return replace(self, addresses=tuple(known.values()), sources=(*self.sources, source))


def find_callers(
    *,
    addresses: Sequence[str] = (),
    region: str = "",
    deployment_id: str = "",
    cluster_id: str = "",
    astro: Callable[[], AstroSettings],
    echo_url: str = "",
) -> Callers:
    """Who calls, from all the places that are named.

    :param addresses: as somebody wrote them down
    :param region: the Azure region that callers run in; by default as Astro tells
    :param deployment_id: of Astro; ``this`` for the one that this runs in
    :param cluster_id: of Astro, or its name
    :param astro: gives the settings for Astro's API; called where that is asked
    :param echo_url: of an echo service that tells this machine's own address; empty: none is asked
    :raises InvalidOptionError: there is no address, or something given is wrong
    :raises AstroError: Astro could not be asked
    :raises EgressUnknownError: the echo service told no address
    """
    callers = Callers(caller=Caller(region=region, in_azure=True if region else None)).given(addresses)
    if deployment_id == THIS_DEPLOYMENT:
        deployment_id = os.environ.get("ASTRO_DEPLOYMENT_ID", "")
        if not deployment_id:
            seen = f"{THIS_DEPLOYMENT!r}, and ASTRO_DEPLOYMENT_ID is not set: this runs in no Deployment"
            raise InvalidOptionError("astro_deployment_id", seen, "write the Deployment's id")
    if deployment_id or cluster_id:
        from airflow_provider_netconn.astro.client import AstroClient
        from airflow_provider_netconn.astro.egress import cluster_egress, deployment_egress

        client = AstroClient(astro())
        callers = callers.from_astro(deployment_egress(client, deployment_id)) if deployment_id else callers
        callers = callers.from_astro(cluster_egress(client, cluster_id)) if cluster_id else callers
    if echo_url:
        from airflow_provider_netconn.probing.egress import egress_address

        # A key in its query is nobody's business.
        callers = callers.from_echo(egress_address(echo_url), echo_url.partition("?")[0])
    return callers.required()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceAdmission:
    """Whether one service lets the addresses in.

    :param admission: of all addresses together
    :param addresses: of each; empty where the firewall could not be read
    :param firewall: as it was read; None where it could not be
    :param error: why it could not be read
    :param remedy: what lets in what is kept out
    """

    resource_id: str
    service: str
    admission: Admission
    addresses: tuple[AddressAdmission, ...] = ()
    findings: tuple[Finding, ...] = ()
    firewall: Firewall | None = None
    error: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain facts, without secrets."""
        firewall = self.firewall
        return {
            "resource_id": self.resource_id,
            "name": ResourceId.parse(self.resource_id).name,
            "service": self.service,
            "location": firewall.location if firewall else "",
            "admission": self.admission.value,
            "addresses": [
                {"address": one.address, "admission": one.admission.value, "rules": list(one.rules), "why": one.why}
                for one in self.addresses
            ],
            "findings": [{"code": one.code.value, "text": one.text, "remedy": one.remedy} for one in self.findings],
            "rules_used": firewall.used if firewall else None,
            "rules_limit": firewall.limit if firewall else None,
            "error": self.error,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowlistReport:
    """One report for many services.

    :param checked_at: when it was begun
    """

    callers: Callers
    resources: tuple[ResourceAdmission, ...]
    checked_at: datetime

    @property
    def counts(self) -> Mapping[str, int]:
        """How many services there are of each admission."""
        return dict(Counter(one.admission.value for one in self.resources))

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON: the form in which it is rendered, written and handed on."""
        return {
            "kind": "external-ip-allowlist",
            "netconn_version": __version__,
            "checked_at": self.checked_at.isoformat(timespec="seconds"),
            "addresses": [one.text for one in self.callers.addresses],
            "sources": list(self.callers.sources),
            "caller_region": self.callers.caller.region,
            "notes": list(self.callers.notes),
            "counts": dict(self.counts),
            "resources": [one.to_json() for one in self.resources],
        }


async def check_allowlists(
    azure: AzureSession,
    resource_ids: Sequence[str],
    callers: Callers,
    *,
    on_result: Callable[[ResourceAdmission], None] = lambda _: None,
) -> AllowlistReport:
    """Read the firewalls and judge the addresses by each. A firewall that cannot be read does not hide the others.

    :param on_result: called as each service is done
    :raises InvalidOptionError: an id is none, or of a type whose firewall cannot be read; nothing was asked
    """
    services = [firewall_service(one, f"resource_ids[{number}]") for number, one in enumerate(resource_ids)]
    began = datetime.now(UTC)
    free = asyncio.Semaphore(_AT_ONCE)

    async def judge(resource_id: str, service: str) -> ResourceAdmission:
        async with free:
            found = await _judge(azure, resource_id, service, callers)
        on_result(found)
        return found

    found = await asyncio.gather(
        *(judge(one, service.service) for one, service in zip(resource_ids, services, strict=True))
    )
    return AllowlistReport(callers=callers, resources=tuple(found), checked_at=began)


async def _judge(azure: AzureSession, resource_id: str, service: str, callers: Callers) -> ResourceAdmission:
    from airflow_provider_netconn.azure.firewall.reading import read_firewall

    try:
        firewall = await read_firewall(azure, resource_id)
    except AzureError as error:
        return ResourceAdmission(
            resource_id=resource_id, service=service, admission=Admission.UNKNOWN, error=str(error), remedy=error.remedy
        )
    found = evaluate(firewall, callers.addresses, callers.caller)
    return ResourceAdmission(
        resource_id=resource_id,
        service=service,
        admission=found.admission,
        addresses=found.addresses,
        findings=found.findings,
        firewall=firewall,
        remedy=_remedy(found.addresses, found.findings, firewall),
    )


def _remedy(addresses: Sequence[AddressAdmission], findings: Sequence[Finding], firewall: Firewall) -> str:
    out = [one for one in addresses if one.admission in {Admission.BLOCKED, Admission.PARTLY}]
    if not out:
        return ""
    decisive = next((one.remedy for one in findings if one.code.value in {"PUBLIC_ACCESS_OFF", "SAME_REGION"}), "")
    if decisive:
        return decisive
    denied = [rule for one in out for rule in one.rules]
    remedy = f"have {', '.join(one.address for one in out)} admitted by the firewall of this service"
    remedy += (
        f", and no longer denied by {', '.join(dict.fromkeys(denied))}" if denied and len(out) == len(denied) else ""
    )
    return remedy + (f"; a change takes {firewall.delay} to hold" if firewall.delay else "")
