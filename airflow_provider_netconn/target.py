"""One address to check, and what is expected of it: the first of the values that travel. It imports nothing of ours.

Apart from :mod:`~airflow_provider_netconn.evidence`, which hands it on: every process that reads a connection loads
this, and no more.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_PRIVATE_NETWORKS: tuple[str, ...] = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
)
"""What counts as private unless a narrower list is given: RFC 1918, RFC 6598 and RFC 4193 (ULA)."""

# A target's name is asked for what it is some ten times, and to parse one costs as much as to open a socket.
_KEPT = 4096
MAX_PORT = 65535
MAX_NAME_LENGTH = 253
# Underscores are not host names (RFC 1123), but real internal names have them and resolvers take them.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Expectation(StrEnum):
    """What is expected of a target's path."""

    PRIVATE = "private"
    PUBLIC = "public"
    ANY = "any"


class TlsUse(StrEnum):
    """What a client does about TLS: verify the certificate, encrypt without verifying, or not start TLS at all."""

    VERIFY = "verify"
    NO_VERIFY = "no-verify"
    OFF = "off"


@functools.lru_cache(maxsize=_KEPT)
def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address, without brackets; behind '%' only an interface may be named."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text or _SCOPED.fullmatch(text) is not None


_network = functools.lru_cache(maxsize=_KEPT)(ipaddress.ip_network)
_SCOPED = re.compile(r"[^%]*%[A-Za-z0-9_.-]{1,15}")
_HTTP_PATH = re.compile(r"/[!-~]*")


def check_host(value: str, field_name: str = "host") -> None:
    """Raise ``ValueError`` unless the value is an address or a host name in ASCII (RFC 1123, underscores allowed)."""
    if is_address(value):
        return
    labels = value.removesuffix(".").split(".")
    if len(value) > MAX_NAME_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{field_name}: {value!r} is no host name or address; write a name such as db.example.net")
    if labels[-1].isdigit():
        raise ValueError(f"{field_name}: {value!r} looks like an IPv4 address but is none; write four numbers 0-255")


def bracketed(host: str) -> str:
    """The host as a URL has it: an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def check_network(value: str, field_name: str) -> None:
    """Raise ``ValueError`` unless the value is a network in CIDR form, such as ``10.20.0.0/16``."""
    try:
        _network(value)
    except (TypeError, ValueError) as error:  # TypeError: a list, of which nothing is kept
        raise ValueError(f"{field_name}: {error}; write a network such as 10.20.0.0/16") from None
    if "%" in value:
        raise ValueError(f"{field_name}: {value!r} names an interface; leave '%' out")


def check_port(value: int, field_name: str = "port") -> None:
    """Raise ``ValueError`` unless the value is a TCP port."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PORT:
        raise ValueError(f"{field_name}: {value!r} is no TCP port; write a number from 1 to {MAX_PORT}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address to check, and what is expected of it.

    :param host: name or address that a client uses: TLS verifies it, HTTP sends it
    :param port: TCP port
    :param protocol: a name of the probing registry: ``plain``, ``tls``, ``http``, ``https``
    :param name: how a person calls it; as given, else derived from the address
    :param conn_id: the Airflow connection that it was read from
    :param conn_type: that connection's type
    :param dial: another name or address to dial in place of ``host``, which stays the name that is verified
    :param http_path: path and query of the request that an HTTP probe sends
    :param tls: what the client does about TLS; None means what clients of the protocol do by default. ``off`` matters
        where the protocol itself starts TLS
    :param expect: which path is expected
    :param expect_networks: networks that count as private; empty means :data:`DEFAULT_PRIVATE_NETWORKS`
    :param expect_addresses: exactly these addresses are expected; empty means any within the networks
    """

    host: str
    port: int
    protocol: str = "plain"
    name: str = ""
    conn_id: str | None = None
    conn_type: str | None = None
    dial: str | None = None
    http_path: str = "/"
    tls: TlsUse | None = None
    expect: Expectation = Expectation.PRIVATE
    expect_networks: tuple[str, ...] = ()
    expect_addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_host(self.host)
        check_port(self.port)
        if self.dial is not None:
            check_host(self.dial, "dial")
        if not _HTTP_PATH.fullmatch(self.http_path):
            raise ValueError(f"http_path: {self.http_path!r} is no path; write one that starts with '/', in ASCII")
        for network in self.expect_networks:
            check_network(network, "expect_networks")
        for address in self.expect_addresses:
            if not is_address(address):
                raise ValueError(f"expect_addresses: {address!r} is no address; write one such as 10.20.0.4")
        if not self.name:
            object.__setattr__(self, "name", f"{self.protocol}://{self.authority}")

    @property
    def private_networks(self) -> tuple[str, ...]:
        """The networks that count as private for this target, in CIDR form."""
        return self.expect_networks or DEFAULT_PRIVATE_NETWORKS

    @property
    def authority(self) -> str:
        """Host and port as a URL has them (RFC 3986, 3.2)."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def dialled(self) -> str:
        """The name or address that is resolved and connected to."""
        return self.dial or self.host
