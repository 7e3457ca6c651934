"""Rules of the pipeline, driven by hand: what they do next for what they are told."""

from __future__ import annotations

import time
from types import SimpleNamespace

from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.operations import OperationRules
from airflow_provider_netconn.azure.permissions import missing_permissions
from airflow_provider_netconn.azure.retries import TROUBLE, RetryRules
from airflow_provider_netconn.azure.settled import settled
from airflow_provider_netconn.azure.steps import Outcome, Wait
from airflow_provider_netconn.azure.throttling import ThrottleBook
from airflow_provider_netconn.azure.troubles import Kind
from airflow_provider_netconn.errors import AzureForbiddenError, AzureNotFoundError

ARM = "https://management.azure.com"
NETWORK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub"
MONITOR = f"{ARM}/subscriptions/s/providers/Microsoft.Network/locations/w/operations/1?t=1"


def request(method, url):
    return PipelineRequest(HttpRequest(method, url, content=b"{}"), PipelineContext(None))


def follow(rules, sent, answer):
    """Answer the one request that rules send; gives their outcome."""
    steps = rules.steps(sent)
    next(steps)
    try:
        steps.send(Outcome(response=answer))
    except StopIteration as end:
        return end.value
    raise AssertionError("they want more")


class TestPollers:
    def paced(self, headers, budget_s=20):
        rules = OperationRules(timeout_s=600)
        write, poll = request("PUT", f"{ARM}{NETWORK}"), request("GET", MONITOR)
        with deadline(budget_s):
            follow(rules, write, settled(write, 201, {}, {"Azure-AsyncOperation": MONITOR}))
            outcome = follow(rules, poll, settled(poll, 200, {"status": "InProgress"}, headers))
        return float(outcome.headers["Retry-After"])

    def test_are_told_to_look_again_soon_at_first(self):
        assert 0.3 < self.paced({}) <= 0.5

    def test_wait_as_long_as_they_are_asked_to(self):
        assert self.paced({"Retry-After": "10"}) == 10

    def test_are_never_told_to_wait_beyond_the_deadline(self):
        assert 17 < self.paced({"Retry-After": "3600"}) <= 18

    def test_of_others_operations_are_left_alone(self):
        poll = request("GET", MONITOR)
        outcome = follow(OperationRules(timeout_s=600), poll, settled(poll, 200, {"status": "InProgress"}))
        assert "Retry-After" not in outcome.headers


class TestRetries:
    def given_up_after(self, *answers):
        """Answer each try, then give none; gives what the rules gave up with."""
        rules, sent = RetryRules(ThrottleBook(), timeout_s=60, request_timeout_s=60), request("PUT", f"{ARM}{NETWORK}")
        later = {"Content-Type": "application/json", "Retry-After": "60"}  # the pause is cut for a last try
        to_come = [Outcome(response=settled(sent, status, body, later)) for status, body in answers]
        with deadline(0.5):
            steps, reply = rules.steps(sent), None
            try:
                while True:
                    step = steps.send(reply)
                    if isinstance(step, Wait):
                        time.sleep(step.seconds)
                    reply = (to_come or [Outcome(error=ServiceResponseTimeoutError("no answer"))]).pop(0)
            except StopIteration:
                return sent.context[TROUBLE]

    def test_a_last_try_without_an_answer_does_not_hide_what_was_answered_before(self):
        refused = (409, {"error": {"code": "AnotherOperationInProgress", "message": "busy"}})
        given_up = self.given_up_after(refused)
        assert (given_up.trouble.code, given_up.tries) == ("AnotherOperationInProgress", 2)
        assert given_up.out_of_time
        assert given_up.uncertain  # the last one may have been carried out

    def test_where_there_was_never_an_answer_that_is_told(self):
        assert self.given_up_after().trouble.kind is Kind.NO_ANSWER


class TestMissingPermissions:
    def arm(self, known):
        """A client for which permissions can be listed at some scopes only."""
        asked = []

        async def listed(path, *, api_version):
            scope = path.removesuffix("/providers/Microsoft.Authorization/permissions")
            asked.append(scope)
            if isinstance(known.get(scope), list):
                for entry in known[scope]:
                    yield entry
                return
            raise known.get(scope, AzureNotFoundError(scope, "not found"))

        return SimpleNamespace(list=listed, asked=asked)

    async def test_of_what_is_not_there_yet_are_those_of_what_it_lies_in(self):
        group = "/subscriptions/s/resourceGroups/g"
        arm = self.arm({group: [{"actions": ["*/read"], "notActions": []}]})
        found = await missing_permissions(arm, NETWORK, ["a/read", "a/write"])
        assert (found.missing, found.unknown) == (("a/write",), "")
        assert arm.asked == [NETWORK, group]

    async def test_are_unknown_where_nobody_tells(self):
        found = await missing_permissions(self.arm({}), NETWORK, ["a/read"])
        assert found.missing == ()
        assert "not found" in found.unknown

    async def test_are_unknown_where_we_may_not_ask(self):
        refused = AzureForbiddenError(NETWORK, "no", code="AuthorizationFailed")
        found = await missing_permissions(self.arm({NETWORK: refused}), NETWORK, ["a/read"])
        assert "AuthorizationFailed" in found.unknown
