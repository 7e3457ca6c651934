"""Host names and URLs as people write them, made fit to be dialled, or refused without being quoted.

A field that holds a host may hold a secret as well (a signature in a URL, a password before ``@``): no error here
repeats any of the text, and none is raised while another, which may quote it, is being handled.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from airflow_provider_netconn.connections.fields import Reading
from airflow_provider_netconn.target import MAX_PORT, check_host, is_address

_LONGEST_PORT = 100
HOST_REMEDY = "write a host name such as db.example.net, or an address, and nothing else"


class Origin(NamedTuple):
    """What a URL says of where to connect; its user, path and query are dropped.

    :param scheme: in lower case; empty where the text has none
    """

    scheme: str
    host: str
    port: int | None


def host_name(reading: Reading, text: str) -> str:
    """A bare host name or address, in ASCII (IDNA, RFC 5891, with the mapping of UTS 46) and without a final dot.

    :raises InvalidConnectionError: it is none, or holds more: a scheme, user, port, path, brackets or white space
    """
    refuse_more_than_a_host(reading, text)
    if ":" in text and not is_address(text):
        raise reading.refusal(
            "holds a ':' where the client takes a host name alone", f"{HOST_REMEDY}; a port goes into the field port"
        )
    name = _ascii(text)
    if name is None or not _is_host(name):
        raise reading.refusal("is no host name or address", HOST_REMEDY)
    return name.removesuffix(".")


def refuse_more_than_a_host(reading: Reading, text: str) -> None:
    """Nothing, if the text is a host name or address, perhaps with a port.

    :raises InvalidConnectionError: it holds a scheme, user, path, brackets or white space
    """
    for mark, what in (("://", "a URL"), ("@", "a user before '@'"), ("/", "a path"), ("[", "brackets")):
        if mark in text:
            raise reading.refusal(f"holds {what} where the client takes a host name alone", HOST_REMEDY)
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise reading.refusal("the host name holds white space or an unprintable character", HOST_REMEDY)


def origin(reading: Reading, url: str) -> Origin:
    """Scheme, host and port of a URL; the host as :func:`host_name` gives it.

    :raises InvalidConnectionError: it is no URL, or its host or port is none
    """
    remedy = "write a URL such as https://account.blob.core.windows.net"
    # urlsplit drops line ends and tabs without a word: what it would show is not what was written.
    if any(sign.isspace() or not sign.isprintable() for sign in url):
        raise reading.refusal("the URL holds white space or an unprintable character", remedy)
    parts = _split(url)
    if parts is None or not parts.hostname:
        raise reading.refusal("holds no URL with a host", remedy)
    port, valid = _port(parts)
    if not valid:
        raise reading.refusal(f"the port of the URL is no number from 1 to {MAX_PORT}", remedy)
    return Origin(scheme=parts.scheme.lower(), host=host_name(reading, parts.hostname), port=port)


def port_number(reading: Reading, text: object) -> int:
    """A TCP port, written as a number or as text.

    :raises InvalidConnectionError: it is none
    """
    digits = str(text).strip()
    # int() refuses what has thousands of digits.
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_PORT else 0
    if isinstance(text, bool) or not 1 <= number <= MAX_PORT:
        raise reading.refusal(f"the port is no number from 1 to {MAX_PORT}", "write a port such as 443")
    return number


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _port(parts: SplitResult) -> tuple[int | None, bool]:
    try:
        port = parts.port
    except ValueError:
        return None, False
    return port, port != 0


def _ascii(text: str) -> str | None:
    if text.isascii():
        return text
    import idna  # only for the rare name that needs it

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


def _is_host(name: str) -> bool:
    try:
        check_host(name)
    except ValueError:
        return False
    return True
