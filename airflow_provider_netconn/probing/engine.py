"""The engine: runs the stages of each target within their limits, and no more targets at once than asked.

A probe knows its protocol; time limits, retries, sockets and TLS belong here.
"""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, Self

import pendulum

from airflow_provider_netconn.evidence import Finding, ProbeResult, Stage, StageResult, Target, TlsUse
from airflow_provider_netconn.probing.address import judge_addresses
from airflow_provider_netconn.probing.connect import connect_all
from airflow_provider_netconn.probing.dns_lookup import DnsClient
from airflow_provider_netconn.probing.options import CheckOptions, parse_nameserver
from airflow_provider_netconn.probing.proxy import (
    SPOKEN_SCHEMES,
    ProxyAddress,
    ProxyRefusedError,
    ProxySettings,
    open_tunnel,
    request_through,
)
from airflow_provider_netconn.probing.registry import protocol_named
from airflow_provider_netconn.probing.resolve import resolve
from airflow_provider_netconn.probing.streams import SocketStream, Stream, TlsStream
from airflow_provider_netconn.probing.tls import Dial, TlsContexts, handshake

log = logging.getLogger(__name__)

RETRY_BASE_S = 0.2
FAREWELL_LIMIT_S = 1.0
BEGUN_TOGETHER = 32
"""How many targets are begun before others that wait for nothing but this process are heard. One by one, peers fall
asleep in between, and to wake them costs more than to serve them."""
# A target holds a few sockets at a time: one for each address, one for each DNS question.
SOCKETS_A_TARGET = 4
RESERVED_FILES = 100
_PASSING = frozenset(
    {
        Finding.SERVFAIL,
        Finding.DNS_TIMED_OUT,
        Finding.TIMED_OUT,
        Finding.RESET,
        Finding.NO_ANSWER,
        Finding.CLOSED,
        Finding.GATEWAY_ERROR,
        Finding.SERVICE_UNAVAILABLE,
    }
)
"""Findings that the next moment may not repeat: tried again."""


class Prober:
    """Probes targets with shared resources: DNS client, TLS contexts, threads. An async context manager.

    :raises InvalidOptionError: on entering, where a CA file cannot be used
    """

    def __init__(self, options: CheckOptions) -> None:
        self.options = options
        nameserver = parse_nameserver(options.nameserver) if options.nameserver else None
        self.dns = DnsClient(nameserver=nameserver)
        self.proxies = ProxySettings.of_environment() if options.use_proxy else ProxySettings()
        self._contexts: TlsContexts | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.dns.load)
        self._contexts = await asyncio.to_thread(TlsContexts, self.options.ca_files)
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def probe_all(self, targets: Iterable[Target], on_result: Callable[[int, ProbeResult], None]) -> None:
        """Probe all the targets, as many at once as the options and the limit of open files allow.

        :param on_result: called with each target's position and result, in the order in which they end
        :raises InvalidTargetError: before anything is sent, where a target's protocol is not known
        """
        targets = tuple(targets)
        for target in targets:
            protocol_named(target.protocol)
        await self.probe_each(_each_of(targets), on_result)

    async def probe_each(self, targets: AsyncIterator[Target], on_result: Callable[[int, ProbeResult], None]) -> None:
        """:meth:`probe_all` for targets that come one by one; each is asked for when there is room for it."""
        free = asyncio.Semaphore(self._at_once())

        async def work(index: int, target: Target) -> None:
            try:
                on_result(index, await self.probe(target))
            finally:
                free.release()

        async with asyncio.TaskGroup() as group:
            index = 0
            async for target in targets:
                await free.acquire()
                group.create_task(work(index, target))
                # What is under way goes first: a target that is begun while there is more to do than this process can
                # would only wait, hold memory, and have the waiting counted against its limits.
                if index % BEGUN_TOGETHER == 0:
                    await asyncio.sleep(0)
                index += 1

    async def probe(self, target: Target) -> ProbeResult:
        """Run the stages in order; the first that fails in a way that leaves nothing to go on with ends the probe."""
        started_at, started = pendulum.now("UTC"), time.perf_counter()
        run = _Run(self, target)
        try:
            async with asyncio.timeout(self.options.deadline_s):
                await run.all_stages()
        except TimeoutError:
            run.cut_short()
        except Exception as error:  # one target's bug must not end the check of the others
            log.exception("probe of %s failed in stage %s", target.name, run.stage.value)
            bug = {"error": f"{type(error).__name__}: {error}"}
            run.record(StageResult(stage=run.stage, ok=False, finding=Finding.PROBE_ERROR, detail=bug))
        return ProbeResult(
            target=target,
            stages=tuple(run.results),
            started_at=started_at,
            duration_s=round(time.perf_counter() - started, 6),
        )

    @property
    def contexts(self) -> TlsContexts:
        """The TLS contexts; loaded on entering."""
        if self._contexts is None:
            raise RuntimeError("Prober is used outside of its 'async with'")
        return self._contexts

    async def addresses_of(self, name: str) -> StageResult:
        """Resolve a name within the limit of a stage."""
        return await resolve(
            name,
            dns_client=self.dns,
            timeout_s=self.options.timeout_s,
            prefer_nameserver=self.dns.nameserver is not None,
        )

    def _at_once(self) -> int:
        soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft_limit == resource.RLIM_INFINITY:
            return self.options.concurrency
        return max(1, min(self.options.concurrency, (soft_limit - RESERVED_FILES) // SOCKETS_A_TARGET))


class _Run:
    """The stages of one target; state of one probe alone."""

    def __init__(self, prober: Prober, target: Target) -> None:
        self.prober = prober
        self.options = prober.options
        self.target = target
        self.protocol = protocol_named(target.protocol)
        self.results: list[StageResult] = []
        self.last_try: tuple[StageResult, ...] = ()
        """The results as they stood when the stage that is being tried again had failed; empty where none is."""
        self.stage = Stage.RESOLVE
        self._stage_started = time.perf_counter()

    def record(self, result: StageResult) -> StageResult:
        """Keep a stage's result with the time since the stage was entered."""
        timed = self._timed(result)
        self.results.append(timed)
        return timed

    def cut_short(self) -> None:
        """The deadline passed. A further try that got no further than the last one takes nothing from what that saw."""
        detail = {"deadline_s": self.options.deadline_s}
        if self.last_try and _ORDER.index(self.stage) <= _ORDER.index(self.last_try[-1].stage):
            *before, last = self.last_try
            self.results = [*before, replace(last, detail={**last.detail, **detail})]
            return
        self.record(StageResult(stage=self.stage, ok=False, finding=Finding.DEADLINE_EXCEEDED, detail=detail))

    def _timed(self, result: StageResult) -> StageResult:
        duration_s = round(time.perf_counter() - self._stage_started, 6)
        return StageResult(
            stage=result.stage, ok=result.ok, finding=result.finding, duration_s=duration_s, detail=result.detail
        )

    def enter(self, stage: Stage) -> None:
        """Begin a stage: its time runs from now."""
        self.stage = stage
        self._stage_started = time.perf_counter()

    async def all_stages(self) -> None:
        self.enter(Stage.RESOLVE)
        resolved = self.record(await self._with_retries(lambda: self.prober.addresses_of(self.target.dialled)))
        addresses = resolved.detail.get("addresses", ())
        if addresses and self._wanted(Stage.ADDRESS):
            self.enter(Stage.ADDRESS)
            self.record(judge_addresses(self.target, addresses))
        proxy = self.prober.proxies.for_target(self.target)
        if proxy is not None and self._wanted(Stage.PROXY):
            self.enter(Stage.PROXY)
            self.record(await self._with_retries(lambda: self._through_proxy(proxy)))
        if addresses and self._wanted(Stage.CONNECT):
            await self._converse_with_retries(addresses)

    def _wanted(self, stage: Stage) -> bool:
        last = self.options.last_stage
        return last is None or _ORDER.index(stage) <= _ORDER.index(last)

    async def _with_retries(self, stage: Callable[[], Awaitable[StageResult]]) -> StageResult:
        result = await stage()
        for attempt in range(self.options.retries):
            if result.ok or result.finding not in _PASSING:
                break
            self.last_try = (*self.results, self._timed(result))
            await _pause(attempt)
            again = await stage()
            result = replace(again, detail={**again.detail, "attempts": attempt + 2})
        self.last_try = ()
        return result

    async def _converse_with_retries(self, addresses: list[str]) -> None:
        """Connect, shake hands and talk; a passing failure anywhere begins again with a new connection."""
        before = len(self.results)
        for attempt in range(self.options.retries + 1):
            del self.results[before:]
            await self._converse(addresses)
            last = self.results[-1]
            if attempt:
                self.results[-1] = replace(last, detail={**last.detail, "attempts": attempt + 1})
            self.last_try = ()
            if last.ok or last.finding not in _PASSING or attempt == self.options.retries:
                return
            self.last_try = tuple(self.results)
            await _pause(attempt)

    async def _converse(self, addresses: list[str]) -> None:
        self.enter(Stage.CONNECT)
        result, sock = await connect_all(addresses, self.target.port, self.options.timeout_s)
        self.record(result)
        if sock is None:
            return
        stream: Stream = SocketStream(sock)
        address = str(result.detail["used"])
        try:
            stream = await self._secure_and_talk(stream, lambda: self._dial(address, self.target.port))
        finally:
            stream.close()

    async def _secure_and_talk(self, stream: Stream, dial: Dial) -> Stream:
        """TLS and the protocol on a connected stream; gives the outermost stream, for the caller to close."""
        if self.protocol.tls and self._wanted(Stage.TLS):
            tls = await self._secure(stream, dial)
            if tls is None:
                return stream
            stream = tls
        if self.protocol.probe is not None and self._wanted(Stage.PROTOCOL):
            self.enter(Stage.PROTOCOL)
            result = self.record(await self._talk(self.protocol.probe(stream, self.target), stream))
            if self.protocol.starts_tls and result.ok and self.target.tls is not TlsUse.OFF:
                stream = await self._start_tls(stream, dial, offered=bool(result.detail.get("offers_tls")))
        return stream

    async def _start_tls(self, stream: Stream, dial: Dial, *, offered: bool) -> Stream:
        """The protocol has come to the point where a client shakes hands, if the server offers to."""
        if offered:
            tls = await self._secure(self._tls_layer(stream), lambda: self._dial_and_start_tls(dial))
            if tls is None:
                return stream
            await self._take_leave(tls)
            return tls
        self.enter(Stage.TLS)
        # A client that was not told what to do about TLS goes on without; one that was told to encrypt does not.
        self.record(StageResult(stage=Stage.TLS, ok=self.target.tls is None, finding=Finding.TLS_NOT_OFFERED))
        return stream

    async def _take_leave(self, stream: Stream) -> None:
        """A courtesy after the last stage: whatever comes of it, the results stand."""
        if self.protocol.farewell is not None:
            with suppress(OSError, EOFError):  # TimeoutError is an OSError
                async with asyncio.timeout(min(self.options.timeout_s, FAREWELL_LIMIT_S)):
                    await self.protocol.farewell(stream)

    async def _dial_and_start_tls(self, dial: Dial) -> Stream:
        assert self.protocol.probe is not None
        stream = await dial()
        try:
            await self.protocol.probe(stream, self.target)
        except BaseException:
            stream.close()
            raise
        return self._tls_layer(stream)

    def _tls_layer(self, stream: Stream) -> Stream:
        return self.protocol.tls_layer(stream) if self.protocol.tls_layer else stream

    async def _secure(self, stream: Stream, dial: Dial) -> Stream | None:
        self.enter(Stage.TLS)
        result, tls = await self._tls(stream, dial)
        self.record(result)
        return tls

    async def _tls(self, stream: Stream, dial: Dial) -> tuple[StageResult, Stream | None]:
        return await handshake(
            stream,
            self.target.host,
            self.prober.contexts,
            dial,
            timeout_s=self.options.timeout_s,
            verify=self.protocol.verifies if self.target.tls is None else self.target.tls is TlsUse.VERIFY,
        )

    async def _talk(self, probe: Awaitable[StageResult], stream: Stream) -> StageResult:
        """The protocol within its limit; what breaks the connection is a finding, with what the peer began to say."""
        detail: dict[str, Any]
        try:
            async with asyncio.timeout(self.options.timeout_s):
                return await probe
        except TimeoutError:
            finding, detail = Finding.NO_ANSWER, {"timeout_s": self.options.timeout_s}
        except ConnectionResetError as error:
            finding, detail = Finding.RESET, {"error": str(error)}
        except (OSError, EOFError) as error:
            finding, detail = Finding.CLOSED, {"error": str(error)}
        if stream.heard:
            detail |= {"began": f"first bytes {stream.heard!r}"}
        return StageResult(stage=Stage.PROTOCOL, ok=False, finding=finding, detail=detail)

    async def _dial(self, address: str, port: int) -> Stream:
        result, sock = await connect_all([address], port, self.options.timeout_s)
        if sock is None:
            raise ConnectionError(result.finding.value)
        return SocketStream(sock)

    async def _through_proxy(self, proxy: ProxyAddress) -> StageResult:
        """The way a real client goes: the tunnel, TLS within it, the protocol within that; one result for all."""
        detail: dict[str, Any] = {"proxy": proxy.url}
        if proxy.scheme not in SPOKEN_SCHEMES and proxy.host:
            problem = f"{proxy.scheme}:// proxies are not known here, only http:// and https://"
            return StageResult(
                stage=Stage.PROXY, ok=False, finding=Finding.NOT_CHECKED, detail=detail | {"problem": problem}
            )
        try:
            result = await self._ask_through(proxy, await self._proxy_address(proxy))
        except ProxyRefusedError as error:
            return StageResult(
                stage=Stage.PROXY, ok=False, finding=error.finding, detail=detail | {"via": error.detail}
            )
        except TimeoutError:
            detail |= {"problem": f"no answer within {self.options.timeout_s:g} s"}
            return StageResult(stage=Stage.PROXY, ok=False, finding=Finding.PROXY_UNREACHABLE, detail=detail)
        except (OSError, EOFError) as error:
            problem = str(error) or "the connection was closed"
            detail |= {"problem": problem}
            return StageResult(stage=Stage.PROXY, ok=False, finding=Finding.PROXY_UNREACHABLE, detail=detail)
        detail |= {"stage": result.stage.value, "finding": result.finding.value, "via": dict(result.detail)}
        finding = Finding.THROUGH_PROXY if result.ok else result.finding
        return StageResult(stage=Stage.PROXY, ok=result.ok, finding=finding, detail=detail)

    async def _proxy_address(self, proxy: ProxyAddress) -> str:
        if not proxy.host:
            raise ConnectionError("the setting is no URL with a host")
        resolved = await self.prober.addresses_of(proxy.host)
        if not resolved.ok:
            raise ConnectionError(f"the proxy's name {proxy.host} does not resolve: {resolved.finding.value}")
        return str(resolved.detail["addresses"][0])

    async def _ask_through(self, proxy: ProxyAddress, address: str) -> StageResult:
        """Ask the target through the proxy, and give the stage that failed, or the protocol's result.

        The way to the proxy, the handshake and the protocol have the limit of a stage each, as without a proxy; what
        is raised is about the proxy alone.
        """

        async def tunnel() -> Stream:
            async with asyncio.timeout(self.options.timeout_s):
                stream = await self._dial_proxy(proxy, address)
                try:
                    await open_tunnel(stream, proxy, self.target)
                except BaseException:
                    stream.close()
                    raise
                return stream

        async def tunnel_again() -> Stream:
            try:
                return await tunnel()
            except ProxyRefusedError as error:
                raise ConnectionError(error.finding.value) from error

        if not self.protocol.tls:  # a proxy is asked for the whole URL, no tunnel (RFC 9112, 3.2.2)
            async with asyncio.timeout(self.options.timeout_s):
                stream = await self._dial_proxy(proxy, address)
            with closing(stream):
                return await self._talk(request_through(stream, proxy, self.target), stream)
        result, tls = await self._tls(await tunnel(), tunnel_again)
        if tls is None:
            return result
        with closing(tls):
            return await self._talk(self.protocol.probe(tls, self.target), tls) if self.protocol.probe else result

    async def _dial_proxy(self, proxy: ProxyAddress, address: str) -> Stream:
        stream = await self._dial(address, proxy.port)
        if proxy.scheme != "https":
            return stream
        tls = TlsStream(stream, self.prober.contexts.verifying, proxy.host)
        try:
            await tls.handshake()
        except BaseException:
            tls.close()
            raise
        return tls


_ORDER = tuple(Stage)


async def _each_of(targets: Iterable[Target]) -> AsyncIterator[Target]:
    for target in targets:
        yield target


async def _pause(attempt: int) -> None:
    """Wait before another try: doubling, with jitter, so that many targets do not try again in step."""
    await asyncio.sleep(RETRY_BASE_S * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311  no secret


def hostname() -> str:
    """The name of this machine or container."""
    return socket.gethostname()
