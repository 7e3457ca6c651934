"""Run inside of a network of its own: check the targets that are named on the command line, and print the report."""

from __future__ import annotations

import json
import sys

from airflow_provider_netconn.checks import CheckOptions, check, parse_target
from airflow_provider_netconn.evidence import to_json
from testbed.endpoints import GreetingServer

PORT = 88


def main() -> None:
    """One listener for the connection that is made and reset; all else is the work of routes and filters."""
    networks = ("10.9.0.0/16", "10.99.0.0/16", "127.0.0.0/8", "::1/128")
    targets = [parse_target(target, expect_networks=networks) for target in json.loads(sys.argv[1])]
    with GreetingServer(port=PORT):
        report = check(targets, CheckOptions(timeout_s=1.5, retries=0))
    print(json.dumps(to_json(report)))


if __name__ == "__main__":
    main()
