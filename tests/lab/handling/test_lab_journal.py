"""What the journal holds of requests, and what it never does."""

from __future__ import annotations

import base64
import json

import pytest

from airflow_provider_netconn.lab import masking
from airflow_provider_netconn.lab.asgi import answer_json
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.faults import FaultBook
from airflow_provider_netconn.lab.gate import Gate
from airflow_provider_netconn.lab.journal import MAX_BODY_CHARACTERS, Entry, Journal, Query

CANARY = "c4n4ry-sEcReT"
OID = "00000000-0000-4000-8000-0000000000b2"


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


TOKEN = f"{encoded({'alg': 'RS256'})}.{encoded({'oid': OID, 'note': 'x' * 20})}.{CANARY}"


def test_every_request_is_there_when_its_answer_is(served):
    served.service.kept["/kept"] = b"{}"
    headers = {"Authorization": f"Bearer {TOKEN}", "x-ms-correlation-request-id": "of-the-request"}
    for turn in range(200):
        served.client.put("/made", params={"api-version": "2024-05-01"}, json={"turn": turn}, headers=headers)
        entry = served.journal.entries()[-1]
        assert (entry.number, entry.body) == (turn + 1, {"turn": turn})
    assert (entry.service, entry.method, entry.path, entry.query) == ("arm", "PUT", "/made", "api-version=2024-05-01")
    assert (entry.principal, entry.status, entry.correlation_id) == (OID, 200, "of-the-request")
    assert 0 < entry.duration_s < 5
    served.client.get("/kept", headers=headers)
    assert served.journal.entries()[-1].correlation_id == "of-the-answer"


async def test_request_is_written_down_before_the_last_of_its_answer_is_sent():
    journal, written = Journal(), []

    async def application(scope, receive, send):
        await answer_json(send, 200, {})

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        written.append((message["type"], journal.count()))

    gate = Gate(application, service="arm", faults=FaultBook(), journal=journal, clock=Clock())
    await gate({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}, receive, send)
    assert written == [("http.response.start", 0), ("http.response.body", 1)]
    assert journal.count() == 1


SECRETS = [
    pytest.param("/x", {"json": {"properties": {"sharedKey": CANARY}}}, id="shared key"),
    pytest.param("/connections/c/sharedKey", {"json": {"value": CANARY}}, id="shared key as a value"),
    pytest.param("/vaults/v/secrets/s", {"json": {"properties": {"value": CANARY}}}, id="vault secret"),
    pytest.param("/x", {"json": {"administratorLoginPassword": CANARY}}, id="password"),
    pytest.param("/x", {"json": [{"keys": [{"keyName": "key1", "value": CANARY}]}]}, id="account key in a list"),
    pytest.param("/x", {"json": {"primaryKey": {"deep": [CANARY]}}}, id="below a secret name"),
    pytest.param("/x", {"json": {"key": "AZURE_CLIENT_SECRET", "value": CANARY}}, id="environment variable"),
    pytest.param("/x", {"json": {"key": "HARMLESS", "isSecret": True, "value": CANARY}}, id="declared secret"),
    pytest.param("/x", {"json": {"note": f"AccountName=a;AccountKey={CANARY};B=c"}}, id="connection string"),
    pytest.param("/x", {"json": {"note": f"https://a.blob.core.windows.net/c?se=1&sig={CANARY}"}}, id="SAS in a URL"),
    pytest.param("/x", {"json": {"note": f"postgres://me:{CANARY}@host/db"}}, id="password in a URL"),
    pytest.param("/x", {"json": {"note": f"bearer {TOKEN}"}}, id="token in a text"),
    pytest.param("/x", {"json": {"note": TOKEN}}, id="bare token in a text"),
    pytest.param("/x", {"json": {"note": f"-----BEGIN PRIVATE KEY-----\n{CANARY}"}}, id="private key, cut off"),
    pytest.param("/x", {"data": {"grant_type": "a", "client_secret": CANARY}}, id="client secret in a form"),
    pytest.param("/x", {"data": {"client_assertion": CANARY}}, id="client assertion in a form"),
    pytest.param("/x", {"data": {"refresh_token": CANARY, "code": CANARY}}, id="refresh token in a form"),
    pytest.param("/x", {"content": f'{{"sharedKey": "{CANARY}"'}, id="broken JSON"),
    pytest.param("/x", {"content": f"client_secret={CANARY}"}, id="form without its type"),
    pytest.param("/x", {"content": json.dumps({"a": "b" * 300_000, "password": CANARY})}, id="long body"),
    pytest.param("/x", {"params": {"sig": CANARY, "se": "2030"}}, id="SAS in the query"),
    pytest.param("/x", {"params": {"t": "1", "c": CANARY, "s": CANARY, "h": CANARY}}, id="signed operation"),
    pytest.param("/x", {"params": {"access_token": CANARY}}, id="token in the query"),
    pytest.param(f"/x/{TOKEN}", {}, id="token in the path"),
    pytest.param("/x", {"headers": {"Authorization": f"Bearer {TOKEN}"}}, id="bearer"),
    pytest.param("/x", {"headers": {"Authorization": f"SharedKey account:{CANARY}"}}, id="shared key signature"),
    pytest.param("/x", {"headers": {"x-ms-authorization-auxiliary": f"Bearer {TOKEN}"}}, id="auxiliary token"),
    pytest.param("/x", {"headers": {"x-ms-correlation-request-id": TOKEN}}, id="token as correlation id"),
]


@pytest.mark.parametrize(("path", "sent"), SECRETS)
def test_no_secret_gets_into_the_journal(served, path, sent):
    served.client.put(path, **sent)
    (entry,) = served.journal.entries()
    assert CANARY not in json.dumps(entry.to_json()) + repr(entry)


def test_what_is_no_secret_is_kept():
    body = {
        "properties": {"allowSharedKeyAccess": False, "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        "tags": {"owner": "me"},
        "keyLength": 128,
    }
    assert masking.masked_body(json.dumps(body).encode(), "application/json", "/x") == body
    assert (
        masking.masked_query("api-version=2024-05-01&$filter=atScope()") == "api-version=2024-05-01&$filter=atScope()"
    )


def entry_of(**values):
    given = {
        "number": 1,
        "time": 100.0,
        "service": "arm",
        "method": "PUT",
        "path": "/subscriptions/S/virtualNetworks/hub",
        "query": "",
        "principal": None,
        "status": 201,
        "duration_s": 0.1,
        "correlation_id": None,
        "fault": None,
        "body": None,
    }
    return Entry(**{**given, **values})


@pytest.mark.parametrize(
    ("query", "other"),
    [
        (Query(method="put"), {"method": "GET"}),
        (Query(path="virtualNetworks/HUB"), {"path": "/subscriptions/S/virtualNetworks/hub/subnets/a"}),
        (Query(path="re:networks/h.b$"), {"path": "/subscriptions/S/virtualNetworks/data"}),
        (Query(path="/subscriptions/s/*"), {"path": "/x/subscriptions/s/virtualNetworks/hub"}),
        (Query(status="201"), {"status": 200}),
        (Query(status="2xx"), {"status": 404}),
        (Query(since=100.0), {"time": 99.9}),
        (Query(service="arm"), {"service": "graph"}),
        (Query(faulty=False), {"fault": "throttled"}),
    ],
)
def test_query_selects_what_fits_and_nothing_else(query, other):
    assert query.selects(entry_of())
    assert not query.selects(entry_of(**other))


def test_requests_without_an_answer_can_be_asked_for():
    assert Query(status="none").selects(entry_of(status=None))
    assert not Query(status="none").selects(entry_of())
    assert not Query(status="2xx").selects(entry_of(status=None))


def values_of(**values):
    given = entry_of(**values).to_json()
    del given["number"]
    return given


def test_journal_forgets_the_oldest_and_counts_on():
    journal = Journal(capacity=3)
    for _ in range(5):
        journal.add(**values_of())
    assert [entry.number for entry in journal.entries()] == [3, 4, 5]
    journal.clear()
    assert journal.count() == 0
    assert journal.add(**values_of()).number == 6


def test_long_body_is_cut():
    journal = Journal()
    entry = journal.add(**values_of(body={"a": "b" * 10_000}))
    assert len(entry.body) < MAX_BODY_CHARACTERS + 100
    assert entry.body.endswith("(10009 characters)")
