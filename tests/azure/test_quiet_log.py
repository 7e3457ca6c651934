"""What a task's log holds of our requests: nothing of each at INFO, and no secret at DEBUG either."""

from __future__ import annotations

import logging

import pytest
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import HttpLoggingPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from tests.azure.conftest import API_VERSION

CANARY = "CANARY-of-a-request"


async def with_a_session(lab, connect):
    """Ask and write as operators do; gives what must not be logged."""
    (hub,) = lab.networks("hub")
    async with await connect().async_session() as azure:
        await azure.arm.get(hub.id, api_version=API_VERSION, query={"sig": CANARY})
        body = {"location": "westeurope", "tags": {"of": CANARY}}
        body["properties"] = {"addressSpace": {"addressPrefixes": ["10.77.0.0/16"]}}
        await azure.arm.put(hub.id.replace("/hub", "/quiet"), body, api_version=API_VERSION)
        token = await azure._tokens.credential.get_token(azure.settings.cloud.scope)
        return token.token, CANARY


async def with_the_typed_client(lab, connect):
    """Ask and write as users do, with headers of their own."""
    hub, data = lab.networks("hub", "data")
    with connect().get_conn() as client:
        headers = {"Authorization-Of-Mine": CANARY}
        client.virtual_networks.get("test-networks", "hub", headers=headers)
        operations = client.virtual_network_peerings
        operations.begin_create_or_update("test-networks", "hub", "quiet", hub.to(data).body).result(timeout=60)
    return ("eyJ", CANARY)


WAYS = pytest.mark.parametrize("ask", [with_a_session, with_the_typed_client])


@WAYS
async def test_one_line_tells_of_the_sign_in_and_none_of_the_requests(azure_lab, connect, caplog, ask):
    with caplog.at_level(logging.INFO):
        await ask(azure_lab, connect)
    told = [one.getMessage() for one in caplog.records if one.name.startswith(("azure.", "msal", "urllib3", "aiohttp"))]
    assert set(told) == {"ClientSecretCredential.get_token succeeded"}
    assert len(told) <= 2  # the second one is that of the test itself


@WAYS
async def test_who_asks_for_it_sees_each_request_without_its_secrets(azure_lab, connect, caplog, ask):
    with caplog.at_level(logging.DEBUG):
        secrets = await ask(azure_lab, connect)
    told = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith("uvicorn"))  # the lab's
    assert "Request method: 'PUT'" in told
    assert "/oauth2/v2.0/token'" in told
    for secret in (*secrets, azure_lab.principal().client_secret):
        assert secret not in told


def test_the_clients_of_others_log_as_before(azure_lab, connect, caplog):
    connect().get_conn().close()
    with caplog.at_level(logging.INFO), Pipeline(RequestsTransport(), [HttpLoggingPolicy()]) as pipeline:
        pipeline.run(HttpRequest("GET", f"{azure_lab.arm_url}/x"), connection_verify=azure_lab.ca_file)
    assert "Request URL" in caplog.text
