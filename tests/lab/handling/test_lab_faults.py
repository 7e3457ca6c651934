"""Rules of faults: which requests they are about, how many they hit, and what is no rule."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.effects import CATALOGUE, FailOperation, NeverEndOperation
from airflow_provider_netconn.lab.errors import FaultError
from airflow_provider_netconn.lab.faults import FaultBook, FaultRule

NETWORK = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub"


def hits(book, count=1, service="arm", method="PUT", path=NETWORK, query=""):
    return [book.take(service, method, path, query) is not None for _ in range(count)]


def test_fault_hits_the_next_request_and_no_more():
    book = FaultBook()
    fault = book.add(FaultRule(fault="throttled"))
    assert hits(book, 3) == [True, False, False]
    assert (fault.applied, fault.left) == (1, 0)


def test_fault_hits_as_many_as_it_is_told():
    book = FaultBook()
    book.add(FaultRule(fault="throttled", times=2))
    assert hits(book, 3) == [True, True, False]


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        ({"method": "put"}, {"method": "GET"}),
        ({"path": "virtualNetworks/*"}, {"path": "/subscriptions/s/resourceGroups/rg"}),
        ({"service": "arm"}, {"service": "graph"}),
        ({"query": "*syncRemoteAddressSpace=true*"}, {"query": "api-version=2024-05-01"}),
    ],
)
def test_fault_hits_only_what_its_rule_is_about(rule, other):
    book = FaultBook()
    fault = book.add(FaultRule(fault="throttled", **rule))
    assert hits(book, **{"query": "a=b&syncRemoteAddressSpace=true", **other}) == [False]
    assert hits(book, query="a=b&syncRemoteAddressSpace=true") == [True]
    assert fault.matched == 1


def test_share_hits_that_part_and_the_same_again_with_the_same_seed():
    def run(seed):
        book = FaultBook()
        book.add(FaultRule(fault="throttled", share=0.3, seed=seed))
        return hits(book, 1000)

    assert run(1) == run(1) != run(2)
    assert 250 < sum(run(1)) < 350


def test_share_can_be_limited_too():
    book = FaultBook()
    book.add(FaultRule(fault="throttled", share=1, times=2))
    assert hits(book, 4) == [True, True, False, False]


def test_first_rule_decides_and_the_next_takes_over():
    book = FaultBook()
    book.add(FaultRule(fault="throttled"))
    book.add(FaultRule(fault="server-error:503"))
    taken = [book.take("arm", "GET", NETWORK, "") for _ in range(2)]
    assert [fault.rule.fault for fault in taken] == ["throttled", "server-error:503"]


def test_faults_of_operations_wait_for_operations():
    book = FaultBook()
    book.add(FaultRule(fault="operation-fails:RetryableError", times=2))
    book.add(FaultRule(fault="operation-never-ends"))
    assert hits(book) == [False]
    effects = [book.take_operation("PUT", NETWORK).effect for _ in range(3)]
    assert [type(effect) for effect in effects] == [FailOperation, FailOperation, NeverEndOperation]
    assert effects[0].code == "RetryableError"
    assert book.take_operation("PUT", NETWORK) is None


def test_removed_fault_is_gone_and_its_number_is_not_used_again():
    book = FaultBook()
    first = book.add(FaultRule(fault="throttled"))
    assert book.remove(first.number)
    assert not book.remove(first.number)
    assert hits(book) == [False]
    assert book.add(FaultRule(fault="throttled")).number == 2


def test_fault_is_listed_as_it_was_told_with_how_often_it_was_applied():
    book = FaultBook()
    book.add(FaultRule.from_json({"fault": "throttled:3", "method": "PUT", "times": 2}))
    hits(book)
    assert [fault.to_json() for fault in book.all()] == [
        {"id": 1, "fault": "throttled:3", "method": "PUT", "times": 2, "matched": 1, "applied": 1, "left": 1}
    ]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ([], "the body is no object"),
        ({}, "fault: is missing"),
        ({"fault": "throtled"}, "did you mean 'throttled'"),
        ({"fault": "throttled", "pth": "x"}, "pth: unknown key"),
        ({"fault": "throttled:soon"}, "'soon' is no whole number"),
        ({"fault": "another-operation:2"}, "takes no argument"),
        ({"fault": "server-error:404"}, "404 is no such error"),
        ({"fault": "hang:-1"}, "no waiting time"),
        ({"fault": "hang:nan"}, "no waiting time"),
        ({"fault": "not-found-after-put:0"}, "0 reads are none"),
        ({"fault": "throttled", "method": "FETCH"}, "method: 'FETCH' is no method"),
        ({"fault": "throttled", "service": "azure"}, "service: 'azure' is no service"),
        ({"fault": "throttled", "times": 0}, "times: 0 requests are none"),
        ({"fault": "throttled", "times": True}, "times: True is no whole number"),
        ({"fault": "throttled", "times": "2"}, "times: '2' is no whole number"),
        ({"fault": "throttled", "share": 1.5}, "share: 1.5 is no share"),
        ({"fault": "throttled", "share": float("nan")}, "share: nan is no share"),
        ({"fault": "throttled", "path": "re:("}, "path: 're:\\('"),
        ({"fault": "reset-before", "code": "X"}, "code: 'reset-before' has none"),
        ({"fault": "operation-fails", "retry_after_s": 1}, "retry_after_s: 'operation-fails' has none"),
        ({"fault": None}, "fault: None is no text"),
    ],
)
def test_what_is_no_fault_is_told_with_its_field(told, says):
    with pytest.raises(FaultError, match=says):
        FaultRule.from_json(told)


def test_every_fault_of_the_catalogue_says_what_it_does():
    assert all(make.__doc__ for make in CATALOGUE.values())
    for name in CATALOGUE:
        FaultRule(fault=name)
