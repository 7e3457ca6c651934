"""``private_resolution``: chosen public names lead to their private addresses, in this process, while it lasts.

It holds for the whole process and not for one context or thread: SDKs resolve names in threads of their own (asyncio's
executor, the pools of the storage SDK), which know nothing of the caller's context. An Airflow task has a process
for itself; where several share one, as in a triggerer, the choice of names is what keeps them apart.
"""

from __future__ import annotations

import functools
import inspect
import logging
import socket
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar, cast

from airflow_provider_netconn.errors import InvalidOptionError, PrivateResolutionError
from airflow_provider_netconn.evidence import DEFAULT_PRIVATE_NETWORKS, check_network
from airflow_provider_netconn.probing.address import is_private, range_of
from airflow_provider_netconn.resolution import process
from airflow_provider_netconn.resolution.names import ChosenNames
from airflow_provider_netconn.resolution.sources import AddressSource, GivenAddresses, Nameserver

_T = TypeVar("_T")

_OPERATOR_METHODS = ("execute", "resume_execution")
"""Where Airflow enters an operator: at first, and after each deferral."""

TIMEOUT_S = 5.0
"""How long a nameserver is waited for."""

log = logging.getLogger(__name__)


class PrivateResolution:
    """Names, and where their private addresses are known from; see :func:`private_resolution`.

    A context manager, also an asynchronous one, that may be entered more than once and from several threads; a
    decorator of functions, coroutine functions and operator classes.
    """

    def __init__(
        self, names: ChosenNames, source: AddressSource, networks: tuple[str, ...], require_private: bool
    ) -> None:
        self._names = names
        self._source = source
        self._networks = networks
        self._require_private = require_private
        self._told: set[tuple[str, tuple[str, ...]]] = set()

    def chooses(self, name: str) -> bool:
        """Whether a name, as :func:`~.names.comparable` gives it, is one of the chosen."""
        return name in self._names

    def choose(self, name: str) -> None:
        """Choose one more name.

        :raises InvalidOptionError: it is no host name
        """
        self._names.add(name)

    def addresses(self, name: str) -> tuple[str, ...]:
        """The private addresses of a chosen name; none where it may resolve as it does elsewhere.

        :raises PrivateResolutionError: there is none, or one of them is not private, and ``require_private`` is set
        """
        try:
            found = self._private_addresses(name)
        except PrivateResolutionError as error:
            if self._require_private:
                raise
            self._tell_once(logging.WARNING, name, (), "%s resolves as elsewhere: %s", error.strerror)
            return ()
        self._tell_once(logging.INFO, name, found, "%s is dialled at %s (%s)", ", ".join(found), self._source)
        return found

    def install(self) -> Self:
        """Begin, for as long as the process lives or until :meth:`uninstall`."""
        process.add(self)
        return self

    def uninstall(self) -> None:
        """End what one :meth:`install` began."""
        process.remove(self)

    def __enter__(self) -> Self:
        return self.install()

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    async def __aenter__(self) -> Self:
        return self.install()

    async def __aexit__(self, *_: object) -> None:
        self.uninstall()

    def __call__(self, decorated: _T) -> _T:
        """Decorate a function, a coroutine function or an operator class: it runs within this resolution.

        :raises InvalidOptionError: it is something else, such as a generator function, whose parts run at any time
        """
        if isinstance(decorated, type):
            return cast("_T", self._operator_class(decorated))
        if inspect.isgeneratorfunction(decorated) or inspect.isasyncgenfunction(decorated) or not callable(decorated):
            raise _undecorable(f"{decorated!r} cannot be decorated")
        return cast("_T", self._function(decorated))

    def _function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                given = function(*args, **kwargs)
            if inspect.iscoroutine(given):
                given.close()
            if inspect.isawaitable(given) or inspect.isgenerator(given) or inspect.isasyncgen(given):
                raise _undecorable(f"what {function!r} gives runs later, and outside of it")
            return given

        @functools.wraps(function)
        async def within_coroutine(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return within_coroutine if inspect.iscoroutinefunction(function) else within

    def _operator_class(self, operator: Any) -> Any:
        methods = {name: getattr(operator, name) for name in _OPERATOR_METHODS if hasattr(operator, name)}
        if "execute" not in methods:
            raise InvalidOptionError(
                "private_resolution", f"{operator.__name__} has no execute()", "decorate an operator, or a function"
            )
        same = ("__module__", "__qualname__", "__doc__")
        body = {name: getattr(operator, name) for name in same}
        body |= {name: self._function(method) for name, method in methods.items()}
        return types.new_class(operator.__name__, (operator,), {}, lambda namespace: namespace.update(body))

    def _private_addresses(self, name: str) -> tuple[str, ...]:
        found = self._source.addresses(name)
        public = [address for address in found if not is_private(address, self._networks)]
        if public or not found:
            raise PrivateResolutionError(socket.EAI_FAIL, self._trouble(name, public))
        return found

    def _trouble(self, name: str, public: Sequence[str]) -> str:
        if not public:
            return f"{name}: no private address ({self._source}); is there an endpoint, with a record in its zone?"
        seen = ", ".join(f"{address} ({range_of(address)})" for address in public)
        return f"{name}: {self._source} gives {seen}, which is not in {', '.join(self._networks)}; nothing is dialled"

    def _tell_once(self, level: int, name: str, found: tuple[str, ...], message: str, *words: object) -> None:
        if (name, found) not in self._told:
            self._told.add((name, found))
            log.log(level, message, name, *words)


def _undecorable(seen: str) -> InvalidOptionError:
    return InvalidOptionError("private_resolution", seen, "use `with private_resolution(...):` inside")


def private_resolution(
    *names: str,
    addresses: Mapping[str, str | Sequence[str]] | None = None,
    nameserver: str | None = None,
    expect_networks: Iterable[str] = (),
    require_private: bool = True,
    timeout_s: float = TIMEOUT_S,
) -> PrivateResolution:
    """Public names that this process is to dial at their private addresses; see :class:`PrivateResolution`.

    Give either ``addresses``, or names and a ``nameserver``. Covered is what resolves through Python: :mod:`socket`,
    :mod:`asyncio`, uvloop and aiohttp with each of its resolvers. Libraries that ask the system themselves (libpq, ODBC
    drivers, librdkafka, gRPC) are not.

    :param names: public names, or ``*.suffix`` for all names beneath one, to be asked of the nameserver
    :param addresses: the private address, or several, of each name
    :param nameserver: ``IP``, ``IP:PORT`` or ``[IPV6]:PORT`` of one that knows the private zone
    :param expect_networks: networks that count as private; empty means RFC 1918, RFC 6598 and ULA
    :param require_private: refuse a name that has no private address, or a public one besides; otherwise such a name
        resolves as if it were not chosen, and a warning says so
    :param timeout_s: limit of a question to the nameserver, in seconds
    :raises InvalidOptionError: one of these is not valid, or they do not go together
    """
    networks = _checked_networks(expect_networks)
    if timeout_s <= 0:
        raise InvalidOptionError("timeout_s", f"{timeout_s!r} is no time to wait", "write seconds, such as 5")
    if addresses is not None:
        if names or nameserver is not None:
            raise InvalidOptionError("addresses", "given besides names or a nameserver", "give one or the other")
        given = GivenAddresses.read(addresses)
        _refuse_public(given, networks, require_private)
        return PrivateResolution(ChosenNames(given.known, field="addresses"), given, networks, require_private)
    if nameserver is None:
        raise InvalidOptionError(
            "nameserver", "is missing", "give a nameserver that knows the private zone, or addresses"
        )
    source = Nameserver.read(nameserver, timeout_s)
    return PrivateResolution(ChosenNames(names), source, networks, require_private)


def _checked_networks(networks: Iterable[str]) -> tuple[str, ...]:
    given = (networks,) if isinstance(networks, str) else tuple(networks)
    for position, network in enumerate(given):
        try:
            check_network(network, f"expect_networks[{position}]")
        except ValueError as error:
            field, _, seen = str(error).partition(": ")
            raise InvalidOptionError(field, seen) from None
    return given or DEFAULT_PRIVATE_NETWORKS


def _refuse_public(given: GivenAddresses, networks: tuple[str, ...], require_private: bool) -> None:
    public = [one for found in given.known.values() for one in found if not is_private(one, networks)]
    if public and require_private:
        raise InvalidOptionError(
            "addresses",
            f"{public[0]} is not in {', '.join(networks)}",
            "correct it, or name its network in expect_networks",
        )
