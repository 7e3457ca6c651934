"""An event loop in a thread of its own, for a lab inside somebody else's process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

T = TypeVar("T")
_LIMIT_S = 30.0


class Background:
    """Holds an asynchronous context open on a loop of its own, until :meth:`stop`.

    :param context: entered when the object is made
    :raises Exception: whatever entering the context raises
    """

    def __init__(self, context: AbstractAsyncContextManager[Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="netconn-lab", daemon=True)
        self._thread.start()
        self._context = context
        try:
            self.run(context.__aenter__())
        except BaseException:
            self._end_loop()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for what it gives; not from the loop itself."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_LIMIT_S)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function on the loop's thread, where nothing else happens meanwhile, and wait for what it gives."""
        done: Future[T] = Future()

        def work() -> None:
            try:
                done.set_result(function())
            except BaseException as error:  # noqa: BLE001 - raised where it was asked for
                done.set_exception(error)

        self._loop.call_soon_threadsafe(work)
        return done.result(_LIMIT_S)

    def stop(self) -> None:
        """Leave the context and end the thread; may be called twice."""
        if self._loop.is_closed():
            return
        try:
            self.run(self._context.__aexit__(None, None, None))
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
