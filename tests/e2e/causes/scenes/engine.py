"""Scenes of the check itself."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Outcome, Path
from airflow_provider_netconn.probing import registry
from testbed.endpoints import DroppingPort, GreetingServer
from tests.e2e.causes.scenes.scene import induces


@induces("DEADLINE_EXCEEDED", Path.PRIVATE, Outcome.UNREACHABLE)
def a_deadline_that_is_shorter_than_a_stage(ground):
    with DroppingPort() as port:
        return ground.verdict(f"127.0.0.1:{port.port}", timeout_s=30, deadline_s=0.4)


@induces("PROBE_ERROR", Path.PRIVATE, Outcome.UNKNOWN)
def a_protocol_whose_probe_cannot_read_what_it_hears(ground):
    """A fault of the package is what this cause is about, so it takes a faulty protocol."""
    ground.environment.setattr(registry, "_PROTOCOLS", dict(registry._PROTOCOLS))

    @registry.register("faulty", default_port=1)
    async def _read_number(stream, _target):
        return int(await stream.receive())

    with GreetingServer(b"ready\r\n") as server:
        verdict = ground.verdict({"host": "127.0.0.1", "port": server.port, "protocol": "faulty"})
    assert "ValueError" in verdict.explanation
    return verdict
