"""The report as one HTML file that asks nothing of the network.

Style and script are in the file, and its content security policy allows these two by their hash and nothing else: no
request, no frame, no form, and no markup that a hostile name might bring could run. Without JavaScript everything can
be read; only the filters are missing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.evidence import (
    Expectation,
    Outcome,
    Path,
    Report,
    StageResult,
    Verdict,
    to_json,
)
from airflow_provider_netconn.report import wording
from airflow_provider_netconn.report.details import breakable, detail_markup

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_WITH_RAW_JSON: Final = 500
"""Reports of more verdicts than this leave the raw JSON of each out of the page; it would double the file."""

# Tones of the page: good, bad, and doubtful for what could not be found out.
_GOOD, _BAD, _DOUBTFUL, _NEUTRAL = "good", "bad", "doubtful", "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One stage as the page shows it; the bar's place is in per cent of the stages' whole time."""

    result: StageResult
    bar_start: float
    bar_width: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One verdict as the page shows it.

    :param index: place of the target in the order given, from 0
    :param advised: as expected, and yet there is something to do
    :param raw: the verdict as JSON text; empty where the page leaves it out
    """

    verdict: Verdict
    index: int
    tone: str
    advised: bool
    path_tone: str
    outcome_tone: str
    address: str
    stages: tuple[StageRow, ...]
    raw: str


def render(report: Report) -> str:
    """The report as the text of one HTML page."""
    from markupsafe import Markup

    environment, style, script = page_parts()
    template = environment.get_template("report.html.jinja")
    tones = [_tone(verdict) for verdict in report.verdicts]
    return template.render(
        report=report,
        cards=tuple(_cards(report)),
        summary=wording.summary(report),
        shares=[(tone, tones.count(tone)) for tone in (_BAD, _DOUBTFUL, _GOOD) if tone in tones],
        headlines=[(word, count, _headline_tone(report, word)) for word, count in report.counts().items()],
        vantage=wording.vantage_rows(report.vantage),
        raw_left_out=len(report.verdicts) > MAX_WITH_RAW_JSON,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=source_hash(style),
        script_hash=source_hash(script),
    )


def render_side_by_side(before: Report, after: Report) -> str:
    """Two reports as the text of one HTML page, a row for each target: what was seen before, and what after.

    A target that is in one of them only has an empty place in the other.
    """
    from markupsafe import Markup

    environment, style, _ = page_parts()
    sides = tuple({card.verdict.target: card for card in _cards(report)} for report in (before, after))
    targets = dict.fromkeys(verdict.target for report in (after, before) for verdict in report.verdicts)
    return environment.get_template("side_by_side.html.jinja").render(
        reports=(before, after),
        rows=[(target, [cards.get(target) for cards in sides]) for target in targets],
        summaries=tuple(wording.summary(report) for report in (before, after)),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=source_hash(style),
    )


@functools.cache
def page_parts() -> tuple[Environment, str, str]:
    """Where the pages' templates are, their style and their script."""
    import jinja2  # not needed to import an operator

    folder = resources.files(__package__)
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.js")}
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
    )
    environment.filters["breakable"] = breakable
    environment.filters["duration"] = wording.duration
    environment.filters["utc"] = wording.utc
    return environment, texts["report.css"], texts["report.js"]


def _finalize(value: Any) -> Any:
    """Take out what must not be shown from every text that the template prints; markup has been cleaned already."""
    return wording.printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def source_hash(text: str) -> str:
    """How a page's Content-Security-Policy names a style or a script that is in it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _cards(report: Report) -> Iterator[Card]:
    with_raw = len(report.verdicts) <= MAX_WITH_RAW_JSON
    places = {id(verdict): index for index, verdict in enumerate(report.verdicts)}
    for verdict in wording.unexpected_first(report):
        yield Card(
            verdict=verdict,
            index=places[id(verdict)],
            tone=_tone(verdict),
            advised=verdict.as_expected and verdict.remedy is not None,
            path_tone=_path_tone(verdict),
            outcome_tone=_outcome_tone(verdict.outcome),
            address=wording.address_of(verdict.endpoint),
            stages=tuple(_stage_rows(verdict)),
            raw=json.dumps(to_json(verdict), indent=1, ensure_ascii=False) if with_raw else "",
        )


def _stage_rows(verdict: Verdict) -> Iterator[StageRow]:
    whole = sum(stage.duration_s for stage in verdict.stages) or 1.0
    begun = 0.0
    for stage in verdict.stages:
        yield StageRow(
            result=stage,
            bar_start=round(100 * begun / whole, 1),
            bar_width=max(round(100 * stage.duration_s / whole, 1), 0.8),
            detail=detail_markup(to_json(stage.detail)) if stage.detail else "",
        )
        begun += stage.duration_s


def _tone(verdict: Verdict) -> str:
    if verdict.as_expected:
        return _GOOD
    return _DOUBTFUL if verdict.outcome is Outcome.UNKNOWN else _BAD


def _headline_tone(report: Report, headline: str) -> str:
    tones = {_tone(verdict) for verdict in report.verdicts if verdict.headline == headline}
    # One headline may be as expected for one target and not for another.
    return tones.pop() if len(tones) == 1 else _NEUTRAL


def _path_tone(verdict: Verdict) -> str:
    if verdict.path is Path.UNKNOWN or verdict.endpoint.expect is Expectation.ANY:
        return _NEUTRAL
    if verdict.path.value.lower() == verdict.endpoint.expect.value:
        return _GOOD
    return _DOUBTFUL if verdict.path is Path.MIXED else _BAD


def _outcome_tone(outcome: Outcome) -> str:
    if outcome is Outcome.OK:
        return _GOOD
    return _NEUTRAL if outcome is Outcome.UNKNOWN else _BAD
