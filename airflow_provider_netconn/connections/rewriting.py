"""Other hosts in a connection, and all else byte for byte as it was.

A host is replaced where it stands in the field's text. Where a field names but an account, the host goes into the field
in which its hook reads a whole one. Each attempt is read again as its hook would read it, and counts only where that
gives the wanted host, and ports and protocols as before: what the table cannot read back, it does not write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from airflow_provider_netconn.connections.fields import ConnectionFields, Locator
from airflow_provider_netconn.connections.table import connection_type
from airflow_provider_netconn.connections.targets import read_targets
from airflow_provider_netconn.errors import InvalidConnectionError
from airflow_provider_netconn.target import Target

Choose = Callable[[Target], str | None]
"""Gives the host that a target is to have instead; None leaves it as it is."""

_DOMAINS: Final = (".snowflakecomputing.com", ".snowflakecomputing.cn")
"""Behind an account's name a client adds these by itself."""


class Rewritten(NamedTuple):
    """A connection with other hosts.

    :param fields: the connection; as it was where nothing could be changed
    :param changes: by host, what it is now
    :param unchanged: by host that was to be another, why it is not; never quotes a field
    """

    fields: ConnectionFields
    changes: Mapping[str, str]
    unchanged: Mapping[str, str]


def rewrite(fields: ConnectionFields, choose: Choose) -> Rewritten:
    """Give a connection the chosen hosts.

    A connection that cannot be read comes back as it is, with the reason under its id.
    """
    try:
        targets = read_targets(fields)
    except InvalidConnectionError as error:
        return Rewritten(fields=fields, changes={}, unchanged={fields.conn_id: str(error)})
    wanted = {target.host: new for target in targets if (new := choose(target)) is not None and new != target.host}
    changes: dict[str, str] = {}
    unchanged: dict[str, str] = {}
    for host, new in wanted.items():
        # One host may have followed another: that of a lake's files follows that of its blobs.
        if changes and host not in {target.host for target in read_targets(fields)}:
            changes[host] = new
            continue
        if _follows_credentials(fields, host):
            unchanged[host] = "it stands in a URL that holds credentials; write them into login and password"
            continue
        found = _with_host(fields, host, new, wanted)
        if found is None:
            places = connection_type(fields.conn_type).places or "no field"
            unchanged[host] = f"the hook of type {fields.conn_type!r} takes no other host there; it reads {places}"
        else:
            fields, changes[host] = found, new
    return Rewritten(fields=fields, changes=changes, unchanged=unchanged)


def _follows_credentials(fields: ConnectionFields, host: str) -> bool:
    """Whether the host stands behind a user in a URL: clients do not agree on where the one ends."""
    row = connection_type(fields.conn_type)
    texts = (field.locator.value(fields) for field in (*row.addresses, *row.further))
    urls = (text.lower() for text in texts if isinstance(text, str) and "://" in text)
    return any("@" in url.partition("://")[2].partition(host)[0] for url in urls if host in url)


def _with_host(fields: ConnectionFields, host: str, new: str, wanted: Mapping[str, str]) -> ConnectionFields | None:
    before = read_targets(fields)
    for attempt in _attempts(fields, host, new):
        try:
            after = read_targets(attempt)
        except InvalidConnectionError:
            continue
        if _is_wanted(before, after, host, wanted):
            return attempt
    return None


def _is_wanted(before: tuple[Target, ...], after: tuple[Target, ...], host: str, wanted: Mapping[str, str]) -> bool:
    """Whether the host has become the wanted one, and nothing else but what is to change too."""
    if len(before) != len(after):
        return False
    pairs = [(one, other) for one, other in zip(before, after, strict=True)]
    for one, other in pairs:
        allowed = {wanted[one.host]} if one.host == host else {one.host, wanted.get(one.host, one.host)}
        same = replace(one, host=other.host, name=other.name, dial=other.dial)
        if other.host not in allowed or same != other:
            return False
    return True


def _attempts(fields: ConnectionFields, host: str, new: str) -> Iterator[ConnectionFields]:
    """The connection with the host replaced, in each way that may be the right one."""
    row = connection_type(fields.conn_type)
    for field in (*row.addresses, *row.further):
        text = field.locator.value(fields)
        if isinstance(text, str):
            for changed in _texts(text, host, new):
                yield _put(fields, field.locator, changed)
    yield from _elsewhere(fields, new)


def _texts(text: str, host: str, new: str) -> Iterator[str]:
    """A field's text with one host for another: whole, or without a domain that the client adds."""
    pairs = [(host, new)]
    pairs += [
        (host.removesuffix(domain), new.removesuffix(domain))
        for domain in _DOMAINS
        if host.endswith(domain) and new.endswith(domain)
    ]
    for old, replacement in pairs:
        # A host stands alone, and not within a longer name.
        pattern = rf"(?<![A-Za-z0-9_.-]){re.escape(old)}(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
        changed, times = re.subn(pattern, replacement, text, flags=re.IGNORECASE)
        if times:
            yield changed


def _elsewhere(fields: ConnectionFields, new: str) -> Iterator[ConnectionFields]:
    """Fields in which hooks read a whole host, where another one names but an account."""
    url = f"https://{new}"
    yield replace(fields, host=url)
    for field in connection_type(fields.conn_type).addresses:
        locator = field.locator
        text = locator.value(fields)
        if locator.key == "connection_string" and isinstance(text, str):
            service = "FileEndpoint" if ".file." in new else "BlobEndpoint"
            end = "" if text.endswith(";") else ";"
            yield _put(fields, locator, f"{text}{end}{service}={url.replace('.dfs.', '.blob.')}")
        elif locator.key in {"account_url", "host"}:
            yield _put(fields, locator, url if locator.key == "account_url" else new)
    yield replace(fields, login=url)


def _put(fields: ConnectionFields, locator: Locator, value: str) -> ConnectionFields:
    if locator.column != "extra":
        columns: dict[str, Any] = {locator.column: value}
        return replace(fields, **columns)
    return replace(fields, extra={**fields.extra, locator.key_in(fields): value})
