"""The admin API from another process, over nothing but the standard library."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_netconn.lab.errors import LabError, StateError

_LIMIT_S: Final = 30.0


class UnreachableError(StateError):
    """The lab that a state file tells of does not answer."""


class AdminClient:
    """Asks a lab's admin API.

    :param state: what the state file tells
    :raises UnreachableError: the certificate of the lab's authority is gone
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._url = str(state["admin_url"])
        self._token = str(state["admin_token"])
        try:
            trust = ssl.create_default_context(cafile=state["ca_file"])
        except OSError as error:
            raise UnreachableError(f"{state['ca_file']} cannot be read: {error.strerror}; start the lab anew") from None
        # No proxy: the lab is here.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """Send one request.

        :param body: sent as JSON; None sends none
        :return: what the answer's JSON holds; None for an empty answer
        :raises LabError: the lab refuses it, in its words
        :raises UnreachableError: the lab does not answer
        """
        url = f"{self._url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310 - https, ours
        try:
            with self._opener.open(request, timeout=_LIMIT_S) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise LabError(_words(error)) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"the lab at {self._url} does not answer: {reason}; start one with 'netconn lab up'"
            ) from None
        return json.loads(content) if content else None


def _words(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return f"the admin API answers {error.code}"
