"""The resolve stage: the name's addresses as a task would get them, and as nameservers give them.

A task resolves through ``getaddrinfo``: ``/etc/hosts``, search domains, ndots, the C library's own rules. That says
little on why; so the nameservers are asked directly as well. With a nameserver given, its answers are the ones that the
later stages dial, and the system's stand beside them as evidence.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import os
import queue
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_netconn.evidence import Finding, Stage, StageResult, is_address
from airflow_provider_netconn.probing.dns_lookup import DnsAnswer, DnsClient

# With a nameserver given the system's answer is only evidence beside it, so it is not waited for much longer.
SYSTEM_GRACE_S = 0.5
# How long a thread waits for another name before it ends.
IDLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAnswer:
    """What ``getaddrinfo`` said: addresses in the order in which a client tries them, or the error's text."""

    addresses: tuple[str, ...] = ()
    error: str | None = None


async def resolve(name: str, *, dns_client: DnsClient, timeout_s: float, prefer_nameserver: bool) -> StageResult:
    """Resolve a name (or pass an address through).

    :param timeout_s: limit of the stage in seconds
    :param prefer_nameserver: a nameserver was given: its answers are the ones to dial
    """
    if is_address(name):
        return StageResult(
            stage=Stage.RESOLVE, ok=True, finding=Finding.LITERAL, detail={"name": name, "addresses": [name]}
        )
    until = time.monotonic() + timeout_s
    asked = _ask_system(name)
    try:
        dns = await dns_client.addresses(name, timeout_s)
        if not asked.done():
            await asyncio.wait([asked], timeout=SYSTEM_GRACE_S if prefer_nameserver else until - time.monotonic())
        late = "no answer yet" if prefer_nameserver else f"no answer within {timeout_s:g} s"
        system = asked.result() if asked.done() else SystemAnswer(error=late)
    finally:
        asked.cancel()
    return _result(name, dns, system, prefer_nameserver)


def _ask_system(name: str) -> asyncio.Future[SystemAnswer]:
    """Run ``getaddrinfo``, which blocks and cannot be cancelled, in a thread of its own.

    Not in a pool of so many: names that hang would keep its threads from the others.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[SystemAnswer] = loop.create_future()

    def deliver(answer: SystemAnswer) -> None:
        if not future.done():
            future.set_result(answer)

    def run() -> None:
        try:
            infos = _getaddrinfo(name)
            answer = SystemAnswer(addresses=tuple(dict.fromkeys(str(info[4][0]) for info in infos)))
        except (OSError, UnicodeError) as error:
            answer = SystemAnswer(error=str(error))
        with contextlib.suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(deliver, answer)

    try:
        _in_thread(run)
    except RuntimeError as error:  # this system gives no more threads
        deliver(SystemAnswer(error=str(error)))
    return future


_idle: list[queue.SimpleQueue[Callable[[], None]]] = []
"""The inboxes of threads that wait for more to do."""
os.register_at_fork(after_in_child=_idle.clear)  # a fork takes none of the threads along


def _in_thread(work: Callable[[], None]) -> None:
    """Run in a thread that has nothing to do, or else in a new one; the process's end waits for neither."""
    try:
        inbox = _idle.pop()
    except IndexError:
        # Not a Thread: its start() waits until the new thread runs, and the loop with it.
        _thread.start_new_thread(_work, (work,))
    else:
        inbox.put(work)


def _work(work: Callable[[], None]) -> None:
    inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    while True:
        work()
        _idle.append(inbox)
        try:
            work = inbox.get(timeout=IDLE_S)
        except queue.Empty:
            try:
                _idle.remove(inbox)
            except ValueError:  # taken in this very moment
                work = inbox.get()
            else:
                return


def _getaddrinfo(name: str) -> Sequence[tuple[Any, ...]]:
    return socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)


def _result(name: str, dns: DnsAnswer, system: SystemAnswer, prefer_nameserver: bool) -> StageResult:
    chosen = dns.addresses if prefer_nameserver else system.addresses
    detail: dict[str, Any] = {
        "name": name,
        "addresses": list(chosen),
        "source": "nameserver" if prefer_nameserver else "system",
        "system": {"addresses": list(system.addresses), "error": system.error},
        "dns": {
            "finding": str(dns.finding),
            "question": dns.question,
            "server": dns.server,
            "rcode": dns.rcode,
            "chain": list(dns.chain),
            "answers": list(dns.answers),
            "errors": list(dns.errors),
        },
        "disagree": {*dns.addresses} != {*system.addresses},
    }
    if chosen:
        return StageResult(stage=Stage.RESOLVE, ok=True, finding=Finding.RESOLVED, detail=detail)
    finding = Finding.NOT_RESOLVED if dns.finding is Finding.RESOLVED else dns.finding
    return StageResult(stage=Stage.RESOLVE, ok=False, finding=finding, detail=detail)
