# What one does with this project. Each target builds the environment (.venv) first, or brings it up to date.
#
#   make demo [KEEP=1]                a public path made private, in a real Airflow on the local Azure; KEEP=1 leaves it up
#   make test [PYTEST_ARGS="-k dns"]  the whole suite; with NETCONN_REQUIRE_ALL=1 a skip is a failure
#   make packaging                    the wheel in clean environments: several Airflows and Pythons
#   make lint | make docs             only these parts of it
#   make causes                       render docs/causes.md and the report's schema from the code
#   make environment                  only the environment; PYTHON=/path/to/python chooses the interpreter
#   make waiting                      a thousand private endpoints waiting in one triggerer
#   make benchmark [TARGETS=2000]     rates, CPU, memory, import time, beside prometheus-blackbox-exporter; the lab
#   make scale [MANY=10000]           that many targets in one process: memory, and whether dripping ones hold up others
#   make soak [CHECKS=50000]          whether many checks leave anything behind that a few do not
#   make fuzz [SECONDS=60]            bytes of strangers against every reader; SUBJECTS="probes plans" picks some
#   make kills                        every operator of Azure killed after each of its requests, with its supervisor, and then retried
#   make azure-faults                 each write of each Azure operator under each fault; renders docs/_azure-faults.md
#   make clean                        remove all that was built, the environment too

environment_python := .venv/bin/python
checks := $(environment_python) scripts/run_checks.py

.DEFAULT_GOAL := help
.PHONY: help demo test packaging lint docs causes environment waiting benchmark scale soak fuzz kills clean

help:
	@sed -n 's/^#  *\(make .*\)/\1/p' Makefile

environment:
	@sh scripts/bootstrap_environment.sh

demo: environment
	@exec $(environment_python) -m testbed.demo

test:
	@sh scripts/bootstrap_environment.sh providers azure-cli
	@exec $(checks)

packaging: environment
	@exec $(environment_python) scripts/check_packaging.py

lint: environment
	@exec $(checks) format lint types imports causes

docs: environment
	@exec $(checks) causes docs

causes: environment
	@$(environment_python) -m airflow_provider_netconn.diagnosis.docs docs/causes.md
	@$(environment_python) -m airflow_provider_netconn.report.schema --write docs/report-schema.json

benchmark: environment
	@exec $(environment_python) -m tests.benchmarks --targets $(or $(TARGETS),2000)

waiting: environment
	@exec $(environment_python) -m tests.benchmarks waiting

scale: environment
	@exec $(environment_python) -m tests.benchmarks --many $(or $(MANY),10000) scale

soak: environment
	@exec $(environment_python) -m tests.benchmarks --checks $(or $(CHECKS),50000) soak

fuzz: environment
	@exec $(environment_python) -m tests.fuzz --seconds $(or $(SECONDS),60) $(SUBJECTS)

kills: environment
	@NETCONN_KILLS=all exec $(environment_python) -m pytest -q tests/azure/test_killed.py

azure-faults: environment
	@NETCONN_OPERATOR_FAULT_TABLE=docs/_azure-faults.md $(environment_python) -m pytest -q tests/azure/test_operator_faults.py

clean:
	rm -rf .venv .venv-azure-cli .demo .fuzz build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
