"""People are spoken to in their own language, in a real browser, from first page to last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import problems
from tests.browser.conftest import PASSWORD, Server

OpenPage = Callable[..., Page]


@pytest.fixture
def phrases(server: Server) -> Iterator[Server]:
    """The server with a phrase of the operator's own in German."""
    server.manage("PUT", "/custom-phrases/de", {"description": {"no_account": "Ganz <neu>?"}})
    yield server
    server.manage("DELETE", "/custom-phrases/de")


def test_a_person_signs_in_in_german(phrases: Server, open_page: OpenPage) -> None:
    page = open_page(locale="de-AT")
    page.goto(phrases.authorize_url())
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    expect(page.locator("main")).to_contain_text("Ganz <neu>?")
    page.get_by_label("Benutzername").fill("demo")
    page.get_by_label("Passwort").fill("geraten-7-mal")
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("alert")).to_have_text("Das Konto oder das Passwort ist nicht richtig.")
    assert page.title().startswith("Fehler: Anmelden bei ")
    assert problems(page) == []
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/callback?*")
    assert "code=" in page.url


def test_an_arabic_page_runs_from_right_to_left(server: Server, open_page: OpenPage) -> None:
    page = open_page(locale="ar-EG")
    page.goto(server.authorize_url())
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    field = page.get_by_label("اسم المستخدم")
    assert field.evaluate("node => getComputedStyle(node).direction") == "rtl"
    label, box = page.locator("label").first.bounding_box(), field.bounding_box()
    assert label is not None
    assert box is not None
    assert abs((label["x"] + label["width"]) - (box["x"] + box["width"])) < 4
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0
    assert problems(page) == []
    page.get_by_label("اسم المستخدم").fill("demo")
    page.get_by_label("كلمة المرور").fill(PASSWORD)
    page.get_by_role("button", name="تسجيل الدخول").click()
    page.wait_for_url("**/callback?*")
    assert "code=" in page.url


def test_an_application_says_which_language_it_speaks(server: Server, open_page: OpenPage) -> None:
    page = open_page(locale="de-DE")
    page.goto(server.authorize_url(ui_locales="ja"))
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.get_by_role("button", name="サインイン")).to_be_visible()
