"""One task that says whether Azure services let given external addresses in, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_netconn.errors import (
    InvalidOptionError,
    ReportWriteError,
    UnexpectedVerdictError,
)
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook
from airflow_provider_netconn.operators.request import report_destinations
from airflow_provider_netconn.templated import as_bool, as_number, as_text, as_texts

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_netconn.checks.allowlist import AllowlistReport, Callers, ResourceAdmission
    from airflow_provider_netconn.hooks.report_storage import Destination

XCOM_KEY: Final = "return_value"
NOT_ALLOWED, NEVER = "not_allowed", "never"
_ADMISSIONS: Final = ("ALLOWED", "PARTLY", "BLOCKED", "UNKNOWN")
_MOST_RESOURCES: Final = 50
_NAMED_IN_FULL: Final = 5


class ExternalIpAllowlistCheckOperator(BaseOperator):
    """Checks whether services' IP firewalls let addresses in; writes one report, and fails where they do not.

    It reads and changes nothing. Addresses come from up to four places, added together: as given, from an Astro
    Deployment, from an Astro cluster, and this worker's own as an echo service sees it. Every argument below may be a
    template; what it renders may be text, as for :class:`.ConnectivityCheckOperator`.

    A firewall that cannot be read does not hide the others: it is ``UNKNOWN``. The facts go to XCom (``return_value``),
    also when the task fails.

    :param resource_ids: ids of the services, of any of 15 types
    :param addresses: IP addresses, or networks in CIDR form
    :param astro_deployment_id: id of a Deployment whose external IPs count; ``this`` for the one that the task runs in
    :param astro_cluster_id: id or name of a cluster whose external IPs count
    :param astro_conn_id: connection with the Astro API token as its password; by default the token is
        ``ASTRO_API_TOKEN`` of the environment
    :param egress: ask an echo service for this worker's own address on the internet
    :param echo_url: the echo service: answers a GET with the caller's address, as text or JSON
    :param caller_region: the Azure region that the callers run in, where Astro does not tell it; some firewalls do not
        see callers of their own region
    :param fail_on: ``not_allowed`` (default): whatever does not admit all addresses; ``never``; or admissions by name:
        ``BLOCKED``, ``PARTLY``, ``UNKNOWN``
    :param report_path: where to write reports, one path or several: ``.html``, ``.md`` or ``.json``; places as for
        :class:`.ConnectivityCheckOperator`
    :param report_conn_id: connection with the credentials for ``report_path``
    :param azure_conn_id: connection of the type ``azure_network`` or ``azure``
    :param subscription_id: instead of the connection's
    :param timeout_s: for all that is asked of Azure, in seconds
    """

    template_fields: Sequence[str] = (
        "resource_ids",
        "addresses",
        "astro_deployment_id",
        "astro_cluster_id",
        "astro_conn_id",
        "egress",
        "echo_url",
        "caller_region",
        "fail_on",
        "report_path",
        "report_conn_id",
        "azure_conn_id",
        "subscription_id",
        "timeout_s",
    )
    ui_color = "#d6eaf8"

    def __init__(
        self,
        *,
        resource_ids: Sequence[str] | str,
        addresses: Sequence[str] | str | None = None,
        astro_deployment_id: str | None = None,
        astro_cluster_id: str | None = None,
        astro_conn_id: str | None = None,
        egress: bool | str = False,
        echo_url: str | None = None,
        caller_region: str | None = None,
        fail_on: Sequence[str] | str = NOT_ALLOWED,
        report_path: Sequence[str] | str | None = None,
        report_conn_id: str | None = None,
        azure_conn_id: str = AzureNetworkHook.default_conn_name,
        subscription_id: str = "",
        timeout_s: float | str = 300.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource_ids = resource_ids
        self.addresses = addresses
        self.astro_deployment_id = astro_deployment_id
        self.astro_cluster_id = astro_cluster_id
        self.astro_conn_id = astro_conn_id
        self.egress = egress
        self.echo_url = echo_url
        self.caller_region = caller_region
        self.fail_on = fail_on
        self.report_path = report_path
        self.report_conn_id = report_conn_id
        self.azure_conn_id = azure_conn_id
        self.subscription_id = subscription_id
        self.timeout_s = timeout_s

    def execute(self, context: Context) -> dict[str, Any]:
        """Check all services; returns the facts.

        :raises InvalidInputError: an argument or the connection is not usable
        :raises AstroError: the external IPs could not be had from Astro
        :raises EgressUnknownError: the echo service told no address
        :raises UnexpectedVerdictError: there are services that ``fail_on`` fails on
        :raises ReportWriteError: a report could not be written
        """
        resource_ids, words, destinations = self._resource_ids(), self._fail_on(), self._destinations()
        report = self._check(resource_ids, self._callers())
        document = report.to_json()
        locations, errors = self._write(document, destinations)
        facts = _facts(document, locations)
        hits = [one for one in document["resources"] if one["admission"] in words]
        if not hits and not errors:
            return facts
        if self.do_xcom_push:
            # A task that fails returns nothing, and its facts are needed most.
            context["ti"].xcom_push(key=XCOM_KEY, value=facts)
        if hits:
            raise _not_allowed(document, hits, errors)
        raise errors[0]

    # -- what is asked for ------------------------------------------------------------------------

    def _resource_ids(self) -> tuple[str, ...]:
        from airflow_provider_netconn.azure.firewall.table import firewall_service

        found = as_texts("resource_ids", self.resource_ids)
        if not found:
            raise InvalidOptionError("resource_ids", "nothing to check", "give at least one resource id")
        for number, one in enumerate(found):
            firewall_service(one, f"resource_ids[{number}]")
        return found

    def _fail_on(self) -> frozenset[str]:
        words = as_texts("fail_on", self.fail_on) or (NOT_ALLOWED,)
        if words == (NEVER,):
            return frozenset()
        known = {name.casefold(): frozenset({name}) for name in _ADMISSIONS[1:]}
        known[NOT_ALLOWED] = frozenset(_ADMISSIONS[1:])
        for word in words:
            if word.casefold() not in known:
                choices = ", ".join((NOT_ALLOWED, NEVER, *_ADMISSIONS[1:]))
                raise InvalidOptionError("fail_on", f"{word!r} is no such word here", f"write one of {choices}")
        return frozenset().union(*(known[word.casefold()] for word in words))

    def _destinations(self) -> tuple[Destination, ...]:
        found = report_destinations(self.report_path)
        for one in found:
            if one.format == "junit":
                seen = f"{one.location}: this report is not written as JUnit XML"
                raise InvalidOptionError("report_path", seen, "write .html, .json or .md")
        return found

    def _callers(self) -> Callers:
        from airflow_provider_netconn.checks.allowlist import find_callers
        from airflow_provider_netconn.hooks.astro_connection import astro_settings
        from airflow_provider_netconn.probing.egress import ECHO_URL

        echo_url = as_text("echo_url", self.echo_url) or ECHO_URL
        callers = find_callers(
            addresses=as_texts("addresses", self.addresses),
            region=as_text("caller_region", self.caller_region) or "",
            deployment_id=as_text("astro_deployment_id", self.astro_deployment_id) or "",
            cluster_id=as_text("astro_cluster_id", self.astro_cluster_id) or "",
            astro=lambda: astro_settings(as_text("astro_conn_id", self.astro_conn_id)),
            echo_url=echo_url if as_bool("egress", self.egress) else "",
        )
        for note in callers.notes:
            self.log.warning("%s", note)
        return callers

    # -- what is done -----------------------------------------------------------------------------

    def _check(self, resource_ids: Sequence[str], callers: Callers) -> AllowlistReport:
        from airflow_provider_netconn.azure.deadlines import deadline
        from airflow_provider_netconn.checks.allowlist import check_allowlists

        timeout_s = as_number("timeout_s", self.timeout_s)
        if timeout_s is None or timeout_s <= 0:
            raise InvalidOptionError("timeout_s", f"{self.timeout_s!r} is no time limit", "write seconds, more than 0")
        hook = AzureNetworkHook(
            as_text("azure_conn_id", self.azure_conn_id) or AzureNetworkHook.default_conn_name,
            subscription_id=as_text("subscription_id", self.subscription_id) or "",
        )
        self.log.info("Checking %d services for %s", len(resource_ids), ", ".join(map(str, callers.addresses)))
        with deadline(timeout_s), hook.session() as azure:
            return azure.run(check_allowlists, resource_ids, callers, on_result=self._log_result)

    def _log_result(self, result: ResourceAdmission) -> None:
        log = self.log.info if result.admission == "ALLOWED" else self.log.warning
        log("%s: %s", result.resource_id, result.admission)

    def _write(
        self, document: Mapping[str, Any], destinations: Sequence[Destination]
    ) -> tuple[list[str], list[ReportWriteError]]:
        from airflow_provider_netconn.hooks.report_storage import write_report
        from airflow_provider_netconn.report.allowlist import allowlist_lines, render_allowlist

        for line in allowlist_lines(document):
            self.log.info("%s", line)
        locations: list[str] = []
        errors: list[ReportWriteError] = []
        for one in destinations:
            try:
                text = render_allowlist(document, one.format)
                locations.append(write_report(text, one, as_text("report_conn_id", self.report_conn_id)))
            except ReportWriteError as error:
                self.log.error("%s", error)  # noqa: TRY400 - the message says it all; the trace would bury it
                errors.append(error)
        return locations, errors


def _facts(document: Mapping[str, Any], locations: Sequence[str]) -> dict[str, Any]:
    """What goes to XCom."""
    resources = document["resources"]
    shown = sorted(resources, key=lambda one: one["admission"] == "ALLOWED")[:_MOST_RESOURCES]
    return {
        "total": len(resources),
        "allowed": sum(one["admission"] == "ALLOWED" for one in resources),
        "counts": document["counts"],
        "addresses": document["addresses"],
        "sources": document["sources"],
        "caller_region": document["caller_region"],
        "notes": document["notes"],
        "resources": [
            {
                "resource_id": one["resource_id"],
                "admission": one["admission"],
                "rules": sorted({rule for address in one["addresses"] for rule in address["rules"]}),
                "not_allowed": [
                    address["address"] for address in one["addresses"] if address["admission"] != "ALLOWED"
                ],
                "findings": [finding["code"] for finding in one["findings"]],
                "error": one["error"],
                "remedy": one["remedy"],
            }
            for one in shown
        ],
        "reports": list(locations),
        "checked_at": document["checked_at"],
    }


def _not_allowed(
    document: Mapping[str, Any], hits: Sequence[Mapping[str, Any]], errors: Sequence[ReportWriteError]
) -> UnexpectedVerdictError:
    lines = [f"{len(hits)} of {len(document['resources'])} services fail this task (fail_on)"]
    for one in hits[:_NAMED_IN_FULL]:
        whys = [address["why"] for address in one["addresses"] if address["admission"] != "ALLOWED"]
        why = one["error"] or "; ".join(dict.fromkeys(whys))
        mend = f" To mend it: {one['remedy']}" if one["remedy"] and not one["error"] else ""
        lines.append(f"{one['resource_id']}: {one['admission']}: {why}.{mend}")
    if len(hits) > _NAMED_IN_FULL:
        lines.append(f"and {len(hits) - _NAMED_IN_FULL} more: see the report")
    return UnexpectedVerdictError("\n".join((*lines, *map(str, errors))))
