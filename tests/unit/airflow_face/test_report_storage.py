"""Reports go where they are asked to go, and no secret of the way there is told."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_netconn.errors import InvalidConnectionError, InvalidOptionError, ReportWriteError
from airflow_provider_netconn.hooks import report_storage
from airflow_provider_netconn.hooks.report_storage import parse_destination, write_report
from airflow_provider_netconn.operators.request import report_destinations

BLOB = "https://acct.blob.core.windows.net/reports/netconn.html"
CANARY = "canary-4f1c-secret"


def test_a_local_path(tmp_path):
    path = tmp_path / "new" / "netconn, of today.html"
    assert write_report("text", parse_destination(str(path))) == str(path)
    assert path.read_text() == "text"


def test_an_object_storage(tmp_path):
    path = tmp_path / "new" / "netconn.json"
    destination = parse_destination(f"file://{path}")
    assert write_report("Ünïcode", destination) == f"file://{path}"
    assert path.read_text() == "Ünïcode"


def test_an_object_storage_that_fails_is_named():
    with pytest.raises(ReportWriteError, match="nosuchstorage://bucket/netconn"):
        write_report("text", parse_destination("nosuchstorage://bucket/netconn.json"))


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (f"{BLOB}?sv=1&sig={CANARY}", BLOB),
        (f"https://user:{CANARY}@acct.blob.core.windows.net/reports/a.html", BLOB.replace("netconn", "a")),
        (f"s3://conn:{CANARY}@bucket/a.html", "s3://conn@bucket/a.html"),
        ("s3://conn@bucket/a.html", "s3://conn@bucket/a.html"),
        ("reports/what?.html", "reports/what?.html"),
    ],
)
def test_a_location_has_no_secrets(path, location):
    assert parse_destination(path).location == location


@pytest.mark.parametrize("path", ["report.pdf", "report", f"{BLOB[:-5]}?x=.html", "https:///c/n.html", f"{BLOB}/"])
def test_a_path_without_a_format_or_a_blob_is_bad_input(path):
    with pytest.raises(InvalidOptionError, match="report_path"):
        parse_destination(path)


def test_one_path_several_paths_and_none():
    locations = [item.location for item in report_destinations('["a.html", "b.json"]')]
    assert locations == ["a.html", "b.json"]
    assert [item.location for item in report_destinations("a, b.html")] == ["a, b.html"]
    assert report_destinations("None") == report_destinations(None) == report_destinations("") == ()


@pytest.fixture
def credentials(monkeypatch):
    """The credentials that a wasb connection of the given fields gives, and the secrets that were met."""

    def read(path=BLOB, **fields):
        monkeypatch.setenv("AIRFLOW_CONN_REPORTS", json.dumps({"conn_type": "wasb"} | fields))
        secrets = []
        return report_storage._blob_credentials(parse_destination(path), "reports", secrets), secrets

    return read


def test_a_client_secret_makes_a_token_credential(credentials):
    extra = {"tenant_id": "00000000-0000-0000-0000-000000000001"}
    (sas, credential), secrets = credentials(login="client", password=CANARY, extra=extra)
    assert sas == ""
    assert type(credential).__name__ == "ClientSecretCredential"
    assert secrets == [CANARY]
    assert CANARY not in str(redact(f"log {CANARY}"))


def test_nothing_given_makes_the_default_credential(credentials, monkeypatch):
    (_, credential), _ = credentials(host="https://acct.blob.core.windows.net")
    assert type(credential).__name__ == "DefaultAzureCredential"


def test_without_a_connection_the_default_credential_is_taken():
    sas, credential = report_storage._blob_credentials(parse_destination(BLOB), None, [])
    assert (sas, type(credential).__name__) == ("", "DefaultAzureCredential")


def test_a_connection_string_comes_before_a_key(credentials):
    text = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={CANARY}==;EndpointSuffix=core.windows.net"
    (_, credential), secrets = credentials(password="other", extra={"connection_string": text})
    assert credential == {"account_name": "acct", "account_key": f"{CANARY}=="}
    assert f"{CANARY}==" in secrets


def test_a_missing_connection_is_named():
    with pytest.raises(InvalidConnectionError, match="connection no_such_connection"):
        write_report("text", parse_destination(BLOB), "no_such_connection")


def test_messages_lose_secrets_and_queries():
    message = f"GET {BLOB}?sig=abc failed for {CANARY}\nand a second line"
    assert report_storage._redacted(message, [CANARY]) == f"GET {BLOB}?*** failed for ***"
