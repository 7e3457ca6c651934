"""The report on allowlists as JSON, Markdown or one HTML page, from its plain JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.report import html, wording
from airflow_provider_netconn.report.markdown import cell, row

Json = Mapping[str, Any]

ALLOWED: Final = "ALLOWED"
_TONES: Final = {"ALLOWED": "good", "BLOCKED": "bad", "PARTLY": "bad"}
_COLUMNS: Final = ("Resource", "Service", "Admission", "Why", "Remedy")
FORMATS: Final = ("html", "json", "markdown")


def render_allowlist(document: Json, format: str) -> str:  # noqa: A002 - the word that users know it by
    """The report as the text of one file.

    :param document: the report's JSON form
    :param format: ``html``, ``json`` or ``markdown``
    :raises InvalidOptionError: this report has no such format
    """
    if format == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if format == "markdown":
        return _markdown(document)
    if format == "html":
        return _html(document)
    raise InvalidOptionError("report_path", f"this report is not written as {format}", "write .html, .json or .md")


def headline(document: Json) -> str:
    """The result in one line: ``3 of 5 services admit 203.0.113.7``."""
    resources = document["resources"]
    admitting = sum(one["admission"] == ALLOWED for one in resources)
    services = "service admits" if len(resources) == 1 else "services admit"
    return f"{admitting} of {len(resources)} {services} {', '.join(document['addresses'])}"


def allowlist_lines(document: Json) -> list[str]:
    """The report for a log or a terminal: a line for each service, what is wrong indented below it."""
    lines = [headline(document)]
    for one in _ordered(document["resources"]):
        lines.append(f"{one['admission']} {one['name']} ({one['service']})")
        lines += [f"         {text}" for text in _why(one)]
        if one["remedy"]:
            lines.append(f"         To mend it: {one['remedy']}")
    return [wording.one_line(line) if not line.startswith(" ") else line for line in lines]


def _ordered(resources: Sequence[Json]) -> list[Json]:
    """Those that do not admit all first."""
    return sorted(resources, key=lambda one: one["admission"] == ALLOWED)


def _why(resource: Json) -> Iterator[str]:
    if resource["error"]:
        yield f"its firewall could not be read: {resource['error']}"
    for one in resource["addresses"]:
        yield f"{one['address']}: {one['admission']}: {one['why']}"
    for one in resource["findings"]:
        yield f"{one['code']}: {one['text']}" + (f"; {one['remedy']}" if one["remedy"] else "")


def _markdown(document: Json) -> str:
    lines = ["# netconn external IP allowlists", "", f"**{cell(headline(document))}.**", "", cell(_where(document)), ""]
    lines += [f"- {cell(note)}" for note in document["notes"]]
    lines += ["", row(_COLUMNS), row(["---"] * len(_COLUMNS))] if document["notes"] else [
        row(_COLUMNS), row(["---"] * len(_COLUMNS))
    ]  # fmt: skip
    for one in _ordered(document["resources"]):
        admission = one["admission"] if one["admission"] == ALLOWED else f"**{cell(one['admission'])}**"
        why = "<br>".join(cell(text) for text in _why(one))
        lines.append(row([cell(one["name"]), cell(one["service"]), admission, why, cell(one["remedy"])]))
    return "\n".join(lines) + "\n"


def _where(document: Json) -> str:
    where = f"Checked {document['checked_at']}, netconn {document['netconn_version']}."
    where += f" Addresses: {'; '.join(document['sources'])}."
    return where + (f" Caller's region: {document['caller_region']}." if document["caller_region"] else "")


def _html(document: Json) -> str:
    from markupsafe import Markup

    environment, style, _ = html.page_parts()
    cards = [
        {**one, "tone": _TONES.get(one["admission"], "doubtful"), "why": list(_why(one))}
        for one in _ordered(document["resources"])
    ]
    return environment.get_template("allowlist.html.jinja").render(
        document=document,
        headline=headline(document),
        where=_where(document),
        cards=cards,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=html.source_hash(style),
    )
