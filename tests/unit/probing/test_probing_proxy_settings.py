"""Which proxy a real client would use, as requests and urllib decide it; its credentials are shown nowhere."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Target
from airflow_provider_netconn.probing.proxy import ProxySettings

PROXY = "http://proxy.example.net:3128"
CANARY = "hunter2canary"


def target(host="web.example.net", port=443, protocol="https"):
    return Target(host=host, port=port, protocol=protocol)


def proxied(no_proxy="", **fields):
    return ProxySettings(proxies={"http": PROXY, "https": PROXY, "no": no_proxy}).for_target(target(**fields))


@pytest.mark.parametrize("no_proxy", ["", "example.org", "eb.example.net", "web.example.net.org", "10.0.0.0/8", " , "])
def test_a_target_that_no_exception_names_goes_through_the_proxy(no_proxy):
    assert proxied(no_proxy).url == PROXY


@pytest.mark.parametrize(
    "no_proxy",
    [
        "*", "web.example.net", "WEB.example.NET", "example.net", ".example.net", "net", "a.org, example.net ,b.org",
    ],
)  # fmt: skip
def test_an_exception_is_a_name_a_suffix_or_all(no_proxy):
    assert proxied(no_proxy) is None


@pytest.mark.parametrize("no_proxy", ["web.example.net:8443", "example.net:8443", ".example.net:8443"])
def test_an_exception_may_be_for_one_port(no_proxy):
    assert proxied(no_proxy, port=8443) is None


@pytest.mark.parametrize("port", [443, 9443])
def test_an_exception_for_another_port_is_none(port):
    assert proxied("web.example.net:8443", port=port) is not None


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("10.0.0.0/8", "10.20.0.4"),
        ("10.20.0.4", "10.20.0.4"),
        ("fd00::/8", "fd00::4"),
        ("fd00::4", "fd00:0::4"),
        ("[fd00::4]", "fd00::4"),
        ("localhost, 10.20.0.1/16", "10.20.0.4"),
    ],
)
def test_an_exception_is_an_address_or_a_network(no_proxy, host):
    assert proxied(no_proxy, host=host) is None


@pytest.mark.parametrize(("no_proxy", "host"), [("10.0.0.0/8", "11.0.0.1"), ("fd00::/8", "10.0.0.1"), (":", "::1")])
def test_an_address_outside_of_the_exceptions_goes_through_the_proxy(no_proxy, host):
    assert proxied(no_proxy, host=host) is not None


@pytest.mark.parametrize(
    ("proxies", "protocol", "url"),
    [
        ({"https": PROXY}, "https", PROXY),
        ({"https": PROXY}, "http", None),
        ({"http": PROXY}, "https", None),
        ({"all": PROXY}, "https", PROXY),
        ({"all": "http://other:1", "https": PROXY}, "https", PROXY),
        ({"https": PROXY, "all": PROXY}, "plain", None),
        ({"https": PROXY, "all": PROXY}, "tls", None),
        ({}, "https", None),
        ({"https": ""}, "https", None),
    ],
)
def test_the_scheme_of_the_target_chooses_the_proxy(proxies, protocol, url):
    found = ProxySettings(proxies=proxies).for_target(target(protocol=protocol))
    assert (found.url if found else None) == url


@pytest.mark.parametrize(
    ("url", "host", "port", "shown"),
    [
        ("http://proxy:3128", "proxy", 3128, "http://proxy:3128"),
        ("proxy:3128", "proxy", 3128, "http://proxy:3128"),
        ("http://proxy", "proxy", 80, "http://proxy:80"),
        ("https://proxy", "proxy", 443, "https://proxy:443"),
        ("http://[::1]:3128/", "::1", 3128, "http://[::1]:3128"),
    ],
)
def test_a_proxy_is_read_as_clients_read_it(url, host, port, shown):
    found = ProxySettings(proxies={"https": url}).for_target(target())
    assert (found.host, found.port, found.url) == (host, port, shown)


def test_credentials_of_the_proxy_url_are_sent_in_basic_form():
    proxy = ProxySettings(proxies={"https": "http://us%40er:p%3Ass@proxy:3128"}).for_target(target())
    assert proxy.authorization == "Basic dXNAZXI6cDpzcw=="


HOSTILE = [
    f"http://user:{CANARY}@proxy:3128",
    f"user:{CANARY}@proxy:3128",
    f"http://{CANARY}@proxy:3128",
    f"http://user:{CANARY}@proxy:port",
    f"http://user:{CANARY}@[::1:3128",
    f"http://user:{CANARY}@[zz]:3128",
    f"http://user:{CANARY}/x@proxy:3128",
    f"http://user:{CANARY}#x@proxy:3128",
    f"http://user:{CANARY}@",
    f"http://user:p@{CANARY}@proxy",
    f"http://user:\udcff{CANARY}@proxy:3128",
    f"http://proxy:3128/?token={CANARY}",
    f"user:{CANARY}",
    f"http://{CANARY}\uff03@proxy",  # urlsplit refuses it: NFKC makes a '#' of it
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_credential_of_a_proxy_is_never_shown(url):
    settings = ProxySettings(proxies={"https": url, "http": url, "all": url})
    assert CANARY not in str(settings.shown())
    assert CANARY not in repr(settings)
    assert CANARY not in repr(settings.for_target(target()))
    assert "Basic" not in repr(settings.for_target(target()))


@pytest.mark.parametrize("url", ["http://[::1:3128", "http://", "://", "http://proxy:99999", "\udcff"])
def test_a_proxy_url_that_is_none_is_no_crash(url):
    settings = ProxySettings(proxies={"https": url})
    assert set(settings.shown()) == {"https"}
    assert settings.for_target(target()) is not None


def test_the_environment_is_read_in_lower_and_upper_case(monkeypatch):
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "NO_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("no_proxy", "example.org")
    settings = ProxySettings.of_environment()
    assert (settings.shown(), settings.no_proxy) == ({"https": PROXY}, "example.org")
