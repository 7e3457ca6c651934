"""With NETCONN_REQUIRE_ALL=1 a skip is a failure; without, it is a skip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SKIPS = {
    "by mark": "import pytest\n@pytest.mark.skip(reason='no tool')\ndef test_it(): pass\n",
    "while it runs": "import pytest\ndef test_it(): pytest.skip('no tool')\n",
    "whole module": "import pytest\npytest.skip('no tool', allow_module_level=True)\n",
    "in a fixture": "import pytest\n@pytest.fixture\ndef tool(): pytest.skip('no tool')\ndef test_it(tool): pass\n",
}
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): assert False\n"


def run(folder, text, required):
    (folder / "test_sample.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NETCONN_REQUIRE_ALL": "1" if required else "0"}
    command = [sys.executable, "-m", "pytest", "-p", "testbed.require_all", "-rs", "-c", os.devnull, "--rootdir", "."]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS)
def test_a_skip_is_a_failure_where_all_is_required(tmp_path, text):
    required = run(tmp_path, text, required=True)
    assert required.returncode != 0
    assert "must not be skipped" in required.stdout
    assert "no tool" in required.stdout
    free = run(tmp_path, text, required=False)
    assert free.returncode in {0, 5}
    assert "1 skipped" in free.stdout


def test_an_expected_failure_stays_one(tmp_path):
    assert "1 xfailed" in run(tmp_path, EXPECTED_FAILURE, required=True).stdout
