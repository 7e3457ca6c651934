"""Microsoft Entra ID as far as a client's secret takes one: it tells where tokens are given, and gives one or refuses.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

from testbed.endpoints.http import HttpRequest, HttpServer

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSED_SECRET = "AADSTS7000215"
"""Entra ID's code for a wrong client secret."""


class EntraServer(HttpServer):
    """An authority for one tenant.

    :param tls: its certificate; clients take no authority without TLS
    :param refuses: the code with which it refuses every secret; None gives a token for any
    """

    def __init__(
        self, tls: ssl.SSLContext, *, refuses: str | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(headers={"Content-Type": "application/json"}, host=host, port=port, tls=tls)
        self.refuses = refuses

    @property
    def url(self) -> str:
        """The authority, as a client's configuration has it."""
        return f"https://{self.host}:{self.port}"

    def respond(self, request: HttpRequest) -> tuple[int, Mapping[str, str], bytes]:
        """The tenant's metadata, or the answer to a secret."""
        answer: Mapping[str, Any]
        if request.method != "POST":
            answer = self._metadata(request.target.split("/")[1])
        else:
            answer = self._refusal() if self.refuses else _TOKEN
        return 401 if "error" in answer else 200, self.headers, json.dumps(answer).encode()

    def _metadata(self, tenant: str) -> dict[str, str]:
        place = f"{self.url}/{tenant}"
        return {
            "issuer": f"{place}/v2.0",
            "authorization_endpoint": f"{place}/oauth2/v2.0/authorize",
            "token_endpoint": f"{place}/oauth2/v2.0/token",
        }

    def _refusal(self) -> dict[str, str]:
        description = f"{self.refuses}: Invalid client secret provided. Trace ID: 11111111-2222-3333-4444-555555555555"
        return {"error": "invalid_client", "error_description": description}


_TOKEN = {"token_type": "Bearer", "expires_in": 3599, "access_token": "a-token-of-the-testbed"}
