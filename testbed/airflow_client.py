"""The little of Airflow's REST API (v2) that the demo and the tests need."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

_INTERVAL_S = 0.5
_REQUEST_LIMIT_S = 20.0
_FINAL_STATES = frozenset({"success", "failed"})


class AirflowClient:
    """Speaks to one Airflow; log in before anything but :meth:`health`. Failures raise ``httpx.HTTPError``.

    :param url: the API server, such as ``http://127.0.0.1:8080``
    """

    def __init__(self, url: str) -> None:
        # Without the environment's proxies, which are none of a loopback server's business.
        self._http = httpx.Client(base_url=url, timeout=_REQUEST_LIMIT_S, trust_env=False)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def login(self, username: str, password: str) -> None:
        """Get a token of SimpleAuthManager and use it from now on."""
        answer = self._http.post("/auth/token", json={"username": username, "password": password})
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **query: Any) -> Any:
        """GET below ``/api/v2``, as JSON."""
        return self._request("GET", path, params=query)

    def health(self) -> dict[str, str | None]:
        """The status of each component: ``healthy``, ``unhealthy`` or None where it was never seen."""
        parts = self.get("/monitor/health")
        return {name: (part or {}).get("status") for name, part in parts.items()}

    def wait_for_dag(self, dag_id: str, limit_s: float = 60.0) -> None:
        """Wait until Airflow has read the DAG; ``TimeoutError`` with the import errors past the limit."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            answer = self._http.get(f"/api/v2/dags/{dag_id}")
            if answer.status_code != httpx.codes.NOT_FOUND:
                answer.raise_for_status()
                return
            time.sleep(_INTERVAL_S)
        raise TimeoutError(f"DAG {dag_id} did not appear within {limit_s:.0f} s; import errors: {self.import_errors()}")

    def import_errors(self) -> dict[str, str]:
        """What is wrong with DAG files, by file name."""
        errors = self.get("/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def set_connection(self, conn_id: str, connection: Mapping[str, Any]) -> None:
        """Make a connection, or replace the one of that name.

        :param connection: its fields, in the JSON form of Airflow's environment variables
        """
        body = {"connection_id": conn_id, **connection, "extra": json.dumps(connection.get("extra", {}))}
        action = {"action": "create", "entities": [body], "action_on_existence": "overwrite"}
        answer = self._request("PATCH", "/connections", json={"actions": [action]})
        if answer["create"]["errors"]:
            raise ValueError(f"connection {conn_id}: {answer['create']['errors']}")

    def unpause(self, dag_id: str) -> None:
        """Let the DAG's runs start."""
        self._set_paused(dag_id, False)

    def pause(self, dag_id: str) -> None:
        """Let no more runs start."""
        self._set_paused(dag_id, True)

    def _set_paused(self, dag_id: str, paused: bool) -> None:
        self._request("PATCH", f"/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run with that configuration; gives its id."""
        run = self._request("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": dict(conf or {})})
        run_id: str = run["dag_run_id"]
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        """``queued``, ``running``, ``success`` or ``failed``."""
        state: str = self.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state

    def wait(
        self,
        dag_id: str,
        run_id: str,
        limit_s: float = 120.0,
        on_change: Callable[[dict[str, str]], None] = lambda _states: None,
    ) -> str:
        """Wait for the end of a run; gives its state, ``success`` or ``failed``; ``TimeoutError`` past the limit.

        :param on_change: called with the state of each task instance whenever one of them has changed
        """
        deadline = time.monotonic() + limit_s
        seen: dict[str, str] | None = None
        while True:
            state = self.run_state(dag_id, run_id)
            tasks = {_label(task): str(task["state"]) for task in self.task_instances(dag_id, run_id)}
            if tasks != seen:
                seen = tasks
                on_change(tasks)
            if state in _FINAL_STATES:
                return state
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {run_id} of {dag_id} is {state} after {limit_s:.0f} s; tasks: {tasks}")
            time.sleep(_INTERVAL_S)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, as Airflow gives them."""
        instances: list[dict[str, Any]] = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return instances

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """The value that a task instance pushed."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.get(path, map_index=map_index, deserialize=True)["value"]

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """The log of one try of a task instance: a line per event, with all its fields."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self.get(path, full_content=True, map_index=map_index)["content"]
        return "\n".join(line if isinstance(line, str) else _log_line(line) for line in content)

    def _request(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._http.request(method, f"/api/v2{path}", **arguments)
        if answer.is_error:
            # raise_for_status() leaves out what the server says is wrong.
            message = f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
            raise httpx.HTTPStatusError(message, request=answer.request, response=answer)
        return answer.json()


def _label(task: Mapping[str, Any]) -> str:
    return str(task["task_id"]) + (f"[{task['map_index']}]" if task["map_index"] >= 0 else "")


def _log_line(line: Mapping[str, Any]) -> str:
    fields = {name: value for name, value in line.items() if name not in {"timestamp", "event", "level"}}
    words = [str(line.get(name) or "") for name in ("timestamp", "level", "event")]
    return " ".join([*words, *(f"{name}={value}" for name, value in fields.items())])
