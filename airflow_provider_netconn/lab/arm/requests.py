"""What comes in and what goes out: a request, its caller and the answer, free of any web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from airflow_provider_netconn.lab.arm.errors import invalid_request_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as the token tells.

    :param tenant_id: the token's tenant
    :param object_id: of the user or service principal
    :param app_id: of the application; empty for a user
    :param auxiliary: the callers of the tokens in ``x-ms-authorization-auxiliary``, one for each further tenant
    """

    tenant_id: str
    object_id: str
    app_id: str = ""
    auxiliary: tuple[Caller, ...] = ()

    def for_tenant(self, tenant_id: str) -> Caller | None:
        """:return: the caller as that tenant knows it, by the token or an auxiliary one; None: no token for it"""
        for caller in (self, *self.auxiliary):
            if caller.tenant_id.casefold() == tenant_id.casefold():
                return caller
        return None


@dataclass(slots=True, kw_only=True)
class ArmRequest:
    """A request.

    :param method: upper case
    :param path: decoded, without query
    :param query: names in lower case, such as ``api-version``; decoded
    :param headers: names in lower case
    :param content: the body as sent
    :param caller: who asks; None until authenticated
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    caller: Caller | None = None

    @property
    def api_version(self) -> str:
        """As asked for; empty where none was given."""
        return self.query.get("api-version", "")

    def json(self) -> Any:
        """:return: the body, or None for an empty one

        :raises ArmError: 400 InvalidRequestContent, it is not JSON
        """
        if not self.content.strip():
            return None
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise invalid_request_content(f"Unexpected character encountered while parsing value: {error}") from None

    def json_object(self) -> dict[str, Any]:
        """:return: the body, which must be an object; an empty one is an empty object

        :raises ArmError: 400 InvalidRequestContent
        """
        body = self.json()
        if body is None:
            return {}
        if not isinstance(body, dict):
            raise invalid_request_content("Cannot deserialize the current JSON because it is no object")
        return body


@dataclass(slots=True)
class ArmResponse:
    """An answer.

    :param status: HTTP status
    :param body: to be written as JSON; None for an empty body
    :param headers: besides those that every answer has
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        return b"" if self.body is None else msgspec.json.encode(self.body)
