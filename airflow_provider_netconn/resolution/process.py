"""This process's resolver, with the chosen names led elsewhere while anyone wants it.

What is replaced is the interpreter's own :func:`_socket.getaddrinfo`, which all of :mod:`socket` and :mod:`asyncio`
come down to, whatever names they imported and when; besides it what does not come down to it. All is put back when the
last resolution ends.
"""

from __future__ import annotations

import _socket
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

from airflow_provider_netconn.errors import PrivateResolutionError
from airflow_provider_netconn.resolution.libraries import LibraryChanges
from airflow_provider_netconn.resolution.names import comparable
from airflow_provider_netconn.resolution.replacing import Replacement, replaced


class Resolution(Protocol):
    """What names are led elsewhere, and where to."""

    def chooses(self, name: str) -> bool: ...
    def addresses(self, name: str) -> tuple[str, ...]: ...


_active: tuple[Resolution, ...] = ()
"""The newest first; replaced as a whole, so that it is read without a lock."""
_undoing: list[Callable[[], None]] = []
_lock = threading.RLock()


def add(resolution: Resolution) -> None:
    """Lead its names elsewhere, before those of any other."""
    global _active  # noqa: PLW0603 - there is one process
    with _lock:
        if not _active:
            _undoing.extend(_replace())
        _active = (resolution, *_active)


def remove(resolution: Resolution) -> None:
    """Undo one :func:`add`; the last one puts everything back."""
    global _active  # noqa: PLW0603 - there is one process
    with _lock:
        position = next(place for place, one in enumerate(_active) if one is resolution)
        _active = _active[:position] + _active[position + 1 :]
        if not _active:
            while _undoing:
                _undoing.pop()()


def private_addresses(host: object) -> tuple[str, ...]:
    """The addresses that a host is led to; none where it resolves as ever.

    :raises PrivateResolutionError: it is to be led to a private address, and there is none
    """
    name = comparable(host)
    resolution = _choosing(name)
    return resolution.addresses(name) if name is not None and resolution is not None else ()


def _choosing(name: str | None) -> Resolution | None:
    return next((one for one in _active if name is not None and one.chooses(name)), None)


def _chooses(host: object) -> bool:
    return _choosing(comparable(host)) is not None


def _replace() -> list[Callable[[], None]]:
    """Replace everything; gives what undoes it."""
    libraries = LibraryChanges(_chooses)
    libraries.install()
    replacements: list[Replacement] = [
        replaced(_socket, "getaddrinfo", _getaddrinfo),
        *(replaced(module, "gethostbyname", _gethostbyname) for module in (_socket, socket)),
        *(replaced(module, "gethostbyname_ex", _gethostbyname_ex) for module in (_socket, socket)),
        *(replaced(socket.socket, name, _connecting) for name in ("connect", "connect_ex")),
    ]
    return [libraries.undo, *(replacement.undo for replacement in replacements)]


def _getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(  # noqa: PLR0917 - the interpreter's own signature
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        addresses = () if flags & socket.AI_NUMERICHOST else private_addresses(host)
        if not addresses:
            return original(host, port, family, type, proto, flags)  # type: ignore[no-any-return]
        found: list[Any] = []
        for address in addresses:
            if family in {socket.AF_UNSPEC, _family(address)}:
                found += original(address, port, family, type, proto, flags & ~socket.AI_CANONNAME)
        if not found:
            raise _no_such_family(host, addresses)
        if flags & socket.AI_CANONNAME:
            found[0] = (*found[0][:3], comparable(host), *found[0][4:])
        return found

    return getaddrinfo


def _gethostbyname(original: Callable[..., Any]) -> Callable[..., Any]:
    def gethostbyname(hostname: Any) -> Any:
        addresses = private_addresses(hostname)
        return _ipv4(hostname, addresses)[0] if addresses else original(hostname)

    return gethostbyname


def _gethostbyname_ex(original: Callable[..., Any]) -> Callable[..., Any]:
    def gethostbyname_ex(hostname: Any) -> Any:
        addresses = private_addresses(hostname)
        return (comparable(hostname), [], _ipv4(hostname, addresses)) if addresses else original(hostname)

    return gethostbyname_ex


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    """Of a socket that is told a name: the interpreter resolves it below all that is replaced above."""

    def connect(self: socket.socket, address: Any, /) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple) and address:
            addresses = private_addresses(address[0])
            for private in addresses:
                if _family(private) == self.family:
                    return original(self, (private, *address[1:]))
            if addresses:
                raise _no_such_family(address[0], addresses)
        return original(self, address)

    return connect


def _no_such_family(host: object, addresses: tuple[str, ...]) -> PrivateResolutionError:
    seen = f"{comparable(host)}: no private address of the wanted family, only {', '.join(addresses)}"
    return PrivateResolutionError(socket.EAI_NONAME, seen)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _ipv4(hostname: Any, addresses: tuple[str, ...]) -> list[str]:
    found = [address for address in addresses if _family(address) == socket.AF_INET]
    if not found:
        raise _no_such_family(hostname, addresses)
    return found
