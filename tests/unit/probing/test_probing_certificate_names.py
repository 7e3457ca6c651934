"""Which server names a certificate's names cover (RFC 9525, section 6)."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.probing.tls import covers


@pytest.mark.parametrize(
    ("name", "server_name"),
    [
        ("web.example.net", "web.example.net"),
        ("WEB.example.NET", "web.Example.net"),
        ("web.example.net", "web.example.net."),
        ("*.example.net", "web.example.net"),
        ("*.EXAMPLE.net", "web.example.net"),
        ("*.blob.core.windows.net", "orders.blob.core.windows.net"),
        ("10.0.0.4", "10.0.0.4"),
        ("fd00::4", "fd00:0::0004"),
    ],
)
def test_these_are_covered(name, server_name):
    assert covers((name,), server_name)


@pytest.mark.parametrize(
    ("name", "server_name"),
    [
        ("*.example.net", "example.net"),
        ("*.example.net", "a.b.example.net"),
        ("*.blob.core.windows.net", "orders.privatelink.blob.core.windows.net"),
        ("w*.example.net", "web.example.net"),
        ("*b.example.net", "web.example.net"),
        ("web.*.net", "web.example.net"),
        ("*", "localhost"),
        ("*.", "localhost"),
        ("*", "web.example.net"),
        ("*.0.0.4", "10.0.0.4"),
        ("10.0.0.5", "10.0.0.4"),
        ("example.net", "web.example.net"),
        ("web.example.net.evil.org", "web.example.net"),
        ("", "web.example.net"),
    ],
)
def test_these_are_not_covered(name, server_name):
    assert not covers((name,), server_name)


def test_no_names_cover_nothing():
    assert not covers((), "web.example.net")


def test_one_of_many_names_is_enough():
    assert covers(("a.example.net", "*.example.org", "10.0.0.4"), "web.example.org")
