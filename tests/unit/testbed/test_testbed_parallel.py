"""Which tests one worker process runs together."""

from __future__ import annotations

from testbed.parallel import together


def test_files_stay_whole():
    first, second = (together(f"tests/e2e/test_demo.py::{name}") for name in ("test_a", "test_b[x::y]"))
    assert first == second
    assert first != together("tests/e2e/test_benchmarks.py::test_a")


def test_tests_of_the_real_airflow_stay_together():
    first, second = (together(f"tests/airflow/{name}.py::test_a") for name in ("test_sensors", "test_operator"))
    assert first == second
    assert first != together("tests/unit/airflow_face/test_lightness.py::test_a")
