"""The formats of a report, and which one a file name asks for."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Report
from airflow_provider_netconn.report import html, json_report, junit, markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a report down.

    :param name: how an option calls it
    :param suffix: the end of a file name that asks for it, with its dot
    :param media_type: what to call it where a store keeps content types
    :param render: makes the whole file's text
    """

    name: str
    suffix: str
    media_type: str
    render: Callable[[Report], str]


FORMATS: Final[dict[str, Format]] = {
    made.name: made
    for made in (
        Format(name="html", suffix=".html", media_type="text/html; charset=utf-8", render=html.render),
        Format(name="json", suffix=".json", media_type="application/json", render=json_report.render),
        Format(name="markdown", suffix=".md", media_type="text/markdown; charset=utf-8", render=markdown.render),
        Format(name="junit", suffix=".xml", media_type="application/xml", render=junit.render),
    )
}
"""All formats by name."""


def render(report: Report, format: str) -> str:  # noqa: A002 - the word that users know it by
    """The report as the text of one file.

    :param format: a name of :data:`FORMATS`: ``html``, ``json``, ``markdown`` or ``junit``
    :raises InvalidOptionError: no format has that name
    """
    chosen = FORMATS.get(format)
    if chosen is None:
        near = difflib.get_close_matches(format.lower(), FORMATS, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(FORMATS)}"
        raise InvalidOptionError("report_format", f"{format!r} is no format of a report", remedy)
    return chosen.render(report)


def format_for(path_or_url: str) -> str:
    """The name of the format that a path or URL asks for by its suffix, such as ``html`` for ``out/netconn.html``.

    A URL's query and fragment are ignored, so that a blob URL may carry a SAS token; the token is in no message.

    :raises InvalidOptionError: the suffix, named in the message, is none of ``.html .json .md .xml``
    """
    # Only a URL has a query: a local file may well have '?' or '#' in its name.
    path = urlsplit(path_or_url).path if "://" in path_or_url else path_or_url
    suffix = PurePosixPath(path).suffix.lower()
    for known in FORMATS.values():
        if suffix == known.suffix:
            return known.name
    accepted = ", ".join(known.suffix for known in FORMATS.values())
    seen = f"the suffix {suffix!r} is no format of a report" if suffix else "has no suffix that names a format"
    raise InvalidOptionError("report_path", seen, f"let the name end in one of {accepted}")
