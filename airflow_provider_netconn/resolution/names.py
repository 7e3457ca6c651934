"""Names as they are compared, and which of them are chosen. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import check_host, is_address

_ANY = "*."
_REMEDY = "write a public name such as account.blob.core.windows.net, or *.blob.core.windows.net for all beneath it"


def comparable(host: object) -> str | None:
    """A host as names are compared: lower case, ASCII, no final dot; None for an address, or what is no name at all.

    :param host: what a program hands to its resolver: text, bytes or nothing
    """
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", errors="replace")
    if not isinstance(host, str) or not host:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return None if is_address(host) else host.lower().removesuffix(".")


class ChosenNames:
    """Names, and suffixes written as ``*.suffix``; case and a final dot make no difference.

    :raises InvalidOptionError: an entry is neither a name nor a suffix
    """

    def __init__(self, patterns: Iterable[str] = (), *, field: str = "names") -> None:
        exact: set[str] = set()
        suffixes: list[str] = []
        for position, pattern in enumerate(patterns):
            name = _checked(pattern, f"{field}[{position}]")
            if name.startswith(_ANY):
                suffixes.append(name.removeprefix("*"))
            else:
                exact.add(name)
        self._exact = exact
        self._suffixes = tuple(suffixes)

    def __bool__(self) -> bool:
        return bool(self._exact or self._suffixes)

    def __contains__(self, name: str) -> bool:
        """Whether a name, as :func:`comparable` gives it, is one of these."""
        return name in self._exact or (bool(self._suffixes) and name.endswith(self._suffixes))

    def add(self, name: str) -> None:
        """One more; threads may do so at the same time, and none is lost.

        :raises InvalidOptionError: it is no name
        """
        self._exact.add(_checked(name, "name"))


def _checked(pattern: object, field: str) -> str:
    name = comparable(pattern)
    if name is None:
        raise InvalidOptionError(field, f"{pattern!r} is no host name", _REMEDY)
    try:
        check_host(name.removeprefix(_ANY), field)
    except ValueError:
        raise InvalidOptionError(field, f"{pattern!r} is no host name", _REMEDY) from None
    return name
