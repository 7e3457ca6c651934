"""A container registry's front: who gets in, and the challenge of the registry API.

"Docker Registry HTTP API V2: authentication", and reports of Azure's own answers in Azure/acr. The lab keeps no images.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_netconn.lab.services.http_answers import Exchange, request_id

_VERSION: Final = ("Docker-Distribution-Api-Version", "registry/2.0")
_ADVICE: Final = "authentication required, visit https://aka.ms/acr/authorization for more information."


async def answer_registry(exchange: Exchange) -> None:
    """Answer one request."""
    refusal = exchange.call.admission().refusal
    if refusal is not None:
        await exchange.refuse(refusal)
        return
    host = exchange.host
    headers = [("X-Ms-Correlation-Request-Id", request_id()), ("Server", "AzureContainerRegistry"), _VERSION]
    if not exchange.path.startswith("/v2/"):
        await exchange.answer(404, headers=headers)
    elif exchange.header("authorization"):
        message = "the lab has no more of a registry than its front"
        await exchange.answer_json(501, _errors("UNSUPPORTED", message), headers)
    else:
        challenge = f'Bearer realm="https://{host}/oauth2/token",service="{host}"'
        await exchange.answer_json(401, _errors("UNAUTHORIZED", _ADVICE), [("Www-Authenticate", challenge), *headers])


def _errors(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, "detail": None}]}
