"""People look after their own accounts, in a real browser and without a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import problems
from tests.browser.conftest import PASSWORD, Server
from tests.browser.test_codes import TEMPLATES
from tests.browser.test_pages import OpenPage
from tests.browser.test_second_factors import plug_in

Keep = Callable[[Page, str], Path]
FIELDS = ("name", "username", "email", "phone", "password", "mfa", "passkey", "session")
SETTINGS = ("mfa",)


@pytest.fixture
def centre(server: Server) -> Iterator[Server]:
    """The server with an account centre, mail, and second factors to set up."""
    before = server.manage("GET", "/sign-in-exp")
    uses = ("UserPermissionValidation", "BindNewIdentifier")
    templates = [*TEMPLATES, *({**TEMPLATES[0], "usageType": use} for use in uses)]
    config = {"apiKey": "key", "fromEmail": "house@example.com", "fromName": "House"}
    body = {"connectorId": "mock-email-service", "config": {**config, "templates": templates}}
    connector = server.manage("POST", "/connectors", body)
    fields = dict.fromkeys(FIELDS, "Edit")
    server.manage("PATCH", "/account-center", {"enabled": True, "fields": fields})
    mfa = {"factors": ["Totp", "WebAuthn", "BackupCode"], "policy": "NoPrompt"}
    server.manage("PATCH", "/sign-in-exp", {"mfa": mfa})
    yield server
    server.manage("PATCH", "/sign-in-exp", {name: before[name] for name in SETTINGS})
    server.manage("PATCH", "/account-center", {"enabled": False})
    server.manage("DELETE", f"/connectors/{connector['id']}")


@pytest.fixture
def username(centre: Server) -> Iterator[str]:
    """Somebody with an account."""
    body = {"username": "babbage", "password": PASSWORD, "name": "Charles"}
    user = centre.manage("POST", "/users", body)
    yield "babbage"
    centre.manage("DELETE", f"/users/{user['id']}")


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Go to the account page, which asks who one is."""
    page.goto("/account")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def change(page: Page, what: str) -> None:
    page.get_by_role("link", name=f"Change {what}").click()


def prove(page: Page) -> None:
    """Show that it is really oneself."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it you?")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def test_a_person_changes_name_username_and_address(
    open_page: OpenPage, centre: Server, username: str, keep_screenshot: Keep
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, username)
    keep_screenshot(page, "account")
    change(page, "name")
    page.get_by_label("Your name").fill("Charles Babbage")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your name was changed.")
    expect(page.locator("main")).to_contain_text("Charles Babbage")

    change(page, "username")
    keep_screenshot(page, "account-verify")
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("The password is not correct.")
    prove(page)
    page.get_by_label("Your username").fill("9lives")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("A username cannot start with a number.")
    page.get_by_label("Your username").fill("charles")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your username was changed.")

    change(page, "email")
    page.get_by_label("Email").fill("charles@example.com")
    page.get_by_role("button", name="Send me a code").click()
    keep_screenshot(page, "account-code")
    page.get_by_label("Code").fill(centre.mail("charles@example.com")["code"])
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text("charles@example.com")


def test_a_person_signs_out_elsewhere_by_a_new_password(
    open_page: OpenPage, username: str, keep_screenshot: Keep
) -> None:
    elsewhere, page = open_page(), open_page()
    sign_in(elsewhere, username)
    sign_in(page, username)
    page.get_by_role("link", name="Show signed in at").click()
    prove(page)
    expect(page.locator("main")).to_contain_text("This browser")
    keep_screenshot(page, "account-sessions")
    page.get_by_role("link", name="Back to your account").click()
    change(page, "password")
    page.get_by_label("New password").fill("another-wombat-7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Your password was changed.")
    elsewhere.goto("/account")
    expect(elsewhere.get_by_role("heading", level=1)).not_to_have_text("Your account")


def test_a_person_signs_out_another_browser(open_page: OpenPage, username: str) -> None:
    elsewhere, page = open_page(), open_page()
    sign_in(elsewhere, username)
    sign_in(page, username)
    page.get_by_role("link", name="Show signed in at").click()
    prove(page)
    page.get_by_role("button", name=re.compile("Sign out")).click()
    expect(page.get_by_role("button", name=re.compile("Sign out"))).to_have_count(0)
    elsewhere.goto("/account")
    expect(elsewhere.get_by_role("heading", level=1)).not_to_have_text("Your account")


def test_a_person_sets_up_an_app_and_backup_codes(
    open_page: OpenPage, username: str, keep_screenshot: Keep
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, username)
    page.get_by_role("link", name="Show two-step sign-in").click()
    page.get_by_role("link", name="Set up your authenticator app").click()
    prove(page)
    key = page.locator(".key code").inner_text().replace(" ", "")
    keep_screenshot(page, "account-totp")
    page.get_by_role("textbox", name="Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text("Authenticator app")
    page.get_by_role("link", name="Make backup codes").click()
    page.get_by_role("button", name="Show my codes").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    keep_screenshot(page, "account-factors")
    page.get_by_role("button", name="Remove Backup codes").click()
    page.get_by_role("button", name="Remove Authenticator app").click()
    expect(page.locator("main")).to_contain_text("You have not set anything up.")


def test_a_person_adds_a_passkey(
    open_page: OpenPage, centre: Server, username: str, keep_screenshot: Keep
) -> None:
    page = open_page()
    plug_in(page)
    sign_in(page, username)
    page.get_by_role("link", name="Show two-step sign-in").click()
    page.get_by_role("link", name="Add a passkey").click()
    prove(page)
    keep_screenshot(page, "account-passkey")
    page.get_by_role("button", name="Create a passkey").click()
    expect(page.get_by_role("button", name="Remove Passkey")).to_be_visible()
    page.get_by_role("button", name="Remove Passkey").click()
    expect(page.locator("main")).to_contain_text("You have not set anything up.")


def test_every_account_page_can_be_read_by_everybody(
    open_page: OpenPage, username: str, keep_screenshot: Keep
) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    sign_in(page, username)
    paths = ("", "/name", "/verify", "/factors")
    for path in paths:
        page.goto(f"/account{path}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert problems(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
        keep_screenshot(page, f"account{path.replace('/', '-')}-small")
