"""A server in a process of its own that never stops talking: ``python -m tests.e2e.probing.flood MANNER [PEM]``.

In a process of its own, since it has to be faster than the prober that it floods: then there is always more to read.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys

BLOCK = 64 * 1024
# The answer to a PRELOGIN that offers encryption (MS-TDS 2.2.6.5): version and encryption, a terminator, their data.
_OFFER = bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 0, 0, 0, 0, 1])
_EMPTY_PACKET = bytes([0x12, 0, 0, 8, 0, 0, 0, 0])
# TLS 1.2: a HelloRequest, which a client ignores while it shakes hands (RFC 5246, 7.4.1.1).
_HELLO_REQUEST = bytes([22, 3, 3, 0, 4, 0, 0, 0, 0])


def in_packets_of_tds(client: socket.socket) -> None:
    """Offer TLS, and answer the handshake with empty packets."""
    client.recv(BLOCK)
    client.sendall(bytes([4, 1, 0, 8 + len(_OFFER), 0, 0, 0, 0]) + _OFFER)
    client.recv(BLOCK)
    _forever(client, _EMPTY_PACKET)


def in_the_handshake(client: socket.socket) -> None:
    """Answer a ClientHello with requests for another one."""
    client.recv(BLOCK)
    _forever(client, _HELLO_REQUEST)


def after_the_handshake(client: socket.socket) -> None:
    """PostgreSQL that talks when the client takes its leave."""
    client.recv(BLOCK)
    client.sendall(b"S")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    with context.wrap_socket(client, server_side=True) as encrypted:
        _forever(encrypted, b"x" * 1024)


def with_bytes(client: socket.socket) -> None:
    """The same byte without end."""
    _forever(client, bytes([int(sys.argv[2])]))


MANNERS = {manner.__name__: manner for manner in (in_packets_of_tds, in_the_handshake, after_the_handshake, with_bytes)}


def _forever(client: socket.socket, words: bytes) -> None:
    block = words * (BLOCK // len(words))
    while True:
        client.sendall(block)


def main() -> None:
    """Serve one client after the other; the port is the first line of the output."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            with client, contextlib.suppress(OSError):
                MANNERS[sys.argv[1]](client)


if __name__ == "__main__":
    main()
