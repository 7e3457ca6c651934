"""Targets as people write them: text, URLs, mappings. Each is a target that goes through JSON, or bad input."""

from __future__ import annotations

import json

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import Target, from_json, to_json
from airflow_provider_netconn.probing.targets import parse_target

SEEDS = (
    b"db.example.net:5432",
    b"[fe80::1%eth0]:22",
    b"https://user:secret@web.example.net:8443/path?sig=secret#secret",
    b"tcp://[fd00::4]:1433",
    "https://straße.example/".encode(),
    b'{"host": "h", "port": 1, "protocol": "http", "http_path": "/x", "tls": "verify", "dial": "10.0.0.4"}',
    b'{"url": "https://h/", "name": "n", "expect": "any", "expect_networks": ["10.0.0.0/8"],'
    b' "expect_addresses": ["10.0.0.4", "fd00::4"]}',
)
SECRET = "hunter2canary"


def holds(data: bytes) -> None:
    """Text is read as it is, and as the value that it is in JSON."""
    text = data.decode("utf-8", "surrogateescape")
    _reads_or_refuses(text)
    _keeps_no_secret(text)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    _reads_or_refuses(value)


def _reads_or_refuses(given: object) -> None:
    try:
        target = parse_target(given)
    except InvalidTargetError:
        return
    assert from_json(Target, to_json(target)) == target
    assert target.name.isprintable(), target


def _keeps_no_secret(text: str) -> None:
    """Whatever stands around it, a password before the host is in no target and no error."""
    try:
        shown = repr(parse_target(f"https://{SECRET}@{text}"))
    except InvalidTargetError as error:
        shown = str(error)
    assert SECRET not in shown, shown
