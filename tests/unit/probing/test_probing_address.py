"""Addresses are held against what is expected, and against nothing else."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Expectation, Finding, Target
from airflow_provider_netconn.probing.address import is_private, judge_addresses, range_of

PRIVATE, OTHER_PRIVATE, PUBLIC = "10.20.0.4", "192.168.3.4", "20.60.1.2"


def judged(*addresses, **fields):
    return judge_addresses(Target(host="h", port=1, **fields), addresses).finding


@pytest.mark.parametrize(
    ("expect", "addresses", "finding"),
    [
        (Expectation.PRIVATE, (PRIVATE,), Finding.AS_EXPECTED),
        (Expectation.PRIVATE, (PRIVATE, OTHER_PRIVATE), Finding.AS_EXPECTED),
        (Expectation.PRIVATE, (PUBLIC,), Finding.NOT_PRIVATE),
        (Expectation.PRIVATE, (PRIVATE, PUBLIC), Finding.MIXED_ADDRESSES),
        (Expectation.PUBLIC, (PUBLIC,), Finding.AS_EXPECTED),
        (Expectation.PUBLIC, (PRIVATE,), Finding.NOT_PUBLIC),
        (Expectation.PUBLIC, (PRIVATE, PUBLIC), Finding.MIXED_ADDRESSES),
        (Expectation.ANY, (PRIVATE,), Finding.AS_EXPECTED),
        (Expectation.ANY, (PUBLIC,), Finding.AS_EXPECTED),
        (Expectation.ANY, (PRIVATE, PUBLIC), Finding.AS_EXPECTED),
    ],
)
def test_the_expectation_decides(expect, addresses, finding):
    assert judged(*addresses, expect=expect) is finding


@pytest.mark.parametrize("expect", list(Expectation))
@pytest.mark.parametrize("addresses", [(PRIVATE,), (PUBLIC,), (PRIVATE, PUBLIC), ("127.0.0.1",)])
def test_a_stage_is_ok_just_when_the_addresses_are_as_expected(expect, addresses):
    result = judge_addresses(Target(host="h", port=1, expect=expect), addresses)
    assert result.ok == (result.finding is Finding.AS_EXPECTED)


def test_a_narrower_list_makes_other_private_ranges_unexpected():
    assert judged(OTHER_PRIVATE, expect_networks=("10.20.0.0/16",)) is Finding.NOT_PRIVATE


def test_a_list_may_make_a_public_range_private():
    assert judged(PUBLIC, expect_networks=("20.60.0.0/16",)) is Finding.AS_EXPECTED


def test_exactly_the_expected_addresses_are_as_expected_in_any_order():
    assert judged(PRIVATE, OTHER_PRIVATE, expect_addresses=(OTHER_PRIVATE, PRIVATE)) is Finding.AS_EXPECTED


@pytest.mark.parametrize("expected", [(OTHER_PRIVATE,), (PRIVATE, OTHER_PRIVATE)])
def test_another_set_of_addresses_is_found_out(expected):
    assert judged(PRIVATE, expect_addresses=expected) is Finding.OTHER_ADDRESSES


def test_an_ipv4_mapped_address_is_the_ipv4_address_that_it_carries():
    assert judged(f"::ffff:{PRIVATE}", expect_addresses=(PRIVATE,)) is Finding.AS_EXPECTED


def test_an_expected_address_may_be_written_another_way():
    assert judged("fd00::4", expect_addresses=("fd00:0:0::0004",)) is Finding.AS_EXPECTED


def test_a_public_address_is_worse_news_than_another_private_one():
    assert judged(PUBLIC, expect_addresses=(PRIVATE,)) is Finding.NOT_PRIVATE


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "fe80::1"])
def test_an_address_of_this_host_or_link_is_not_taken_for_public(address):
    assert judged(address, expect=Expectation.PUBLIC) is Finding.NOT_PUBLIC


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.0", "RFC 1918"),
        ("10.255.255.255", "RFC 1918"),
        ("172.15.255.255", "public"),
        ("172.16.0.0", "RFC 1918"),
        ("172.31.255.255", "RFC 1918"),
        ("172.32.0.0", "public"),
        ("192.168.0.1", "RFC 1918"),
        ("100.63.255.255", "public"),
        ("100.64.0.0", "RFC 6598"),
        ("100.127.255.255", "RFC 6598"),
        ("100.128.0.0", "public"),
        ("fc00::1", "ULA (RFC 4193)"),
        ("fdff::1", "ULA (RFC 4193)"),
        ("127.1.2.3", "loopback"),
        ("::1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:10.0.0.4", "RFC 1918"),
        ("::ffff:20.60.1.2", "public"),
        ("20.60.1.2", "public"),
        ("2603:1030::1", "public"),
        ("0.0.0.0", "reserved"),
        ("192.0.2.1", "reserved"),
        ("2001:db8::1", "reserved"),
    ],
)
def test_every_address_lies_in_a_range_with_a_name(address, name):
    assert range_of(address) == name


def test_networks_of_both_versions_may_stand_in_one_list():
    networks = ("10.0.0.0/8", "fd00::/8")
    assert [is_private(address, networks) for address in ("10.1.1.1", "fd00::1", "fe80::1", PUBLIC)] == [
        True,
        True,
        False,
        False,
    ]


def test_the_detail_says_of_each_address_whether_it_is_private_and_where_it_lies():
    result = judge_addresses(Target(host="h", port=1), (PRIVATE, PUBLIC))
    assert result.detail["addresses"] == [
        {"address": PRIVATE, "private": True, "range": "RFC 1918"},
        {"address": PUBLIC, "private": False, "range": "public"},
    ]
