"""Options are valid when made; what is not is named with its mend."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.probing.options import CheckOptions, parse_nameserver


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.10", ("10.0.0.10", 53)),
        ("10.0.0.10:5353", ("10.0.0.10", 5353)),
        ("fd00::10", ("fd00::10", 53)),
        ("[fd00::10]", ("fd00::10", 53)),
        ("[fd00:0::10]:5353", ("fd00::10", 5353)),
        ("fe80::1%eth0", ("fe80::1%eth0", 53)),
    ],
)
def test_a_nameserver_is_an_address_with_or_without_port(text, server):
    assert parse_nameserver(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "", "dns.example.net", "10.0.0.10:", "10.0.0.10:x", "10.0.0.10:0", "10.0.0.10:65536", "10.0.0.256", "10.0.0",
        "[10.0.0.10", "[x]:53", "fd00::10]:53", "10.0.0.10:5\uff13", "10.0.0.10:" + "9" * 5000, " 10.0.0.10",
        "10.0.0.10\n", "fe80::1%", "fe80::1%\0", "[fe80::1%\x1b[31m]:53", "[fe80::1%a b]:53",
    ],
)  # fmt: skip
def test_a_nameserver_that_is_none_names_the_option_and_the_mend(text):
    with pytest.raises(InvalidOptionError, match=r"^nameserver: .*; write an address such as 10\.0\.0\.10, "):
        parse_nameserver(text)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("0123456789.:[]af%", max_size=40)))
def test_any_text_is_a_nameserver_or_a_bad_option(text):
    try:
        address, port = parse_nameserver(text)
    except InvalidOptionError:
        return
    assert parse_nameserver(f"[{address}]:{port}" if ":" in address else f"{address}:{port}") == (address, port)


@pytest.mark.parametrize("name", ["timeout_s", "deadline_s"])
@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan, 10**400, True, "5", None])
def test_a_time_limit_is_a_number_of_seconds_above_zero(name, value):
    with pytest.raises(InvalidOptionError, match=rf"^{name}: .* is no time limit; write seconds above 0, such as 5$"):
        CheckOptions(**{name: value})


@pytest.mark.parametrize("value", [-1, 11, 1.0, True, "1", None])
def test_retries_are_a_whole_number_up_to_ten(value):
    with pytest.raises(InvalidOptionError, match=r"^retries: .* is no number of retries; write 0 to 10$"):
        CheckOptions(retries=value)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None])
def test_concurrency_is_a_whole_number_from_one_up(value):
    with pytest.raises(InvalidOptionError, match=r"^concurrency: .* is no number; write a number from 1 up$"):
        CheckOptions(concurrency=value)


def test_a_bad_nameserver_is_refused_when_the_options_are_made():
    with pytest.raises(InvalidOptionError, match=r"^nameserver: 'dns' is no nameserver"):
        CheckOptions(nameserver="dns")
