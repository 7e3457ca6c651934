"""Targets from what people write: ``host:port``, a URL, or the mapping of a YAML file; strictly validated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import Expectation, Target, TlsUse, is_address
from airflow_provider_netconn.probing import protocols  # noqa: F401  registers the protocols
from airflow_provider_netconn.probing.registry import protocol_named, protocol_names

_HOST_AND_PORT = re.compile(r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[^:]*)")
_SCHEMES = {"tcp": "plain"}
"""URL schemes that are not the name of a protocol."""


def parse_target(
    given: str | Mapping[str, Any],
    *,
    expect: Expectation = Expectation.PRIVATE,
    expect_networks: tuple[str, ...] = (),
    field: str = "target",
) -> Target:
    """A target from ``https://orders.example.net/path``, ``db.example.net:5432``, ``[fd00::4]:22`` or a mapping.

    :param given: text, or the fields of :class:`Target` by name, of which ``host`` is required; a mapping may also give
        ``url`` in place of host, port and protocol
    :param expect: what is expected where the mapping does not say
    :param expect_networks: networks that count as private where the mapping does not say
    :param field: how an error names the whole target
    :raises InvalidTargetError: naming field and mend
    """
    if isinstance(given, str):
        fields = _from_text(given.strip(), field)
    elif isinstance(given, Mapping):
        fields = _from_mapping(given, field)
    else:
        raise InvalidTargetError(field, f"{given!r} is no target", "write text such as db.example.net:5432")
    fields.setdefault("expect", expect)
    fields.setdefault("expect_networks", expect_networks)
    protocol = protocol_named(fields.setdefault("protocol", "plain"), f"{field}.protocol")
    if fields.get("port") is None:
        if protocol.default_port is None:
            raise InvalidTargetError(f"{field}.port", "no port is given", f"write one, as in {fields.get('host')}:5432")
        fields["port"] = protocol.default_port
    try:
        return Target(**fields)
    except ValueError as error:
        name, _, message = str(error).partition(": ")
        raise InvalidTargetError(f"{field}.{name}", message) from None


def _from_text(text: str, field: str) -> dict[str, Any]:
    """Fields of a URL or of ``host:port``; the name is the text itself, without what may be a secret in it."""
    if "://" in text:
        return _from_url(text, field)
    if is_address(text):
        raise InvalidTargetError(field, f"{text!r} has no port", "write host:port or a URL such as https://host")
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        remedy = "write host:port, [IPv6]:port or a URL such as https://host"
        raise InvalidTargetError(field, f"{_shown(text)!r} has no port", remedy)
    host = found["bracketed"] if found["bracketed"] is not None else found["host"]
    return {"host": _ascii(host, field), "port": _port(found["port"], field), "name": text}


def _from_url(text: str, field: str) -> dict[str, Any]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidTargetError(field, f"{_shown(text)!r}: {error}", "write a URL such as https://host:443/") from None
    protocol = _SCHEMES.get(parts.scheme, parts.scheme)
    if protocol not in protocol_names():
        known = ", ".join(sorted({*protocol_names(), *_SCHEMES}))
        raise InvalidTargetError(f"{field}.protocol", f"unknown scheme {parts.scheme!r}", f"write one of {known}")
    if not host:
        raise InvalidTargetError(f"{field}.host", f"{_shown(text)!r} has no host", "write a URL such as https://host/")
    fields: dict[str, Any] = {"host": _ascii(host, field), "protocol": protocol, "name": _name_of(parts)}
    if port is not None:
        fields["port"] = port
    if protocol_named(protocol).over_http_proxy and parts.path:
        fields["http_path"] = parts.path
    return fields


def _from_mapping(given: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Fields of a mapping; its keys are checked by whoever knows the line that they stand in."""
    fields = dict(given)
    url = fields.pop("url", None)
    if url is not None:
        if "host" in fields:
            raise InvalidTargetError(f"{field}.url", "stands beside host", "write one of them")
        fields = _from_url(str(url), f"{field}.url") | fields
    host = fields.get("host")
    if not isinstance(host, str) or not host:
        raise InvalidTargetError(f"{field}.host", f"{host!r} is no host", "write a name or an address")
    fields["host"] = _ascii(host, field)
    for name, read in _READERS.items():
        if name in fields:
            fields[name] = read(fields[name], f"{field}.{name}")
    if fields.get("protocol") in _SCHEMES:
        fields["protocol"] = _SCHEMES[fields["protocol"]]
    return fields


def parse_expectation(value: object, field: str) -> Expectation:
    """``private``, ``public`` or ``any``, in any case.

    :raises InvalidTargetError: naming the field
    """
    try:
        return Expectation(str(value).lower())
    except ValueError:
        known = ", ".join(expectation.value for expectation in Expectation)
        raise InvalidTargetError(field, f"{value!r} is no expectation", f"write one of {known}") from None


def _tls_use(value: object, field: str) -> TlsUse:
    if value is False:  # YAML reads a bare `off` so
        return TlsUse.OFF
    try:
        return TlsUse(str(value).lower())
    except ValueError:
        known = ", ".join(use.value for use in TlsUse)
        raise InvalidTargetError(field, f"{value!r} is no use of TLS", f"write one of {known}") from None


def text_tuple(value: object, field: str) -> tuple[str, ...]:
    """A list of texts, or one text, as a tuple.

    :raises InvalidTargetError: naming the field
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise InvalidTargetError(field, f"{value!r} is no list of texts", "write one such as [10.20.0.0/16]")
    return tuple(items)


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidTargetError(field, f"{value!r} is no text", "write it in quotes")
    return value


_READERS: Final[dict[str, Callable[[object, str], object]]] = {
    "expect": parse_expectation,
    "tls": _tls_use,
    "expect_networks": text_tuple,
    "expect_addresses": text_tuple,
    "protocol": _text,
    "name": _text,
    "dial": _text,
    "http_path": _text,
}
"""How a mapping's values become those of a target; port and host have checks of their own."""


def _ascii(host: str, field: str) -> str:
    """Names beyond ASCII as DNS has them (IDNA)."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidTargetError(f"{field}.host", f"{host!r}: {error}", "write the name in ASCII") from None


def _port(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidTargetError(f"{field}.port", f"{text!r} is no TCP port", "write a number from 1 to 65535")
    return int(text[:10])


def _name_of(parts: SplitResult) -> str:
    """The URL as written, without user information, query and fragment: they may hold a password or a token."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _shown(text: str) -> str:
    """The text as an error may show it: nothing that could be a password or a token."""
    return text.rpartition("@")[2].partition("?")[0]
