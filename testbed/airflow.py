"""A real Airflow on this machine: scheduler with LocalExecutor, DAG processor, triggerer, API server, SQLite."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from testbed.airflow_client import AirflowClient
from testbed.processes import ProcessGroup, SupervisedProcess, free_port

USERNAME = "admin"
_HOST = "127.0.0.1"
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
_MIGRATE_LIMIT_S = 120.0
_INTERVAL_S = 0.5
_ATTEMPTS = 4
_PORT_TAKEN = "address already in use"


class AirflowStartError(RuntimeError):
    """Airflow did not come up; the message shows the end of the logs."""


class Airflow:
    """A real Airflow, up while the context lasts; by default it listens on 127.0.0.1 only, on a port that was free.

    :param home: folder for all its state and logs; must not hold another Airflow's
    :param dags_folder: DAG files that it runs
    :param environment: further environment variables, such as ``AIRFLOW_CONN_...`` or ``AIRFLOW__SECTION__KEY``
    :param progress: called with a line about what is done or waited for
    :param start_limit_s: how long it may take to become healthy
    :param published: listen on this port of all addresses; for an Airflow inside a network of its own, whose port is
        forwarded to the outside
    """

    def __init__(
        self,
        home: Path,
        *,
        dags_folder: Path,
        environment: Mapping[str, str] | None = None,
        progress: Callable[[str], None] = lambda _line: None,
        start_limit_s: float = 180.0,
        published: int | None = None,
    ) -> None:
        self.home = home.absolute()
        self.dags_folder = dags_folder.absolute()
        self.username = USERNAME
        self.password = ""
        self.url = ""
        self._further = dict(environment or {})
        self._progress = progress
        self._start_limit_s = start_limit_s
        self._published = published
        self._secrets = _secrets()
        self._group: ProcessGroup | None = None
        self._client: AirflowClient | None = None

    @property
    def client(self) -> AirflowClient:
        """The REST client, logged in."""
        if self._client is None:
            raise RuntimeError("Airflow is not started")
        return self._client

    def start(self) -> Self:
        """Start it and wait until all of it is healthy.

        :raises AirflowStartError: it ended, or did not get healthy in time
        """
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self._migrate()
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._start_components()
                except _PortTakenError as error:
                    self.stop()
                    if attempt == _ATTEMPTS:
                        raise AirflowStartError(str(error)) from error
                    self._progress("the port was taken in the meantime; starting again on another one")
                else:
                    break
            self._log_in()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> list[str]:
        """End it and everything it started; may be called twice.

        :return: processes that got away from their supervisors and had to be hunted down, normally none
        """
        if self._client is not None:
            self._client.close()
            self._client = None
        return self._stop_group()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def living_processes(self) -> dict[int, str]:
        """Its processes that are alive now, with their command lines."""
        return self._group.living() if self._group else {}

    def ended(self) -> str | None:
        """The name of a component that has ended by itself; None while all run."""
        ended = self._group.ended() if self._group else None
        return ended.name if ended else None

    def log_tails(self, lines: int = 15) -> str:
        """The end of each component's output."""
        logs = sorted(self.home.glob("*.log"))
        tails = ((log.stem, log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) for log in logs)
        return "\n".join(f"--- {name} ---\n" + "\n".join(tail) for name, tail in tails if tail)

    def _migrate(self) -> None:
        self._progress("making the database")
        migration = self._new_group("").start("migrate", _command("db", "migrate"))
        try:
            status = migration.wait(_MIGRATE_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise AirflowStartError(f"no database after {_MIGRATE_LIMIT_S:.0f} s\n{migration.log_tail()}") from None
        finally:
            self._stop_group()
        if status:
            raise AirflowStartError(f"airflow db migrate: exit status {status}\n{migration.log_tail()}")

    def _start_components(self) -> None:
        port = self._published or free_port(_HOST)
        listen = _HOST if self._published is None else "0.0.0.0"
        self.url = f"http://{_HOST}:{port}"
        group = self._new_group(self.url)
        # Logs are read from files here, so nobody needs the log servers, which listen on all interfaces.
        api_server = group.start("api-server", _command("api-server", "--host", listen, "--port", str(port)))
        group.start("scheduler", _command("scheduler", "--skip-serve-logs"))
        group.start("dag-processor", _command("dag-processor"))
        group.start("triggerer", _command("triggerer", "--skip-serve-logs"))
        self._client = AirflowClient(self.url)
        self._wait_until_healthy(group, api_server)

    def _wait_until_healthy(self, group: ProcessGroup, api_server: SupervisedProcess) -> None:
        started = time.monotonic()
        missing: list[str] | None = None
        while True:
            ended = group.ended()
            if ended is api_server and _PORT_TAKEN in api_server.log_tail().lower():
                raise _PortTakenError(f"{self.url}: {_PORT_TAKEN}")
            if ended is not None:
                raise AirflowStartError(f"{ended.name} ended: status {ended.poll()}\n{ended.log_tail()}")
            now_missing = self._unhealthy()
            if now_missing != missing:
                missing = now_missing
                self._progress(f"waiting for {', '.join(missing)}" if missing else "all of Airflow is healthy")
            if not missing:
                return
            if time.monotonic() - started > self._start_limit_s:
                limit = f"{self._start_limit_s:.0f} s"
                raise AirflowStartError(f"after {limit} not healthy: {', '.join(missing)}\n{self.log_tails()}")
            time.sleep(_INTERVAL_S)

    def _unhealthy(self) -> list[str]:
        try:
            health = self.client.health()
        except (httpx.HTTPError, ValueError):
            return ["API server"]
        return [name.replace("_", " ") for name in _COMPONENTS if health.get(name) != "healthy"]

    def _log_in(self) -> None:
        file = self.home / "simple_auth_manager_passwords.json.generated"
        self.password = json.loads(file.read_text(encoding="utf-8"))[self.username]
        self.client.login(self.username, self.password)

    def _new_group(self, url: str) -> ProcessGroup:
        self._group = ProcessGroup(environment=self._environment(url), folder=self.home)
        return self._group

    def _stop_group(self) -> list[str]:
        return self._group.stop() if self._group else []

    def _environment(self, url: str) -> dict[str, str]:
        """The environment of all components: ours, less what would change how they behave, and their settings."""
        unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONWARNINGS"}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in unwanted and not name.startswith("AIRFLOW") and not name.lower().endswith("_proxy")
        }
        return {
            **inherited,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags_folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            # By default whoever finds SQLite locked for 5 s dies of it, the scheduler too.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}?timeout=60",
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            # Airflow's usage statistics would leave this machine.
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "SCARF_ANALYTICS": "false",
            **self._secrets,
            **self._further,
        }


class _PortTakenError(Exception):
    """Somebody took the port between our look and Airflow's start."""


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *words]


def _secrets() -> dict[str, str]:
    """What the components, being processes of their own, must have in common; new for every Airflow."""
    return {
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
