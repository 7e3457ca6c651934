"""What templates render to is read as what was meant, and nothing else is guessed."""

import json
import math

import pytest

from airflow_provider_netconn import templated
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Expectation


@pytest.mark.parametrize(
    "value",
    [
        ["a", "b"],
        ("a", "b"),
        '["a", "b"]',
        "['a', 'b']",
        "a,b",
        " a , b ,",
        ["a", "", None, " b "],
        iter(["a", "b"]),
        ["a", "b", "a"],
    ],
)
def test_a_list_of_texts_in_any_form(value):
    assert templated.as_texts("conn_ids", value) == ("a", "b")


@pytest.mark.parametrize("value", [None, "", "  ", "None", "null", "[]", [], [None, ""], ["None"]])
def test_nothing_in_any_form(value):
    assert templated.as_items("conn_ids", value) == ()


def test_mappings_stay_whole():
    target = {"host": "db", "port": 5432}
    assert templated.as_items("targets", target) == (target,)
    assert templated.as_items("targets", json.dumps([target, "h:1"])) == (target, "h:1")
    assert templated.as_items("targets", json.dumps(target)) == (target,)


@pytest.mark.parametrize("value", [7, True, "[1, 2", [1], "{'a': }"])
def test_what_is_no_list_of_texts_is_named(value):
    with pytest.raises(InvalidOptionError, match="conn_ids"):
        templated.as_texts("conn_ids", value)


@pytest.mark.parametrize(
    ("value", "meant"), [("5", 5), (" 2.5 ", 2.5), (3, 3), ("", None), (None, None), ("None", None)]
)
def test_numbers(value, meant):
    assert templated.as_number("timeout_s", value) == meant


@pytest.mark.parametrize("value", ["five", "nan", "inf", True, [5]])
def test_what_is_no_number_is_named(value):
    with pytest.raises(InvalidOptionError, match="timeout_s"):
        templated.as_number("timeout_s", value)


@pytest.mark.parametrize("value", [1.5, "1.5", math.inf, math.nan])
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(InvalidOptionError, match="probe_retries"):
        templated.as_whole_number("probe_retries", value)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, True),
        ("True", True),
        ("yes", True),
        ("1", True),
        (False, False),
        ("false", False),
        ("", False),
        (None, False),
    ],
)
def test_truth(value, meant):
    assert templated.as_bool("deferrable", value) is meant


@pytest.mark.parametrize("value", ["maybe", 1, []])
def test_what_is_neither_true_nor_false_is_named(value):
    with pytest.raises(InvalidOptionError, match="deferrable"):
        templated.as_bool("deferrable", value)


def test_expectations_in_any_case():
    assert templated.as_expectation("expect", "Private") is Expectation.PRIVATE
    with pytest.raises(InvalidOptionError, match="private, public or any"):
        templated.as_expectation("expect", "secret")


def test_a_network_that_is_none_is_named():
    assert templated.as_networks("expect_networks", "10.0.0.0/8, fd00::/8") == ("10.0.0.0/8", "fd00::/8")
    with pytest.raises(InvalidOptionError, match=r"expect_networks: .*10\.0\.0\.1/8"):
        templated.as_networks("expect_networks", "10.0.0.1/8")
