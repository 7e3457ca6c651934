"""The parts of the room ``azure`` that ask nobody: ids, deadlines, settings, permissions, who is throttled."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from airflow_provider_netconn.azure.answers import contains, problem_of, retry_after_s
from airflow_provider_netconn.azure.clouds import CHINA, PUBLIC, cloud_named
from airflow_provider_netconn.azure.deadlines import Deadline, current_deadline, deadline
from airflow_provider_netconn.azure.identity import how_obtained, identity_of
from airflow_provider_netconn.azure.permissions import NEEDED_ACTIONS, is_allowed
from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.azure.settings import AzureSettings, SignIn
from airflow_provider_netconn.azure.throttling import ThrottleBook
from airflow_provider_netconn.errors import InvalidOptionError

SUBSCRIPTION = "/subscriptions/s1"
NETWORK = f"{SUBSCRIPTION}/resourceGroups/g1/providers/Microsoft.Network/virtualNetworks/hub"


class TestResourceIds:
    def test_of_a_nested_resource(self):
        found = ResourceId.parse(f"{NETWORK}/subnets/default/")
        assert (found.subscription_id, found.resource_group, found.name) == ("s1", "g1", "default")
        assert found.type == "Microsoft.Network/virtualNetworks/subnets"
        assert (found.text, found.parent) == (f"{NETWORK}/subnets/default", NETWORK)

    def test_of_what_is_attached_to_a_resource(self):
        found = ResourceId.parse(f"{NETWORK}/providers/Microsoft.Authorization/roleAssignments/r1")
        assert (found.type, found.name) == ("Microsoft.Authorization/roleAssignments", "r1")
        assert found.parent == NETWORK

    @pytest.mark.parametrize(
        ("text", "parent"),
        [(NETWORK, f"{SUBSCRIPTION}/resourceGroups/g1"), (f"{SUBSCRIPTION}/resourceGroups/g1", SUBSCRIPTION)],
    )
    def test_say_what_they_lie_in(self, text, parent):
        assert ResourceId.parse(text).parent == parent

    def test_a_subscription_lies_in_nothing(self):
        assert ResourceId.parse(SUBSCRIPTION).parent == ""

    @pytest.mark.parametrize(
        "text", ["", "hub", f"{NETWORK}/subnets", f"{NETWORK}?x=1", "/providers/Microsoft.Network", f"{NETWORK}//x/y"]
    )
    def test_that_are_none_are_refused_by_name(self, text):
        with pytest.raises(InvalidOptionError, match=r"^remote_network: "):
            ResourceId.parse(text, "remote_network")

    def test_are_the_same_in_any_case(self):
        assert same_id(NETWORK.upper(), f"{NETWORK}/")
        assert ResourceId.parse(NETWORK.upper()).key == ResourceId.parse(NETWORK).key
        assert not same_id(NETWORK, f"{NETWORK}2")
        assert not same_id(None, None)


class TestDeadlines:
    def test_the_inner_one_can_only_be_earlier(self):
        with deadline(10) as outer:
            with deadline(100) as inner:
                assert inner is outer
            with deadline(1) as inner:
                assert inner.left_s <= 1
            assert current_deadline() is outer
        assert current_deadline() is None

    def test_a_pause_leaves_time_for_a_last_look(self):
        limit = Deadline.after(10)
        assert limit.pause_s(2) == 2
        assert 8.9 < limit.pause_s(3600) <= 9
        assert Deadline(ends=time.monotonic() + 0.5, total_s=10).pause_s(0.1) is None

    @pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
    def test_no_time_is_refused(self, seconds):
        with pytest.raises(InvalidOptionError, match="timeout_s"), deadline(seconds):
            pass


class TestThrottleBook:
    URL = f"https://management.azure.com{NETWORK}"

    def book(self):
        self.now = 100.0
        return ThrottleBook(now=lambda: self.now)

    def note(self, book, left, method="PUT", closed_for_s=None):
        kind = {"PUT": "writes", "GET": "reads"}[method]
        book.note(method, self.URL, {f"x-ms-ratelimit-remaining-subscription-{kind}": str(left)}, closed_for_s)

    def test_nobody_waits_while_there_is_plenty(self):
        book = self.book()
        assert book.pause_s("PUT", self.URL) == 0
        self.note(book, 199)
        assert book.pause_s("PUT", self.URL) == 0

    def test_with_few_left_requests_go_as_fast_as_the_bucket_gains(self):
        book = self.book()
        self.note(book, 0)
        pauses = [book.pause_s("PUT", self.URL) for _ in range(3)]
        assert pauses == pytest.approx([1.0, 1.1, 1.2])
        self.now += 10
        assert book.pause_s("PUT", self.URL) == 0

    def test_reads_writes_and_subscriptions_have_buckets_of_their_own(self):
        book = self.book()
        self.note(book, 0)
        assert book.pause_s("GET", self.URL) == 0
        assert book.pause_s("PUT", self.URL.replace("s1", "s2")) == 0

    def test_whoever_was_told_to_wait_waits_for_all(self):
        book = self.book()
        self.note(book, 100, closed_for_s=7)
        assert book.pause_s("PUT", self.URL) == 7
        self.now += 8
        assert book.pause_s("PUT", self.URL) == 0


class TestSettings:
    def test_their_representation_has_no_secret(self):
        settings = AzureSettings(
            sign_in=SignIn.CLIENT_SECRET, tenant_id="t", client_id="c", client_secret="CANARY", certificate="CANARY"
        )
        assert "CANARY" not in repr(settings)

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"sign_in": SignIn.CLIENT_SECRET, "tenant_id": "t", "client_secret": "s"}, "client_id"),
            ({"sign_in": SignIn.CLIENT_SECRET, "tenant_id": "t", "client_id": "c"}, "client_secret"),
            ({"authority_url": "http://x"}, "authority_url"),
            ({"arm_url": "https://user:pass@x"}, "arm_url"),
            ({"auxiliary_tenants": ("a", "b", "c", "d")}, "auxiliary_tenants"),
        ],
    )
    def test_that_cannot_be_used_name_the_field(self, given, field):
        with pytest.raises(InvalidOptionError, match=f"^{field}: "):
            AzureSettings(**given)

    def test_clouds_by_their_names(self):
        assert cloud_named(None) is cloud_named("azurepubliccloud") is PUBLIC
        assert cloud_named("AzureChinaCloud") is CHINA
        with pytest.raises(InvalidOptionError, match="cloud_environment"):
            cloud_named("AzureMoon")


class TestIdentity:
    def test_of_a_token(self):
        claims = {"oid": "o", "appid": "a", "tid": "t", "xms_mirid": "/m"}
        token = f"x.{__import__('base64').urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.y"
        found = identity_of(token, AzureSettings(), None)
        assert (found.object_id, found.client_id, found.tenant_id, found.resource_id) == ("o", "a", "t", "/m")

    @pytest.mark.parametrize("token", ["", "opaque", "a.%%%.c", "a.W10.c"])
    def test_of_a_token_that_says_nothing(self, token):
        assert identity_of(token, AzureSettings(), None).object_id == ""

    def test_astros_own_client_id_is_told(self):
        told = how_obtained(AzureSettings(), None, {"AZURE_CLIENT_ID": "astros", "ASTRO_DEPLOYMENT_ID": "d"})
        assert told == "default chain: AZURE_CLIENT_ID=astros of the environment, which Astro sets"
        assert how_obtained(AzureSettings(), None, {}) == "default chain"

    def test_the_connections_own_client_id_wins(self):
        settings = AzureSettings(sign_in=SignIn.WORKLOAD_IDENTITY, client_id="ours")
        told = how_obtained(settings, None, {"AZURE_CLIENT_ID": "astros", "ASTRO_DEPLOYMENT_ID": "d"})
        assert told == "workload identity: client id ours of the connection"


class TestPermissions:
    ENTRIES = (
        {"actions": ["*/read"], "notActions": [], "dataActions": ["Microsoft.X/y/*"], "notDataActions": []},
        {"actions": ["Microsoft.Network/*"], "notActions": ["Microsoft.Network/virtualNetworks/peer/action"]},
    )

    @pytest.mark.parametrize(
        ("action", "allowed"),
        [
            ("Microsoft.Storage/storageAccounts/read", True),
            ("Microsoft.Storage/storageAccounts/write", False),
            ("microsoft.network/VIRTUALNETWORKS/write", True),
            ("Microsoft.Network/virtualNetworks/peer/action", False),
            ("data:Microsoft.X/y/read", True),
            ("data:Microsoft.X/z/read", False),
        ],
    )
    def test_are_read_as_azure_reads_them(self, action, allowed):
        assert is_allowed(self.ENTRIES, action) is allowed

    def test_what_one_role_excepts_another_may_allow(self):
        entries = [*self.ENTRIES, {"actions": ["Microsoft.Network/virtualNetworks/peer/action"], "notActions": []}]
        assert is_allowed(entries, "Microsoft.Network/virtualNetworks/peer/action")

    def test_no_action_is_needed_twice_for_one_task(self):
        for actions in NEEDED_ACTIONS.values():
            assert len(set(actions)) == len(actions)


class TestAnswers:
    def test_all_codes_of_an_error_are_found(self):
        nested = {"code": "Inner", "message": "m2", "innererror": {"code": "Innermost"}}
        found = problem_of({"error": {"code": "Outer", "message": "m1.", "details": [nested, "junk"]}})
        assert (found.code, found.message) == ("Outer", "m1. m2")
        assert found.codes == {"Outer", "Inner", "Innermost"}

    def test_with_and_without_its_envelope(self):
        assert problem_of({"code": "PreconditionFailed", "message": "m"}).code == "PreconditionFailed"

    @pytest.mark.parametrize("body", [None, [], "x", {}, {"error": []}, {"error": {"code": 7}}])
    def test_what_tells_no_error_is_none(self, body):
        assert problem_of(body) is None

    @pytest.mark.parametrize(
        ("sent", "seen", "held"),
        [
            ({"a": "X"}, {"a": "x", "b": 1}, True),
            ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2], "c": 3}}, True),
            ({"a": [1]}, {"a": [1, 2]}, False),
            ({"a": None}, {}, True),
            ({"a": 1}, {}, False),
            ({"a": {"b": 1}}, {"a": 1}, False),
            ({"a": True}, {"a": False}, False),
        ],
    )
    def test_whether_a_resource_holds_what_was_sent(self, sent, seen, held):
        assert contains(seen, sent) is held

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("5", 5), ("0.5", 0.5), ("-3", 0), ("soon", None), ("", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
    )
    def test_retry_after(self, text, seconds):
        assert retry_after_s({"retry-after": text}) == seconds


def test_importing_a_session_imports_no_sdk():
    code = "import airflow_provider_netconn.azure.session, airflow_provider_netconn.azure.blocking, sys, json; "
    done = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not found & {"azure", "aiohttp", "requests", "airflow"}
