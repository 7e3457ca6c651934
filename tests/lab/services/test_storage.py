"""Storage accounts on the wire, with Azure's own client and curl."""

import datetime
import socket
import time

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, generate_blob_sas

from airflow_provider_netconn.lab.packets.machines import public_address
from airflow_provider_netconn.lab.packets.places import find_place
from airflow_provider_netconn.lab.services.shared_key import signed
from airflow_provider_netconn.lab.testing import AzureLab
from tests.lab.services.reaching import CALLER, GROUP, STORAGE, caller_address, change, connect_privately, curl, tls

HOST = "contosolake.blob.core.windows.net"
URL = f"https://{HOST}"


def key_of(lab, number=0):
    return lab.request("POST", f"{STORAGE}/listKeys")["keys"][number]["value"]


def client(lab, credential):
    return BlobServiceClient(URL, credential=credential, connection_verify=lab.ca_file, retry_total=0)


def grant(lab, principal, role, scope=STORAGE):
    role_id = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
    name = f"00000000-0000-4000-8000-{abs(hash((principal, role))) % 10**12:012d}"
    body = {"roleDefinitionId": role_id, "principalId": lab.principal(principal).object_id}
    body["principalType"] = "ServicePrincipal"
    lab.put(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", {"properties": body})


CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"


@pytest.mark.usefixtures("azurite", "names")
class TestWithAzurite:
    def test_tables_are_kept_by_the_accounts_key_too(self, azure_lab):
        host = "contosolake.table.core.windows.net"
        headers = {"content-type": "application/json", "accept": "application/json;odata=nometadata"}
        made = signed("table", "contosolake", key_of(azure_lab), "POST", "/Tables", "", headers)
        options = [word for name, value in made.items() for word in ("-H", f"{name}: {value}")]
        status, _, body = curl(
            azure_lab, f"https://{host}/Tables", "-X", "POST", "-d", '{"TableName": "orders"}', *options
        )
        assert (status, body) == (201, '{"TableName":"orders"}')

    def test_queues_keep_messages(self, azure_lab):
        host = "contosolake.queue.core.windows.net"

        def send(method, path, query="", body=""):
            headers = {"content-length": str(len(body)), "content-type": "application/xml"}
            made = signed("queue", "contosolake", key_of(azure_lab), method, path, query, headers)
            made.pop("content-length", None)
            options = [word for name, value in made.items() for word in ("-H", f"{name}: {value}")]
            data = ["-d", body] if method in {"PUT", "POST"} else []
            return curl(azure_lab, f"https://{host}{path}{'?' if query else ''}{query}", "-X", method, *data, *options)

        assert send("PUT", "/orders")[0] == 201
        text = "<QueueMessage><MessageText>aGVsbG8=</MessageText></QueueMessage>"
        assert send("POST", "/orders/messages", body=text)[0] == 201
        assert "aGVsbG8=" in send("GET", "/orders/messages", "peekonly=true")[2]

    def test_either_of_the_accounts_keys_reads_and_writes(self, azure_lab):
        with client(azure_lab, key_of(azure_lab)) as one, client(azure_lab, key_of(azure_lab, 1)) as other:
            one.create_container("orders")
            one.get_blob_client("orders", "2026/ü 1.csv").upload_blob(b"a;b" * 100_000)
            assert other.get_blob_client("orders", "2026/ü 1.csv").download_blob().readall() == b"a;b" * 100_000
            assert [blob.name for blob in other.get_container_client("orders").list_blobs()] == ["2026/ü 1.csv"]

    def test_a_key_that_was_replaced_is_good_no_more(self, azure_lab):
        before = key_of(azure_lab)
        with client(azure_lab, before) as old:
            assert list(old.list_containers()) == []
            azure_lab.request("POST", f"{STORAGE}/regenerateKey", {"keyName": "key1"})
            with pytest.raises(HttpResponseError) as refused:
                list(old.list_containers())
        assert refused.value.status_code == 403
        assert refused.value.error_code == "AuthenticationFailed"
        with client(azure_lab, key_of(azure_lab)) as new:
            assert list(new.list_containers()) == []

    def test_a_reset_lab_has_no_blob_of_before(self, azure_lab):
        with client(azure_lab, key_of(azure_lab)) as before:
            before.create_container("leftover")
        azure_lab.reset()
        with client(azure_lab, key_of(azure_lab)) as after:
            assert list(after.list_containers()) == []

    def test_a_container_of_resource_manager_is_there(self, azure_lab):
        azure_lab.put(f"{STORAGE}/blobServices/default/containers/raw", {"properties": {}})
        with client(azure_lab, key_of(azure_lab)) as service:
            assert [container.name for container in service.list_containers()] == ["raw"]
            service.get_blob_client("raw", "x").upload_blob(b"x")

    def test_a_role_lets_a_token_read_and_no_more(self, azure_lab):
        with client(azure_lab, key_of(azure_lab)) as owner:
            owner.create_container("orders")
            owner.get_blob_client("orders", "1").upload_blob(b"one")
        with client(azure_lab, azure_lab.credential("airflow")) as task:
            blob = task.get_blob_client("orders", "1")
            with pytest.raises(HttpResponseError) as refused:
                blob.download_blob()
            assert refused.value.error_code == "AuthorizationPermissionMismatch"
            grant(azure_lab, "airflow", READER)
            assert blob.download_blob().readall() == b"one"
            with pytest.raises(HttpResponseError) as refused:
                blob.upload_blob(b"two", overwrite=True)
            assert (refused.value.status_code, refused.value.error_code) == (403, "AuthorizationPermissionMismatch")
            grant(azure_lab, "airflow", CONTRIBUTOR)
            blob.upload_blob(b"two", overwrite=True)
            assert blob.download_blob().readall() == b"two"

    def test_a_role_on_one_container_says_nothing_of_another(self, azure_lab):
        with client(azure_lab, key_of(azure_lab)) as owner:
            for name in ("mine", "yours"):
                owner.create_container(name)
                owner.get_blob_client(name, "1").upload_blob(name.encode())
        azure_lab.put(f"{STORAGE}/blobServices/default/containers/mine", {"properties": {}})
        grant(azure_lab, "airflow", READER, f"{STORAGE}/blobServices/default/containers/mine")
        with client(azure_lab, azure_lab.credential("airflow")) as task:
            assert task.get_blob_client("mine", "1").download_blob().readall() == b"mine"
            with pytest.raises(HttpResponseError):
                task.get_blob_client("yours", "1").download_blob()

    def test_a_shared_access_signature_opens_what_it_names(self, azure_lab):
        key = key_of(azure_lab)
        with client(azure_lab, key) as owner:
            owner.create_container("orders")
            owner.get_blob_client("orders", "1").upload_blob(b"one")
        sas = generate_blob_sas("contosolake", "orders", "1", account_key=key, permission="r", expiry=_in_an_hour())
        status, _, body = curl(azure_lab, f"{URL}/orders/1?{sas}")
        assert (status, body) == (200, "one")
        assert curl(azure_lab, f"{URL}/orders/2?{sas}")[0] == 403

    def test_without_keys_a_key_is_refused_by_name(self, azure_lab):
        key = key_of(azure_lab)
        change(azure_lab, STORAGE, {"allowSharedKeyAccess": False})
        with client(azure_lab, key) as service, pytest.raises(HttpResponseError) as refused:
            list(service.list_containers())
        assert refused.value.error_code == "KeyBasedAuthenticationNotPermitted"

    def test_a_private_endpoint_is_a_way_when_the_public_one_is_shut(self, azure_lab, names):
        endpoint = connect_privately(azure_lab, STORAGE, "blob")
        change(azure_lab, STORAGE, {"publicNetworkAccess": "Disabled"})
        with client(azure_lab, key_of(azure_lab)) as service:
            with pytest.raises(HttpResponseError) as refused:
                service.create_container("orders")
            assert refused.value.error_code == "AuthorizationFailure"
        names["by"] = endpoint
        with client(azure_lab, key_of(azure_lab)) as service:
            service.create_container("orders")
            assert [container.name for container in service.list_containers()] == ["orders"]


def _in_an_hour():
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)


def deny(lab, *addresses):
    rules = [{"value": address} for address in addresses]
    change(lab, STORAGE, {"networkAcls": {"defaultAction": "Deny", "ipRules": rules}})


def test_who_is_not_in_the_allowlist_is_refused_as_storage_words_it(azure_lab):
    deny(azure_lab, "203.0.113.0/24")
    status, headers, body = curl(azure_lab, f"{URL}/?comp=list", "-H", "x-ms-client-request-id: mine")
    assert (status, headers["x-ms-error-code"]) == (403, "AuthorizationFailure")
    assert headers["content-type"] == "application/xml"
    assert headers["x-ms-client-request-id"] == "mine"
    assert headers["server"] == "Microsoft-HTTPAPI/2.0"
    assert f"RequestId:{headers['x-ms-request-id']}\nTime:" in body
    assert body.startswith('\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationFailure</Code>')


def test_the_allowlist_knows_callers_by_their_address(azure_lab):
    deny(azure_lab, "203.0.113.0/24")
    inside, outside = (caller_address(azure_lab, address) for address in ("203.0.113.9", "192.0.2.9"))
    assert curl(azure_lab, f"{URL}/", "--interface", inside)[0] == 409
    assert curl(azure_lab, f"{URL}/", "--interface", outside)[0] == 403
    deny(azure_lab, CALLER)
    assert curl(azure_lab, f"{URL}/")[0] == 409


def test_rules_do_not_see_callers_from_the_accounts_own_region(azure_lab):
    """Microsoft Learn, "Configure Azure Storage firewalls": IP network rules have no effect on them."""
    (network,) = azure_lab.networks("near")
    near = azure_lab._call(lambda: _outbound_address(azure_lab, network.id))
    deny(azure_lab, near)
    assert curl(azure_lab, f"{URL}/", "--interface", caller_address(azure_lab, near))[0] == 403
    change(azure_lab, STORAGE, {"networkAcls": {"defaultAction": "Allow"}})
    assert curl(azure_lab, f"{URL}/", "--interface", caller_address(azure_lab, near))[0] == 409


def test_a_subnet_is_admitted_by_its_service_endpoint_and_seen_with_its_private_address(azure_lab):
    """Microsoft Learn, "Virtual Network service endpoints": IP rules for the public address hold no more then."""
    subnet = f"{GROUP.replace('/data', '/network')}/providers/Microsoft.Network/virtualNetworks/data/subnets/apps"
    endpoints = {"serviceEndpoints": [{"service": "Microsoft.Storage"}]}
    azure_lab.put(subnet, {"properties": {"addressPrefix": "10.20.7.0/24", **endpoints}})
    network = subnet.rpartition("/subnets/")[0]
    here, beside = (
        azure_lab._call(lambda address=address: azure_lab.local.addresses.local_address(network, address))
        for address in ("10.20.7.9", "10.20.0.9")
    )

    def answers():
        return [curl(azure_lab, f"{URL}/?comp=list", "--interface", source)[0] for source in (here, beside)]

    rules = {"virtualNetworkRules": [{"id": subnet}]}
    change(azure_lab, STORAGE, {"networkAcls": {"defaultAction": "Deny", **rules}})
    assert answers() == [409, 403]
    azure_lab.put(subnet, {"properties": {"addressPrefix": "10.20.7.0/24", "serviceEndpoints": []}})
    assert answers() == [403, 403]


def _outbound_address(lab, network):
    place = find_place(lab.local.plane, network)
    return public_address(lab.local.plane, place, None)


def test_anonymous_requests_meet_an_account_without_public_access(azure_lab):
    status, headers, body = curl(azure_lab, f"{URL}/orders/1")
    assert (status, headers["x-ms-error-code"]) == (409, "PublicAccessNotPermitted")
    assert "Public access is not permitted on this storage account." in body
    status, headers, _ = curl(azure_lab, f"{URL}/orders/1", "-H", "x-ms-version: 2021-12-02")
    assert (status, headers["x-ms-error-code"]) == (401, "NoAuthenticationInformation")
    assert headers["www-authenticate"].endswith("/oauth2/authorize resource_id=https://storage.azure.com")


def test_a_rule_takes_its_time(azure_lab):
    azure_lab.change_settings(firewall_delay_s=30)
    deny(azure_lab)
    assert curl(azure_lab, f"{URL}/")[0] == 409
    azure_lab.advance(31)
    assert curl(azure_lab, f"{URL}/")[0] == 403


def test_the_journal_tells_of_requests_without_their_signatures(azure_lab):
    curl(azure_lab, f"{URL}/orders/1?sv=2021-12-02&sig=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    (entry,) = azure_lab.journal(service="data")
    assert entry.path == "/orders/1"
    assert "c2VjcmV0" not in repr(entry)


def test_a_fault_meets_requests_by_host(azure_lab):
    azure_lab.fault("server-error:503", service="data", host="*.queue.core.windows.net")
    azure_lab.fault("server-error:502", service="data", host=HOST)
    assert curl(azure_lab, f"{URL}/")[0] == 502
    assert curl(azure_lab, f"{URL}/")[0] == 409


def test_a_token_of_another_tenant_is_none(azure_lab):
    token = azure_lab.token("vendor-operations", audience="https://storage.azure.com")
    bearer = ("-H", f"Authorization: Bearer {token}", "-H", "x-ms-version: 2021-12-02")
    status, headers, _ = curl(azure_lab, f"{URL}/?comp=list", *bearer)
    assert (status, headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")
    assert f"/{azure_lab.tenant_id}/" in headers["www-authenticate"]


@pytest.fixture
def lab_without_azurite(monkeypatch):
    monkeypatch.setenv("NETCONN_LAB_AZURITE", "none")
    lab = AzureLab()
    yield lab
    lab.stop()


def test_without_azurite_nothing_is_said_to_be_stored(lab_without_azurite):
    lab = lab_without_azurite
    lab.put(f"{STORAGE}/blobServices/default/containers/raw", {"properties": {}})
    grant(lab, "airflow", CONTRIBUTOR)
    token = lab.token("airflow", audience="https://storage.azure.com")
    bearer = ("-H", f"Authorization: Bearer {token}", "-H", "x-ms-version: 2021-12-02")
    status, _, body = curl(lab, f"{URL}/?comp=list", *bearer)
    assert status == 200
    assert "<Name>raw</Name>" in body
    assert curl(lab, f"{URL}/none/1", *bearer)[1]["x-ms-error-code"] == "ContainerNotFound"
    assert curl(lab, f"{URL}/raw/1", *bearer)[1]["x-ms-error-code"] == "BlobNotFound"
    status, _, body = curl(lab, f"{URL}/raw/1", "-X", "PUT", "-d", "x", *bearer)
    assert status == 501
    assert "without Azurite: NETCONN_LAB_AZURITE is none" in body


def test_a_new_account_is_served_and_a_deleted_one_is_not(azure_lab):
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/freshlake"
    azure_lab.put(account, {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
    place = azure_lab.endpoint("freshlake.blob.core.windows.net")
    with tls(azure_lab, "freshlake.blob.core.windows.net"):
        pass
    azure_lab.delete(account)
    assert not [one for one in azure_lab.endpoints() if "freshlake.blob.core.windows.net" in one["hosts"]]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(place):
                return
        time.sleep(0.02)
    pytest.fail("the door of a deleted account is still open")
