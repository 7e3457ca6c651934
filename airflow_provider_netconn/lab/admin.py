"""The admin API: faults, journal, settings and time of a running lab, for its command line and for tests.

Every request carries ``Authorization: Bearer`` with the admin token of the state file. It is no service of Azure: it
meets no fault, and no journal tells of it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.faults import DNS, SERVICES, FaultRule
from airflow_provider_netconn.lab.journal import Query, to_json
from airflow_provider_netconn.lab.landscape import landscape_of, mermaid, tables
from airflow_provider_netconn.lab.names.values import View
from airflow_provider_netconn.lab.patterns import compiled

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.local_azure import LocalAzure
    from airflow_provider_netconn.lab.packets.isolation import Isolation

Endpoint = Callable[[Request], Awaitable[Response]]

_FILTERS: Final = ("method", "path", "status", "since", "service", "faulty")
_TRUTHS: Final = {"true": True, "false": False}


class _BadRequestError(LabError):
    """The caller of the admin API asked for something that makes no sense."""


def admin_application(lab: LocalAzure) -> Starlette:
    """The admin API of a lab, as an ASGI application."""
    admin = _Admin(lab)
    routes: dict[str, dict[str, Endpoint]] = {
        "/": {"GET": admin.overview},
        "/faults": {"GET": admin.faults, "POST": admin.add_fault, "DELETE": admin.clear_faults},
        "/faults/{number:int}": {"DELETE": admin.remove_fault},
        "/journal": {"GET": admin.journal, "DELETE": admin.clear_journal},
        "/reset": {"POST": admin.reset},
        "/settings": {"GET": admin.settings, "PATCH": admin.change_settings},
        "/clock": {"GET": admin.clock, "POST": admin.advance},
        "/landscape": {"GET": admin.landscape},
        "/picture": {"GET": admin.picture},
        "/endpoints": {"GET": admin.endpoints},
        "/dns": {"GET": admin.dns},
        "/machines": {"POST": admin.machine},
        "/packets": {"GET": admin.packets},
        "/shutdown": {"POST": admin.shutdown},
    }
    return Starlette(
        routes=[
            Route(path, _guarded(endpoint, lab.admin_token), methods=[method])
            for path, endpoints in routes.items()
            for method, endpoint in endpoints.items()
        ],
        exception_handlers={HTTPException: _refuse_path},
    )


def _guarded(endpoint: Endpoint, admin_token: str) -> Endpoint:
    """An endpoint that asks for the admin token, and answers errors of ours as JSON."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not hmac.compare_digest(token.encode(), admin_token.encode()):
            return _error(401, "send the state file's admin_token: Authorization: Bearer ...")
        try:
            return await endpoint(request)
        except LabError as error:
            return _error(400, str(error))

    return guarded


async def _refuse_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    paths = "faults, journal, reset, settings, clock, landscape, picture, endpoints, dns, machines, packets, shutdown"
    return _error(
        error.status_code, f"{request.method} {request.url.path}: the admin API has no such request; see {paths}"
    )


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message}}, status_code=status)


async def _json(request: Request) -> Any:
    body = await request.body()
    try:
        return json.loads(body) if body else {}
    except ValueError as error:
        raise _BadRequestError(f"the body is no JSON: {error}") from None


class _Admin:
    def __init__(self, lab: LocalAzure) -> None:
        self._lab = lab

    async def overview(self, _request: Request) -> Response:
        lab = self._lab
        return JSONResponse(
            {
                "now": lab.clock.now(),
                "resources": len(lab.plane.store),
                "requests": lab.journal.count(),
                "faults": len(lab.faults.all()),
                "settings": lab.settings.to_json(),
            }
        )

    async def faults(self, _request: Request) -> Response:
        return JSONResponse({"faults": [fault.to_json() for fault in self._lab.faults.all()]})

    async def add_fault(self, request: Request) -> Response:
        fault = self._lab.add_fault(FaultRule.from_json(await _json(request)))
        return JSONResponse(fault.to_json(), status_code=201)

    async def clear_faults(self, _request: Request) -> Response:
        self._lab.faults.clear()
        return Response(status_code=204)

    async def remove_fault(self, request: Request) -> Response:
        number = request.path_params["number"]
        if not self._lab.faults.remove(number):
            return _error(404, f"there is no fault {number}; GET /faults lists them")
        return Response(status_code=204)

    async def journal(self, request: Request) -> Response:
        query = _query(request)
        journal = self._lab.names.journal if query.service == DNS else self._lab.journal
        found = journal.entries(query)
        limit = request.query_params.get("limit")
        if limit is not None and not limit.isdecimal():
            raise _BadRequestError(f"limit: {limit!r} is no whole number")
        shown = found if limit is None else found[len(found) - min(int(limit), len(found)) :]
        return JSONResponse({"count": len(found), "entries": to_json(shown)})

    async def clear_journal(self, _request: Request) -> Response:
        self._lab.journal.clear()
        self._lab.names.journal.clear()
        return Response(status_code=204)

    async def reset(self, _request: Request) -> Response:
        self._lab.reset()
        return Response(status_code=204)

    async def settings(self, _request: Request) -> Response:
        return JSONResponse(self._lab.settings.to_json())

    async def change_settings(self, request: Request) -> Response:
        self._lab.change_settings(self._lab.settings.changed(await _json(request)))
        return JSONResponse(self._lab.settings.to_json())

    async def clock(self, _request: Request) -> Response:
        return JSONResponse({"now": self._lab.clock.now()})

    async def advance(self, request: Request) -> Response:
        body = await _json(request)
        seconds = body.get("advance") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
            raise _BadRequestError(f"advance: {seconds!r} is no number of seconds from 0 on")
        self._lab.clock.advance(seconds)
        return await self.clock(request)

    async def landscape(self, _request: Request) -> Response:
        return JSONResponse(self._lab.landscape())

    async def picture(self, _request: Request) -> Response:
        """The landscape for people: as tables, and as a Mermaid flowchart."""
        found = landscape_of(self._lab.plane)
        return JSONResponse({"tables": tables(found), "mermaid": mermaid(found)})

    async def endpoints(self, _request: Request) -> Response:
        """What is served behind the resources, and where."""
        return JSONResponse({"endpoints": self._lab.services.endpoints()})

    async def dns(self, request: Request) -> Response:
        """Where each view is asked; with ``network``, the one of that network, which is served from then on."""
        names = self._lab.names
        network = request.query_params.get("network")
        if network is None:
            return JSONResponse(names.directory())
        host, port = names.place(View(network=network))
        return JSONResponse({"address": host, "port": port})

    def _isolation(self) -> Isolation:
        if self._lab.isolation is None:
            raise _BadRequestError("this lab has no network of its own; start one with 'netconn lab up --isolated'")
        return self._lab.isolation

    async def machine(self, request: Request) -> Response:
        """The machine at a place (``{"as": "data"}``), and how it is entered; it is made if there is none yet."""
        body = await _json(request)
        name = body.get("as") if isinstance(body, dict) else body
        if name is not None and not isinstance(name, str):
            raise _BadRequestError(f'as: {name!r} is no name of a place; send {{"as": "data"}}')
        return JSONResponse(await self._isolation().machine(name))

    async def packets(self, _request: Request) -> Response:
        """What machines sent to whom, and what becomes of packets from each machine, with the reason."""
        isolation = self._isolation()
        return JSONResponse({"seen": isolation.seen(), "verdicts": isolation.verdicts()})

    async def shutdown(self, _request: Request) -> Response:
        self._lab.stopping.set()
        return Response(status_code=202)


def _query(request: Request) -> Query:
    """The entries that a query string means.

    :raises LabError: it has an unknown filter, or one with a value that is none
    """
    given = {name: value for name, value in request.query_params.items() if name != "limit"}
    for name in given:
        if name not in _FILTERS:
            raise _BadRequestError(f"{name}: unknown filter; known are {', '.join(_FILTERS)}, limit")
    if given.get("service", SERVICES[0]) not in SERVICES:
        raise _BadRequestError(f"service: {given['service']!r} is no service; they are {', '.join(SERVICES)}")
    if given.get("faulty", "true") not in _TRUTHS:
        raise _BadRequestError(f"faulty: {given['faulty']!r} is no truth value; write true or false")
    try:
        since = float(given["since"]) if "since" in given else None
        compiled(given.get("path", "*"))
    except ValueError as error:
        raise _BadRequestError(f"since or path: {error}") from None
    return Query(
        method=given.get("method"),
        path=given.get("path"),
        status=given.get("status"),
        since=since,
        service=given.get("service"),
        faulty=_TRUTHS[given["faulty"]] if "faulty" in given else None,
    )
