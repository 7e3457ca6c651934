"""The operator checks real sockets, tells what it found, and fails when and as it is told to."""

from __future__ import annotations

import asyncio
import inspect
import json

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_netconn.errors import (
    InvalidConnectionError,
    InvalidInputError,
    InvalidOptionError,
    NetconnError,
    ReportWriteError,
    UnexpectedVerdictError,
)
from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator

LOOPBACK = ["127.0.0.0/8"]


def make(**arguments) -> ConnectivityCheckOperator:
    return ConnectivityCheckOperator(task_id="check", **({"expect_networks": LOOPBACK, "probe_retries": 0} | arguments))


def address(server) -> str:
    return f"{server.host}:{server.port}"


async def run_deferred(operator, context):
    """What Airflow does with a deferrable task: to JSON, to the triggerer, to JSON, back to the worker."""
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    classpath, arguments = deferred.value.trigger.serialize()
    assert classpath == "airflow_provider_netconn.triggers.check.ConnectivityCheckTrigger"
    trigger = type(deferred.value.trigger)(**json.loads(json.dumps(arguments)))
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    return getattr(operator, deferred.value.method_name)(context, json.loads(json.dumps(events[0].payload)))


def test_connections_targets_and_a_file_are_checked_together(web, connection, context, tmp_path, task_log):
    config = tmp_path / "netconn.yaml"
    config.write_text(f"defaults: {{expect: any}}\ntargets: ['http://{address(web)}/from-file']\n")
    connection("web", conn_type="http", host=web.host, port=web.port)
    operator = make(conn_ids=["web"], targets=[address(web)], config=str(config))
    summary = operator.execute(context)
    assert summary["total"] == 3
    assert summary["unexpected"] == []
    assert summary["vantage"]["process"] == "worker"
    assert summary["vantage"]["queue"] == "default"
    assert "[3/3]" in task_log()
    assert context["ti"].xcoms == {}, "Airflow pushes what is returned"


def test_an_unexpected_verdict_fails_the_task_after_report_and_xcom(web, closed, context, tmp_path, task_log):
    report = tmp_path / "deep" / "netconn.json"
    operator = make(targets=[address(web), address(closed)], report_path=str(report))
    with pytest.raises(UnexpectedVerdictError, match=r"1 of 2 .*fail_on(.|\n)*CONNECTION_REFUSED"):
        operator.execute(context)
    assert [verdict["as_expected"] for verdict in json.loads(report.read_text())["verdicts"]] == [True, False]
    summary = context["ti"].xcoms["return_value"]
    assert summary["reports"] == [str(report)]
    assert summary["unexpected"][0]["cause"] == "CONNECTION_REFUSED"
    assert "refused. To mend it:" in task_log()


@pytest.mark.parametrize("fail_on", ["never", ["PUBLIC"], "AUTH_FAILED"])
def test_fail_on_lets_other_verdicts_pass(closed, context, fail_on):
    assert make(targets=[address(closed)], fail_on=fail_on).execute(context)["unexpected_total"] == 1


async def test_deferred_it_says_the_same_from_the_triggerer(web, closed, context, tmp_path):
    report = tmp_path / "netconn.html"
    operator = make(
        targets=[address(web), address(closed)], report_path=str(report), deferrable="True", queue="private"
    )
    with pytest.raises(UnexpectedVerdictError, match="CONNECTION_REFUSED"):
        await run_deferred(operator, context)
    summary = context["ti"].xcoms["return_value"]
    assert summary["vantage"]["process"] == "triggerer"
    assert summary["vantage"]["queue"] == "private"
    assert report.read_text().startswith("<!")


async def test_deferred_it_returns_the_summary(web, context):
    assert (await run_deferred(make(targets=address(web), deferrable=True), context))["as_expected"] == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_broken_connection_fails_the_task_and_does_not_hide_the_others(web, connection, context, deferrable):
    connection("web", conn_type="http", host=web.host, port=web.port)
    connection("empty", conn_type="postgres")
    operator = make(conn_ids="missing_one, web, empty", deferrable=deferrable)
    with pytest.raises(InvalidConnectionError, match=r"missing_one(.|\n)*empty"):
        asyncio.run(run_deferred(operator, context)) if deferrable else operator.execute(context)
    summary = context["ti"].xcoms["return_value"]
    assert summary["as_expected"] == 1
    assert len(summary["broken_connections"]) == 2


def test_all_bad_input_is_named_at_once_and_nothing_runs(web, context, tmp_path):
    operator = make(
        targets=[f"http://{address(web)}", "nonsense", {"host": "db", "prot": 1}],
        expect="secret",
        timeout_s="long",
        fail_on="unexpekted",
        report_path=[str(tmp_path / "report.pdf")],
    )
    with pytest.raises(InvalidInputError) as caught:
        operator.execute(context)
    for part in ("targets[1]", "targets[2]", "prot", "expect", "timeout_s", "unexpekted", "report_path"):
        assert part in str(caught.value)
    assert web.requests == []


def test_nothing_to_check_is_bad_input(context):
    with pytest.raises(InvalidOptionError, match="nothing to check"):
        make(conn_ids="", targets="[]", config="None").execute(context)


def test_options_given_override_the_file(web, context, tmp_path):
    config = tmp_path / "netconn.yaml"
    config.write_text("options: {nameserver: 127.0.0.1:1, timeout_s: 2, retries: 0}\n")
    operator = make(config=str(config), targets=[address(web)], nameserver="127.0.0.9:99", deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    options = deferred.value.trigger.serialize()[1]["options"]
    assert (options["nameserver"], options["timeout_s"]) == ("127.0.0.9:99", 2)


def test_a_report_that_cannot_be_written_fails_the_task_and_the_others_are_written(web, context, tmp_path):
    good = tmp_path / "good.md"
    operator = make(targets=[address(web)], report_path=[f"{tmp_path}/good.md/under-a-file.html", str(good)])
    good.write_text("")
    with pytest.raises(ReportWriteError, match="under-a-file"):
        operator.execute(context)
    assert context["ti"].xcoms["return_value"]["reports"] == [str(good)]
    assert good.read_text()


def test_without_xcom_push_nothing_is_pushed(closed, context):
    with pytest.raises(UnexpectedVerdictError):
        make(targets=[address(closed)], do_xcom_push=False).execute(context)
    assert context["ti"].xcoms == {}


def test_a_trigger_that_broke_off_fails_the_task_with_its_message(context):
    with pytest.raises(NetconnError, match="KeyError: 'x'"):
        make(targets=["h:1"]).execute_complete(context, {"error": "KeyError: 'x'"})


def test_every_argument_of_its_own_may_be_a_template():
    own = set(inspect.signature(ConnectivityCheckOperator).parameters) - {"kwargs"}
    assert own == set(ConnectivityCheckOperator.template_fields)


@pytest.mark.parametrize(
    ("use_proxy", "headline"), [(None, "UNREACHABLE"), ("", "UNREACHABLE"), ("True", "UNREACHABLE"), ("False", "OK")]
)
def test_a_proxy_of_the_environment_counts_unless_told_otherwise(
    web, closed, context, monkeypatch, use_proxy, headline
):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://{address(closed)}")
    operator = make(targets=[f"http://{address(web)}"], expect="any", use_proxy=use_proxy, fail_on="never")
    assert operator.execute(context)["counts"] == {headline: 1}
