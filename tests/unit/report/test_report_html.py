from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from airflow_provider_netconn.evidence import Report, StageResult, Target
from airflow_provider_netconn.report import render
from airflow_provider_netconn.report.details import MAX_TEXT, detail_markup, label
from airflow_provider_netconn.report.html import MAX_WITH_RAW_JSON
from tests.unit.report.sample_report import large_report, sample_report

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7*7 }} & \u202e\x00"
# Attributes by which a page may fetch something.
FETCHING = {"src", "href", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href"}


class Reader(HTMLParser):
    """Collects the elements with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str, **wanted: str) -> int:
        return sum(
            tag == one and all((attributes.get(name) or "").split().count(value) for name, value in wanted.items())
            for one, attributes in self.elements
        )


@pytest.fixture(scope="module")
def page() -> str:
    return render(sample_report(), "html")


def hostile_report() -> Report:
    report = sample_report()
    stage = replace(
        report.verdicts[1].stages[0], detail={HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}], "rows": [{HOSTILE: 1}]}
    )
    verdict = replace(
        report.verdicts[1],
        target=HOSTILE,
        headline=HOSTILE,
        cause=HOSTILE,
        explanation=HOSTILE,
        remedy=HOSTILE,
        evidence=(HOSTILE,),
        stages=(stage,),
        endpoint=Target(host="h.example", port=1, protocol=HOSTILE, name=HOSTILE, conn_id=HOSTILE, conn_type=HOSTILE),
    )
    vantage = replace(report.vantage, hostname=HOSTILE, queue=HOSTILE, proxies={HOSTILE: HOSTILE})
    fine = replace(verdict, as_expected=True)
    return replace(report, netconn_version=HOSTILE, verdicts=(verdict, fine), vantage=vantage)


def test_page_asks_nothing_of_the_network(page: str) -> None:
    reader = Reader(page)
    fetched = [
        (tag, name, value)
        for tag, attributes in reader.elements
        for name, value in attributes.items()
        if name in FETCHING
    ]
    assert fetched == [("link", "href", "data:,"), ("a", "href", "#verdicts")]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert not {"iframe", "object", "embed", "form", "base"} & {tag for tag, _ in reader.elements}


def test_policy_allows_our_own_style_and_script_alone(page: str) -> None:
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in Reader(page).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    # Such attributes would be refused by the policy, so that they would only seem to work.
    assert not [
        name
        for _, attributes in Reader(page).elements
        for name in attributes
        if name == "style" or name.startswith("on")
    ]


def test_hostile_text_stays_text() -> None:
    text = render(hostile_report(), "html")
    plain, hostile = Reader(render(replace(sample_report(), verdicts=()), "html")), Reader(text)
    assert hostile.count("script") == plain.count("script") == 1
    assert hostile.count("img") == 0
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in hostile.text
    assert "\u202e" not in text
    assert "\x00" not in text


def test_unexpected_come_first_with_the_remedy_before_what_was_seen(page: str) -> None:
    text = Reader(page).text
    assert text.index("wasb_invoices") < text.index("sql_dw") < text.index("wasb_orders")
    assert text.index("Link the private DNS zone") < text.index("The name passes through")
    assert page.count('<div class="remedy">') == 7


def test_remedy_of_what_is_as_expected_is_not_lost(page: str) -> None:
    card = page[page.index('id="target-3"') :]
    assert card.index("CERTIFICATE_EXPIRES_SOON") < card.index("Renew the certificate before 2025-03-10.")
    assert page.index('id="target-12"') < page.index('id="target-3"') < page.index('id="target-1"')
    assert 'class="card doubtful" id="target-3"' in page
    assert page.count(" data-advised>") == 1


def test_header_says_result_place_and_time(page: str) -> None:
    head = page[: page.index("<main")]
    for word in (
        "6 of 12 targets are not as expected",
        "2025-03-01T06:00:00Z",
        "cosmic-orbit-1234-worker-default-7f9c",
        "private-network",
        "10.0.0.10, 168.63.129.16",
        "http://proxy.corp.example:3128",
        "clx8k2v9d0003",
    ):
        assert word in head


def test_badges_say_in_words_what_their_colour_says(page: str) -> None:
    for badge in (
        "path</span> PUBLIC",
        "outcome</span> BLOCKED",
        "cause</span> ZONE_NOT_LINKED",
        "expected</span> private",
    ):
        assert badge in page
    assert "✗ PUBLIC" in page
    assert "? UNKNOWN" in page
    assert "✓ PRIVATE" in page


def test_stages_open_without_javascript_and_bars_lie_end_to_end(page: str) -> None:
    reader = Reader(page)
    assert reader.count("details", **{"class": "more"}) == 6
    assert reader.count("details", **{"class": "fine"}) == 6
    card = page[page.index("sql_dw") : page.index("</article>", page.index("sql_dw"))]
    bars = [(float(x), float(width)) for x, width in re.findall(r'<rect x="([\d.]+)" width="([\d.]+)"', card)]
    assert [start for start, _ in bars] == [0.0, 0.1, 0.1]
    assert bars[2][1] == pytest.approx(99.9)
    assert all(start + width <= 100.5 for start, width in bars)


def test_filter_has_a_button_with_a_count_for_every_headline(page: str) -> None:
    for headline, count in sample_report().counts().items():
        assert re.search(rf'data-show="={headline}" aria-pressed="false">{headline} <b>{count}</b>', page)
    assert re.search(r'data-show="!" aria-pressed="false">Not as expected <b>6</b>', page)


def test_details_are_readable_and_the_raw_json_is_there(page: str) -> None:
    text = Reader(page).text
    assert "Not after2025-10-28T08:11:04+00:00" in text
    assert "CNAMEinvoices.privatelink.blob.core.windows.net." in text
    assert "&#34;server_name&#34;: &#34;invoices.blob.core.windows.net&#34;" in page


def test_large_report_leaves_raw_json_out_and_says_so() -> None:
    page = render(large_report(MAX_WITH_RAW_JSON + 1), "html")
    assert '<details class="raw">' not in page
    assert "the raw JSON is left out here" in page
    assert len(page) / (MAX_WITH_RAW_JSON + 1) < 4500, "a card has grown; ten thousand of them must still open"


def test_report_of_nothing_and_of_one() -> None:
    report = sample_report()
    empty = render(replace(report, verdicts=()), "html")
    assert "No targets were checked" in empty
    assert "<button" not in empty
    assert "The one target is as expected" in render(replace(report, verdicts=report.verdicts[:1]), "html")


def test_verdict_without_stages_evidence_or_remedy() -> None:
    report = sample_report()
    bare = replace(report.verdicts[1], stages=(), evidence=(), remedy=None, cause=None, failed_stage=None)
    page = render(replace(report, verdicts=(bare,)), "html")
    assert "No stage ran." in page
    assert "What to do" not in page


@pytest.mark.parametrize(
    ("value", "markup"),
    [
        ({"duration_s": 0.0031}, "<dl><dt>Duration<dd>3.1 ms</dl>"),
        ({"private": False}, "<dl><dt>Private<dd>no</dl>"),
        ({"error": None}, '<dl><dt>Error<dd><span class="none">none</span></dl>'),
        ({"names": ["a", "b"]}, "<dl><dt>Names<dd><ul><li>a<li>b</ul></dl>"),
        ({"b": {"c": 1}, "a": 2}, "<dl><dt>A<dd>2<dt>B<dd><dl><dt>C<dd>1</dl></dl>"),
        (0, "0"),
        ([], '<span class="none">none</span>'),
    ],
)
def test_detail_as_markup(value: Any, markup: str) -> None:
    assert str(detail_markup(value)) == markup


def test_alike_rows_make_a_table_without_empty_columns() -> None:
    markup = detail_markup([{"address": "10.0.0.1", "errno": None}, {"address": "10.0.0.2", "ttl": 5, "errno": None}])
    assert "<tr><th scope=col>Address<th scope=col>TTL<tr><td>10.0.0.1<td><tr><td>10.0.0.2<td>5" in markup


def test_rows_too_wide_for_a_phone_are_stacked() -> None:
    assert "<table" not in detail_markup([{"subject": "CN=" + "x" * 40, "issuer": "CN=" + "y" * 40}])


def test_long_names_break_after_dots_only() -> None:
    name = "invoices.privatelink.blob.core.windows.net"
    assert str(detail_markup(name)) == name.replace(".", ".<wbr>")
    assert str(detail_markup("10.0.0.1 of a.b.c")) == "10.0.0.1 of a.b.c"
    assert str(detail_markup("<b>." + "x" * 30)) == "&lt;b&gt;." + "x" * 30


def test_bottomless_and_endless_details_are_cut() -> None:
    deep: Any = "bottom"
    for _ in range(200):
        deep = {"down": deep}
    assert detail_markup(deep).count("<dl>") < 10
    assert f"({500:,} more characters)" in detail_markup("x" * (MAX_TEXT + 500))


@pytest.mark.parametrize(
    ("key", "text"), [("not_after", "Not after"), ("duration_s", "Duration"), ("dns", "DNS"), ("", "—")]
)
def test_labels(key: str, text: str) -> None:
    assert label(key) == text


def test_detail_may_hold_what_is_not_yet_plain() -> None:
    report = sample_report()
    first = report.verdicts[0]
    stage: StageResult = replace(
        first.stages[0], detail={"path": first.path, "pair": ("a", "b"), "at": report.started_at}
    )
    assert "2025-03-01T06:00:00Z" in render(replace(report, verdicts=(replace(first, stages=(stage,)),)), "html")
