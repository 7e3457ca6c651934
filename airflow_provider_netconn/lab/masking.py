"""Secrets taken out of what is written down. In doubt a value is masked: a test can do without it."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

MASK: Final = "***"
MAX_READ_OCTETS: Final = 256 * 1024

_SECRET_PARTS: Final = (
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "assertion",
    "credential",
    "sharedkey",
    "connectionstring",
    "authorizationkey",
)
_SECRET_NAMES: Final = frozenset({"authorization", "code", "pass", "psk", "pwd", "sas", "sig", "signature"})
_SIGNED_QUERY: Final = frozenset({"t", "c", "s", "h"})
"""The parts of an operation's signed address."""
_NAMES_OF_PAIRS: Final = ("name", "key")
_LETTERS: Final = re.compile(r"[^a-z0-9]")
_SECRET_TEXT: Final = re.compile(
    r"""
    (?P<kept> \bBearer\s+ | \bBasic\s+ | [?&;\s"'] sig= | ^sig=
      | (?: AccountKey | SharedAccessKey | SharedAccessSignature | SharedSecret | Password | Pwd | Secret ) \s*=\s*
      | :// [^/\s:@]* : (?= [^/\s@]* @ )
    )
    (?: [^&;\s"'@]+ )
    | \beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*                                     # a JSON Web Token
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY----- .*? (?: -----END[ ][A-Z ]*PRIVATE[ ]KEY----- | \Z )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def masked_body(body: bytes, content_type: str, path: str) -> Any:
    """What may be shown of a request's body.

    :param content_type: the request's header; empty where it has none
    :param path: the request's path: a body below ``sharedKey`` or ``secrets`` is a secret under a plain name
    :return: the JSON value or the fields of a form, with strings of secrets masked; None for no body; for anything that
        cannot be read, and may hold what we cannot find, only its size
    """
    if not body:
        return None
    if len(body) > MAX_READ_OCTETS:
        return f"({len(body)} octets)"
    if "x-www-form-urlencoded" in content_type.lower():
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: _masked_field(name, value) for name, value in fields}
    try:
        value = json.loads(body)
        return masked(value, value_is_secret=any(map(is_secret_name, path.split("/"))))
    except (ValueError, RecursionError):
        return f"({len(body)} octets that are no JSON)"


def masked(value: Any, *, value_is_secret: bool = False) -> Any:
    """A JSON value without secrets. Only strings are masked: a number, a flag or nothing gives nothing away.

    :param value_is_secret: whether what stands under ``value`` is a secret, whatever the names around it
    """
    if isinstance(value, dict):
        pair_is_secret = value_is_secret or value.get("isSecret") is True or _names_a_secret(value)
        return {
            name: _all_masked(item)
            if is_secret_name(name) or (pair_is_secret and name.casefold() == "value")
            else masked(item, value_is_secret=value_is_secret)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item, value_is_secret=value_is_secret) for item in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_query(query: str) -> str:
    """A query string, its percent-encoding undone and made again, without secrets; also those that sign an address."""
    fields = parse_qsl(query, keep_blank_values=True)
    return urlencode(
        [(name, MASK if name in _SIGNED_QUERY else _masked_field(name, value)) for name, value in fields],
        safe="*$/:,'()",
    )


def masked_text(text: str) -> str:
    """A text without tokens, private keys, signatures of SAS, and the secrets of connection strings and URLs."""
    return _SECRET_TEXT.sub(lambda found: (found["kept"] or "") + MASK, text)


def is_secret_name(name: str) -> bool:
    """:return: whether what stands under this name is taken for a secret: ``clientSecret``, ``primaryKey``, ``sig``"""
    plain = _LETTERS.sub("", name.casefold())
    return plain in _SECRET_NAMES or plain.endswith(("key", "keys")) or any(part in plain for part in _SECRET_PARTS)


def _names_a_secret(pair: dict[str, Any]) -> bool:
    """Whether it is a pair of a name and its value, such as an environment variable, and the name is a secret's."""
    return any(isinstance(pair.get(name), str) and is_secret_name(pair[name]) for name in _NAMES_OF_PAIRS)


def _masked_field(name: str, value: str) -> str:
    return MASK if is_secret_name(name) else masked_text(value)


def _all_masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _all_masked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_all_masked(item) for item in value]
    return MASK if isinstance(value, str) else value
