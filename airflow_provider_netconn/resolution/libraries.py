"""Libraries that resolve names by themselves, past :mod:`socket`: uvloop (libuv) and aiohttp with aiodns (c-ares).

They are changed where they are loaded already, and otherwise once they are: nothing is imported for their sake.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import socket
import sys
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any

from airflow_provider_netconn.resolution.replacing import Replacement, replaced

Chooses = Callable[[object], bool]
Change = Callable[[types.ModuleType, Chooses], list[Replacement]]


class LibraryChanges(importlib.abc.MetaPathFinder):
    """Changes libraries while it is installed, those that are imported meanwhile too.

    :param chooses: whether a host is led elsewhere
    """

    def __init__(self, chooses: Chooses) -> None:
        self._chooses = chooses
        self._made: list[Replacement] = []
        self._installed = False
        self._finders: list[Any] = []
        # An import in another thread may end while everything is put back.
        self._lock = threading.Lock()

    def install(self) -> None:
        """Change what is loaded, and look out for the rest."""
        self._installed = True
        self._finders = sys.meta_path  # others may put a list of their own in its place
        self._finders.insert(0, self)
        for name in _CHANGES:
            if name in sys.modules:
                # Another thread may be in the middle of it: this waits for its end.
                self._change(name, importlib.import_module(name))

    def undo(self) -> None:
        """Put everything back."""
        with self._lock:
            self._installed = False
            self._finders.remove(self)
            while self._made:
                self._made.pop().undo()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, with a look at it after it was executed; None for all other modules."""
        if name not in _CHANGES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            # The loader is this import's own object; nobody else sees the attribute.
            execute = spec.loader.exec_module
            spec.loader.exec_module = functools.partial(self._execute, execute)  # type: ignore[method-assign]
        return spec

    def _execute(self, execute: Callable[[types.ModuleType], None], module: types.ModuleType) -> None:
        execute(module)
        self._change(module.__name__, module)

    def _change(self, name: str, module: types.ModuleType) -> None:
        with self._lock:
            if self._installed:
                self._made += _CHANGES[name](module, self._chooses)


def _aiohttp(resolver: types.ModuleType, chooses: Chooses) -> list[Replacement]:
    """aiohttp's resolver by aiodns: chosen names by its other one, which asks the loop."""

    def instead(original: Callable[..., Any]) -> Callable[..., Any]:
        async def resolve(self: Any, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
            if chooses(host):
                return await resolver.ThreadedResolver(self._loop).resolve(host, port, family)
            return await original(self, host, port, family)

        return resolve

    kind = resolver.AsyncResolver
    names = ("resolve", "_resolve_with_query")
    return [replaced(kind, name, instead) for name in names if hasattr(kind, name)]


def _uvloop(uvloop: types.ModuleType, chooses: Chooses) -> list[Replacement]:
    """uvloop's loop, which asks the system in libuv."""
    return [
        replaced(uvloop.Loop, "getaddrinfo", functools.partial(_uvloop_getaddrinfo, chooses)),
        replaced(uvloop.Loop, "create_connection", functools.partial(_uvloop_create_connection, chooses)),
    ]


def _uvloop_getaddrinfo(chooses: Chooses, original: Callable[..., Any]) -> Callable[..., Any]:
    async def getaddrinfo(self: Any, host: Any, port: Any, **options: Any) -> Any:
        if chooses(host):
            ask = functools.partial(socket.getaddrinfo, host, port, **options)
            return await self.run_in_executor(None, ask)
        return await original(self, host, port, **options)

    return getaddrinfo


def _uvloop_create_connection(chooses: Chooses, original: Callable[..., Any]) -> Callable[..., Any]:
    async def create_connection(
        self: Any, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        if not chooses(host):
            return await original(self, protocol_factory, host, port, **options)
        wanted = {name: options.pop(name) for name in ("family", "proto", "flags") if name in options}
        if options.get("ssl") and options.get("server_hostname") is None:
            options["server_hostname"] = host
        failed: OSError | None = None
        for *_, address in await self.getaddrinfo(host, port, type=socket.SOCK_STREAM, **wanted):
            try:
                return await original(self, protocol_factory, address[0], address[1], **options)
            except OSError as error:
                failed = error
        assert failed is not None, "getaddrinfo gives an address or raises"
        raise failed

    return create_connection


_CHANGES: dict[str, Change] = {"aiohttp.resolver": _aiohttp, "uvloop": _uvloop}
