"""Signatures of requests by an account's key: Microsoft Learn, "Authorize with Shared Key"."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

VERSION: Final = "2021-12-02"
"""Of the API, for requests that name none."""
_SIGNED: Final = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip


def signed(
    service: str, account: str, key: str, method: str, path: str, query: str, headers: Mapping[str, str]
) -> dict[str, str]:
    """Sign a request.

    :param service: ``blob``, ``queue`` or ``table``
    :param key: the account's, base64
    :param path: percent-encoded as it is sent
    :param headers: by name in lower case
    :return: the headers with ``Authorization``, ``x-ms-date`` and ``x-ms-version``
    """
    made = {name: value for name, value in headers.items() if name != "authorization"}
    made.setdefault("x-ms-date", email.utils.formatdate(usegmt=True))
    made.setdefault("x-ms-version", VERSION)
    made["authorization"] = f"SharedKey {account}:{signature(service, account, key, method, path, query, made)}"
    return made


def signature(
    service: str, account: str, key: str, method: str, path: str, query: str, headers: Mapping[str, str]
) -> str:
    """:return: the signature of a request, base64; parameters as of :func:`signed`"""
    pairs = parse_qsl(query, keep_blank_values=True)
    if service == "table":
        component = next((f"?comp={value}" for name, value in pairs if name == "comp"), "")
        date = headers.get("x-ms-date") or headers.get("date", "")
        lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
        text = "\n".join([*lines, f"/{account}{path}{component}"])
    else:
        values = {name: headers.get(name, "") for name in _SIGNED}
        if values["content-length"] == "0":
            values["content-length"] = ""
        if "x-ms-date" in headers:
            values["date"] = ""
        own = sorted((name, value.strip()) for name, value in headers.items() if name.startswith("x-ms-"))
        lines = [method, *(values[name] for name in _SIGNED), *(f"{name}:{value}" for name, value in own)]
        text = "\n".join([*lines, f"/{account}{path}", *_parameters(pairs)])
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _parameters(pairs: list[tuple[str, str]]) -> list[str]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return [f"{name}:{','.join(sorted(values))}" for name, values in sorted(found.items())]
