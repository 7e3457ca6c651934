"""The Astro API v1 as an ASGI application, read side only.

Paths, parameters and shapes are those of the published OpenAPI (Astronomer, "Astro API reference"). What it does not
tell is chosen here: a Deployment token sees its Organization and its own Deployment, and is refused with 403 elsewhere;
a Workspace token sees its Organization, its Workspace, the Deployments in it, and the clusters that are for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_netconn.lab.astro.records import Kind, Record
from airflow_provider_netconn.lab.astro.state import ApiToken, AstroState, Scope
from airflow_provider_netconn.lab.clock import Clock

PAGE: Final = 20
MAX_PAGE: Final = 1000
DEFAULT_RATE_PER_S: Final = 25.0
_SORTED_BY: Final = ("name", "createdAt", "updatedAt")
_RANGES_SORTED_BY: Final = ("ipAddress", "createdAt", "updatedAt")


class AstroError(Exception):
    """A refused request.

    :param status: HTTP status
    :param field_errors: what is wrong with which parameter
    """

    def __init__(self, status: int, message: str, field_errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.field_errors = tuple(field_errors)


def _invalid(name: str, message: str) -> AstroError:
    found = {"field": name, "code": "INVALID", "message": message}
    return AstroError(400, f"Invalid request: {name}: {message}", [found])


class RateLimit:
    """So many requests in a second for each token, and no more saved up than that.

    :param per_s: requests per second; None for no limit; may be set at any time
    """

    def __init__(self, clock: Clock, per_s: float | None = DEFAULT_RATE_PER_S) -> None:
        self.per_s = per_s
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def takes(self, token: str) -> bool:
        """Whether one more request of that token is within the limit; counts it if so."""
        if self.per_s is None:
            return True
        now = self._clock.now()
        left, at = self._left.get(token, (self.per_s, now))
        left = min(self.per_s, left + max(0.0, now - at) * self.per_s)
        is_within = left >= 1
        self._left[token] = (left - 1 if is_within else left, now)
        return is_within


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collection:
    """One list of the API.

    :param key: name of the list in the answer
    :param filters: by query parameter: whether a record is one of those asked for
    """

    kind: Kind
    key: str
    filters: Mapping[str, Callable[[Record, Sequence[str]], bool]]
    sorted_by: tuple[str, ...] = _SORTED_BY
    values: Mapping[str, tuple[str, ...]] | None = None


def _is_among(property_name: str) -> Callable[[Record, Sequence[str]], bool]:
    return lambda record, wanted: record.get(property_name) in wanted


def _has_plan(property_name: str) -> Callable[[Record, Sequence[str]], bool]:
    return lambda record, wanted: any(plan.get(property_name) in wanted for plan in record.get("productPlans") or ())


_ORGANIZATIONS: Final = _Collection(
    kind=Kind.ORGANIZATION,
    key="organizations",
    filters={
        "product": _is_among("product"),
        "productPlan": _has_plan("productPlanName"),
        "astronomerProduct": _has_plan("astronomerProduct"),
    },
    values={
        "product": ("HOSTED", "HYBRID"),
        "productPlan": ("TRIAL", "BASIC", "STANDARD", "PREMIUM", "BUSINESS_CRITICAL"),
        "astronomerProduct": ("ASTRO",),
    },
)
_WORKSPACES: Final = _Collection(
    kind=Kind.WORKSPACE,
    key="workspaces",
    filters={"workspaceIds": _is_among("id"), "names": _is_among("name")},
)
_CLUSTERS: Final = _Collection(
    kind=Kind.CLUSTER,
    key="clusters",
    filters={"names": _is_among("name"), "provider": _is_among("cloudProvider")},
    values={"provider": ("AWS", "AZURE", "GCP")},
)
_DEPLOYMENTS: Final = _Collection(
    kind=Kind.DEPLOYMENT,
    key="deployments",
    filters={
        "deploymentIds": _is_among("id"),
        "names": _is_among("name"),
        "workspaceIds": _is_among("workspaceId"),
    },
)
_ALLOWED_RANGES: Final = _Collection(
    kind=Kind.ALLOWED_RANGE, key="allowedIpAddressRanges", filters={}, sorted_by=_RANGES_SORTED_BY
)


def application(state: AstroState, clock: Clock, *, rate_limit: RateLimit | None = None) -> Starlette:
    """The API below ``/v1``.

    :param rate_limit: 25 requests a second for each token by default
    """
    api = _Api(state, rate_limit or RateLimit(clock))
    return Starlette(routes=api.routes(), exception_handlers={AstroError: _refuse, HTTPException: _refuse})


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, AstroError) else getattr(error, "status_code", 500)
    message = str(error) if isinstance(error, AstroError) else getattr(error, "detail", "Internal Server Error")
    body: dict[str, Any] = {"message": message, "requestId": uuid.uuid4().hex, "statusCode": status}
    if isinstance(error, AstroError) and error.field_errors:
        body["fieldErrors"] = [dict(one) for one in error.field_errors]
    return JSONResponse(body, status_code=status, headers={"X-Request-Id": body["requestId"]})


class _Api:
    def __init__(self, state: AstroState, rate_limit: RateLimit) -> None:
        self._state = state
        self._rate_limit = rate_limit

    def routes(self) -> list[Route]:
        organization = "/v1/organizations/{organization_id}"
        found = [
            Route("/v1/organizations", self._lists(_ORGANIZATIONS)),
            Route(organization, self._gets(Kind.ORGANIZATION)),
            Route(f"{organization}/allowed-ip-address-ranges", self._lists(_ALLOWED_RANGES)),
        ]
        for path, collection in (("clusters", _CLUSTERS), ("deployments", _DEPLOYMENTS), ("workspaces", _WORKSPACES)):
            found.append(Route(f"{organization}/{path}", self._lists(collection)))
            found.append(Route(f"{organization}/{path}/{{id}}", self._gets(collection.kind)))
        return found

    def _lists(self, collection: _Collection) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def lists(request: Request) -> Response:
            token = self._token(request)
            self._check_organization(token, request)
            _check_list(token, collection.kind)
            found = [one for one in self._state.records(collection.kind, token.organization_id) if _sees(token, one)]
            return _page(request, collection, [self._shown(one) for one in _asked(request, collection, found)])

        return lists

    def _gets(self, kind: Kind) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def gets(request: Request) -> Response:
            token = self._token(request)
            self._check_organization(token, request)
            _flag(request, "isLookUpOnly")
            _check_list(token, kind)
            identifier = request.path_params.get("id") or request.path_params["organization_id"]
            record = self._state.record(kind, identifier)
            if record is not None and record.organization_id == token.organization_id:
                if not _sees(token, record):
                    raise AstroError(403, "Forbidden")
                return JSONResponse(self._shown(record).document)
            raise AstroError(404, f"{kind} not found")

        return gets

    def _token(self, request: Request) -> ApiToken:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = self._state.token(value.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise AstroError(401, "Unauthorized")
        if not self._rate_limit.takes(token.value):
            raise AstroError(429, "Too Many Requests")
        return token

    def _check_organization(self, token: ApiToken, request: Request) -> None:
        asked = request.path_params.get("organization_id", token.organization_id)
        if asked != token.organization_id:
            raise AstroError(403, "Forbidden")

    def _shown(self, record: Record) -> Record:
        if record.kind is not Kind.ORGANIZATION:
            return record
        has_ranges = bool(self._state.records(Kind.ALLOWED_RANGE, record.id))
        return Record(kind=record.kind, document={"hasAllowedIpAddressRanges": has_ranges, **record.document})


def _check_list(token: ApiToken, kind: Kind) -> None:
    """Refuse what a token of that scope has no business with at all."""
    hidden = {
        Scope.ORGANIZATION: (),
        Scope.WORKSPACE: (Kind.ALLOWED_RANGE,),
        Scope.DEPLOYMENT: (Kind.ALLOWED_RANGE, Kind.CLUSTER, Kind.WORKSPACE),
    }
    if kind in hidden[token.scope]:
        raise AstroError(403, "Forbidden")


def _sees(token: ApiToken, record: Record) -> bool:
    if token.scope is Scope.ORGANIZATION or record.kind is Kind.ORGANIZATION:
        return True
    if token.scope is Scope.DEPLOYMENT:
        return record.id == token.of
    if record.kind is Kind.CLUSTER:
        workspaces = record.get("workspaceIds") or ()
        return not workspaces or token.of in workspaces  # a cluster that names none is for all
    return token.of in {record.id, record.get("workspaceId")}


def _asked(request: Request, collection: _Collection, records: Sequence[Record]) -> list[Record]:
    """The records that the filters of the query ask for, in the order that it asks for."""
    found = list(records)
    for name, fits in collection.filters.items():
        if wanted := request.query_params.getlist(name):
            known = (collection.values or {}).get(name)
            if known and not set(wanted) <= set(known):
                raise _invalid(name, f"must be one of {', '.join(known)}")
            found = [record for record in found if fits(record, wanted)]
    # The first key counts most: so the last one sorts first.
    for text in reversed(request.query_params.getlist("sorts")):
        name, _, direction = text.partition(":")
        if name not in collection.sorted_by or direction not in {"asc", "desc"}:
            choices = ", ".join(f"{one}:{way}" for one in collection.sorted_by for way in ("asc", "desc"))
            raise _invalid("sorts", f"must be one of {choices}")
        key = "ipAddressRange" if name == "ipAddress" else name
        found.sort(key=lambda record, key=key: str(record.get(key)), reverse=direction == "desc")  # type: ignore[misc]
    return found


def _page(request: Request, collection: _Collection, records: Sequence[Record]) -> Response:
    offset, limit = _number(request, "offset", 0, None), _number(request, "limit", PAGE, MAX_PAGE)
    return JSONResponse(
        {
            collection.key: [record.document for record in records[offset : offset + limit]],
            "limit": limit,
            "offset": offset,
            "totalCount": len(records),
        }
    )


def _number(request: Request, name: str, default: int, maximum: int | None) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise _invalid(name, "must be a whole number, 0 or more")
    if maximum is not None and int(text) > maximum:
        raise _invalid(name, f"must be {maximum} or less")
    return int(text)


def _flag(request: Request, name: str) -> None:
    if request.query_params.get(name, "true").lower() not in {"true", "false"}:
        raise _invalid(name, "must be true or false")
