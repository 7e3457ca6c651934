"""A session for code that has no event loop: operators, hooks, the command line.

The session lives on a loop of its own, in a thread of its own, so that it does not matter whether the caller's thread
has a loop too (as in ``dag.test()`` within a notebook).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar
from weakref import WeakSet

from airflow_provider_netconn.azure.session import AzureSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_netconn.azure.identity import Identity
    from airflow_provider_netconn.azure.permissions import MissingPermissions

P = ParamSpec("P")
T = TypeVar("T")


class BlockingSession:
    """A session without an event loop: ``with BlockingSession(AzureSession(settings)) as azure``.

    A deadline that the caller has set holds in it too.

    :param session: not yet open
    """

    def __init__(self, session: AzureSession) -> None:
        self.session = session
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._serve, name="netconn-azure", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._wait(self.session.__aenter__)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._wait(lambda: self._close(kind, error, trace))
        finally:
            self._stop()

    def run(
        self,
        function: Callable[Concatenate[AzureSession, P], Awaitable[T]],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        """Run a coroutine function on the session, and wait for its result.

        When the caller is interrupted, it is cancelled, and its end waited for.

        :param function: is given the session, and what follows: ``azure.run(ensure_peering, peering)``
        """
        return self._wait(lambda: function(self.session, *arguments, **options))

    def submit(
        self,
        function: Callable[Concatenate[AzureSession, P], Coroutine[Any, Any, T]],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> Future[T]:
        """Begin what :meth:`run` runs, and return at once; cancelling what is returned cancels it.

        The caller's deadline holds in it too.
        """
        return asyncio.run_coroutine_threadsafe(function(self.session, *arguments, **options), self._loop)

    def missing_permissions(self, scope: str, actions: Sequence[str]) -> MissingPermissions:
        """See :meth:`.AzureSession.missing_permissions`."""
        return self.run(AzureSession.missing_permissions, scope, actions)

    def identity(self) -> Identity:
        """See :meth:`.AzureSession.identity`."""
        return self.run(AzureSession.identity)

    async def _close(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session when nothing uses it any more: what still runs would open a part of it again."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=5)
        await self.session.__aexit__(kind, error, trace)

    def _wait(self, make: Callable[[], Awaitable[T]]) -> T:
        async def call() -> T:
            return await make()

        # The callback that starts it runs in a copy of this context: the caller's deadline is in it.
        future = asyncio.run_coroutine_threadsafe(call(), self._loop)
        try:
            return _result(future)
        except BaseException:
            if future.cancel():
                self._drain()
            raise

    def _drain(self) -> None:
        """Wait until what was cancelled has ended, so that nothing is written behind the caller's back."""

        async def others_end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.wait(others, timeout=5) if others else None

        asyncio.run_coroutine_threadsafe(others_end(), self._loop).result(timeout=10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.cut_connections())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class _Loop(asyncio.SelectorEventLoop):
    """A loop that knows its connections.

    One whose request was cut off is closed by a farewell in TLS, which nobody waits for and its peer may not answer;
    one that was cut off before its first word, asyncio does not close at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._connections: WeakSet[asyncio.Transport] = WeakSet()

    # These are the loop's own: there is no public place that sees a connection before its handshake in TLS.
    def _make_ssl_transport(self, *arguments: Any, **options: Any) -> asyncio.Transport:
        return self._known(super()._make_ssl_transport(*arguments, **options))  # type: ignore[misc]

    def _make_socket_transport(self, *arguments: Any, **options: Any) -> asyncio.Transport:
        return self._known(super()._make_socket_transport(*arguments, **options))  # type: ignore[misc]

    def _known(self, connection: asyncio.Transport) -> asyncio.Transport:
        self._connections.add(connection)
        return connection

    async def cut_connections(self) -> None:
        """Close without farewell those that are left."""
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # they close at the loop's next turn


def _result(future: Future[T]) -> T:
    return future.result()
