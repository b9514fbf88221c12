"""People prove their address by a code, in a real browser and without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import focus_is_visible, problems
from tests.browser.conftest import PASSWORD, Server
from tests.browser.test_pages import OpenPage, answer
from tests.browser.test_second_factors import faults, forget, is_signed_in, plug_in

Keep = Callable[[Page, str], Path]
SETTINGS = ("signIn", "signUp", "passkeySignIn")
TEMPLATES = [
    {"usageType": use, "type": "text/plain", "subject": "Your code", "content": "{{code}}"}
    for use in ("SignIn", "Register", "ForgotPassword", "Generic")
]


@pytest.fixture
def by_mail(server: Server) -> Iterator[Server]:
    """The server, with mail: people sign up with an address, and sign in by code."""
    before = server.manage("GET", "/sign-in-exp")
    config = {"apiKey": "key", "fromEmail": "house@example.com", "fromName": "House"}
    body = {"connectorId": "mock-email-service", "config": {**config, "templates": TEMPLATES}}
    connector = server.manage("POST", "/connectors", body)
    method = {"password": True, "verificationCode": True, "isPasswordPrimary": False}
    server.manage(
        "PATCH",
        "/sign-in-exp",
        {
            "signUp": {"identifiers": ["email"], "password": False, "verify": True},
            "signIn": {"methods": [{"identifier": "email", **method}]},
        },
    )
    yield server
    server.manage("PATCH", "/sign-in-exp", {name: before[name] for name in SETTINGS})
    server.manage("DELETE", f"/connectors/{connector['id']}")


def test_a_person_registers_and_signs_in_by_code_with_the_keyboard(
    open_page: OpenPage, by_mail: Server, keep_screenshot: Keep
) -> None:
    address = "grace@example.com"
    for number in range(2):
        page = open_page(java_script_enabled=False)
        page.goto(by_mail.authorize_url(first_screen="register" if number == 0 else "sign_in"))
        expect(page.get_by_label("Email")).to_be_focused()
        page.keyboard.type(address)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Code")).to_be_focused()
        keep_screenshot(page, "code")
        page.keyboard.type(by_mail.mail(address)["code"])
        page.keyboard.press("Enter")
        assert "code" in answer(page)


def test_a_wrong_code_can_be_replaced(
    open_page: OpenPage, by_mail: Server, keep_screenshot: Keep
) -> None:
    page = open_page()
    page.goto(by_mail.authorize_url())
    page.get_by_label("Email").fill("hopper@example.com")
    page.get_by_role("button", name="Continue").click()
    by_mail.mail("hopper@example.com")
    page.get_by_label("Code").fill("nothing")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("This is not the code. Please look again.")
    expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert problems(page) == []
    assert focus_is_visible(page)
    page.get_by_role("button", name="Send another code").click()
    expect(page.get_by_role("status")).to_contain_text("We have sent another code.")
    assert problems(page) == []
    keep_screenshot(page, "code-again-dark")
    page.get_by_label("Code").fill(by_mail.mail("hopper@example.com")["code"])
    page.get_by_role("button", name="Continue").click()
    assert "code" in answer(page)


def test_a_forgotten_password_is_replaced(
    open_page: OpenPage, by_mail: Server, keep_screenshot: Keep
) -> None:
    address = "lovelace@example.com"
    by_mail.manage("POST", "/users", {"primaryEmail": address, "password": PASSWORD})
    page = open_page(java_script_enabled=False)
    page.goto(by_mail.authorize_url())
    page.get_by_label("Email").fill(address)
    page.get_by_role("button", name="Continue").click()
    by_mail.mail(address)  # the code to sign in with, which is not used
    page.get_by_role("button", name="Use your password instead").click()
    keep_screenshot(page, "password")
    page.get_by_role("link", name="Forgot your password?").click()
    keep_screenshot(page, "forgot-password")
    page.get_by_label("Email").fill(address)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(by_mail.mail(address)["code"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("New password").fill("another-wombat-7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading")).to_have_text("Your password was changed")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill(address)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Use your password instead").click()
    page.get_by_label("Password").fill("another-wombat-7")
    page.get_by_role("button", name="Sign in").click()
    assert "code" in answer(page)


def test_every_page_for_codes_can_be_read_by_everybody(
    open_page: OpenPage, by_mail: Server, keep_screenshot: Keep
) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    for name, path in (
        ("identifier", ""),
        ("register-email", "register"),
        ("recover", "reset_password"),
    ):
        page.goto(by_mail.authorize_url(first_screen=path))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert problems(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
        keep_screenshot(page, f"{name}-small")


def test_a_passkey_is_another_way_where_the_name_comes_first(
    open_page: OpenPage, by_mail: Server, keep_screenshot: Keep
) -> None:
    by_mail.manage("PATCH", "/sign-in-exp", {"passkeySignIn": {"enabled": True}})
    address = "joan@example.com"
    by_mail.manage("POST", "/users", {"primaryEmail": address, "password": PASSWORD})
    page = open_page()
    plug_in(page)
    passkey = page.get_by_role("button", name="Sign in with a passkey")
    by_password = page.get_by_role("button", name="Use your password instead")

    def give_name() -> None:
        forget(page)
        page.goto(by_mail.authorize_url())
        expect(passkey).to_have_count(0)
        page.get_by_label("Email").fill(address)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_label("Code")).to_be_visible()

    give_name()
    by_password.click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Create a passkey").click()
    assert is_signed_in(page)

    give_name()
    assert faults(page) == []
    keep_screenshot(page, "code-or-passkey")
    passkey.click()
    assert is_signed_in(page)

    give_name()
    by_password.click()
    assert faults(page) == []
    keep_screenshot(page, "password-or-passkey")
    passkey.click()
    assert is_signed_in(page)
