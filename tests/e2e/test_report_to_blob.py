"""Reports written as blobs, to a real blob service, with each kind of credentials that it can check."""

from __future__ import annotations

import json
import logging
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_netconn.errors import InvalidOptionError, ReportWriteError
from airflow_provider_netconn.hooks.report_storage import parse_destination, write_report
from tests.e2e.azurite import ACCOUNT, KEY, Azurite

azure_blob = pytest.importorskip("azure.storage.blob")

CONTAINER = "reports"
TEXT = "<!doctype html><title>Überblick</title>"


@pytest.fixture(scope="session")
def azurite(azurite):
    """The shared service with a container for reports."""
    with azure_blob.BlobServiceClient.from_connection_string(azurite.connection_string) as client:
        client.create_container(CONTAINER)
    return azurite


@pytest.fixture
def wasb(monkeypatch):
    """Make the Airflow connection ``reports`` of the given fields."""

    def make(**fields):
        monkeypatch.setenv("AIRFLOW_CONN_REPORTS", json.dumps({"conn_type": "wasb"} | fields))
        return "reports"

    return make


def sas(azurite: Azurite, permission="racw", *, valid_for=timedelta(hours=1)) -> str:
    return azure_blob.generate_container_sas(
        ACCOUNT, CONTAINER, account_key=KEY, permission=permission, expiry=datetime.now(UTC) + valid_for
    )


def read(azurite: Azurite, name: str):
    with (
        azure_blob.BlobServiceClient.from_connection_string(azurite.connection_string) as client,
        client.get_blob_client(CONTAINER, name) as blob,
    ):
        return blob.download_blob().readall().decode(), blob.get_blob_properties().content_settings.content_type


def write(url: str, conn_id: str | None = None) -> str:
    return write_report(TEXT, parse_destination(url), conn_id)


def test_a_connection_string_lets_write(azurite, wasb):
    url = f"{azurite.url}/{CONTAINER}/2025/netconn.html"
    assert write(url, wasb(extra={"connection_string": azurite.connection_string})) == url
    assert read(azurite, "2025/netconn.html") == (TEXT, "text/html; charset=utf-8")


def test_an_account_key_as_password_lets_write(azurite, wasb):
    write(f"{azurite.url}/{CONTAINER}/key.json", wasb(login=ACCOUNT, password=KEY))
    assert read(azurite, "key.json") == (TEXT, "application/json")


def test_a_shared_access_key_in_the_old_form_of_extra_lets_write(azurite, wasb):
    write(f"{azurite.url}/{CONTAINER}/old.md", wasb(extra={"extra__wasb__shared_access_key": KEY}))
    assert read(azurite, "old.md")[0] == TEXT


@pytest.mark.parametrize("form", ["{sas}", "?{sas}", "https://127.0.0.1/devstoreaccount1?{sas}"])
def test_a_sas_of_a_connection_lets_write(azurite, wasb, form):
    write(f"{azurite.url}/{CONTAINER}/sas.xml", wasb(extra={"sas_token": form.format(sas=sas(azurite))}))
    assert read(azurite, "sas.xml")[0] == TEXT


def test_a_sas_in_the_url_lets_write_and_is_not_in_the_location(azurite):
    url = f"{azurite.url}/{CONTAINER}/in-url.html"
    assert write(f"{url}?{sas(azurite)}") == url
    assert read(azurite, "in-url.html")[0] == TEXT


def test_the_log_holds_nothing_of_its_requests(azurite, wasb, caplog):
    with caplog.at_level(logging.INFO):
        write(f"{azurite.url}/{CONTAINER}/quiet.html", wasb(password=KEY))
    assert [one.name for one in caplog.records if one.name.startswith("azure.")] == []


def test_a_second_write_takes_the_place_of_the_first(azurite, wasb):
    conn_id = wasb(password=KEY)
    destination = parse_destination(f"{azurite.url}/{CONTAINER}/twice.html")
    write_report("first", destination, conn_id)
    write_report("second", destination, conn_id)
    assert read(azurite, "twice.html")[0] == "second"


def failure(url: str, conn_id: str | None, caplog) -> tuple[ReportWriteError, str]:
    with caplog.at_level(logging.INFO), pytest.raises(ReportWriteError) as caught:
        write(url, conn_id)
    chain = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__suppress_context__}"
    return caught.value, f"{chain} {caplog.text}"


def test_a_wrong_key_is_named_and_not_shown(azurite, wasb, caplog):
    key = "Y2FuYXJ5LWtleS1vZi1hLWNvbm5lY3Rpb24="
    error, seen = failure(f"{azurite.url}/{CONTAINER}/no.html", wasb(password=key), caplog)
    assert "403" in error.seen
    assert error.remedy
    assert key not in seen


def test_an_expired_sas_is_named_and_its_signature_not_shown(azurite, wasb, caplog):
    token = sas(azurite, valid_for=-timedelta(hours=1))
    signature = token.partition("sig=")[2].partition("&")[0]
    error, seen = failure(f"{azurite.url}/{CONTAINER}/no.html?{token}", None, caplog)
    assert "403" in error.seen
    for form in (signature, unquote(signature)):
        assert form not in seen
        assert form not in str(redact(f"at DEBUG urllib3 logs ?sig={form}")), "Airflow's logs must mask it"


def test_a_missing_container_is_named_with_the_mend(azurite, wasb, caplog):
    error, _ = failure(f"{azurite.url}/missing/no.html", wasb(password=KEY), caplog)
    assert "ContainerNotFound" in error.seen
    assert "create the container" in error.remedy


def test_a_connection_string_of_another_account_is_refused(azurite, wasb, caplog):
    text = azurite.connection_string.replace(f"AccountName={ACCOUNT}", "AccountName=other")
    error, seen = failure(f"{azurite.url}/{CONTAINER}/no.html", wasb(extra={"connection_string": text}), caplog)
    assert "other" in error.seen
    assert KEY not in seen


def test_an_unreachable_account_is_an_error_in_time_and_names_the_place(wasb, caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{ACCOUNT}/{CONTAINER}/no.html"
        error, seen = failure(url, wasb(password=KEY), caplog)
    assert error.location == url
    assert KEY not in seen


@pytest.mark.parametrize("url", ["https://acct.blob.core.windows.net/c", "http://127.0.0.1:1/acct/only.html"])
def test_a_url_without_container_and_blob_is_bad_input(url):
    with pytest.raises(InvalidOptionError, match="report_path"):
        parse_destination(url if url.endswith(".html") else f"{url}.html")
