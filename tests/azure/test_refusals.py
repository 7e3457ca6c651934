"""What Azure refuses: which error it is, what it says, what it never says; and what rights are missing beforehand."""

from __future__ import annotations

import logging
import re
import traceback

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.settings import SignIn
from airflow_provider_netconn.azure.steps import GetToken
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureError,
    AzureForbiddenError,
    AzureInvalidRequestError,
    AzureLinkedAuthorizationError,
    AzureNoAnswerError,
    AzureNotFoundError,
    AzureSignInError,
    AzureTenantError,
)
from tests.azure.conftest import API_VERSION, CLIENTS

PEERINGS = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"


def grant(lab, principal, role, scope, name="00000000-0000-4000-8000-00000000bb01"):
    definition = f"/subscriptions/{lab.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    body = {
        "roleDefinitionId": definition,
        "principalId": lab.principal(principal).object_id,
        "principalType": "ServicePrincipal",
    }
    lab.put(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", {"properties": body})


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_missing_right_is_named_with_its_scope(azure_lab, open_session, client):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session("reader") as azure:
        with pytest.raises(AzureForbiddenError) as raised:
            await CLIENTS[client](azure).put(hub.to(data))
    error = raised.value
    assert error.action == f"{PEERINGS}/write"
    assert error.scope.casefold() == hub.to(data).id.casefold()
    assert error.code == "AuthorizationFailed"
    assert f"give application {azure_lab.principal('reader').app_id}" in str(error)
    assert error.correlation_id
    assert f"(correlation id {error.correlation_id})" in str(error)


async def test_a_right_that_is_missing_on_the_other_network_is_named(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    grant(azure_lab, "reader", NETWORK_CONTRIBUTOR, hub.id)
    async with open_session("reader") as azure:
        with pytest.raises(AzureLinkedAuthorizationError) as raised:
            await CLIENTS["typed"](azure).put(hub.to(data))
    assert raised.value.action == "Microsoft.Network/virtualNetworks/peer/action"
    assert raised.value.scope.casefold() == data.id.casefold()


async def test_a_subscription_of_another_tenant_says_which_tenant(azure_lab, open_session):
    vendors = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/astro-cluster"
    async with open_session() as azure:
        with pytest.raises(AzureTenantError, match=azure_lab.local.seed.tenant("astronomer").id):
            await azure.arm.get(vendors, api_version="2021-04-01")


async def test_what_is_not_there_is_none_for_the_generic_client_and_an_error_for_the_typed(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        assert await azure.arm.get(hub.to(data).id, api_version=API_VERSION) is None
        with pytest.raises(AzureNotFoundError):
            await CLIENTS["typed"](azure).get(hub.to(data))
        with pytest.raises(AzureNotFoundError):
            _ = [one async for one in azure.arm.list(f"{hub.id}x/subnets", api_version=API_VERSION)]


async def test_what_is_not_valid_is_said_at_once(azure_lab, open_session):
    (hub,) = azure_lab.networks("hub")
    async with open_session() as azure:
        with pytest.raises(AzureInvalidRequestError) as raised:
            await azure.arm.put(hub.id, {"location": "westeurope", "properties": {}}, api_version="1999-01-01")
    assert raised.value.status == 400
    assert len(azure_lab.journal(method="PUT")) == 1


async def test_what_stands_in_the_way_for_good_is_no_matter_of_waiting(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.fault("another-operation", method="PUT", code="CannotDeleteResource", message="Nested ones first.")
    async with open_session() as azure:
        with deadline(30), pytest.raises(AzureConflictError, match="CannotDeleteResource: Nested ones first"):
            await CLIENTS["generic"](azure).put(hub.to(data))
    assert len(azure_lab.journal(method="PUT")) == 1


async def test_a_code_that_the_caller_knows_to_pass_is_waited_for(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.fault("not-provisioned", method="PUT", code="PrincipalNotFound", times=2)
    async with open_session() as azure:
        with deadline(30):
            peering = hub.to(data)
            await azure.arm.put(
                peering.id, peering.body, api_version=API_VERSION, busy_codes=frozenset({"PrincipalNotFound"})
            )
    assert [entry.status for entry in azure_lab.journal(method="PUT")] == [400, 400, 201]


async def test_a_certificate_of_an_unknown_authority_is_no_matter_of_waiting(azure_lab, open_session):
    async with open_session() as azure:
        await azure.identity()
    async with open_session(ca_file="") as azure:
        with deadline(30), pytest.raises(AzureError) as raised:
            await azure.arm.get("/subscriptions", api_version="2022-12-01")
    assert isinstance(raised.value, AzureNoAnswerError | AzureSignInError)
    assert "certificate" in str(raised.value).casefold()


class TestSecrets:
    async def test_no_secret_is_in_logs_errors_or_representations(self, azure_lab, open_session, caplog):
        caplog.set_level(logging.DEBUG)
        hub, data = azure_lab.networks("hub", "data")
        secret = azure_lab.principal().client_secret
        for fault in ("expired-token", "server-error:500", "operation-fails:InternalServerError", "malformed"):
            azure_lab.fault(fault, method="PUT", path="virtualNetworkPeerings/*")
        tokens = []
        async with open_session() as azure:
            for client in CLIENTS.values():
                await client(azure).put(hub.to(data))
            tokens.append((await azure._tokens.get(GetToken())).token)
            told = [repr(azure.settings), repr(azure), str(await azure.identity())]
        async with open_session(client_secret="wrong-CANARY-secret") as azure:
            with pytest.raises(AzureSignInError) as raised:
                await azure.arm.get(hub.id, api_version=API_VERSION)
        told += [str(raised.value), repr(raised.value), "".join(traceback.format_exception(raised.value)), caplog.text]
        assert caplog.text
        for canary in (secret, "wrong-CANARY-secret", *tokens, *(token.rpartition(".")[2] for token in tokens)):
            assert not any(canary in text for text in told)

    async def test_a_wrong_secret_says_what_to_check(self, azure_lab, open_session):
        async with open_session(client_secret="wrong") as azure:
            with pytest.raises(AzureSignInError, match=r"invalid_client|AADSTS7000215") as raised:
                await azure.identity()
        assert "check secret" in str(raised.value)

    @pytest.mark.parametrize(
        ("changes", "seen", "remedy"),
        [
            (
                {"sign_in": SignIn.WORKLOAD_IDENTITY, "token_file": "/none"},
                "No such file.*'/none'",
                "check .*token file",
            ),
            ({"sign_in": SignIn.CERTIFICATE, "certificate": "no-CANARY-PEM"}, "certificate", "check certificate"),
            ({"sign_in": SignIn.DEFAULT}, "EnvironmentCredential authentication unavailable", "give the connection"),
        ],
        ids=["workload identity", "certificate", "default chain"],
    )
    async def test_each_way_to_sign_in_says_what_is_wrong_with_it_and_what_to_do(
        self, open_session, monkeypatch, changes, seen, remedy
    ):
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
        for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
            monkeypatch.delenv(name, raising=False)
        async with open_session(**changes) as azure:
            for ask in (azure.identity(), azure.arm.get("/subscriptions/x", api_version="2022-12-01")):
                with pytest.raises(AzureSignInError, match=seen) as raised:
                    await ask
                assert re.match(remedy, raised.value.remedy)
                assert "CANARY" not in str(raised.value)

    async def test_secrets_in_azures_own_words_are_masked(self, azure_lab, open_session):
        azure_lab.networks("hub")
        words = "Value of sharedKey 'psk-CANARY-1234' is wrong; see https://x.example/?sig=CANARYsig123&t=1"
        azure_lab.fault("not-provisioned", method="PUT", code="InvalidKey", message=words)
        async with open_session() as azure:
            with pytest.raises(AzureInvalidRequestError) as raised:
                await azure.arm.put("/subscriptions/x/resourceGroups/y", {}, api_version="2021-04-01")
        assert "CANARY" not in str(raised.value)
        assert "CANARY" not in raised.value.seen


class TestMissingPermissions:
    ASKED = (f"{PEERINGS}/read", f"{PEERINGS}/write", "Microsoft.Network/virtualNetworks/peer/action")

    async def test_a_reader_lacks_what_writes(self, azure_lab, open_session):
        (hub,) = azure_lab.networks("hub")
        async with open_session("reader") as azure:
            found = await azure.missing_permissions(hub.id, self.ASKED)
        assert (found.missing, found.unknown) == (self.ASKED[1:], "")
        with pytest.raises(AzureForbiddenError, match="nothing was written") as raised:
            found.check()
        assert raised.value.action == f"{PEERINGS}/write"

    async def test_an_owner_lacks_nothing_at_any_level(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        async with open_session() as azure:
            for scope in (f"/subscriptions/{azure_lab.subscription_id}", hub.id, hub.to(data).id):
                found = await azure.missing_permissions(scope, self.ASKED)
                assert (found.missing, found.unknown) == ((), "")
                found.check()

    async def test_where_they_cannot_be_listed_nothing_is_taken_to_be_missing(self, azure_lab, open_session):
        (hub,) = azure_lab.networks("hub")
        azure_lab.fault("not-provisioned", path="*permissions", code="NotToday", message="No list.")
        async with open_session() as azure:
            found = await azure.missing_permissions(hub.id, self.ASKED)
        assert found.missing == ()
        assert "NotToday" in found.unknown
        found.check()

    async def test_what_was_granted_is_found(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        grant(azure_lab, "reader", NETWORK_CONTRIBUTOR, hub.id)
        async with open_session("reader") as azure:
            assert (await azure.missing_permissions(hub.to(data).id, self.ASKED)).missing == ()
            assert (await azure.missing_permissions(data.id, self.ASKED)).missing == self.ASKED[1:]
