"""Each fault of the lab's catalogue, through the typed and the generic client: the right state, or a clear error.

``NETCONN_FAULT_TABLE=FILE`` writes what was seen as a table.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.session import AzureSession
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureError,
    AzureMalformedAnswerError,
    AzureNotFoundError,
    AzureOperationFailedError,
    AzureServerError,
    AzureSignInError,
    AzureThrottledError,
)
from airflow_provider_netconn.lab.effects import (
    CATALOGUE,
    CutBody,
    ExpireToken,
    FailOperation,
    Hang,
    HideAfterPut,
    NeverEndOperation,
    Refuse,
    ResetConnection,
    effect_named,
)
from airflow_provider_netconn.lab.errors import FaultError
from airflow_provider_netconn.lab.testing import Peering
from tests.azure.conftest import CLIENTS, settings_of

PASSING = (
    "throttled:1",
    "throttled-without-retry-after",
    "retryable-error",
    "retryable-error-due-to-another-operation",
    "another-operation",
    "not-provisioned",
    "server-error:500",
    "server-error:502",
    "server-error:503",
    "server-error:504",
    "reset-before",
    "reset-after",
    "hang",
    "malformed",
    "expired-token",
    "operation-fails:RetryableError",
    "operation-fails:StorageAccountOperationInProgress",
    "operation-fails:InternalServerError",
    "not-found-after-put",
)
ERRORS = {
    "throttled:1": AzureThrottledError,
    "throttled-without-retry-after": AzureThrottledError,
    "retryable-error": AzureConflictError,
    "retryable-error-due-to-another-operation": AzureConflictError,
    "another-operation": AzureConflictError,
    "not-provisioned": AzureConflictError,
    "server-error:500": AzureServerError,
    "server-error:502": AzureServerError,
    "server-error:503": AzureServerError,
    "server-error:504": AzureServerError,
    "reset-before": AzureDeadlineExceededError,
    "reset-after": AzureDeadlineExceededError,
    "hang": AzureDeadlineExceededError,
    "malformed": AzureMalformedAnswerError,
    "expired-token": AzureSignInError,
    "operation-fails:RetryableError": AzureOperationFailedError,
    "operation-fails:StorageAccountOperationInProgress": AzureOperationFailedError,
    "operation-fails:InternalServerError": AzureOperationFailedError,
    "operation-fails:VnetAddressSpacesOverlap": AzureOperationFailedError,
    "operation-never-ends": AzureDeadlineExceededError,
    "not-found-after-put:1000": AzureNotFoundError,
}
OF_ANSWERS = (CutBody, ExpireToken, FailOperation, Hang, HideAfterPut, NeverEndOperation, Refuse, ResetConnection)
BUDGET_S = 60
SHORT_BUDGET_S = 5
LATE_S = 5
"""How late an error may be, on a machine that others use too."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of one request under one fault.

    :param result: the provisioningState that it ended with, or the error
    :param applied: how often the fault was
    :param requests: how often the request itself was sent
    :param paths: to how many different paths
    :param names: of the peerings that the network has afterwards
    """

    peering: Peering
    result: str | AzureError | None
    took_s: float
    applied: int
    requests: int
    paths: int
    names: list[str]


async def ask(lab, client, method, fault, *, budget_s, **rule):
    """Send one request under a fault, through a session of its own."""
    name = fault.replace(":", "-")
    hub, data = lab.networks(f"hub-{name}", f"data-{name}")
    peering = hub.to(data)
    if method != "put":
        lab.put(peering.id, peering.body)
    hit = lab.fault(fault, method=method.upper(), path=f"re:{peering.id}", service="arm", **rule)
    async with AzureSession(settings_of(lab), request_timeout_s=1) as session:
        await session.network()
        await session.identity()
        begun = time.monotonic()
        try:
            with deadline(budget_s):
                result = await getattr(CLIENTS[client](session), method)(peering)
        except AzureError as error:
            result = error
        took_s = time.monotonic() - begun
    sent = lab.journal(method=method.upper(), path=f"re:.*/{hub.name}/virtualNetworkPeerings/.*")
    return fault, Seen(
        peering=peering,
        result=result,
        took_s=took_s,
        applied=hit.applied,
        requests=len(sent),
        paths=len({entry.path.casefold() for entry in sent}),
        names=[one["name"] for one in lab.get(hub.id)["properties"]["virtualNetworkPeerings"]],
    )


@pytest.fixture(scope="module")
def outcome(azure_lab_session):
    """What came of a fault; all faults of a method and client are tried at once, since most of it is waiting."""
    seen = {}

    def of(client, method, fault, faults, **options):
        key = (client, method, faults)
        if key not in seen:
            azure_lab_session.reset()

            async def ask_all():
                asked = (ask(azure_lab_session, client, method, one, **options_of(one, options)) for one in faults)
                return dict(await asyncio.gather(*asked))

            seen[key] = asyncio.run(ask_all())
        return seen[key][fault]

    return of


def options_of(fault, options):
    """A fault with a number of its own is told once."""
    return {name: value for name, value in options.items() if (name, fault[:9]) != ("times", "not-found")}


@pytest.fixture(scope="module")
def table():
    lines = {}
    yield lines
    if os.environ.get("NETCONN_FAULT_TABLE"):
        head = ("| fault | PUT | DELETE | GET | PUT, fault without end |", "| --- | --- | --- | --- | --- |")
        columns = ("put", "delete", "get", "endless")
        rows = [f"| `{fault}` | {' | '.join(seen.get(one, '') for one in columns)} |" for fault, seen in lines.items()]
        Path(os.environ["NETCONN_FAULT_TABLE"]).write_text("\n".join((*head, *rows)) + "\n")


def test_every_fault_of_the_catalogue_that_an_answer_can_have_is_met_here():
    met = {name.partition(":")[0] for name in (*PASSING, *ERRORS)}
    assert met == {name for name in CATALOGUE if concerns_answers(name)}


def concerns_answers(name):
    """Whether a fault is one of requests and their answers; the lab has others, of DNS, of packets, of services."""
    try:
        return isinstance(effect_named(name), OF_ANSWERS)
    except FaultError:  # it wants an argument, as none of ours does
        return False


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("method", ["put", "delete", "get"])
@pytest.mark.parametrize("client", CLIENTS)
def test_what_passes_is_survived(outcome, table, client, method, fault):
    seen = outcome(client, method, fault, PASSING, budget_s=BUDGET_S)
    has_operation = method != "get" if fault.startswith("operation-") else True
    hits = has_operation and (method == "put" or not fault.startswith("not-found"))
    assert seen.result == (None if method == "delete" else "Succeeded")
    assert seen.names == ([] if method == "delete" else [seen.peering.name])
    assert seen.applied == (1 if hits else 0)
    assert seen.paths == 1
    assert seen.took_s < BUDGET_S
    if hits:
        table.setdefault(fault, {})[method] = "done at once" if seen.requests == 1 else f"done, sent {seen.requests}x"


@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_does_not_pass_ends_in_a_clear_error_by_the_deadline(outcome, table, client, fault):
    seen = outcome(client, "put", fault, tuple(ERRORS), budget_s=SHORT_BUDGET_S, times=1000)
    assert type(seen.result) is ERRORS[fault]
    assert seen.took_s < SHORT_BUDGET_S + LATE_S
    assert seen.result.resource.casefold() == seen.peering.id.casefold()
    name = seen.peering.local.name
    assert str(seen.result).startswith(f"virtualNetworks/{name}/virtualNetworkPeerings/{seen.peering.name}: ")
    assert len(seen.names) <= 1
    table.setdefault(fault.removesuffix(":1000"), {})["endless"] = f"`{type(seen.result).__name__}`"
