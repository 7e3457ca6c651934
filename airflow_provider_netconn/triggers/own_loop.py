"""Run a coroutine on an event loop of its own, in a thread of its own, from another loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def run_on_own_loop(make: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """The result of the coroutine that ``make`` makes, run on a new loop in a new thread.

    For work whose many small steps would hold up everybody else on this loop. When the caller is cancelled, the
    coroutine is cancelled too, and its end (closed sockets) is waited for.

    :param name: the thread's name
    """
    outer = asyncio.get_running_loop()
    ended: asyncio.Future[T] = outer.create_future()
    ended.add_done_callback(lambda future: future.cancelled() or future.exception())  # a cancelled caller asks no more
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []
    started = threading.Event()

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        inner.append((asyncio.get_running_loop(), task))
        started.set()
        return await make()

    def work() -> None:
        try:
            result = asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
            _tell(outer, ended, error=error)
        else:
            _tell(outer, ended, result=result)
        finally:
            started.set()

    # Not the loop's executor: others need its few threads, and this one is taken for long.
    threading.Thread(target=work, name=name, daemon=True).start()
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        if not ended.done():
            await asyncio.to_thread(started.wait)
            for loop, task in inner:
                with suppress(RuntimeError):  # the loop has closed in the meantime
                    loop.call_soon_threadsafe(task.cancel)
            await asyncio.wait([ended])
        raise


def _tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], *, result: T | None = None, error: Any = None
) -> None:
    def tell() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type] # None only where T allows it
        elif isinstance(error, asyncio.CancelledError):
            future.cancel()
        else:
            future.set_exception(error)

    with suppress(RuntimeError):  # the caller's loop has closed: nobody is left to be told
        loop.call_soon_threadsafe(tell)
