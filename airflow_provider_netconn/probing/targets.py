"""Targets from what people write: ``host:port``, a URL, or the mapping of a YAML file; strictly validated."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import MAX_NAME_LENGTH, MAX_PORT, Expectation, Target, TlsUse, is_address
from airflow_provider_netconn.probing import protocols  # noqa: F401  registers the protocols
from airflow_provider_netconn.probing.registry import protocol_named, protocol_names

_HOST_AND_PORT = re.compile(r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[^:]*)")
_SCHEMES = {"tcp": "plain"}
"""URL schemes that are not the name of a protocol."""
_HOST_PORT_REMEDY: Final = "write host:port, [IPv6]:port or a URL such as https://host"
_NOT_IN_A_HOST: Final = "@?#/"
"""Marks of a URL; what stands around them may be a password or a token, so no error repeats it."""
_SCOPE: Final = re.compile(r"[^%]*(%[A-Za-z0-9_.-]{1,15})?")
"""An address with the name of an interface behind it: no longer than Linux has them."""
_PATH: Final = re.compile(r"/[!-~]*")
_SHOWN_LENGTH: Final = 200
_SHOWN_NUMBER: Final = 2**64

TARGET_KEYS: Final = (
    "host",
    "port",
    "url",
    "protocol",
    "name",
    "dial",
    "http_path",
    "tls",
    "expect",
    "expect_networks",
    "expect_addresses",
)
"""The keys of a target's mapping."""


def parse_target(
    given: object,
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
        raise InvalidTargetError(field, f"{shown_value(given)} is no target", "write text such as db.example.net:5432")
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
    if mark := next((mark for mark in _NOT_IN_A_HOST if mark in text), None):
        raise InvalidTargetError(field, f"holds {mark!r} and is no URL", _HOST_PORT_REMEDY)
    if is_address(text):
        raise InvalidTargetError(field, f"{text!r} has no port", "write host:port or a URL such as https://host")
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        raise InvalidTargetError(field, f"{text!r} has no port", _HOST_PORT_REMEDY)
    host = found["bracketed"] if found["bracketed"] is not None else found["host"]
    return {
        "host": host_of(host, f"{field}.host"),
        "port": _port(found["port"], field),
        "name": _name(text, f"{field}.name"),
    }


def _from_url(text: str, field: str) -> dict[str, Any]:
    # urlsplit drops line ends and tabs without a word, and its errors quote what may be a password.
    if "://" not in text or not text.isprintable():
        raise InvalidTargetError(field, f"{_shown(text)!r} is no URL", "write one such as https://host:443/")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        seen = f"{_shown(text)!r} is no URL"
        raise InvalidTargetError(field, seen, "write one such as https://host:443/") from None
    try:
        port = parts.port
    except ValueError:
        seen = f"{_shown(text)!r} has no usable port"
        raise InvalidTargetError(f"{field}.port", seen, "write a number from 1 to 65535") from None
    protocol = _SCHEMES.get(parts.scheme, parts.scheme)
    if protocol not in protocol_names():
        known = ", ".join(sorted({*protocol_names(), *_SCHEMES}))
        raise InvalidTargetError(f"{field}.protocol", f"unknown scheme {parts.scheme!r}", f"write one of {known}")
    if not host:
        raise InvalidTargetError(f"{field}.host", f"{_shown(text)!r} has no host", "write a URL such as https://host/")
    fields: dict[str, Any] = {"host": host_of(host, f"{field}.host"), "protocol": protocol, "name": _name_of(parts)}
    if port is not None:
        fields["port"] = port
    if protocol_named(protocol).over_http_proxy and parts.path:
        fields["http_path"] = _http_path(parts.path, f"{field}.http_path")
    return fields


def _from_mapping(given: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Fields of a mapping."""
    fields = dict(given)
    for key in fields:
        if key not in TARGET_KEYS:
            near = difflib.get_close_matches(str(key), TARGET_KEYS, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(TARGET_KEYS)}"
            raise InvalidTargetError(f"{field}.{key}", "unknown key", remedy)
    url = fields.pop("url", None)
    if url is not None:
        for name in ("host", "port", "protocol"):
            if name in fields:
                raise InvalidTargetError(f"{field}.url", f"stands beside {name}", "write one of them")
        fields = _from_url(text_of(url, f"{field}.url").strip(), f"{field}.url") | fields
    host = fields.get("host")
    if not isinstance(host, str) or not host:
        raise InvalidTargetError(f"{field}.host", f"{shown_value(host)} is no host", "write a name or an address")
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
        raise InvalidTargetError(field, f"{shown_value(value)} is no expectation", f"write one of {known}") from None


def _tls_use(value: object, field: str) -> TlsUse:
    if value is False:  # YAML reads a bare `off` so
        return TlsUse.OFF
    try:
        return TlsUse(str(value).lower())
    except ValueError:
        known = ", ".join(use.value for use in TlsUse)
        raise InvalidTargetError(field, f"{shown_value(value)} is no use of TLS", f"write one of {known}") from None


def text_tuple(value: object, field: str) -> tuple[str, ...]:
    """A list of texts, or one text, as a tuple.

    :raises InvalidTargetError: naming the field, and the item that is no text
    """
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise InvalidTargetError(field, f"{shown_value(value)} is no list", "write one such as [first, second]")
    return tuple(text_of(item, f"{field}[{index}]") for index, item in enumerate(value))


def shown_value(value: object) -> str:
    """A value as an error may show it: no secret, and nothing without end."""
    if isinstance(value, str):
        return repr(_shown(value))
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _SHOWN_NUMBER):
        return repr(value)
    kinds = {list: "a list", tuple: "a list", dict: "a mapping", int: "this number"}
    return kinds.get(type(value), f"a value of type {type(value).__name__}")


def text_of(value: object, field: str) -> str:
    """The value, which is text.

    :raises InvalidTargetError: naming the field
    """
    if not isinstance(value, str):
        raise InvalidTargetError(field, f"{shown_value(value)} is no text", "write it in quotes")
    return value


def _name(value: object, field: str) -> str:
    name = text_of(value, field)
    if not name.isprintable():
        raise InvalidTargetError(field, "holds an unprintable character", "write it in plain letters, on one line")
    return name


def host_of(value: object, field: str) -> str:
    """A name or an address; names beyond ASCII as DNS has them (IDNA 2008, with the mapping of UTS 46).

    :raises InvalidTargetError: naming the field, and quoting nothing that may be a password or a token
    """
    host = text_of(value, field)
    if mark := next((mark for mark in _NOT_IN_A_HOST if mark in host), None):
        raise InvalidTargetError(field, f"holds {mark!r}, which no host has", "write a name or an address alone")
    if not _SCOPE.fullmatch(host):
        raise InvalidTargetError(field, "names no interface behind '%'", "write an address such as fe80::1%eth0")
    if host.isascii():
        return host
    import idna  # only for the rare name that needs it

    if len(host) > MAX_NAME_LENGTH:  # idna would take its time
        raise InvalidTargetError(field, f"a name of {len(host)} letters is none", "write a shorter one")
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError as error:
        raise InvalidTargetError(field, f"{host!r}: {error}", "write the name in ASCII") from None


def _http_path(value: object, field: str) -> str:
    path = text_of(value, field)
    if not _PATH.fullmatch(path):
        remedy = "write one that starts with '/', in ASCII, with %20 for a blank"
        raise InvalidTargetError(field, f"{_shown(path)!r} is no path", remedy)
    return path


def _unscoped(value: object, field: str) -> tuple[str, ...]:
    """Networks or addresses; what they are is for the target itself to check."""
    texts = text_tuple(value, field)
    for index, text in enumerate(texts):
        if "%" in text:
            raise InvalidTargetError(f"{field}[{index}]", f"{_shown(text)!r} names an interface", "leave '%' out")
    return texts


_READERS: Final[dict[str, Callable[[object, str], object]]] = {
    "expect": parse_expectation,
    "tls": _tls_use,
    "expect_networks": _unscoped,
    "expect_addresses": _unscoped,
    "protocol": text_of,
    "name": _name,
    "host": host_of,
    "dial": host_of,
    "http_path": _http_path,
}
"""How a mapping's values become those of a target; the port has checks of its own."""


def _port(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_PORT)):
        raise InvalidTargetError(f"{field}.port", f"{text!r} is no TCP port", "write a number from 1 to 65535")
    return int(text)


def _name_of(parts: SplitResult) -> str:
    """The URL as written, without user information, query and fragment: they may hold a password or a token."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _shown(text: str) -> str:
    """The text as an error may show it: nothing that could be a password or a token, and not without end."""
    before, _, rest = text.rpartition("@")
    if "?" in before or "#" in before:
        return "..."  # whether '@' ends a password or stands in a query, nobody can tell
    return re.split(r"[?#]", rest, maxsplit=1)[0][:_SHOWN_LENGTH]
