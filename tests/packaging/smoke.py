"""Run inside a clean environment that has nothing but the wheel and Airflow: does the package work there?

``python smoke.py DAGS_FOLDER``, with AIRFLOW_HOME naming an empty folder. A traceback says what does not.
"""

from __future__ import annotations

import http.server
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

DISTRIBUTION = "airflow-provider-netconn"


def main() -> None:
    """All checks, in an order in which the first failure says most."""
    dags_folder = Path(sys.argv[1])
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags_folder)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    _assert_installed_from_wheel()
    _airflow("db", "migrate")
    listed = _airflow("providers", "list", "--output", "plain")
    assert DISTRIBUTION in listed, listed
    assert BACKEND in _airflow("providers", "secrets", "--output", "plain")
    _assert_dags_parse(dags_folder)
    _assert_connection_types_are_listed()
    with _server() as port:
        _assert_tasks_run(port)
    _assert_secrets_backend_treats()
    _assert_command_line()
    airflow, python = importlib.metadata.version("apache-airflow"), sys.version.split()[0]
    print(f"ok: {DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)} on Airflow {airflow}, Python {python}")


def _assert_installed_from_wheel() -> None:
    import airflow_provider_netconn

    where = Path(airflow_provider_netconn.__file__)
    assert "site-packages" in where.parts, where
    assert (where.parent / "py.typed").exists()


def _airflow(*arguments: str) -> str:
    command = [sys.executable, "-m", "airflow", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def _assert_dags_parse(dags_folder: Path) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.1
        from airflow.models.dagbag import DagBag

    bag = DagBag(str(dags_folder))
    assert not bag.import_errors, bag.import_errors
    assert {"connectivity_check", "private_dns_wait"} <= set(bag.dags), bag.dags


def _assert_connection_types_are_listed() -> None:
    from airflow_provider_netconn.connections import CONNECTION_TYPES

    assert {"wasb", "postgres", "snowflake", "generic"} <= set(CONNECTION_TYPES)


class _server:  # noqa: N801  a context manager, used as a function
    """A web server on loopback."""

    def __enter__(self) -> int:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return int(self._server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _assert_tasks_run(port: int) -> None:
    """The operator on a connection, and both sensors, in the worker and in their triggers: the DAG ``smoke``."""
    os.environ["AIRFLOW_CONN_WEB"] = f"http://127.0.0.1:{port}"
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(Path(__file__).with_name("dags"))
    _airflow("dags", "reserialize")
    said = _airflow("dags", "test", "smoke")
    states = _task_states("smoke")
    assert len(states) == 6, said
    assert set(states.values()) == {"success"}, f"{states}\n{said}"


def _task_states(dag_id: str) -> dict[str, str]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        instances = session.query(TaskInstance).filter(TaskInstance.dag_id == dag_id).all()
        return {instance.task_id: str(instance.state) for instance in instances}


BACKEND = "airflow_provider_netconn.secrets.private_link.PrivateLinkSecretsBackend"
WRAPPED = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
CANARY = "canary-71e4-never-show-this"


def _assert_secrets_backend_treats() -> None:
    """It wraps another backend, walks what Airflow has behind it, and refuses where it is told to."""
    fields = {"conn_type": "postgres", "login": "me", "password": CANARY}
    public = {where: f"{where}.postgres.database.azure.com" for where in ("wrapped", "environment", "database")}
    kept = Path(os.environ["AIRFLOW_HOME"]) / "connections.json"
    kept.write_text(json.dumps({"wrapped": {**fields, "host": public["wrapped"]}}))
    os.environ["AIRFLOW_CONN_ENVIRONMENT"] = json.dumps({**fields, "host": public["environment"]})
    _airflow("connections", "add", "database", "--conn-json", json.dumps({**fields, "host": public["database"]}))
    assert _looked_up(kept, on_failure="open") == {
        where: host.replace(".postgres", ".privatelink.postgres") for where, host in public.items()
    }
    broken = kept.with_name("pins.json")
    broken.write_text(CANARY)
    assert _looked_up(kept, on_failure="open", pins=str(broken)) == public
    refused = _looked_up(kept, on_failure="closed", pins=str(broken))
    # A server of Airflow 3.2.2 refuses what the database has, and the task hears only that there is no such connection.
    of_database = refused.pop("database")
    assert "NotFound" in of_database or "AccessDenied" in of_database, of_database
    assert all("AccessDenied" in seen and "cannot be read" in seen for seen in refused.values()), refused


def _looked_up(kept: Path, **options: str) -> dict[str, str]:
    """What the DAG ``look_ups`` saw of each connection, with the backend in front of the one that has ``kept``."""
    seen = kept.with_name("seen")
    shutil.rmtree(seen, ignore_errors=True)
    seen.mkdir()
    arguments = {"backend": WRAPPED, "backend_kwargs": {"connections_file_path": str(kept)}, "names": "privatelink"}
    os.environ["NETCONN_SEEN"] = str(seen)
    os.environ["AIRFLOW__SECRETS__BACKEND"] = BACKEND
    os.environ["AIRFLOW__SECRETS__BACKEND_KWARGS"] = json.dumps({**arguments, **options})
    said = _airflow("dags", "test", "look_ups")
    found = {file.name: file.read_text() for file in seen.iterdir()}
    assert CANARY not in said + str(found)
    if "pins" in options:
        assert all(f"Connection {conn_id} " in said for conn_id in found), said
        assert said.count("cannot be read") >= len(found), said
    for name in ("BACKEND", "BACKEND_KWARGS"):
        del os.environ[f"AIRFLOW__SECRETS__{name}"]
    return found


def _assert_command_line() -> None:
    netconn = Path(sys.executable).with_name("netconn")
    ran = subprocess.run(
        [netconn, "zones", "orders.blob.core.windows.net"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "privatelink.blob.core.windows.net" in ran.stdout


if __name__ == "__main__":
    main()
