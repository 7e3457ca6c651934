"""A small client for any resource of Resource Manager: ids in, plain JSON out."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from azure.core.exceptions import HttpResponseError
from azure.core.polling import AsyncLROPoller
from azure.core.rest import HttpRequest
from azure.mgmt.core import AsyncARMPipelineClient
from azure.mgmt.core.polling.async_arm_polling import AsyncARMPolling

from airflow_provider_netconn.azure.answers import body_of
from airflow_provider_netconn.azure.deadlines import current_deadline, deadline
from airflow_provider_netconn.azure.retries import BUSY_CODES, REPEATABLE
from airflow_provider_netconn.azure.unseen_writes import UnseenWritePolling
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureMalformedAnswerError,
    AzureNotFoundError,
    AzureOperationFailedError,
)

if TYPE_CHECKING:
    from azure.core.pipeline import AsyncPipeline

Json = dict[str, Any]

_POLL_S: Final = 2.0
_MOST_CHANGES: Final = 10
_ACCEPT: Final = {"Accept": "application/json"}
_OPTIONS: Final = {"busy_codes": BUSY_CODES, "repeatable": REPEATABLE}
_NO_CONTENT: Final = object()
_NO_CONTENT_STATUS: Final = 204
_CHANGED_STATUS: Final = 412


class ArmClient:
    """Reads and writes resources by their ids. Its errors are those of the pipeline that it is given.

    Writes return when their operation has ended. All of it holds the caller's deadline
    (:func:`airflow_provider_netconn.azure.deadlines.deadline`), or else the one of the session's limits.

    :param pipeline: see :mod:`.pipeline`
    :param resource_manager: URL of Resource Manager
    :param timeout_s: for a write with its operation, where the caller has set no deadline
    """

    def __init__(self, pipeline: AsyncPipeline[Any, Any], resource_manager: str, *, timeout_s: float) -> None:
        self._url = resource_manager
        self._timeout_s = timeout_s
        self._client: AsyncARMPipelineClient[Any, Any] = AsyncARMPipelineClient(
            resource_manager, pipeline=pipeline, policies=[]
        )

    async def get(self, resource_id: str, *, api_version: str, query: Mapping[str, str] | None = None) -> Json | None:
        """Read a resource.

        :param resource_id: any path below Resource Manager
        :param query: further parameters of the query
        :return: its JSON; None where there is none
        :raises AzureError: it could not be read
        """
        try:
            answer = await self._read(resource_id, api_version, query)
        except AzureNotFoundError:
            return None
        return _object(answer, resource_id)

    async def list(self, path: str, *, api_version: str, query: Mapping[str, str] | None = None) -> AsyncIterator[Json]:
        """Read a list, page by page.

        :param path: of the list, such as ``/subscriptions/.../virtualNetworks``
        :raises AzureError: it could not be read; AzureNotFoundError where what it lies in does not exist
        """
        page = _object(await self._read(path, api_version, query), path)
        while True:
            for one in page.get("value") or ():
                yield one
            following = page.get("nextLink")
            if not following:
                return
            page = _object(await self._read_page(str(following)), path)

    async def put(
        self,
        resource_id: str,
        body: Mapping[str, Any] | None,
        *,
        api_version: str,
        if_match: str | None = None,
        if_none_match: str | None = None,
        busy_codes: frozenset[str] = frozenset(),
        query: Mapping[str, str] | None = None,
        wait: bool = True,
        unseen: bool = False,
    ) -> Json:
        """Make or replace a resource, and wait until that is done.

        :param if_match: only where the resource still has this etag
        :param if_none_match: ``*``: only where there is none
        :param busy_codes: further codes of this resource's provider that mean "not now, try again"
        :param wait: else return when the write is accepted, whatever comes of its operation
        :param unseen: do not look at the resource in the end, as it may be written and not be read
        :return: the resource as it is then; without waiting, or unseen, what the first answer said of it, which may be
            nothing
        :raises AzureConflictError: with a condition that does not hold; or held by another operation at the deadline
        :raises AzureError: of other kinds
        """
        request = self._request("PUT", resource_id, api_version, query, body=body)
        request.headers.update(_conditions(if_match, if_none_match))
        answer = await self._write(resource_id, request, wait=wait, unseen=unseen, busy_codes=busy_codes)
        return _written(answer, resource_id, wait)

    async def patch(
        self,
        resource_id: str,
        body: Mapping[str, Any],
        *,
        api_version: str,
        if_match: str | None = None,
        busy_codes: frozenset[str] = frozenset(),
        query: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Json:
        """Change parts of a resource, and wait until that is done; otherwise as :meth:`put`."""
        request = self._request("PATCH", resource_id, api_version, query, body=body)
        request.headers.update(_conditions(if_match))
        return _written(await self._write(resource_id, request, wait=wait, busy_codes=busy_codes), resource_id, wait)

    async def change(
        self,
        resource_id: str,
        change: Callable[[Json], Json | None],
        *,
        api_version: str,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """Read a resource, change it, and write it back where nobody else has changed it meanwhile; or begin anew.

        :param change: given the resource, gives what to write; None where nothing is to be changed
        :return: the resource as it is then
        :raises AzureNotFoundError: there is no such resource
        :raises AzureConflictError: others changed it again and again
        """
        for tries_left in reversed(range(_MOST_CHANGES)):
            found = _object(await self._read(resource_id, api_version, query), resource_id)
            wanted = change(copy.deepcopy(found))
            if wanted is None or wanted == found:
                return found
            try:
                return await self.put(
                    resource_id, wanted, api_version=api_version, if_match=found.get("etag"), query=query
                )
            except AzureConflictError as error:
                if error.status != _CHANGED_STATUS or not tries_left:
                    raise
        raise AssertionError("unreachable")

    async def delete(
        self,
        resource_id: str,
        *,
        api_version: str,
        if_match: str | None = None,
        query: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> bool:
        """Delete a resource, and wait until it is gone.

        :param wait: else return when the request is accepted
        :return: whether there was one
        """
        request = self._request("DELETE", resource_id, api_version, query)
        request.headers.update(_conditions(if_match))
        try:
            return await self._write(resource_id, request, wait=wait) is not _NO_CONTENT
        except AzureNotFoundError:
            return False

    async def action(
        self,
        path: str,
        body: Any = None,
        *,
        api_version: str,
        repeatable: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """POST to a resource, and wait for the end.

        :param path: of the action, such as ``RESOURCE/ipFlowVerify``
        :param repeatable: asking twice does no harm, as where the action only tells something; otherwise a POST whose
            answer is lost is an error
        :return: the JSON of the answer; None where it has none
        """
        request = self._request("POST", path, api_version, query, body=body)
        answer = await self._write(path, request, repeatable=repeatable)
        return None if answer is _NO_CONTENT else answer

    # -- how --------------------------------------------------------------------------------------

    async def _write(
        self, resource: str, request: HttpRequest, *, wait: bool = True, unseen: bool = False, **options: Any
    ) -> Any:
        """Send a write and wait for its end; gives the JSON that it ended with, or :data:`_NO_CONTENT`."""
        with deadline(self._timeout_s) if current_deadline() is None else nullcontext():
            first = await self._client.send_request(
                request, _return_pipeline_response=True, **{_OPTIONS[name]: value for name, value in options.items()}
            )
            if first.http_response.status_code == _NO_CONTENT_STATUS:
                return _NO_CONTENT
            if not wait:
                return _polled_body(first)
            final = {"final-state-via": "location"} if request.method == "POST" else None
            try:
                polling = UnseenWritePolling(_POLL_S) if unseen else AsyncARMPolling(_POLL_S, lro_options=final)
                return await AsyncLROPoller(self._client, first, _polled_body, polling).result()
            except HttpResponseError as error:
                # The resource itself said so, in its provisioningState; operations say more (see failures.py).
                seen = f"the {request.method} was accepted, and ended Failed or Canceled"
                raise AzureOperationFailedError(resource, seen, remedy="see the resource's activity log") from error

    async def _read(self, path: str, api_version: str, query: Mapping[str, str] | None) -> Any:
        return body_of(await self._client.send_request(self._request("GET", path, api_version, query)))

    async def _read_page(self, url: str) -> Any:
        return body_of(await self._client.send_request(HttpRequest("GET", url, headers=_ACCEPT)))

    def _request(
        self, method: str, path: str, api_version: str, query: Mapping[str, str] | None, *, body: Any = None
    ) -> HttpRequest:
        parameters = urlencode({"api-version": api_version, **(query or {})}, quote_via=quote)
        url = f"{self._url}/{quote(path.strip('/'), safe='/$@()=,:')}?{parameters}"
        if body is None:
            return HttpRequest(method, url, headers=_ACCEPT)
        return HttpRequest(
            method, url, headers={**_ACCEPT, "Content-Type": "application/json"}, content=json.dumps(body)
        )


def _conditions(if_match: str | None, if_none_match: str | None = None) -> dict[str, str]:
    given = {"If-Match": if_match, "If-None-Match": if_none_match}
    return {name: value for name, value in given.items() if value}


def _polled_body(answer: Any) -> Any:
    return body_of(answer.http_response)


def _written(answer: Any, resource: str, wait: bool) -> Json:
    # What is accepted is often answered by nothing at all.
    return {} if answer is None and not wait else _object(answer, resource)


def _object(answer: Any, resource: str) -> Json:
    if isinstance(answer, dict):
        return answer
    raise AzureMalformedAnswerError(resource, f"the answer is {type(answer).__name__} where an object is due")
