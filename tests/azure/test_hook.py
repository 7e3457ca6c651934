"""The hook: connections of both types, who they sign in as, what they may do; the client that users get."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest
from azure.core.exceptions import HttpResponseError

from airflow_provider_netconn.azure.blocking import BlockingSession
from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.session import AzureSession
from airflow_provider_netconn.azure.settings import SignIn
from airflow_provider_netconn.errors import AzureDeadlineExceededError, AzureNotFoundError, InvalidConnectionError
from airflow_provider_netconn.evidence import Finding
from airflow_provider_netconn.hooks.authentication import authenticate
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook
from airflow_provider_netconn.provider_info import AZURE_NETWORK
from tests.azure.conftest import API_VERSION, settings_of


@pytest.mark.parametrize("conn_type", ["azure", "azure_network"])
def test_it_says_who_we_are_what_we_see_and_that_nothing_is_missing(azure_lab, connect, conn_type):
    ok, told = connect(conn_type=conn_type).test_connection()
    assert ok
    assert azure_lab.principal().object_id in told
    assert azure_lab.tenant_id in told
    assert "by client secret of the connection" in told
    assert f"({azure_lab.subscription_id})" in told
    assert told.endswith("all.")


def test_it_says_which_actions_a_reader_lacks(connect):
    ok, told = connect("reader").test_connection()
    assert ok
    assert "missing for peerings: Microsoft.Network/virtualNetworks/peer/action" in told
    assert "virtualNetworks/read" not in told


def test_a_wrong_secret_fails_the_test_and_is_not_quoted(connect):
    ok, told = connect(password="wrong-CANARY-secret").test_connection()
    assert not ok
    assert "check secret" in told
    assert "CANARY" not in told


def test_the_stage_auth_signs_in_as_the_hook_does(connect):
    connect()
    seen = authenticate("azure_test", "azure_network", 60)
    assert (seen.ok, seen.finding) == (True, Finding.SIGNED_IN)


def test_the_stage_auth_tells_a_wrong_secret_from_a_network_failure(connect):
    connect(password="wrong-CANARY-secret")
    refused = authenticate("azure_test", "azure_network", 60)
    assert (refused.ok, refused.finding, refused.detail["code"]) == (False, Finding.NO_TOKEN, "AADSTS7000215")
    assert "CANARY" not in str(refused)
    connect(extra={"authority_url": "https://127.0.0.1:9"})
    unreached = authenticate("azure_test", "azure_network", 60)
    assert (unreached.ok, unreached.finding) == (False, Finding.CONNECT_FAILED)


def test_it_fails_soon_where_nobody_answers(azure_lab, connect, monkeypatch):
    monkeypatch.setattr("airflow_provider_netconn.hooks.azure_network._TEST_LIMIT_S", 2.0)
    azure_lab.fault("hang", service="arm", times=1000)
    begun = time.monotonic()
    ok, _ = connect().test_connection()
    assert not ok
    assert time.monotonic() - begun < 10


def test_get_conn_gives_the_sdks_own_client_which_tries_again(azure_lab, connect):
    hub, data = azure_lab.networks("hub", "data")
    for fault in ("another-operation", "server-error:503", "reset-after", "expired-token", "malformed"):
        azure_lab.fault(fault, method="PUT")
    azure_lab.fault("operation-fails:RetryableError", method="PUT")
    with connect().get_conn() as client:
        poller = client.virtual_network_peerings.begin_create_or_update(
            "test-networks", "hub", "to-data", hub.to(data).body
        )
        assert poller.result(timeout=60).peering_state == "Initiated"
        client.virtual_network_peerings.begin_delete("test-networks", "hub", "to-data").result(timeout=60)
    assert azure_lab.peering(hub.to(data)) is None


def test_its_signing_in_survives_half_an_answer_and_logs_none_of_it(azure_lab, connect, caplog):
    azure_lab.networks("hub")
    azure_lab.fault("malformed", service="authority", path="*/token")
    with connect().get_conn() as client:
        assert client.virtual_networks.get("test-networks", "hub").name == "hub"
    assert "eyJ" not in caplog.text


def test_its_errors_are_those_of_the_sdk(azure_lab, connect):
    azure_lab.networks("hub")
    with connect().get_conn() as client, pytest.raises(HttpResponseError) as raised:
        client.virtual_networks.get("test-networks", "none")
    assert raised.value.status_code == 404


def test_a_deadline_ends_its_operations_too(azure_lab, connect):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.fault("operation-never-ends", method="PUT")
    begun = time.monotonic()
    with connect().get_conn() as client, deadline(2):
        poller = client.virtual_network_peerings.begin_create_or_update(
            "test-networks", "hub", "to-data", hub.to(data).body
        )
        with pytest.raises(Exception, match="at the deadline"):
            poller.result()
    assert time.monotonic() - begun < 10


def test_missing_permissions_are_those_of_the_connection(azure_lab, connect):
    (hub,) = azure_lab.networks("hub")
    action = "Microsoft.Network/virtualNetworks/peer/action"
    assert connect("reader").missing_permissions(hub.id, [action]).missing == (action,)


async def test_triggers_have_a_session_on_their_loop(azure_lab, connect):
    (hub,) = azure_lab.networks("hub")
    async with await connect().async_session() as azure:
        assert (await azure.arm.get(hub.id, api_version=API_VERSION))["name"] == "hub"


class TestConnections:
    def test_of_an_auth_file_are_read(self, connect, azure_lab):
        held = {"clientId": "client", "clientSecret": "s", "tenantId": "t", "subscriptionId": "sub"}
        settings = connect(conn_type="azure", login=None, password=None, extra={"key_json": held}).settings()
        assert (settings.sign_in, settings.client_id, settings.subscription_id) == (
            SignIn.CLIENT_SECRET,
            "client",
            "sub",
        )

    def test_without_a_secret_lead_to_the_default_chain(self, connect):
        extra = {"managed_identity_client_id": "mi", "workload_identity_tenant_id": "wi"}
        settings = connect(conn_type="azure", password=None, extra=extra).settings()
        assert (settings.sign_in, settings.client_id, settings.tenant_id) == (SignIn.DEFAULT, "mi", "wi")

    def test_with_a_cloud_ask_that_cloud(self, connect):
        extra = {"cloud_environment": "AzureUSGovernment", "arm_url": "", "authority_url": ""}
        settings = connect(extra=extra).settings()
        assert settings.resource_manager == "https://management.usgovcloudapi.net"
        assert settings.authority == "https://login.microsoftonline.us"

    @pytest.mark.parametrize(
        ("extra", "field"),
        [
            ({"cloud_environment": "AzureMoon"}, "cloud_environment"),
            ({"sign_in": "magic"}, "sign_in"),
            ({"arm_url": "http://clear.example"}, "arm_url"),
            ({"ca_file": "/no/such/file"}, "ca_file"),
            ({"auxiliary_tenants": "a,b,c,d"}, "auxiliary_tenants"),
            ({"sign_in": "certificate"}, "certificate_path"),
            ({"key_json": "{"}, "key_json"),
        ],
    )
    def test_that_are_wrong_say_which_field_and_quote_no_secret(self, connect, extra, field):
        with pytest.raises(InvalidConnectionError, match=f"connection azure_test: {field}: ") as raised:
            connect(password="CANARY", extra=extra).settings()
        assert "CANARY" not in str(raised.value)


class TestForm:
    def test_every_field_of_the_form_is_read(self, connect):
        given = {name: f"value of {name}" for name in AZURE_NETWORK["conn-fields"]}
        chosen = {"sign_in": "client_secret", "cloud_environment": "AzureChinaCloud", "arm_url": "", "ca_file": ""}
        chosen |= {"authority_url": "", "auxiliary_tenants": "x, y"}
        settings = connect(extra={**given, **chosen}).settings()
        assert settings.tenant_id == "value of tenantId"
        assert settings.subscription_id == "value of subscriptionId"
        assert settings.auxiliary_tenants == ("x", "y")
        assert settings.token_file == "value of token_file"

    def test_it_is_the_same_for_older_airflows(self):
        told = AzureNetworkHook.get_ui_field_behaviour()
        assert set(told) == {"hidden_fields", "relabeling", "placeholders"}


class TestBlockingSession:
    def test_works_within_a_running_loop(self, azure_lab):
        (hub,) = azure_lab.networks("hub")

        async def main():
            with BlockingSession(AzureSession(settings_of(azure_lab))) as azure:
                return azure.run(read, hub.id)

        assert asyncio.run(main())["name"] == "hub"

    def test_the_callers_deadline_holds(self, azure_lab):
        (hub,) = azure_lab.networks("hub")
        azure_lab.fault("hang", path="virtualNetworks/*", times=100)
        opened = BlockingSession(AzureSession(settings_of(azure_lab)))
        with opened as azure, deadline(1), pytest.raises(AzureDeadlineExceededError):
            azure.run(read, hub.id)

    def test_errors_come_through_and_its_thread_ends(self, azure_lab):
        (hub,) = azure_lab.networks("hub")
        with BlockingSession(AzureSession(settings_of(azure_lab))) as azure, pytest.raises(AzureNotFoundError):
            azure.run(read_list, f"{hub.id}x/subnets")
        assert not [one for one in threading.enumerate() if one.name == "netconn-azure"]

    def test_a_request_that_is_cut_off_at_any_moment_leaves_no_connection_open(self, azure_lab, recwarn):
        (hub,) = azure_lab.networks("hub")
        azure_lab.fault("hang", path="virtualNetworks/*", times=1000)

        async def cut_off(azure, turns):
            asking = asyncio.create_task(read(azure, hub.id))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()

        for turns in (*range(4, 40), 500, 5000):
            with BlockingSession(AzureSession(settings_of(azure_lab))) as azure:
                azure.run(cut_off, turns)
        gc.collect()
        assert not [str(one.message) for one in recwarn if one.category is ResourceWarning]

    def test_an_interrupted_caller_leaves_nothing_running(self, azure_lab, monkeypatch):
        ended = []

        async def work(azure):
            try:
                await asyncio.sleep(30)
            finally:
                ended.append(True)

        def interrupt(future, timeout=None):
            time.sleep(0.2)
            raise KeyboardInterrupt

        with BlockingSession(AzureSession(settings_of(azure_lab))) as azure:
            with monkeypatch.context() as patched:
                patched.setattr("airflow_provider_netconn.azure.blocking._result", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    azure.run(work)
            assert ended


async def read(azure, resource_id):
    return await azure.arm.get(resource_id, api_version=API_VERSION)


async def read_list(azure, path):
    return [one async for one in azure.arm.list(path, api_version=API_VERSION)]
