"""The HTML report in a real browser: its filters, its policy, its widths and its contrast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_netconn.report import render, write_local
from tests.e2e.chromium import Page, chromium_page, find_chromium
from tests.unit.report.sample_report import large_report, sample_report

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")

VISIBLE = "[...document.querySelectorAll('.card')].filter(card => card.checkVisibility())"
NAMES = f"{VISIBLE}.map(card => card.querySelector('h3').textContent)"

# The lowest contrast of any text with what is behind it (WCAG 2.1, 1.4.3), and that text.
CONTRAST = """
(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = [21, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const [a, b] = [rgb(getComputedStyle(element).color), behind(element)].map((c) => light(c.slice(0, 3)));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.className + ": " + node.data.trim().slice(0, 40)];
  }
  return worst;
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    assert CHROMIUM
    with chromium_page(CHROMIUM) as page:
        yield page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_local(render(sample_report(), "html"), tmp_path_factory.mktemp("report") / "netconn.html")


@pytest.fixture
def page(browser: Page, file: Path) -> Page:
    browser.look(width=1280)
    browser.open(file)
    return browser


def test_nothing_is_requested_and_nothing_is_refused_by_the_policy(page: Page, file: Path) -> None:
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    requests = [
        event["params"]["request"]["url"] for event in page.events if event.get("method") == "Network.requestWillBeSent"
    ]
    assert {*requests} <= {file.resolve().as_uri(), "data:,"}
    complaints = [
        event for event in page.events if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]
    assert complaints == []


def test_policy_stops_what_is_not_ours(page: Page) -> None:
    # As a hole in the escaping would: an element with a handler, a script, and a request.
    page.run(
        "document.body.insertAdjacentHTML('beforeend', '<img id=evil src=\"data:,x\" onerror=\"window.owned=1\">')"
    )
    page.run(
        "{ const evil = document.createElement('script'); evil.text = 'window.owned = 2'; document.body.append(evil); }"
    )
    asked = "fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')"
    answer = page.send("Runtime.evaluate", expression=asked, awaitPromise=True, returnByValue=True)
    assert answer["result"]["value"] == "refused"
    assert page.run("window.owned") is None
    violations = [event for event in page.events if "Content Security Policy" in str(event)]
    assert len(violations) >= 3


def test_chips_filter_by_verdict_and_say_how_many(page: Page) -> None:
    assert page.run(f"{VISIBLE}.length") == 12
    page.run("document.querySelector('[data-show=\"=PUBLIC\"]').click()")
    assert page.run(NAMES) == ["wasb_invoices", "https://api.weather.example"]
    assert page.run("document.querySelector('[role=status]').textContent") == "2 of 12 shown"
    assert page.run("document.querySelector('[aria-pressed=true]').textContent") == "PUBLIC 2"
    page.run("document.querySelector('[data-show=\"!\"]').click()")
    assert page.run(f"{VISIBLE}.every(card => 'unexpected' in card.dataset) && {VISIBLE}.length") == 6
    page.run("document.querySelector('[data-show=\"*\"]').click()")
    assert page.run(f"{VISIBLE}.length") == 12


def test_text_filters_by_every_word_and_escape_clears_it(page: Page) -> None:
    page.run("document.querySelector('input').focus()")
    page.send("Input.insertText", text="AZURE postgres")
    assert page.run(NAMES) == ["orders_db"]
    page.send("Input.insertText", text=" nowhere")
    assert page.run(f"{VISIBLE}.length") == 0
    assert page.run("document.querySelector('.nothing').checkVisibility()") is True
    for kind in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key="Escape", code="Escape", windowsVirtualKeyCode=27)
    assert page.run(f"{VISIBLE}.length") == 12


@pytest.mark.parametrize(
    ("order", "first"),
    [("unexpected", "wasb_invoices"), ("given", "wasb_orders"), ("name", "cache"), ("slow", "sql_dw")],
)
def test_verdicts_are_sorted_as_asked(page: Page, order: str, first: str) -> None:
    page.run(
        f"{{ const s = document.querySelector('select'); s.value = '{order}'; s.dispatchEvent(new Event('change')); }}"
    )
    assert page.run(f"{NAMES}[0]") == first
    assert page.run(f"{VISIBLE}.length") == 12


def test_stages_open_by_click_and_by_key(page: Page) -> None:
    stages = "document.querySelector('.card .stages').checkVisibility()"
    assert page.run(stages) is False
    page.run("document.querySelector('.card summary').click()")
    assert page.run(stages) is True
    page.run("document.querySelector('.card summary').focus()")
    for kind in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert page.run(stages) is False
    page.run("document.querySelector('.open').click()")
    assert page.run("document.querySelectorAll('.more[open], .fine[open]').length") == 12


def test_all_can_be_read_and_opened_without_javascript(page: Page, file: Path) -> None:
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(file)
        assert page.run(f"{VISIBLE}.length") == 12
        assert page.run("document.querySelector('.tools').checkVisibility()") is False
        place = page.run("(r => [r.x + 5, r.y + 5])(document.querySelector('.card summary').getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            page.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
        assert page.run("document.querySelector('.card .stages').checkVisibility()") is True
    finally:
        page.send("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_fits_its_width_and_every_text_has_contrast(page: Page, width: int, dark: bool) -> None:
    page.look(width=width, dark=dark)
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(17, 21, 28)" if dark else "rgb(245, 246, 248)"
    )
    ratio, text = page.run(CONTRAST)
    assert ratio >= 4.5, text


def test_paper_is_white_and_has_no_tools(page: Page) -> None:
    page.look(width=800, dark=True, media="print")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("document.querySelector('.tools').checkVisibility()") is False
    assert page.run("document.querySelector('.remedy').checkVisibility()") is True


def test_hostile_name_is_shown_and_does_nothing(browser: Page, tmp_path: Path) -> None:
    report = sample_report()
    name = "<script>window.owned=1</script><img src=x onerror='window.owned=1'>"
    verdict = replace(report.verdicts[1], target=name, remedy=name, headline='"><b>')
    browser.look(width=1280)
    browser.open(write_local(render(replace(report, verdicts=(verdict,)), "html"), tmp_path / "hostile.html"))
    assert browser.run("window.owned") is None
    assert browser.run("document.querySelector('h3').textContent") == name
    browser.run("document.querySelectorAll('[data-show]')[2].click()")
    assert browser.run(f"{VISIBLE}.length") == 1


def test_link_to_a_target_opens_it(page: Page) -> None:
    page.run("location.hash = '#target-4'")
    page.run("new Promise(done => setTimeout(done, 50))")
    assert page.run("document.querySelector('#target-4 details').open") is True


def test_three_thousand_verdicts_open_and_filter_in_time(browser: Page, tmp_path: Path) -> None:
    browser.look(width=1280)
    browser.open(write_local(render(large_report(3000), "html"), tmp_path / "large.html"))
    took = browser.run(
        """(() => {
          const began = performance.now();
          document.querySelector('[data-show="!"]').click();
          document.body.offsetHeight;
          const sort = document.querySelector('select');
          sort.value = 'name';
          sort.dispatchEvent(new Event('change'));
          document.body.offsetHeight;
          return performance.now() - began;
        })()"""
    )
    assert browser.run(f"{VISIBLE}.length") == 1500
    # A tenth of this is usual. A list that is numbered anew at every change takes several times as long.
    assert took < 5000
