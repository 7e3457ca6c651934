"""Faults as clients meet them, over real connections."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time

import httpx
import pytest

PEERING = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Network"
    "/virtualNetworks/hub/virtualNetworkPeerings/to-data"
)
NETWORK = PEERING.partition("/virtualNetworkPeerings")[0]
REFUSALS = [
    ("throttled", 429, "SubscriptionRequestsThrottled"),
    ("throttled-without-retry-after", 429, "TooManyRequests"),
    ("retryable-error", 429, "RetryableError"),
    ("retryable-error-due-to-another-operation", 429, "RetryableErrorDueToAnotherOperation"),
    ("another-operation", 409, "AnotherOperationInProgress"),
    ("not-provisioned", 400, "ReferencedResourceNotProvisioned"),
    ("server-error", 500, "InternalServerError"),
    ("server-error:502", 502, "BadGateway"),
    ("server-error:503", 503, "ServiceUnavailable"),
    ("server-error:504", 504, "GatewayTimeout"),
    ("expired-token", 401, "ExpiredAuthenticationToken"),
]


@pytest.mark.parametrize(("fault", "status", "code"), REFUSALS)
def test_refusal_stands_in_azures_envelope_and_changes_nothing(served, fault, status, code):
    served.fault(fault)
    refused = served.client.put(PEERING, json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert refused.json()["error"]["message"]
    assert served.service.kept == {}
    assert served.client.put(PEERING, json={}).status_code == 201


def test_only_throttling_that_was_told_so_says_when_to_come_back(served):
    served.fault("throttled:7")
    served.fault("throttled-without-retry-after")
    served.fault("retryable-error")
    served.fault("another-operation")
    retry_after = [served.client.get("/x").headers.get("retry-after") for _ in range(4)]
    assert retry_after == ["7", None, None, None]


def test_retry_after_can_be_added_to_any_refusal(served):
    served.fault("server-error:503", retry_after_s=3)
    assert served.client.get("/x").headers["retry-after"] == "3"


def test_body_tells_another_operation_from_throttling(served):
    served.fault("retryable-error")
    assert served.client.get("/x").json()["error"]["details"][0]["code"] == "ReferencedResourceNotProvisioned"


def test_expired_token_is_challenged(served):
    served.fault("expired-token")
    refused = served.client.get("/x")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert "is earlier than current UTC time" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("served", "read"),
    [
        ("graph", lambda body: body["error"]["innerError"]["request-id"] and body["error"]["code"]),
        ("astro", lambda body: body["requestId"] and str(body["statusCode"])),
        ("authority", lambda body: body["error_description"] and body["error"]),
    ],
    indirect=["served"],
)
def test_each_service_refuses_in_its_own_words(served, read):
    served.fault("server-error:503")
    refused = served.client.get("/x")
    assert refused.status_code == 503
    assert read(refused.json()) in {"ServiceUnavailable", "503", "temporarily_unavailable"}


def raw_request(served, method="PUT", path="/reset"):
    """Send a request and read from the bare socket until it ends: the ssl module takes a reset for an end of file."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = served.trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(served.address, 10) as connection:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
        tls.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        connection.sendall(outgoing.read())
        while connection.recv(65536):
            pass


@pytest.mark.parametrize(("fault", "carried_out"), [("reset-before", False), ("reset-after", True)])
def test_reset_is_a_real_one_and_comes_before_or_after_the_change(served, fault, carried_out):
    served.fault(fault)
    with pytest.raises(ConnectionResetError):
        raw_request(served)
    assert ("/reset" in served.service.kept) is carried_out
    (entry,) = served.journal.entries()
    assert (entry.status, entry.fault) == (None, fault)


def test_reset_ends_only_that_connection(served):
    with httpx.Client(base_url=served.client.base_url, verify=served.trust) as other:
        other.get("/x")
        served.fault("reset-before", path="/reset")
        with pytest.raises(ConnectionResetError):
            raw_request(served)
        assert other.get("/x").status_code == 404


def test_hang_lasts_until_the_client_leaves(served):
    served.fault("hang")
    started = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        served.client.get("/x", timeout=0.3)
    assert time.monotonic() - started < 2
    deadline = time.monotonic() + 5
    while not served.journal.entries() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [entry.status for entry in served.journal.entries()] == [None]


def test_hang_of_some_seconds_is_a_late_answer(served):
    served.fault("hang:0.3")
    started = time.monotonic()
    assert served.client.put("/x", json={"a": 1}).status_code == 201
    assert time.monotonic() - started >= 0.3
    assert json.loads(served.service.kept["/x"]) == {"a": 1}


def test_malformed_answer_is_whole_http_around_half_a_body(served):
    served.fault("malformed")
    cut = served.client.put("/x", json={})
    assert cut.status_code == 201
    assert len(cut.content) == int(cut.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        cut.json()
    assert "/x" in served.service.kept


def test_after_a_put_so_many_reads_find_nothing(served):
    served.fault("not-found-after-put:2", path="virtualNetworks/hub")
    assert served.client.put(NETWORK, json={"name": "hub"}).status_code == 201
    missing = [served.client.get(NETWORK.replace("hub", "HUB")) for _ in range(2)]
    assert [answer.json()["error"]["code"] for answer in missing] == ["ResourceNotFound"] * 2
    assert "'Microsoft.Network/virtualNetworks/HUB' under resource group 'rg'" in missing[0].json()["error"]["message"]
    assert served.client.get(NETWORK).json() == {"name": "hub"}


def test_a_refused_put_hides_nothing(served):
    served.service.kept[NETWORK] = b"{}"
    served.fault("server-error")
    served.fault("not-found-after-put", path="virtualNetworks/hub")
    served.client.put(NETWORK, json={})
    assert served.client.get(NETWORK).status_code == 200


def test_what_a_removed_fault_hid_is_found(served):
    fault = served.fault("not-found-after-put:9")
    served.client.put(NETWORK, json={})
    assert served.client.get(NETWORK).status_code == 404
    served.faults.remove(fault.number)
    assert served.client.get(NETWORK).status_code == 200


def test_service_that_fails_answers_500_in_the_envelope(served, caplog):
    assert served.client.get("/broken").json()["error"]["code"] == "InternalServerError"
    assert "broken for the test" in caplog.text


def test_client_that_leaves_in_the_middle_of_its_body_is_no_request(served):
    connection = served.trust.wrap_socket(socket.create_connection(served.address, 10), server_hostname="127.0.0.1")
    connection.sendall(b"PUT /half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert served.client.get("/x").status_code == 404
    assert "/half" not in served.service.kept


def test_many_clients_at_a_time_get_their_own_answers(served):
    served.fault("server-error", share=0.5, seed=4)
    statuses = []

    def work(number):
        with httpx.Client(base_url=served.client.base_url, verify=served.trust) as client:
            for turn in range(20):
                statuses.append(client.put(f"/{number}/{turn}", json={}).status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 160
    assert statuses.count(201) == len(served.service.kept)
    assert statuses.count(500) == served.faults.all()[0].applied
    assert served.journal.count() == 160
