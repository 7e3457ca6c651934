"""The TLS contexts of the services: what each shows when all is well, and what a fault has it show."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.certificates import Authority

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.packets.listeners import Listener


class Shown(StrEnum):
    """Which certificate is shown."""

    OWN = "own"
    EXPIRED = "expired"
    """Its own, which ended yesterday."""
    INTERCEPTED = "intercepted"
    """One that a proxy on the way made for the name that was asked for, under an authority that nobody here knows."""


NamesOf = Callable[["Listener"], tuple[str, ...]]


class Certificates:
    """Makes contexts when they are first needed, and keeps them.

    :param authority: the lab's own
    :param names_of: the names that a listener's certificate carries
    """

    def __init__(self, authority: Authority, names_of: NamesOf) -> None:
        self._authority = authority
        self._proxy: Authority | None = None
        self._names_of = names_of
        self._kept: dict[tuple[Shown, tuple[str, ...]], ssl.SSLContext] = {}

    def context(self, listeners: tuple[Listener, ...], shown: Shown) -> ssl.SSLContext:
        """A context for an address: the name in the handshake says which listener's certificate is shown.

        A client that sends no name, or one that nobody here has, is shown the first one's.
        """
        context = self._make(shown, self._names(listeners[0], "", shown))
        by_host = {host.lower(): listener for listener in listeners for host in listener.hosts}

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
            from airflow_provider_netconn.lab.services.values import SERVER_NAME

            setattr(connection, SERVER_NAME, name)
            listener = by_host.get((name or "").lower())
            if listener is not None or shown is Shown.INTERCEPTED:
                names = self._names(listener or listeners[0], name or "", shown)
                connection.context = self._keep(shown, names)

        context.sni_callback = choose
        return context

    def _names(self, listener: Listener, asked: str, shown: Shown) -> tuple[str, ...]:
        if shown is Shown.INTERCEPTED:
            return (asked or next(iter(listener.hosts), listener.address),)
        return self._names_of(listener)

    def _keep(self, shown: Shown, names: tuple[str, ...]) -> ssl.SSLContext:
        key = (shown, names)
        if key not in self._kept:
            self._kept[key] = self._make(shown, names)
        return self._kept[key]

    def _make(self, shown: Shown, names: tuple[str, ...]) -> ssl.SSLContext:
        if shown is not Shown.INTERCEPTED:
            return self._authority.server_context(*names, expired=shown is Shown.EXPIRED)
        if self._proxy is None:
            self._proxy = Authority("Contoso Web Proxy", "TLS inspection")
        return self._proxy.server_context(*names)
