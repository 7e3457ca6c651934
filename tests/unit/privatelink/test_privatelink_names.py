"""Public names and privatelink names: one for the other, over every row of the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.privatelink import docs, zone_rows
from airflow_provider_netconn.privatelink.names import privatelink_names, public_names
from airflow_provider_netconn.privatelink.table import MARKER_LABELS, PARAMETER, is_within
from airflow_provider_netconn.privatelink.zones import zones_for_host

REPOSITORY = Path(__file__).resolve().parents[3]
LABEL = st.from_regex(r"[a-z][a-z0-9]{2,12}", fullmatch=True).filter(lambda label: label not in {"scm", "data"})
RESOURCE = ("cachename", "workspaceName")


@st.composite
def public_name(draw, row, pair):
    """A name that a resource of that row may have under one of its public suffixes."""
    values = {}

    def value(found):
        name = found[1]
        return values.setdefault(name, draw(st.just("7") if name == "partitionId" else LABEL))

    suffix = PARAMETER.sub(value, pair.public)
    if any(name in RESOURCE for name in PARAMETER.findall(pair.public.partition(".")[0])):
        return suffix
    first = draw(st.sampled_from(row.only_names)) if row.only_names else draw(LABEL)
    return f"{first}.{suffix}"


PAIRS = [(row, pair) for row in zone_rows() for pair in row.pairs]


def test_every_row_is_tried():
    assert len({id(row) for row, _ in PAIRS}) == len(zone_rows()) == 184


@settings(max_examples=2000, deadline=None)
@given(st.data())
def test_there_and_back_is_the_same_name_or_among_the_candidates_and_never_outside_the_zone(data):
    row, pair = data.draw(st.sampled_from(PAIRS))
    name = data.draw(public_name(row, pair))
    there = privatelink_names(name)
    if pair.zone is None:
        assert there.candidates == () or there.services
        return
    assert there.candidates, (name, there)
    zones = {match.zone for match in zones_for_host(name) if match.zone}
    for private in there.candidates:
        assert set(private.split(".")) & MARKER_LABELS
        assert any(is_within(private, zone) and private != zone for zone in zones)
        assert privatelink_names(private).candidates == (private,)
        back = public_names(private)
        assert name in back.candidates
        assert all(not set(one.split(".")) & MARKER_LABELS for one in back.candidates)
        assert bool(back.reason) == (len(back.candidates) > 1)


CASES = [
    ("Account.BLOB.core.windows.net.", "account.privatelink.blob.core.windows.net"),
    ("account-secondary.dfs.core.windows.net", "account-secondary.privatelink.dfs.core.windows.net"),
    ("vault.vault.azure.net", "vault.privatelink.vaultcore.azure.net"),
    ("images.westeurope.data.azurecr.io", "images.westeurope.data.privatelink.azurecr.io"),
    ("cluster.westeurope.kusto.windows.net", "cluster.privatelink.westeurope.kusto.windows.net"),
    ("batch.westeurope.batch.azure.com", "batch.westeurope.privatelink.batch.azure.com"),
    ("adb-1.2.azuredatabricks.net", "adb-1.2.privatelink.azuredatabricks.net"),
    ("xy1.west-europe.azure.snowflakecomputing.com", "xy1.west-europe.azure.privatelink.snowflakecomputing.com"),
    ("org-account.snowflakecomputing.com", "org-account.privatelink.snowflakecomputing.com"),
    ("warehouse.database.usgovcloudapi.net", "warehouse.privatelink.database.usgovcloudapi.net"),
    ("warehouse.database.chinacloudapi.cn", "warehouse.privatelink.database.chinacloudapi.cn"),
]


@pytest.mark.parametrize(("public", "private"), CASES)
def test_known_names(public, private):
    assert privatelink_names(public).candidates == (private,)
    assert privatelink_names(private).candidates == (private,)
    assert public.lower().removesuffix(".") in public_names(private).candidates


@pytest.mark.parametrize(
    ("public", "private"),
    [
        (
            "https://Lake.blob.core.windows.net:443/Raw?Y#z",
            "https://lake.privatelink.blob.core.windows.net:443/Raw?Y#z",
        ),
        ("orders.database.windows.net:1433", "orders.privatelink.database.windows.net:1433"),
        ("tcp:orders.database.windows.net,1433", "tcp:orders.privatelink.database.windows.net,1433"),
        ("orders.database.windows.net\\SQL1", "orders.privatelink.database.windows.net\\SQL1"),
        ("sb://bus.servicebus.windows.net/", "sb://bus.privatelink.servicebus.windows.net/"),
    ],
)
def test_what_stands_around_a_name_stays(public, private):
    assert privatelink_names(public).only == private
    assert privatelink_names(private).only == private
    assert public.lower() in [one.lower() for one in public_names(private).candidates]


@pytest.mark.parametrize(
    "text", ["https://me:canary@lake.blob.core.windows.net/", "10.0.0.1:80", "[fd00::4]:443", "//"]
)
def test_a_text_that_holds_more_or_no_name_is_told_so_and_not_quoted(text):
    for counterparts in (privatelink_names(text), public_names(text)):
        assert counterparts.candidates == ()
        assert counterparts.reason
        assert "canary" not in str(counterparts)


@pytest.mark.parametrize("host", ["db.example.net", "10.1.2.3", "::1", "", "..", "privatelink", "core.windows.net"])
def test_what_has_no_privatelink_name_is_told_so(host):
    there = privatelink_names(host)
    assert there.candidates == ()
    assert there.reason


def test_where_the_table_does_not_tell_all_candidates_are_given():
    assert set(public_names("vault.privatelink.vaultcore.azure.net").candidates) == {
        "vault.vault.azure.net",
        "vault.vaultcore.azure.net",
    }
    desktop = privatelink_names("one.wvd.microsoft.com")
    assert len(desktop.candidates) == 2
    assert desktop.only is None
    assert "does not tell" in desktop.reason


def test_the_page_lists_exactly_the_names_that_have_several_counterparts_or_none():
    listed = set(re.findall(r"^\| `\*\.([^`]+)`", docs.render(), re.MULTILINE))
    unfit = {pair.public for _, pair in PAIRS if pair.zone is None}
    for row in (row for row in zone_rows() if not row.only_names):
        plain = [zone for zone in row.private_dns_zones if not PARAMETER.search(zone)]
        unfit |= {zone for zone in plain if len(public_names(f"one.{zone}").candidates) != 1}
    unfit |= {f"wvd.{end}" for end in ("microsoft.com", "azure.us", "azure.cn")}
    assert listed == unfit
