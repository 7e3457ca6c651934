"""Whoever checks may ask the control plane too: operator, DAG in one line, command line; and reports show it."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn import cli
from airflow_provider_netconn.azure.settings import SignIn
from airflow_provider_netconn.dag_factory import connectivity_check_dag
from airflow_provider_netconn.errors import InvalidConnectionError, InvalidInputError, UnexpectedVerdictError
from airflow_provider_netconn.evidence import Report, from_json
from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
from airflow_provider_netconn.report import render
from tests.azure.facts_landscape import HOST, Landscape

CANARY = "canary-71-never-show-this"


class TaskInstance:
    """Keeps what is pushed to XCom."""

    def __init__(self):
        self.xcoms = {}

    def xcom_push(self, key, value):
        self.xcoms[key] = value


@pytest.fixture
def made(azure_lab):
    """The landscape with a zone that is linked to nobody."""
    landscape = Landscape(azure_lab)
    azure_lab.delete(landscape.link)
    return landscape


@pytest.fixture
def conn_id(azure_lab, monkeypatch):
    """The connection to ask the lab by."""
    owner = azure_lab.principal()
    extra = {
        "tenantId": azure_lab.tenant_id,
        "subscriptionId": azure_lab.subscription_id,
        "arm_url": azure_lab.arm_url,
        "authority_url": azure_lab.authority_url,
        "ca_file": azure_lab.ca_file,
    }
    fields = {"conn_type": "azure_network", "login": owner.app_id, "password": owner.client_secret, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_LAB", json.dumps(fields))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return "azure_lab"


def nameserver(made):
    host, port = made.lab.name_server(made.worker_network)
    return f"{host}:{port}"


def operator(made, **arguments):
    given = {"targets": [f"https://{HOST}"], "nameserver": nameserver(made), "timeout_s": 2, "probe_retries": 0}
    return ConnectivityCheckOperator(task_id="check", **(given | arguments))


def test_the_operator_names_the_cause_and_the_report_holds_the_facts(made, conn_id, tmp_path):
    path = tmp_path / "report.json"
    context = {"ti": TaskInstance()}
    task = operator(made, azure_conn_id=conn_id, worker_network=made.worker, report_path=str(path))
    with pytest.raises(UnexpectedVerdictError, match="ZONE_NOT_LINKED"):
        task.execute(context)
    assert context["ti"].xcoms["return_value"]["unexpected"][0]["cause"] == "ZONE_NOT_LINKED"
    (verdict,) = json.loads(path.read_text())["verdicts"]
    (link,) = [fact for fact in verdict["facts"] if fact["kind"] == "zone_link"]
    assert (link["presence"], link["subject"]) == ("absent", made.zone)
    assert made.lab.principal().client_secret not in path.read_text()


def test_without_a_connection_the_control_plane_is_not_asked(made):
    context = {"ti": TaskInstance()}
    with pytest.raises(UnexpectedVerdictError, match="PRIVATE_ZONE_NOT_USED"):
        operator(made).execute(context)
    assert made.lab.journal(service="arm") == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"azure_conn_id": "nowhere"}, InvalidInputError, "nowhere"),
        ({"azure_conn_id": "azure_lab", "worker_network": "data"}, InvalidInputError, "worker_network: 'data'"),
        ({"worker_network": "x"}, InvalidInputError, "worker_network: is of no use without azure_conn_id"),
        ({"azure_facts_of_all": True}, InvalidInputError, "azure_facts_of_all: is of no use without azure_conn_id"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_probed(made, conn_id, arguments, error, message):
    with pytest.raises(error, match=message):
        operator(made, **arguments).execute({"ti": TaskInstance()})
    assert made.lab.queries() == []


def test_a_connection_without_its_secret_is_named_and_not_quoted(made, monkeypatch):
    fields = {"conn_type": "azure_network", "password": CANARY, "extra": {"sign_in": "client_secret"}}
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", json.dumps(fields))
    with pytest.raises(InvalidConnectionError, match="connection broken: tenant_id") as raised:
        operator(made, azure_conn_id="broken").execute({"ti": TaskInstance()})
    assert CANARY not in str(raised.value)


def test_the_dag_in_one_line_hands_both_on():
    dag = connectivity_check_dag("one_line", azure_conn_id="azure_lab", worker_network="/x", targets=["a:1"])
    (task,) = dag.tasks
    assert (task.azure_conn_id, task.worker_network) == ("azure_lab", "/x")
    assert {"azure_conn_id", "worker_network", "azure_facts_of_all"} <= set(task.template_fields)


def netconn(capsys, *arguments):
    status = cli.main(["check", "--timeout", "2", "--retries", "0", *arguments])
    return status, *capsys.readouterr()


def test_the_command_line_asks_by_a_connection(made, conn_id, capsys):
    words = (f"https://{HOST}", "--nameserver", nameserver(made), "--json")
    status, out, _ = netconn(capsys, *words, "--azure-conn-id", conn_id, "--worker-network", made.worker)
    (verdict,) = json.loads(out)
    assert (status, verdict["cause"]) == (1, "ZONE_NOT_LINKED")


def test_the_command_line_asks_by_the_default_chain(made, capsys, monkeypatch):
    """As whom is all that is seen here: the chain leads to Azure itself, which no test asks."""
    asked = []
    monkeypatch.setattr(cli, "_with_facts", lambda report, request: asked.append(request) or report)
    words = (f"https://{HOST}", "--nameserver", nameserver(made), "--azure", "--azure-all")
    netconn(capsys, *words, "--worker-network", made.worker)
    (request,) = asked
    assert (request.settings.sign_in, request.worker_network, request.of_all) == (SignIn.DEFAULT, made.worker, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--worker-network", "/x"), "--worker-network: is of no use alone"),
        (("--azure-all",), "--azure-all: is of no use alone"),
        (("--azure", "--worker-network", "data"), "--worker-network: 'data' is no resource id"),
        (("--azure-conn-id", "nowhere"), "nowhere"),
    ],
)
def test_the_command_line_says_what_cannot_be_asked(capsys, words, message):
    status, out, err = netconn(capsys, "a.example.net:1", *words)
    assert (status, out) == (2, "")
    assert message in err


def test_the_page_shows_each_fact_and_escapes_what_azure_says(made, conn_id, capsys, tmp_path):
    made.lab.put(made.link, _link(made))
    made.decide("Rejected", "<script>alert(1)</script>")
    path = tmp_path / "report.json"
    task = operator(made, azure_conn_id=conn_id, fail_on="never", report_path=str(path))
    task.execute({"ti": TaskInstance()})
    page = render(from_json(Report, json.loads(path.read_text())), "html")
    assert "What Azure&#39;s control plane says" in page or "What Azure's control plane says" in page
    assert "<b>connection</b> present, Rejected" in page
    assert "<b>peering</b> not visible" in page
    assert "<script>alert" not in page


def _link(made):
    properties = {"virtualNetwork": {"id": made.worker_network}, "registrationEnabled": False}
    return {"location": "global", "properties": properties}
