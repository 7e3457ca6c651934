"""The address stage: are these addresses the expected ones? Pure; nothing is sent."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Mapping

from airflow_provider_netconn.evidence import Expectation, Finding, Stage, StageResult, Target

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_RANGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("RFC 1918", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("RFC 6598", ("100.64.0.0/10",)),
    ("ULA (RFC 4193)", ("fc00::/7",)),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
)

# Many targets share an address, or at least their networks; to parse them costs more than to connect.
_KEPT = 4096

LOCAL_RANGES = frozenset({"loopback", "link-local"})
"""Addresses that lead no further than this host or its link: not private unless named so, and never public."""


def judge_addresses(target: Target, addresses: Iterable[str]) -> StageResult:
    """Hold the resolved addresses against the target's expectation.

    Expected networks alone decide what private means: an address outside all of them is not private, whatever range
    it lies in. The detail gives, for each address, whether it is ``private`` and the ``range`` it lies in.
    """
    networks = target.private_networks
    private = {text: is_private(text, networks) for text in addresses}
    finding = _finding(target, private)
    detail = {
        "addresses": [{"address": text, "private": private[text], "range": range_of(text)} for text in private],
        "expected": str(target.expect),
        "expected_networks": list(networks),
        "expected_addresses": list(target.expect_addresses),
    }
    return StageResult(stage=Stage.ADDRESS, ok=finding is Finding.AS_EXPECTED, finding=finding, detail=detail)


@functools.lru_cache(maxsize=_KEPT)
def is_private(address: str, networks: tuple[str, ...]) -> bool:
    """Whether the address lies in one of the networks; an IPv4-mapped IPv6 address counts as its IPv4 address."""
    parsed = _parse(address)
    parsed_networks = map(ipaddress.ip_network, networks)
    return any(parsed.version == network.version and parsed in network for network in parsed_networks)


@functools.lru_cache(maxsize=_KEPT)
def range_of(address: str) -> str:
    """What kind of address it is: ``RFC 1918``, ``loopback``, ``public``, ..."""
    for name, networks in _RANGES:
        if is_private(address, networks):
            return name
    return "public" if _parse(address).is_global else "reserved"


def _finding(target: Target, private: Mapping[str, bool]) -> Finding:
    if target.expect is Expectation.PRIVATE and not all(private.values()):
        return Finding.MIXED_ADDRESSES if any(private.values()) else Finding.NOT_PRIVATE
    if target.expect is Expectation.PUBLIC:
        elsewhere = [private[text] or range_of(text) in LOCAL_RANGES for text in private]
        if any(elsewhere):
            return Finding.NOT_PUBLIC if all(elsewhere) else Finding.MIXED_ADDRESSES
    if target.expect_addresses and {*map(_parse, private)} != {*map(_parse, target.expect_addresses)}:
        return Finding.OTHER_ADDRESSES
    return Finding.AS_EXPECTED


def _parse(address: str) -> IpAddress:
    parsed = ipaddress.ip_address(address)
    return getattr(parsed, "ipv4_mapped", None) or parsed
