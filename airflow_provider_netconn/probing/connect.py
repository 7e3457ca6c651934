"""The connect stage: TCP to every address at once, keeping what the kernel said of each."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_netconn.evidence import Finding, Stage, StageResult

MAX_DIALLED = 16
"""A nameserver can name thousands of addresses, and each takes one of this process's open files."""

_FINDINGS = {
    errno.ETIMEDOUT: Finding.TIMED_OUT,
    errno.ECONNREFUSED: Finding.REFUSED,
    errno.EHOSTUNREACH: Finding.HOST_UNREACHABLE,
    errno.ENETUNREACH: Finding.NETWORK_UNREACHABLE,
    errno.EACCES: Finding.PROHIBITED,
    errno.EPERM: Finding.PROHIBITED,
    errno.ECONNRESET: Finding.RESET,
}
# Linux hides "administratively prohibited" behind EHOSTUNREACH and ENETUNREACH (net/ipv4/icmp.c, icmp_err_convert);
# the ICMP type and code themselves are in the socket's error queue (ip(7), IP_RECVERR). Socket options of <linux/in.h>
# and <linux/in6.h>, which Python's socket module does not name.
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # struct sock_extended_err of <linux/errqueue.h>
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
# RFC 792 and RFC 1812, 5.2.7.1: network, host and communication administratively prohibited; RFC 4443, 3.1.
_PROHIBITED = {(_ORIGIN_ICMP, 3, code) for code in (9, 10, 13)} | {(_ORIGIN_ICMP6, 1, code) for code in (1, 5, 6)}


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One address: what was found, and the connected socket, which the caller owns."""

    address: str
    finding: Finding
    duration_s: float
    error: str | None = None
    icmp: str | None = None
    sock: socket.socket | None = None

    def to_json(self) -> dict[str, Any]:
        """The attempt as a stage's detail shows it."""
        return {
            "address": self.address,
            "finding": str(self.finding),
            "duration_s": round(self.duration_s, 6),
            "errno": self.error,
            "icmp": self.icmp,
        }


async def connect_all(
    addresses: Sequence[str], port: int, timeout_s: float
) -> tuple[StageResult, socket.socket | None]:
    """Connect to every address at once; the first that answers, in the order given, stays open for the next stage.

    Of more than :data:`MAX_DIALLED` addresses, the rest is left: no client would come to them.

    :param timeout_s: limit of each connection in seconds
    :return: the result, and the connected socket that the caller owns from here on
    """
    attempts = await _attempts(addresses[:MAX_DIALLED], port, timeout_s)
    used, connected = None, 0
    for attempt in attempts:
        if attempt.sock is None:
            continue
        connected += 1
        if used is None:
            used = attempt
        else:
            attempt.sock.close()
    if used is None:
        finding = attempts[0].finding
    else:
        finding = Finding.CONNECTED if connected == len(attempts) else Finding.PARTLY_CONNECTED
    detail = {
        "port": port,
        "timeout_s": timeout_s,
        "used": used.address if used else None,
        "addresses": [attempt.to_json() for attempt in attempts],
    }
    if len(addresses) > MAX_DIALLED:
        detail["not_dialled"] = len(addresses) - MAX_DIALLED
    result = StageResult(stage=Stage.CONNECT, ok=used is not None, finding=finding, detail=detail)
    return result, used.sock if used else None


async def _attempts(addresses: Sequence[str], port: int, timeout_s: float) -> list[Attempt]:
    if len(addresses) == 1:  # the usual case; it needs no task
        return [await connect(addresses[0], port, timeout_s)]
    tasks = [asyncio.ensure_future(connect(address, port, timeout_s)) for address in addresses]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        for attempt in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(attempt, Attempt) and attempt.sock is not None:
                attempt.sock.close()
        raise


async def connect(address: str, port: int, timeout_s: float) -> Attempt:
    """Connect to one address; every failure of the network is a finding.

    :raises asyncio.CancelledError: with the socket closed
    """
    started = time.perf_counter()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        _keep_icmp_errors(sock, family, True)
        await _connect(sock, (address, port), timeout_s)
        _keep_icmp_errors(sock, family, False)
    except TimeoutError as error:
        _close(sock)
        # The kernel's own ETIMEDOUT is a TimeoutError too, and means the same.
        name = errno.errorcode.get(error.errno or 0)
        return Attempt(address=address, finding=Finding.TIMED_OUT, duration_s=time.perf_counter() - started, error=name)
    except OSError as error:
        icmp = _icmp_error(sock) if sock is not None else None
        _close(sock)
        finding = Finding.PROHIBITED if icmp in _PROHIBITED else _FINDINGS.get(error.errno or 0, Finding.CONNECT_FAILED)
        return Attempt(
            address=address,
            finding=finding,
            duration_s=time.perf_counter() - started,
            error=errno.errorcode.get(error.errno or 0, os.strerror(error.errno) if error.errno else str(error)),
            icmp=f"type {icmp[1]} code {icmp[2]}" if icmp else None,
        )
    except BaseException:
        _close(sock)
        raise
    return Attempt(address=address, finding=Finding.CONNECTED, duration_s=time.perf_counter() - started, sock=sock)


async def _connect(sock: socket.socket, address: tuple[str, int], timeout_s: float) -> None:
    """What the loop's ``sock_connect`` does, without its resolving, which only the name of an interface needs."""
    loop = asyncio.get_running_loop()
    if "%" in address[0]:
        async with asyncio.timeout(timeout_s):
            await loop.sock_connect(sock, address)
        return
    # The second call tells what has become of the first (connect(2)): a peer on this very host, such as a proxy beside
    # the task, has mostly answered by now, and then neither a timer nor the loop's watch over the socket is needed.
    for _ in range(2):
        with contextlib.suppress(BlockingIOError):
            sock.connect(address)
            return
    settled = loop.create_future()
    number = sock.fileno()  # of a socket itself the loop makes a text each time, for an error that it catches
    loop.add_writer(number, _settle, settled)
    limit = loop.call_later(timeout_s, _settle, settled, TimeoutError())
    try:
        await settled
    finally:
        limit.cancel()
        loop.remove_writer(number)
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))


def _settle(future: asyncio.Future[None], error: Exception | None = None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _keep_icmp_errors(sock: socket.socket, family: socket.AddressFamily, keep: bool) -> None:
    if family is socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, int(keep))
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, int(keep))


def _icmp_error(sock: socket.socket) -> tuple[int, int, int] | None:
    """Origin, type and code of the ICMP error that ended a connection attempt; None where there was none."""
    with contextlib.suppress(OSError):  # an empty queue is the usual case: the error came from this host itself
        _, ancillary, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        for level, kind, data in ancillary:
            if (level, kind) in {(socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)}:
                _, origin, icmp_type, code, _, _, _ = _EXTENDED_ERROR.unpack_from(data)
                return (origin, icmp_type, code) if origin in (_ORIGIN_ICMP, _ORIGIN_ICMP6) else None
    return None


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()
