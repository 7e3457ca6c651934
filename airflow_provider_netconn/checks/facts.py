"""What Azure's control plane says on top of a report, and verdicts judged anew with it.

It only reads, and it never fails a check: what Azure does not tell is a fact that is not visible, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.checks.run import OnVerdict, judge
from airflow_provider_netconn.errors import InvalidOptionError, NetconnError
from airflow_provider_netconn.evidence import Fact, FactKind, Presence, ProbeResult, Report, Verdict

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.settings import AzureSettings

LIMIT_S: Final = 120.0
"""Within this all facts are read; what has not been by then is not visible."""
_NETWORK_TYPES: Final = frozenset({"microsoft.network/virtualnetworks", "microsoft.network/virtualnetworks/subnets"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsRequest:
    """As whom Azure is asked, about which verdicts, and from where they hold.

    :param settings: as whom and where to ask
    :param worker_network: id of the virtual network that the check ran in, or better of the subnet; empty where that is
        not known: then what depends on it is not visible
    :param of_all: ask about every verdict, and not only about those that are not as expected
    :raises InvalidOptionError: ``worker_network`` is no id of a network or subnet
    """

    settings: AzureSettings
    worker_network: str = ""
    of_all: bool = False

    def __post_init__(self) -> None:
        if self.worker_network:
            object.__setattr__(self, "worker_network", _network_id(self.worker_network))


def _network_id(text: str) -> str:
    from airflow_provider_netconn.azure.resource_ids import ResourceId

    parsed = ResourceId.parse(text, "worker_network")
    if parsed.type.casefold() not in _NETWORK_TYPES:
        remedy = "write .../Microsoft.Network/virtualNetworks/NAME, best with /subnets/NAME behind it"
        raise InvalidOptionError("worker_network", f"{text!r} is no id of a virtual network or subnet", remedy)
    return parsed.text


def with_facts(report: Report, request: FactsRequest, on_verdict: OnVerdict | None = None) -> Report:
    """The report with what the control plane says of its verdicts, each of them judged anew.

    :param on_verdict: progress: each new verdict, how many are done, and how many there are
    """
    asked = [verdict for verdict in report.verdicts if request.of_all or not verdict.as_expected]
    if not asked:
        return report
    probes = [_probe_of(verdict) for verdict in asked]
    judged: dict[int, Verdict] = {}
    for done, (before, probe, facts) in enumerate(zip(asked, probes, _facts(probes, request), strict=True), start=1):
        judged[id(before)] = judge(probe, facts)
        if on_verdict is not None:
            on_verdict(judged[id(before)], done, len(asked))
    return replace(report, verdicts=tuple(judged.get(id(verdict), verdict) for verdict in report.verdicts))


def _probe_of(verdict: Verdict) -> ProbeResult:
    return ProbeResult(
        target=verdict.endpoint,
        stages=verdict.stages,
        started_at=verdict.started_at,
        duration_s=verdict.duration_s,
    )


def _facts(probes: Sequence[ProbeResult], request: FactsRequest) -> Sequence[tuple[Fact, ...]]:
    from airflow_provider_netconn.azure.blocking import BlockingSession
    from airflow_provider_netconn.azure.deadlines import deadline
    from airflow_provider_netconn.azure.session import AzureSession

    try:
        with deadline(LIMIT_S), BlockingSession(AzureSession(request.settings)) as azure:
            return azure.run(_find, probes, request.worker_network)
    except NetconnError as error:  # the session could not be opened; reads themselves raise none
        return [(_hidden(probe.target.dialled, str(error)),) for probe in probes]


async def _find(azure: AzureSession, probes: Sequence[ProbeResult], worker_network: str) -> Sequence[tuple[Fact, ...]]:
    from airflow_provider_netconn.azure.facts import FactFinder, Question

    return await FactFinder(azure).find([Question.of(probe, worker_network) for probe in probes])


def _hidden(subject: str, reason: str) -> Fact:
    return Fact(kind=FactKind.RESOURCE, presence=Presence.NOT_VISIBLE, subject=subject, reason=reason)
