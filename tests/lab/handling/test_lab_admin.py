"""The admin API, over the network."""

from __future__ import annotations

import ssl
import time

import httpx
import pytest

from airflow_provider_netconn.lab.background import Background
from airflow_provider_netconn.lab.local_azure import LocalAzure
from airflow_provider_netconn.lab.seed import read_seed
from tests.lab.handling.seeds import GROUP, SMALL

VERSION = {"api-version": "2021-04-01"}


@pytest.fixture(scope="module")
def running_lab():
    lab = LocalAzure(read_seed("small.yaml", SMALL))
    background = Background(lab)
    yield lab, background
    background.stop()


@pytest.fixture
def lab(running_lab):
    running_lab[1].call(running_lab[0].reset)
    return running_lab[0]


@pytest.fixture(scope="module")
def trust(running_lab):
    return ssl.create_default_context(cadata=running_lab[0].certificates.certificate_pem.decode())


@pytest.fixture
def admin(lab, trust):
    headers = {"Authorization": f"Bearer {lab.admin_token}"}
    with httpx.Client(base_url=lab.url("admin"), verify=trust, headers=headers) as client:
        yield client


@pytest.fixture
def arm(lab, trust):
    headers = {"Authorization": f"Bearer {lab.token()}"}
    with httpx.Client(base_url=lab.url("arm"), verify=trust, headers=headers, params=VERSION) as client:
        yield client


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic eDp5", "Bearer"])
@pytest.mark.parametrize("request_line", ["GET /", "POST /reset", "GET /journal", "POST /shutdown", "GET /landscape"])
def test_nobody_gets_in_without_the_admin_token(lab, trust, authorization, request_line):
    method, path = request_line.split()
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.request(method, lab.url("admin") + path, verify=trust, headers=headers)
    assert answer.status_code == 401
    assert "admin_token" in answer.json()["error"]["message"]
    assert not lab.stopping.is_set()


def test_fault_that_was_told_is_met_listed_and_removed(admin, arm):
    told = admin.post("/faults", json={"fault": "throttled", "path": "resourceGroups/*", "times": 2})
    assert told.status_code == 201
    assert arm.get(GROUP).status_code == 429
    (listed,) = admin.get("/faults").json()["faults"]
    assert (listed["applied"], listed["left"]) == (1, 1)
    assert admin.delete(f"/faults/{listed['id']}").status_code == 204
    assert arm.get(GROUP).status_code == 200
    assert admin.delete(f"/faults/{listed['id']}").status_code == 404


def test_all_faults_can_be_removed(admin, arm):
    for _ in range(3):
        admin.post("/faults", json={"fault": "throttled"})
    admin.delete("/faults")
    assert arm.get(GROUP).status_code == 200


def test_journal_is_filtered_counted_and_cleared(admin, arm, lab):
    arm.get(GROUP)
    arm.put(GROUP, json={"location": "northeurope", "tags": {"a": "b"}})
    arm.get(f"{GROUP}x")
    found = admin.get("/journal", params={"method": "PUT", "path": "resourceGroups/data", "status": "2xx"}).json()
    assert found["count"] == 1
    assert found["entries"][0]["body"] == {"location": "northeurope", "tags": {"a": "b"}}
    assert found["entries"][0]["principal"] == lab.principal("automation").object_id
    assert admin.get("/journal", params={"limit": "1"}).json()["entries"][0]["status"] == 404
    assert admin.get("/journal", params={"limit": "0"}).json() == {"count": 3, "entries": []}
    admin.delete("/journal")
    assert admin.get("/journal").json()["count"] == 0


def test_reset_returns_to_the_seed(admin, arm, lab):
    arm.put(f"{GROUP}-more", json={"location": "northeurope"})
    admin.post("/faults", json={"fault": "throttled", "share": 1.0})
    admin.patch("/settings", json={"time_scale": 1})
    admin.post("/clock", json={"advance": 500})
    assert admin.post("/reset").status_code == 204
    assert arm.get(f"{GROUP}-more").status_code == 404
    assert admin.get("/settings").json() == lab.initial_settings.to_json()
    assert admin.get("/").json()["requests"] == 1
    assert abs(admin.get("/clock").json()["now"] - time.time()) < 60


def test_token_from_before_a_reset_is_good_after_it(admin, arm):
    admin.post("/reset")
    assert arm.get(GROUP).status_code == 200


def test_clock_that_is_moved_on_expires_tokens(admin, arm):
    before = admin.get("/clock").json()["now"]
    assert admin.post("/clock", json={"advance": 4000}).json()["now"] >= before + 4000
    assert arm.get(GROUP).json()["error"]["code"] == "ExpiredAuthenticationToken"


def test_settings_take_effect(admin, lab, trust):
    admin.patch("/settings", json={"token_lifetime_s": 60})
    token = lab.token()
    admin.post("/clock", json={"advance": 61})
    answer = httpx.get(
        lab.url("arm") + GROUP, params=VERSION, verify=trust, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401


def test_landscape_shows_what_there_is_and_no_secret(admin, lab):
    shown = admin.get("/landscape")
    assert GROUP in {one["id"] for one in shown.json()["resources"]}
    assert lab.principal("automation").object_id in {one["object_id"] for one in shown.json()["principals"]}
    for principal in lab.seed.principals:
        assert principal.client_secret is None or principal.client_secret not in shown.text


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "says"),
    [
        ("GET", "/nothing", {}, 404, "has no such request"),
        ("PUT", "/faults", {}, 405, "has no such request"),
        ("POST", "/faults", {"content": "{"}, 400, "the body is no JSON"),
        ("POST", "/faults", {"json": {"fault": "x"}}, 400, "'x' is no fault"),
        ("POST", "/faults", {"json": {"fault": "packets-drop"}}, 400, "on loopback nothing decides about packets"),
        ("POST", "/clock", {"json": {"advance": -1}}, 400, "advance: -1 is no number of seconds"),
        ("POST", "/clock", {"json": []}, 400, "advance: None"),
        ("PATCH", "/settings", {"json": {"speed": 1}}, 400, "speed: unknown setting"),
        ("PATCH", "/settings", {"json": {"time_scale": "fast"}}, 400, "time_scale: 'fast' is no number"),
        ("PATCH", "/settings", {"json": {"answers": "both"}}, 400, "answers: 'both' is neither landscape nor local"),
        ("GET", "/journal", {"params": {"verb": "PUT"}}, 400, "verb: unknown filter"),
        ("GET", "/journal", {"params": {"since": "today"}}, 400, "since"),
        ("GET", "/journal", {"params": {"path": "re:("}}, 400, "no regular expression"),
        ("GET", "/journal", {"params": {"limit": "-1"}}, 400, "limit: '-1' is no whole number"),
        ("GET", "/journal", {"params": {"service": "azure"}}, 400, "'azure' is no service"),
        ("GET", "/journal", {"params": {"faulty": "yes"}}, 400, "faulty: 'yes' is no truth value"),
    ],
)
def test_what_makes_no_sense_is_told_in_words(admin, method, path, sent, status, says):
    answer = admin.request(method, path, **sent)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


def test_admin_requests_are_in_no_journal(admin):
    admin.get("/")
    assert admin.get("/journal").json()["count"] == 0


def test_operation_that_a_fault_hits_fails_or_is_late_or_never_ends(admin, arm, lab, trust):
    def poll(location):
        return httpx.get(location, verify=trust, headers={"Authorization": f"Bearer {lab.token(lifetime_s=9000)}"})

    admin.post("/faults", json={"fault": "operation-fails:RetryableError", "method": "DELETE"})
    location = arm.delete(GROUP).headers["location"]
    assert poll(location).json()["error"]["code"] == "RetryableError"
    assert arm.get(GROUP).status_code == 200
    admin.post("/faults", json={"fault": "operation-never-ends:500"})
    location = arm.delete(GROUP).headers["location"]
    admin.post("/clock", json={"advance": 490})
    assert poll(location).status_code == 202
    admin.post("/clock", json={"advance": 20})
    assert poll(location).status_code == 200
    arm.put(GROUP, json={"location": "westeurope"})
    admin.post("/faults", json={"fault": "operation-never-ends"})
    location = arm.delete(GROUP).headers["location"]
    admin.post("/clock", json={"advance": 3000})
    assert poll(location).status_code == 202
    hit = [entry["fault"] for entry in admin.get("/journal").json()["entries"] if entry["method"] == "DELETE"]
    assert hit == ["operation-fails:RetryableError", "operation-never-ends:500", "operation-never-ends"]
