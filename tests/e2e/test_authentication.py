"""The stage ``auth``: real hooks, in their own process, against real servers.

Azurite checks keys and SAS. A storage account's firewall, roles and settings it does not have; for these an HTTP server
answers with the status, headers and body that Azure's REST reference documents.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from airflow_provider_netconn.errors import InvalidConnectionError
from airflow_provider_netconn.evidence import Finding, Outcome, Stage, from_json, to_json
from airflow_provider_netconn.hooks import authentication
from airflow_provider_netconn.hooks.authentication import authenticate
from testbed.endpoints import ClosedPort, DroppingPort, HttpServer, SilentServer
from testbed.servers.postgres import PostgresServer
from testbed.servers.redis import RedisServer
from tests.e2e.azurite import ACCOUNT, KEY

azure_blob = pytest.importorskip("azure.storage.blob")

CANARY = "canary-5c0e-never-show-this"
OTHER_KEY = "Y2FuYXJ5LWtleS1vZi1hLWNvbm5lY3Rpb24="
LIMIT_S = 60


@pytest.fixture
def connection(monkeypatch):
    def make(conn_type, **fields):
        monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps({"conn_type": conn_type} | fields))
        return ("orders", conn_type)

    return make


def seen(connection, limit_s=LIMIT_S):
    """Finding, code, and the outcome and cause that a diagnosis makes of them; nothing of a secret is in any of it."""
    result = authenticate(*connection, limit_s)
    assert result.stage is Stage.AUTH
    assert result.duration_s > 0
    shown = repr(result)
    for secret in (CANARY, KEY, OTHER_KEY, "sig="):
        assert secret not in shown
    assert from_json(type(result), to_json(result)) == result
    return result


def outcome_and_cause(result):
    import pendulum

    from airflow_provider_netconn.diagnosis import diagnose
    from airflow_provider_netconn.evidence import Evidence, Expectation, ProbeResult, Target

    target = Target(host="orders.blob.core.windows.net", port=443, expect=Expectation.ANY)
    probe = ProbeResult(target=target, stages=(result,), started_at=pendulum.now("UTC"), duration_s=1)
    verdict = diagnose(Evidence(probe=probe))
    assert "None" not in f"{verdict.explanation}{verdict.remedy}" or verdict.cause is None
    return verdict.outcome, verdict.cause


def account_sas(*, valid_for=timedelta(hours=1), key=KEY):
    return azure_blob.generate_account_sas(
        ACCOUNT,
        account_key=key,
        resource_types="sco",
        permission="rl",
        expiry=datetime.now(UTC) + valid_for,
    )


class TestBlobsOfAzurite:
    def test_the_right_key_signs_in(self, azurite, connection):
        result = seen(connection("wasb", host=azurite.url, login=ACCOUNT, password=KEY))
        assert (result.ok, result.finding) == (True, Finding.SIGNED_IN)
        assert outcome_and_cause(result) == (Outcome.OK, None)

    def test_a_connection_string_signs_in(self, azurite, connection):
        assert seen(connection("wasb", extra={"connection_string": azurite.connection_string})).ok

    @pytest.mark.parametrize("form", ["{sas}", "?{sas}"])
    def test_an_account_sas_signs_in(self, azurite, connection, form):
        extra = {"sas_token": form.format(sas=account_sas())}
        assert seen(connection("wasb", host=azurite.url, login=ACCOUNT, extra=extra)).finding is Finding.SIGNED_IN

    def test_a_wrong_key_is_refused(self, azurite, connection):
        result = seen(connection("wasb", host=azurite.url, login=ACCOUNT, password=OTHER_KEY))
        assert (result.ok, result.finding) == (False, Finding.CREDENTIALS_REFUSED)
        assert outcome_and_cause(result) == (Outcome.AUTH_FAILED, "CREDENTIALS_REFUSED")

    @pytest.mark.parametrize("more", [{"valid_for": -timedelta(hours=1)}, {"key": OTHER_KEY}])
    def test_an_expired_or_forged_sas_is_refused(self, azurite, connection, more):
        token = account_sas(**more)
        result = seen(connection("wasb", host=azurite.url, login=ACCOUNT, extra={"sas_token": token}))
        assert result.finding is Finding.CREDENTIALS_REFUSED
        signature = token.partition("sig=")[2].partition("&")[0]
        assert signature not in repr(result)
        assert unquote(signature) not in repr(result)

    def test_a_sas_of_one_container_cannot_be_checked(self, azurite, connection):
        token = azure_blob.generate_container_sas(
            ACCOUNT, "orders", account_key=KEY, permission="r", expiry=datetime.now(UTC) + timedelta(hours=1)
        )
        result = seen(connection("wasb", host=azurite.url, login=ACCOUNT, extra={"sas_token": token}))
        assert (result.ok, result.finding) == (True, Finding.NOT_CHECKED)
        assert "one container" in result.detail["why"]


# learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes and .../blob-service-error-codes
REFUSALS = [
    (403, "AuthorizationFailure", Finding.FIREWALL_REFUSED, Outcome.BLOCKED, "ACCOUNT_FIREWALL"),
    (403, "AuthorizationSourceIPMismatch", Finding.FIREWALL_REFUSED, Outcome.BLOCKED, "ACCOUNT_FIREWALL"),
    (403, "AuthorizationPermissionMismatch", Finding.PERMISSION_MISSING, Outcome.AUTH_FAILED, "PERMISSION_MISSING"),
    (403, "AuthorizationResourceTypeMismatch", Finding.PERMISSION_MISSING, Outcome.AUTH_FAILED, "PERMISSION_MISSING"),
    (409, "PublicAccessNotPermitted", Finding.PUBLIC_ACCESS_OFF, Outcome.BLOCKED, "PUBLIC_ACCESS_OFF"),
    (403, "AuthenticationFailed", Finding.CREDENTIALS_REFUSED, Outcome.AUTH_FAILED, "CREDENTIALS_REFUSED"),
    (401, "NoAuthenticationInformation", Finding.CREDENTIALS_REFUSED, Outcome.AUTH_FAILED, "CREDENTIALS_REFUSED"),
    (401, "InvalidAuthenticationInfo", Finding.CREDENTIALS_REFUSED, Outcome.AUTH_FAILED, "CREDENTIALS_REFUSED"),
    (403, "KeyBasedAuthenticationNotPermitted", Finding.KEYS_NOT_ALLOWED, Outcome.AUTH_FAILED, "KEYS_NOT_ALLOWED"),
    (500, "InternalError", Finding.SIGN_IN_FAILED, Outcome.UNKNOWN, "SIGN_IN_FAILED"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal[1])
@pytest.mark.parametrize("how", ["header", "body"])
def test_what_a_storage_account_refuses_is_told_apart(connection, refusal, how):
    status, code, finding, outcome, cause = refusal
    body = (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>It says {CANARY}.\n'
        "RequestId:11111111-2222-3333-4444-555555555555\nTime:2025-01-01T00:00:00.0000000Z</Message></Error>"
    )
    headers = {"Content-Type": "application/xml", "Server": "Windows-Azure-Blob/1.0", "x-ms-error-code": code}
    if how == "body":  # as when a proxy drops the header
        headers.pop("x-ms-error-code")
    with HttpServer(status=status, headers=headers, body=body.encode()) as account:
        extra = {"sas_token": account_sas()}  # a listing: with an answer that has a body
        host = f"http://{account.host}:{account.port}/{ACCOUNT}"
        result = seen(connection("wasb", host=host, login=ACCOUNT, extra=extra))
    assert account.requests
    assert (result.finding, outcome_and_cause(result)) == (finding, (outcome, cause))
    assert not result.ok
    if finding is not Finding.SIGN_IN_FAILED:
        assert result.detail["code"] == code


class TestNetwork:
    def test_a_refused_connection_is_no_refused_login(self, connection):
        with ClosedPort() as port:
            result = seen(connection("wasb", host=f"http://127.0.0.1:{port.port}/{ACCOUNT}", password=KEY))
        assert result.finding is Finding.CONNECT_FAILED
        assert outcome_and_cause(result) == (Outcome.UNREACHABLE, "SIGN_IN_UNREACHABLE")

    def test_a_name_that_does_not_resolve_is_no_refused_login(self, connection):
        extra = {"sas_token": account_sas()}
        result = seen(connection("wasb", host="https://orders.blob.invalid", extra=extra))
        assert result.finding is Finding.CONNECT_FAILED

    @pytest.mark.parametrize("peer", [SilentServer, DroppingPort])
    def test_a_hook_that_hangs_is_ended_in_time_and_leaves_no_process(self, connection, peer, tmp_path, monkeypatch):
        monkeypatch.setenv("NETCONN_TEST", str(tmp_path))
        with peer() as silent:
            started = time.monotonic()
            host = f"http://127.0.0.1:{silent.port}/{ACCOUNT}"
            result = seen(connection("wasb", host=host, password=KEY), limit_s=4)
            took = time.monotonic() - started
        assert result.finding is Finding.NO_ANSWER
        assert outcome_and_cause(result) == (Outcome.UNREACHABLE, "SIGN_IN_TIMED_OUT")
        assert took < 6
        assert dies_out(tmp_path)


def living(mark: Path) -> set[int]:
    """The processes that are alive and have this in their environment, as what is started here has."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(mark).encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
        except OSError:
            continue
    return found - {os.getpid()}


def dies_out(mark: Path) -> bool:
    """Whether none of them is left: a killed process dies when it gets the processor next (signal(7))."""
    deadline = time.monotonic() + 5
    while living(mark) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not living(mark)


class TestProcess:
    """What holds of the process whatever the hook."""

    @pytest.fixture
    def hook(self, connection, tmp_path, monkeypatch):
        """A hook of a module of the test's own, as the process would find any provider's."""

        def make(code: str):
            monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path.cwd()}")
            name = "airflow.providers.redis.hooks.redis"
            (tmp_path / "sitecustomize.py").write_text(
                f"import sys, types\nmodule = sys.modules[{name!r}] = types.ModuleType({name!r})\n"
                f"exec({code!r}, module.__dict__)\n"
            )
            return connection("redis", host="127.0.0.1", port=6379, password=CANARY, extra={"token": CANARY})

        return make

    def run(self, connection, limit_s=30):
        return seen(connection, limit_s)

    def test_what_a_hook_prints_and_raises_stays_inside(self, hook, capfd):
        code = f"""
class RedisHook:
    def __init__(self, conn_id):
        import os, sys
        print({CANARY!r}); print({CANARY!r}, file=sys.stderr); os.write(1, {CANARY!r}.encode())
        raise type("Error with {CANARY}".replace(" ", "_"), (Exception,), {{}})({CANARY!r})
"""
        result = authenticate(*hook(code), 30)
        assert result.finding is Finding.SIGN_IN_FAILED
        assert CANARY not in "".join(capfd.readouterr())

    def test_the_connection_is_in_no_argument_list_and_not_in_the_first_environment(self, hook, tmp_path):
        code = f"""
class RedisHook:
    def __init__(self, conn_id):
        from airflow.providers.common.compat.sdk import BaseHook
        assert BaseHook.get_connection(conn_id).password == {CANARY!r}
        seen = open("/proc/self/cmdline").read() + open("/proc/self/environ").read().replace("AIRFLOW_CONN_ORDERS", "")
        open({str(tmp_path / "seen")!r}, "w").write(str(seen.count("AIRFLOW_CONN_NETCONN")))
    def get_conn(self):
        return self
    def ping(self):
        pass
"""
        assert self.run(hook(code)).finding is Finding.SIGNED_IN
        assert (tmp_path / "seen").read_text() == "0"

    def test_a_hook_that_holds_the_lock_or_starts_programs_is_ended_with_them(self, hook, tmp_path):
        code = f"""
class RedisHook:
    def __init__(self, conn_id):
        import ctypes, subprocess
        program = subprocess.Popen(["sleep", "4321"])
        open({str(tmp_path / "pid")!r}, "w").write(str(program.pid))
        ctypes.PyDLL(None).sleep(4321)
"""
        started = time.monotonic()
        assert self.run(hook(code), limit_s=5).finding is Finding.NO_ANSWER
        assert time.monotonic() - started < 8
        assert (tmp_path / "pid").exists()
        assert dies_out(tmp_path)

    @pytest.mark.parametrize(
        "end", ["import os; os._exit(7)", "import ctypes; ctypes.string_at(0)", "raise SystemExit"]
    )
    def test_a_hook_that_ends_the_process_is_a_failure_of_its_own(self, hook, end):
        result = self.run(hook(f"class RedisHook:\n    def __init__(self, conn_id):\n        {end}\n"))
        assert (result.ok, result.finding) == (False, Finding.SIGN_IN_FAILED)
        assert outcome_and_cause(result)[0] is Outcome.UNKNOWN


def test_a_provider_that_is_not_installed_is_no_failure(connection, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path.cwd()}")
    hidden = "import sys\nsys.modules['airflow.providers.redis.hooks.redis'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    result = seen(connection("redis", host="127.0.0.1", port=6379))
    assert (result.ok, result.finding) == (True, Finding.NOT_CHECKED)
    assert result.detail["why"] == "apache-airflow-providers-redis is not installed"
    assert outcome_and_cause(result) == (Outcome.OK, "SIGN_IN_NOT_CHECKED")


@pytest.mark.parametrize("conn_type", ["sqlite", "azure_service_bus", "our_own_type"])
def test_what_cannot_be_run_is_no_failure(connection, conn_type):
    result = seen(connection(conn_type, host="orders.example"))
    assert (result.ok, result.finding) == (True, Finding.NOT_CHECKED)
    assert result.detail["why"]


def test_a_connection_that_is_not_there_is_bad_input():
    with pytest.raises(InvalidConnectionError, match="nowhere"):
        authenticate("nowhere", "wasb", 5)


def test_an_answer_of_another_shape_is_not_passed_on():
    said = json.dumps({"finding": "signed_in", "error": f"x {CANARY} = y", "code": "a b", "more": CANARY}).encode()
    assert authentication._read(authentication._Ended(answer=said, status=0)) == (Finding.SIGNED_IN, {})
    said = json.dumps({"finding": CANARY}).encode()
    assert CANARY not in repr(authentication._read(authentication._Ended(answer=said, status=0)))


class TestServers:
    """Real servers, where the provider of the hook is installed as well."""

    def test_postgres(self, connection):
        pytest.importorskip("airflow.providers.postgres", reason="the provider is not installed")
        if PostgresServer.missing():
            pytest.skip(PostgresServer.missing())
        access = "host all postgres all trust\nhost all stranger all reject\nhost all all all scram-sha-256"
        with PostgresServer(access=access) as server:
            place = {"host": server.host, "port": server.port, "schema": "postgres", "password": CANARY}
            good = seen(connection("postgres", login="postgres", **place))
            bad = seen(connection("postgres", login="airflow", **place))
            rejected = seen(connection("postgres", login="stranger", **place))
            missing = seen(connection("postgres", login="postgres", **{**place, "schema": "nowhere"}))
        away = seen(connection("postgres", login="postgres", **place))
        found = [result.finding for result in (good, bad, rejected, missing, away)]
        assert found == [
            Finding.SIGNED_IN,
            Finding.CREDENTIALS_REFUSED,
            Finding.FIREWALL_REFUSED,
            Finding.PERMISSION_MISSING,
            Finding.CONNECT_FAILED,
        ]

    def test_redis(self, connection):
        pytest.importorskip("airflow.providers.redis", reason="the provider is not installed")
        if RedisServer.missing():
            pytest.skip(RedisServer.missing())
        with RedisServer(f"requirepass {CANARY}") as server:
            place = {"host": server.host, "port": server.port}
            good = seen(connection("redis", password=CANARY, **place))
            bad = seen(connection("redis", password="wrong", **place))
            none = seen(connection("redis", **place))
        away = seen(connection("redis", password=CANARY, **place))
        found = [result.finding for result in (good, bad, none, away)]
        assert found == [
            Finding.SIGNED_IN,
            Finding.CREDENTIALS_REFUSED,
            Finding.CREDENTIALS_REFUSED,
            Finding.CONNECT_FAILED,
        ]

    @pytest.mark.parametrize(
        ("status", "finding"),
        [
            (200, Finding.SIGNED_IN),
            (404, Finding.SIGNED_IN),
            (401, Finding.CREDENTIALS_REFUSED),
            (403, Finding.PERMISSION_MISSING),
            (503, Finding.SIGN_IN_FAILED),
        ],
    )
    def test_http(self, connection, status, finding):
        pytest.importorskip("airflow.providers.http", reason="the provider is not installed")
        with HttpServer(status=status) as server:
            fields = {"host": server.host, "port": server.port, "login": "airflow", "password": CANARY}
            assert seen(connection("http", **fields)).finding is finding
        assert [request.method for request in server.requests] == ["GET"]


@pytest.mark.parametrize(
    ("key", "headline", "cause", "status"),
    [(KEY, "OK", None, 0), (OTHER_KEY, "AUTH_FAILED", "CREDENTIALS_REFUSED", 1)],
    ids=["right-key", "wrong-key"],
)
def test_the_command_line_has_a_connection_sign_in_when_asked(azurite, connection, key, headline, cause, status):
    connection("wasb", host=azurite.url, login=ACCOUNT, password=key)
    command = [sys.executable, "-m", "airflow_provider_netconn.cli", "check", "--conn-id", "orders", "--expect", "any"]
    asked = subprocess.run([*command, "--auth", "--json"], capture_output=True, text=True, timeout=120, check=False)
    assert asked.returncode == status, asked.stderr
    (verdict,) = json.loads(asked.stdout)
    assert (verdict["headline"], verdict["cause"], verdict["stages"][-1]["stage"]) == (headline, cause, "auth")
    assert key not in asked.stdout + asked.stderr
    unasked = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=120, check=False)
    assert [stage["stage"] for stage in json.loads(unasked.stdout)[0]["stages"]][-1] == "protocol"
