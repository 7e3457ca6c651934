"""HTTP below the pipeline: a session of aiohttp on an event loop, one of requests without.

Both trust the system's authorities and, where settings name a file, those in it too. Import this module when a session
is opened: it brings aiohttp and requests.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import requests
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from requests.adapters import HTTPAdapter

from airflow_provider_netconn.azure.answers import NotJsonError, body_of


def async_transport(ca_file: str = "", *, of_tokens: bool = False) -> AioHttpTransport:
    """A transport for a pipeline on the running event loop; close it.

    :param ca_file: further authorities to trust
    :param of_tokens: for a credential: an answer that is no JSON is an error that does not quote it: it holds
        half a token, and azure-identity would log that
    """
    kind = _AsyncTokenTransport if of_tokens else _AsyncTransport
    return kind(_shared_context(ca_file))


def transport(ca_file: str = "", *, of_tokens: bool = False) -> RequestsTransport:
    """A transport for a pipeline without an event loop; close it. Its parameters are as above."""
    kind = _TokenTransport if of_tokens else RequestsTransport
    if not ca_file:
        return kind()
    session = requests.Session()
    session.mount("https://", _TrustingAdapter(_context(ca_file)))
    return kind(session=session, session_owner=True)


class _AsyncTransport(AioHttpTransport):  # type: ignore[misc] # azure-core exports it without a type
    """Opens its session when it is first used: of a credential's chain perhaps nobody uses it, and nobody closes it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.session: Any
        self._context = context

    async def open(self) -> None:
        if self.session is None and not self._has_been_opened:
            # By itself azure-core reads the file of authorities anew for each request, on the loop.
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context),
                trust_env=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            # When a connection breaks under a request, aiohttp sends PUT and DELETE again by itself, and nobody learns
            # that the second answer is not the first one's. There is no public switch.
            if hasattr(self.session, "_retry_connection"):
                self.session._retry_connection = False
        await super().open()

    async def close(self) -> None:
        """Close it for good, also where it was never used: a session that is opened behind this, nobody closes."""
        self._has_been_opened = True
        await super().close()


class _AsyncTokenTransport(_AsyncTransport):
    async def send(self, request: Any, **options: Any) -> Any:
        return _checked(await super().send(request, **options))


class _TokenTransport(RequestsTransport):  # type: ignore[misc] # as above
    def send(self, request: Any, **options: Any) -> Any:
        return _checked(super().send(request, **options))


def _checked(response: Any) -> Any:
    if response.status_code == HTTPStatus.OK:
        try:
            body_of(response)
        except NotJsonError:
            raise ServiceResponseError("the authority's answer is no JSON") from None
    return response


class _TrustingAdapter(HTTPAdapter):
    """Connects with a TLS context of ours."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        return super().proxy_manager_for(*arguments, **options, ssl_context=self._context)


def _context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def _shared_context(ca_file: str) -> ssl.SSLContext:
    """A context for many sessions: to read the system's authorities takes longer than a session's first requests."""
    changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
    return _context_of(ca_file, changed, ssl.get_default_verify_paths())


@lru_cache(maxsize=16)
def _context_of(ca_file: str, *seen_then: object) -> ssl.SSLContext:  # noqa: ARG001 - what has changed is read anew
    return _context(ca_file)
