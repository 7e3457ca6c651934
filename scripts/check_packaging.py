"""Build the wheel and try it in clean environments: ``python scripts/check_packaging.py [NAME...]``.

Each environment gets the wheel and one Airflow, nothing else, and runs ``tests/packaging/smoke.py``. A Python that this
machine does not have is skipped; with ``NETCONN_REQUIRE_ALL=1`` that is a failure.
"""

# ruff: noqa: S603, T201 - a tool of the command line, which runs the project's own tools

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AT_A_TIME = 2
_LOWEST = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One clean environment.

    :param airflow: requirement on Airflow
    :param python: version of Python, ``3.11``
    :param lowest: install every direct dependency in the lowest version that pyproject.toml allows
    """

    name: str
    airflow: str
    python: str
    lowest: bool = False


ENVIRONMENTS = (
    Environment(name="2.11", airflow="apache-airflow==2.11.*", python="3.11"),
    Environment(name="3.1", airflow="apache-airflow==3.1.*", python="3.11"),
    Environment(name="3.3", airflow="apache-airflow==3.3.*", python="3.11"),
    Environment(name="3.3-python3.13", airflow="apache-airflow==3.3.*", python="3.13"),
    Environment(name="lowest", airflow="apache-airflow==2.11.*", python="3.11", lowest=True),
)


def main(names: list[str]) -> int:
    """Try the named environments, or all; gives the exit status."""
    chosen = [environment for environment in ENVIRONMENTS if not names or environment.name in names]
    unknown = set(names) - {environment.name for environment in ENVIRONMENTS}
    if unknown:
        print(f"unknown: {', '.join(unknown)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="netconn-packaging-") as folder, ThreadPoolExecutor(AT_A_TIME) as pool:
        wheel = build_wheel(Path(folder))
        results = list(pool.map(lambda environment: attempt(environment, wheel, Path(folder)), chosen))
    required = os.environ.get("NETCONN_REQUIRE_ALL", "") not in {"", "0"}
    return 0 if all(result == "passed" or (result == "skipped" and not required) for result in results) else 1


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of what git tracks, so that nothing else of this checkout gets into it."""
    source = folder / "source"
    source.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)  # noqa: S607
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source])
    (wheel,) = folder.glob("*.whl")
    return wheel


def attempt(environment: Environment, wheel: Path, folder: Path) -> str:
    """Make the environment and try the wheel in it; ``passed``, ``failed`` or ``skipped``."""
    python = find_python(environment.python)
    if python is None:
        print(f"{environment.name}: skipped, this machine has no Python {environment.python}", flush=True)
        return "skipped"
    started, home = time.monotonic(), folder / environment.name
    try:
        _run([python, "-m", "venv", home / "venv"])
        inside = home / "venv" / "bin" / "python"
        requirements = [environment.airflow, str(wheel), *(lowest_requirements() if environment.lowest else ())]
        install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # What the trial imports is compiled then: a fraction of what Airflow brings.
        _run([*install, "--no-compile", *requirements])
        said = _run([inside, ROOT / "tests/packaging/smoke.py", ROOT / "dags"], AIRFLOW_HOME=str(home / "airflow"))
    except subprocess.CalledProcessError as error:
        print(f"{environment.name}: FAILED\n{error.stdout[-6000:]}", flush=True)
        return "failed"
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"{environment.name}: {said.splitlines()[-1]} ({time.monotonic() - started:.0f} s)", flush=True)
    return "passed"


def lowest_requirements() -> Iterator[str]:
    """The direct dependencies but Airflow, each in the lowest version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for dependency in project["dependencies"]:
        found = _LOWEST.fullmatch(dependency)
        if found is None:
            raise ValueError(f"{dependency}: write a dependency as name>=version, so that its lowest can be tried")
        if found["name"] != "apache-airflow":
            yield f"{found['name']}=={found['version']}"


def find_python(version: str) -> str | None:
    """An interpreter of that version: on the path, or one that pyenv installed, where it may have put ours as well."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    beside = Path(sys.base_prefix).parent
    installed = [found for folder in (pyenv, beside) for found in sorted(folder.glob(f"{version}.*/bin/python"))]
    candidates = [shutil.which(f"python{version}"), *map(str, installed)]
    code = f"import sys; sys.exit(sys.version_info[:2] != ({version.replace('.', ', ')}))"
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def _run(command: list[object], **environment: str) -> str:
    # A clean environment: nothing of this one, and bytecode is cached, for Airflow starts many processes.
    dropped = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "AIRFLOW_HOME"}
    inherited = {name: value for name, value in os.environ.items() if name not in dropped}
    ran = subprocess.run(
        [str(word) for word in command],
        cwd=tempfile.gettempdir(),
        env=inherited | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=1200,
    )
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
