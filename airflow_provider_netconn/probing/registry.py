"""The registry of protocols: a probe registers itself under a name; nothing else keeps a list of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol as TypingProtocol

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import StageResult, Target
from airflow_provider_netconn.probing.streams import Stream


class ProtocolProbe(TypingProtocol):
    """Speaks one protocol on a connected stream. Time limits, sockets and TLS belong to the engine."""

    def __call__(self, stream: Stream, target: Target, /) -> Awaitable[StageResult]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One protocol of the registry.

    :param default_port: the port where none is given; None where there is no usual one
    :param tls: whether TLS starts with the first byte
    :param over_http_proxy: whether clients of this protocol follow HTTP_PROXY and HTTPS_PROXY
    :param probe: speaks the protocol; None where a connection (and TLS) is all that can be asked for
    :param starts_tls: TLS starts within the protocol: the probe asks for it and says in its detail whether the server
        ``offers_tls``; the TLS stage follows on the same stream
    :param tls_layer: what carries the TLS records within the protocol; None where they follow as they are
    :param verifies: whether clients of this protocol verify the certificate by default
    :param farewell: what is said on the stream that TLS was started on, before it is closed; for servers that hold a
        connection that just ends against the host that it came from
    """

    name: str
    default_port: int | None
    tls: bool = False
    over_http_proxy: bool = False
    probe: ProtocolProbe | None = None
    starts_tls: bool = False
    tls_layer: Callable[[Stream], Stream] | None = None
    verifies: bool = True
    farewell: Callable[[Stream], Awaitable[None]] | None = None


_PROTOCOLS: dict[str, Protocol] = {}


def register(
    name: str,
    *,
    default_port: int | None,
    tls: bool = False,
    over_http_proxy: bool = False,
    starts_tls: bool = False,
    tls_layer: Callable[[Stream], Stream] | None = None,
    verifies: bool = True,
    farewell: Callable[[Stream], Awaitable[None]] | None = None,
) -> Callable[[ProtocolProbe], ProtocolProbe]:
    """Register a probe under a name (see :class:`Protocol`); may be stacked to give several names to one probe."""

    def decorate(probe: ProtocolProbe) -> ProtocolProbe:
        add(
            Protocol(
                name=name,
                default_port=default_port,
                tls=tls,
                over_http_proxy=over_http_proxy,
                probe=probe,
                starts_tls=starts_tls,
                tls_layer=tls_layer,
                verifies=verifies,
                farewell=farewell,
            )
        )
        return probe

    return decorate


def add(protocol: Protocol) -> None:
    """Add a protocol; a name can be taken once."""
    if protocol.name in _PROTOCOLS:
        raise RuntimeError(f"protocol {protocol.name!r} is registered twice")
    _PROTOCOLS[protocol.name] = protocol


def protocol_names() -> tuple[str, ...]:
    """The names of all protocols, sorted."""
    return tuple(sorted(_PROTOCOLS))


def protocol_named(name: str, field: str = "protocol") -> Protocol:
    """The protocol of that name.

    :raises InvalidTargetError: naming the known ones
    """
    try:
        return _PROTOCOLS[name]
    except KeyError:
        raise InvalidTargetError(
            field, f"unknown protocol {name!r}", f"write one of {', '.join(protocol_names())}"
        ) from None
