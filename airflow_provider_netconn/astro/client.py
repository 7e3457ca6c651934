"""A small blocking client of the Astro API v1, read side only (Astronomer, "Astro API reference").

Only the standard library, so that it costs nothing at import. It honours HTTPS_PROXY as the system's clients do, and
follows no redirect: the token goes to the API's host and nowhere else.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from airflow_provider_netconn import __version__
from airflow_provider_netconn.astro.settings import AstroSettings
from airflow_provider_netconn.errors import AstroError, AstroForbiddenError, AstroNotFoundError

Json = dict[str, Any]

PAGE: Final = 1000
"""Records in a page at most, as the API allows."""
_REQUEST_TIMEOUT_S: Final = 30.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_REMEDIES: Final = {
    401: "the token is wrong or has expired: make a new one, and set it as ASTRO_API_TOKEN",
    403: "the token may not see this: a Deployment's token sees its Deployment, an Organization's sees clusters too",
    404: "check the id, and that the token is of that Organization",
    429: "the API takes 25 reads a second from one token: share it among fewer tasks, or raise timeout_s",
}


class AstroClient:
    """Reads from the Astro API.

    :param settings: where, and as whom
    :param timeout_s: for a request with its repetitions, in seconds
    """

    def __init__(self, settings: AstroSettings, *, timeout_s: float = 60.0) -> None:
        self.settings = settings
        self._timeout_s = timeout_s
        context = ssl.create_default_context()
        if settings.ca_file:
            context.load_verify_locations(cafile=settings.ca_file)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())

    def deployment(self, deployment_id: str) -> Json:
        """A Deployment, as the API gives it.

        :raises AstroError: it could not be read; AstroForbiddenError, AstroNotFoundError
        """
        return self.get(f"deployments/{quote(deployment_id, safe='')}")

    def cluster(self, cluster_id: str) -> Json:
        """A cluster, as the API gives it; raises as above."""
        return self.get(f"clusters/{quote(cluster_id, safe='')}")

    def deployments(self, **query: str) -> Iterator[Json]:
        """All Deployments that the token sees.

        :param query: filters by the API's names, such as ``names``
        """
        return self.list("deployments", "deployments", query)

    def clusters(self, **query: str) -> Iterator[Json]:
        """All clusters that the token sees."""
        return self.list("clusters", "clusters", query)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """Read what lies below the Organization.

        :param path: such as ``deployments/ID``
        :raises AstroError: it could not be read
        """
        end = time.monotonic() + self._timeout_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._ask(path, query)
            except AstroError as error:
                wait_s = max(error.retry_after_s or 0.0, pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                if not error.is_passing or time.monotonic() + wait_s >= end:
                    raise
            time.sleep(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def list(self, path: str, key: str, query: Mapping[str, str] | None = None) -> Iterator[Json]:
        """Read a list, page by page.

        :param key: of the answer, that has the records
        """
        offset = 0
        while True:
            page = self.get(path, {**(query or {}), "offset": str(offset), "limit": str(PAGE)})
            records = page.get(key) or []
            yield from records
            offset += len(records)
            if not records or offset >= int(page.get("totalCount") or 0):
                return

    def _ask(self, path: str, query: Mapping[str, str] | None) -> Json:
        base = f"{self.settings.api_url}/organizations/{quote(self.settings.organization_id, safe='')}"
        url = f"{base}/{path}" + (f"?{urlencode(query)}" if query else "")
        request = urllib.request.Request(  # noqa: S310 - the settings allow https only
            url,
            headers={
                "Authorization": f"Bearer {self.settings.token}",
                "Accept": "application/json",
                "User-Agent": f"airflow-provider-netconn/{__version__}",
            },
        )
        try:
            with self._opener.open(request, timeout=_REQUEST_TIMEOUT_S) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(path, error) from None
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            reason = getattr(error, "reason", error)
            unsafe = isinstance(reason, ssl.SSLCertVerificationError)
            remedy = "check that this machine reaches the API's host on port 443, by HTTPS_PROXY where there is one"
            raise AstroError(path, f"no answer: {reason}", remedy=remedy, is_passing=not unsafe) from error
        try:
            found = json.loads(content)
        except ValueError:
            raise AstroError(path, f"{len(content)} bytes that are no JSON", is_passing=True) from None
        if not isinstance(found, dict):
            raise AstroError(path, "the answer is no object")
        return found


def _refusal(path: str, error: urllib.error.HTTPError) -> AstroError:
    """The error of the API's own shape: ``message``, ``requestId``, ``statusCode``, perhaps ``fieldErrors``."""
    try:
        found = json.loads(error.read())
    except (ValueError, OSError, http.client.HTTPException):
        found = {}
    body = found if isinstance(found, dict) else {}
    message = str(body.get("message") or error.reason or "refused")
    fields = [f"{one.get('field')}: {one.get('message')}" for one in body.get("fieldErrors") or ()]
    kind = {403: AstroForbiddenError, 404: AstroNotFoundError}.get(error.code, AstroError)
    return kind(
        path,
        "; ".join(dict.fromkeys((f"{error.code} {message}", *fields))),
        status=error.code,
        request_id=str(body.get("requestId", "")),
        remedy=_REMEDIES.get(error.code, ""),
        is_passing=error.code in _PASSING,
        retry_after_s=_seconds(error.headers.get("Retry-After")),
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
