"""The form of the connection type ``azure_network``, as a person meets it in the browser."""

from __future__ import annotations

import time

import pytest

from airflow_provider_netconn.provider_info import AZURE_NETWORK
from tests.e2e.chromium import chromium_page, find_chromium

PATIENCE_S = 60
DIALOG = "document.querySelector('[role=dialog]')"
BUTTON = "[...document.querySelectorAll('button')].find(one => {}.test(one.textContent))"
LABELS = f"[...{DIALOG}.querySelectorAll('label')].map(one => one.textContent.trim())"
CHOICE = f"{DIALOG}.querySelector('input[role=combobox]')"


@pytest.fixture
def page(airflow):
    """A page of Airflow's UI, logged in, on the list of connections."""
    program = find_chromium()
    if program is None:
        pytest.skip("Chromium is not installed")
    with chromium_page(program) as opened:
        opened.look(width=1200)
        opened.send("Page.navigate", url=f"{airflow.url}/auth/login")
        for field, text in (("username", airflow.username), ("password", airflow.password)):
            when(opened, f"document.querySelector('input[name={field}]')", "focus()")
            opened.send("Input.insertText", text=text)
        when(opened, BUTTON.format("/sign in/i"), "click()")
        when(opened, "!document.querySelector('input[name=password]')")
        opened.send("Page.navigate", url=f"{airflow.url}/connections")
        yield opened


def when(page, expression, then=None):
    """Wait until an expression is true in the page, do something with it, and give its value."""
    deadline = time.monotonic() + PATIENCE_S
    while not page.run(f"Boolean({expression})"):
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {expression}; {page.run('location.href')}"
        time.sleep(0.2)
    return page.run(f"({expression}).{then}" if then else expression)


def test_each_field_of_the_connection_type_is_in_the_form(page):
    when(page, BUTTON.format("/add connection/i"), "click()")
    when(page, CHOICE, "focus()")
    page.send("Input.insertText", text=AZURE_NETWORK["hook-name"])
    when(page, "[...document.querySelectorAll('[role=option]')].length === 1")
    for kind in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
    when(page, f"{LABELS}.includes('Client Secret')")
    labels = [label.removesuffix(" *") for label in page.run(LABELS)]
    relabelled = AZURE_NETWORK["ui-field-behaviour"]["relabeling"]
    assert set(relabelled.values()) <= set(labels)
    assert {field["label"] for field in AZURE_NETWORK["conn-fields"].values()} <= set(labels)
    assert not {"Host", "Port", "Schema", "Login", "Password"} & set(labels)
