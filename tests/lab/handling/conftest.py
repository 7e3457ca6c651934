"""A small service behind the lab's gate, on real sockets with TLS."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field

import httpx
import pytest

from airflow_provider_netconn.lab.asgi import answer, answer_json, read_body
from airflow_provider_netconn.lab.background import Background
from airflow_provider_netconn.lab.certificates import Authority
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.faults import FaultBook, FaultRule
from airflow_provider_netconn.lab.gate import Gate
from airflow_provider_netconn.lab.journal import Journal
from airflow_provider_netconn.lab.serving import Servers, Service

LOCALHOST = "127.0.0.1"


@dataclass
class KeyValueService:
    """Keeps what is PUT under a path, and gives it back."""

    kept: dict[str, bytes] = field(default_factory=dict)

    async def __call__(self, scope, receive, send):
        body = await read_body(receive)
        path = scope["path"]
        if path == "/broken":
            raise RuntimeError("broken for the test")
        if scope["method"] == "PUT":
            created = path not in self.kept
            self.kept[path] = body
            await answer_json(send, 201 if created else 200, {"put": path})
        elif path in self.kept:
            headers = [("Content-Type", "application/json"), ("x-ms-correlation-request-id", "of-the-answer")]
            await answer(send, 200, headers, self.kept[path])
        else:
            await answer_json(send, 404, {"error": {"code": "NotFound", "message": path}})


@dataclass
class Served:
    """The service, what stands before it, and a client."""

    service: KeyValueService
    faults: FaultBook
    journal: Journal
    clock: Clock
    address: tuple[str, int]
    trust: ssl.SSLContext
    client: httpx.Client

    def fault(self, fault, **rule):
        return self.faults.add(FaultRule(fault=fault, **rule))

    def url(self, service):
        return self.client.base_url.copy_with(host=service)


@pytest.fixture(scope="session")
def lab_authority():
    return Authority()


@pytest.fixture
def served(lab_authority, request):
    """The service under the name of the marker's service, `arm` by default."""
    name = getattr(request, "param", "arm")
    service, faults, journal, clock = KeyValueService(), FaultBook(), Journal(), Clock()
    gate = Gate(service, service=name, faults=faults, journal=journal, clock=clock)
    servers = Servers([Service(name=name, application=gate, tls=lab_authority.server_context(LOCALHOST))])
    background = Background(servers)
    trust = ssl.create_default_context(cadata=lab_authority.certificate_pem.decode())
    host, port = servers.addresses[name]
    with httpx.Client(base_url=f"https://{host}:{port}", verify=trust, timeout=10) as client:
        yield Served(service, faults, journal, clock, (host, port), trust, client)
    background.stop()


def body_of(response):
    return json.loads(response.content)
