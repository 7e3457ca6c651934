"""Recorded traffic of services and their firewalls, replayed in process: every expectation holds, the soft ones too."""

from __future__ import annotations

import importlib.util
import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from airflow_provider_netconn.lab.arm.requests import ArmRequest
from tests.lab.arm.planes import OWNER, SUBSCRIPTION, TENANT
from tests.lab.oracles import SCENARIOS, needs_shared
from tests.lab.resources.service_landscape import services_plane

pytestmark = needs_shared

NAMES = (
    "storage_network_rules",
    "keyvault_network_rules",
    "servicebus_network_rules",
    "sql_firewall",
    "postgres_firewall",
)


def load_replay():
    spec = importlib.util.spec_from_file_location("arm_replay", SCENARIOS.parent / "replay.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_answered_as_it_was(name):
    replay = load_replay()
    plane = services_plane()

    class InProcess(replay.Client):
        def __init__(self):
            super().__init__("https://management.lab", "", insecure=True, poll=0.0)

        def send(self, method, url, body=None, headers=None):
            parts = urlsplit(url)
            request = ArmRequest(
                method=method,
                path=unquote(parts.path),
                query={key.lower(): value for key, value in parse_qsl(parts.query)},
                headers={key.lower(): value for key, value in (headers or {}).items()},
                content=b"" if body is None else json.dumps(body).encode(),
                caller=OWNER,
            )
            answer = plane.handle(request)
            return replay.Reply(answer.status, answer.headers.items(), answer.content)

    scenario = json.loads((SCENARIOS / f"{name}.json").read_text(encoding="utf-8"))
    names = {"sub": SUBSCRIPTION, "tenant": TENANT, "u": "abc123", "rg": "recorded", "password": "Zx9-probe-pass-1"}
    score = replay.run(scenario, InProcess(), names)
    assert score.misses == []
    assert score.hard > 20
