"""The DAGs that users copy parse, and the factory makes one in one line that Airflow finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import MappedOperator

from airflow_provider_netconn.dag_factory import connectivity_check_dag
from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag

EXAMPLES = Path(__file__).parents[3] / "dags"


@pytest.fixture
def parse(tmp_path):
    """The DAGs that Airflow finds in these files, as the DAG processor looks for them: in safe mode."""

    def read(*files: Path | str):
        for number, file in enumerate(files):
            if isinstance(file, Path):
                shutil.copy(file, tmp_path)
            else:
                (tmp_path / f"user_{number}.py").write_text(file)
        bag = DagBag(str(tmp_path), safe_mode=True)
        assert bag.import_errors == {}
        return bag.dags

    return read


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_every_example_parses_to_a_dag_of_its_name_and_is_fenced_for_the_docs(parse, file):
    dags = parse(file)
    assert list(dags) == [file.stem]
    assert dags[file.stem].doc_md or file.stem.endswith("one_line")
    text = file.read_text()
    starts = [line.strip().removeprefix("# [START ") for line in text.splitlines() if "[START howto_" in line]
    assert starts
    assert all(f"# [END {name}" in text for name in starts)


ONE_LINE = """
from airflow_provider_netconn.dag_factory import connectivity_check_dag
connectivity_check_dag("nightly", conn_ids=["wasb_orders"], schedule="@hourly", report_path="/tmp/netconn.html",
                       deferrable=True, tags=["mine"], task_kwargs={"queue": "private"}, params={"mine": 1})
"""


def test_one_line_makes_a_dag_that_airflow_finds(parse):
    (dag,) = parse(ONE_LINE).values()
    assert dag.dag_id == "nightly"
    assert dag.tags == {"mine"} or set(dag.tags) == {"mine"}
    assert dag.fileloc.endswith("user_0.py")
    params = dag.params.dump()
    assert params["conn_ids"] == ["wasb_orders"]
    assert params["report_path"] == "/tmp/netconn.html"
    assert params["deferrable"] is True
    assert params["mine"] == 1
    (task,) = dag.tasks
    assert isinstance(task, ConnectivityCheckOperator)
    assert (task.task_id, task.queue) == ("check", "private")


def render(dag, params):
    task = dag.get_task("check")
    context = {"params": params}
    task.render_template_fields(context)
    return task


def test_params_reach_the_operator_as_they_were_given():
    dag = connectivity_check_dag("rendered", catchup=False)
    targets = [{"host": "db.example.net", "port": 5432, "name": 'a "name"'}, "h:1"]
    params = {
        "conn_ids": ["a", "b"],
        "targets": targets,
        "config": None,
        "report_path": "/tmp/x.html",
        "deferrable": True,
    }
    task = render(dag, params)
    from airflow_provider_netconn.templated import as_bool, as_items, as_text, as_texts

    assert as_texts("conn_ids", task.conn_ids) == ("a", "b")
    assert as_items("targets", task.targets) == tuple(targets)
    assert as_text("config", task.config) is None
    assert as_text("report_path", task.report_path) == "/tmp/x.html"
    assert as_bool("deferrable", task.deferrable) is True


def test_a_mapped_check_parses(parse):
    (dag,) = parse(MAPPED).values()
    assert isinstance(dag.get_task("check"), MappedOperator)


MAPPED = """
from datetime import datetime, UTC
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
with DAG("mapped", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
    ConnectivityCheckOperator.partial(task_id="check", fail_on="never").expand(conn_ids=["one", "two"])
"""
