"""Rules of the pipeline, driven by hand: what they do next for what they are told."""

from __future__ import annotations

from types import SimpleNamespace

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.operations import OperationRules
from airflow_provider_netconn.azure.permissions import missing_permissions
from airflow_provider_netconn.azure.settled import settled
from airflow_provider_netconn.azure.steps import Outcome
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
