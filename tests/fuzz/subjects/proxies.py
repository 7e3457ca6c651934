"""Proxies: the settings of an environment, and what a proxy says. No password is shown, and every word has an end."""

from __future__ import annotations

import json

import h11  # noqa: F401  imported here to be instrumented

from airflow_provider_netconn.evidence import Target
from airflow_provider_netconn.probing.proxy import ProxyAddress, ProxyRefusedError, ProxySettings, open_tunnel
from tests.fuzz.peer import run, with_peer

TARGETS = (
    Target(host="web.example.net", port=443, protocol="https"),
    Target(host="10.0.0.4", port=8080, protocol="http"),
    Target(host="fd00::4", port=443, protocol="https"),
)
PROXY = ProxyAddress(host="proxy.example.net", port=3128, scheme="http", url="http://proxy.example.net:3128")
SECRET = "hunter2canary"
MOST_READ = 1024 * 1024
MOST_KEPT = 2000
SETTINGS, WORDS = b"s", b"w"
SEEDS = (
    SETTINGS + b"proxy.example.net:3128\0localhost,.example.net,10.0.0.0/8",
    SETTINGS + b"https://[fd00::1]:8080/\0*",
    SETTINGS + b"socks5://proxy\0::/0",
    WORDS + b"HTTP/1.1 200 Connection established\r\n\r\n",
    WORDS + b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
    WORDS + b"HTTP/1.1 403 No\r\n\r\n",
    WORDS + b"SSH-2.0-x\r\n",
)


def holds(data: bytes) -> None:
    """Settings, or the answer to CONNECT."""
    if data[:1] == SETTINGS:
        _settings(data[1:].decode("utf-8", "surrogateescape"))
    else:
        _words(data[1:])


def _settings(text: str) -> None:
    url, _, exceptions = text.partition("\0")
    for given in (url, f"http://u:{SECRET}@{url}"):
        settings = ProxySettings(proxies={"http": given, "https": given, "no": exceptions})
        proxies = [settings.for_target(target) for target in TARGETS]
        shown = f"{settings.shown()} {proxies}"
        assert SECRET not in shown.replace(url, ""), shown


def _words(said: bytes) -> None:
    try:
        run(with_peer(said, lambda stream: open_tunnel(stream, PROXY, TARGETS[0]), most=MOST_READ))
    except ProxyRefusedError as error:
        shown = json.dumps(error.detail, ensure_ascii=False)
    except (EOFError, OSError):
        return
    else:
        return
    assert shown.isprintable(), shown
    assert len(shown) < MOST_KEPT, shown
