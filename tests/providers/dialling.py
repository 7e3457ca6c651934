"""What a client dials: the names it asks the system to resolve, and the loopback listeners it reaches."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

Place = tuple[str, int]
_PATIENCE_S = 15.0


class DialledError(BaseException):
    """Ends a client at its first look-up; no ``except Exception`` of a hook or a retry policy keeps it."""


METADATA_SERVICES = frozenset({"169.254.169.254", "metadata.google.internal"})
"""Where clients look whether they run in a cloud; no address of a connection."""


@contextlib.contextmanager
def looked_up() -> Iterator[list[Place]]:
    """Every host and port that a client written in Python asks for, and none is resolved or dialled."""
    seen: list[Place] = []

    def getaddrinfo(host: object, port: object, *_: object, **__: object) -> list[object]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name in METADATA_SERVICES:
            raise socket.gaierror(socket.EAI_NONAME, "not here")
        seen.append((name, int(str(port or 0))))
        raise DialledError(f"{name}:{port}")

    real, socket.getaddrinfo = socket.getaddrinfo, getaddrinfo  # type: ignore[assignment]
    try:
        yield seen
    finally:
        socket.getaddrinfo = real


def first_look_up(action: Callable[[], object]) -> Place:
    """The host and port that the action asks for first."""
    with looked_up() as seen, contextlib.suppress(DialledError, Exception):
        action()
    assert seen, "the client asked for no name"
    return seen[0]


class Listeners:
    """Listeners on loopback addresses that hang up at once, and remember who was dialled."""

    def __init__(self, *places: Place) -> None:
        self.places = places
        self.dialled: set[Place] = set()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Listeners:
        for place in self.places:
            try:
                listener = socket.create_server(place)
            except OSError:
                self.__exit__()
                raise
            self._sockets.append(listener)
            threading.Thread(target=self._serve, args=(listener, place), daemon=True).start()
        return self

    def _serve(self, listener: socket.socket, place: Place) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.dialled.add(place)
                client.close()

    def wait_for(self, places: set[Place]) -> None:
        """Wait until these were dialled, or long enough."""
        until = time.monotonic() + _PATIENCE_S
        while not places <= self.dialled and time.monotonic() < until:
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        for listener in self._sockets:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
