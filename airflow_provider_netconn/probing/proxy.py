"""Proxies of the environment: would a real client of this target go through one, and does that way work?"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from airflow_provider_netconn.evidence import Finding, StageResult, Target, bracketed
from airflow_provider_netconn.probing.protocols.http import ClosedError, NotHttpError, exchange, host_header, request
from airflow_provider_netconn.probing.protocols.results import shown
from airflow_provider_netconn.probing.registry import protocol_named
from airflow_provider_netconn.probing.streams import Stream

DEFAULT_PROXY_PORTS = {"https": 443}
DEFAULT_PROXY_PORT = 80  # as urllib3 has it where a proxy URL names none, and no other is usual for its scheme
SPOKEN_SCHEMES = frozenset({"http", "https"})
HTTP_PROXY_AUTHENTICATION_REQUIRED = 407
HTTP_OK = range(200, 300)
NO_URL = "(not a URL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyAddress:
    """One proxy. Its credentials are kept from ``repr`` and never leave this module.

    :param host: empty where the setting is no URL with a host
    :param url: scheme, host and port, without user and password
    """

    host: str
    port: int
    scheme: str
    url: str
    authorization: str | None = field(default=None, repr=False)


class ProxyRefusedError(Exception):
    """The proxy would not open the tunnel.

    :param finding: PROXY_REFUSED, PROXY_AUTHENTICATION_REQUIRED or NOT_A_PROXY
    """

    def __init__(self, finding: Finding, **detail: Any) -> None:
        super().__init__(finding.value)
        self.finding = finding
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY as this process has them, read once.

    :param proxies: what ``urllib.request.getproxies_environment`` gives: scheme to URL, and ``no``
    """

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of_environment(cls) -> ProxySettings:
        """The settings of this process's environment."""
        return cls(proxies=getproxies_environment())

    def shown(self) -> dict[str, str]:
        """Scheme to proxy URL without credentials, for a person's eyes."""
        return {
            scheme: _parse(url).url
            for scheme, url in self.proxies.items()
            if scheme in ("http", "https", "all") and url
        }

    @property
    def no_proxy(self) -> str:
        """The exceptions, as written."""
        return self.proxies.get("no", "")

    def for_target(self, target: Target) -> ProxyAddress | None:
        """The proxy that a real client of this target would use; None where it would connect directly.

        As ``requests`` and ``urllib`` decide: NO_PROXY lists name suffixes, ``*``, addresses and networks.
        """
        protocol = protocol_named(target.protocol)
        url = self.proxies.get(protocol.name) or self.proxies.get("all")
        if not protocol.over_http_proxy or not url:
            return None
        # A client compares what stands in the URL, and there the usual port is left out.
        if proxy_bypass(host_header(target), {"no": self.no_proxy}) or self._network_bypassed(target.host):
            return None
        return _parse(url)

    def _network_bypassed(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        for entry in self.no_proxy.split(","):
            try:
                network = ipaddress.ip_network(entry.strip(), strict=False)
            except ValueError:
                continue  # a name
            if address.version == network.version and address in network:
                return True
        return False


def _parse(url: str) -> ProxyAddress:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:  # its text may quote the password
        return ProxyAddress(host="", port=0, scheme="", url=NO_URL)
    try:
        port = parts.port or DEFAULT_PROXY_PORTS.get(parts.scheme, DEFAULT_PROXY_PORT)
    except ValueError:
        port = 0
    authorization = None
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(user.encode("utf-8", "surrogateescape")).decode("ascii")
    return ProxyAddress(
        host=host,
        port=port,
        scheme=parts.scheme,
        url=f"{parts.scheme}://{bracketed(host)}:{port}",
        authorization=authorization,
    )


async def open_tunnel(stream: Stream, proxy: ProxyAddress, target: Target) -> None:
    """CONNECT through the proxy (RFC 9110, 9.3.6): afterwards the stream is the target's.

    :raises ProxyRefusedError: with what the proxy said
    """
    headers = [("host", target.authority), ("user-agent", "netconn")]
    if proxy.authorization:
        headers.append(("proxy-authorization", proxy.authorization))
    try:
        status, answer = await exchange(stream, "CONNECT", target.authority, headers)
    except NotHttpError as error:
        raise ProxyRefusedError(Finding.NOT_A_PROXY, seen=str(error)) from None
    except ClosedError:
        raise ProxyRefusedError(Finding.PROXY_REFUSED, seen="the proxy closed the connection") from None
    if status in HTTP_OK:
        return
    if status == HTTP_PROXY_AUTHENTICATION_REQUIRED:
        scheme = shown(answer.get("proxy-authenticate", "").partition(" ")[0].encode())
        raise ProxyRefusedError(Finding.PROXY_AUTHENTICATION_REQUIRED, status=status, scheme=scheme)
    raise ProxyRefusedError(Finding.PROXY_REFUSED, status=status)


async def request_through(stream: Stream, proxy: ProxyAddress, target: Target) -> StageResult:
    """Ask a proxy for the target's whole URL, as clients do without TLS (RFC 9112, 3.2.2).

    :raises ProxyRefusedError: where the proxy wants credentials; any other refusal looks like the target's own
    """
    headers = [("proxy-authorization", proxy.authorization)] if proxy.authorization else []
    result = await request(stream, target, f"{target.protocol}://{target.authority}{target.http_path}", headers)
    if result.detail.get("status") == HTTP_PROXY_AUTHENTICATION_REQUIRED:
        raise ProxyRefusedError(Finding.PROXY_AUTHENTICATION_REQUIRED, status=HTTP_PROXY_AUTHENTICATION_REQUIRED)
    return result
