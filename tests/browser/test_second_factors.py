"""Second factors and passkeys in a real browser, with an authenticator that Chromium plays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import problems
from tests.browser.conftest import PASSWORD, Server

OpenPage = Callable[..., Page]
Keep = Callable[[Page, str], Path]
_numbers = itertools.count()

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def settle(server: Server) -> Iterator[Callable[..., None]]:
    """Change the sign-in experience for one test."""
    before = server.manage("GET", "/sign-in-exp")
    kept = {name: before[name] for name in ("mfa", "passkeySignIn")}

    def change(**settings: Any) -> None:
        server.manage("PATCH", "/sign-in-exp", settings)

    yield change
    server.manage("PATCH", "/sign-in-exp", kept)


@pytest.fixture
def username(server: Server) -> str:
    """Somebody new."""
    name = f"careful_{next(_numbers)}"
    server.manage("POST", "/users", {"username": name, "password": PASSWORD})
    return name


def plug_in(page: Page) -> None:
    """Give the browser an authenticator, whose owner is always there."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable", {"enableUI": False})
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def give_password(page: Page, server: Server, username: str) -> None:
    page.goto(server.authorize_url())
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def forget(page: Page) -> None:
    """Another day: the browser is signed in nowhere, the device is still the same."""
    page.context.clear_cookies()


def faults(page: Page) -> list[str]:
    """What is wrong with the page; the one script is not."""
    return [problem for problem in problems(page) if problem != "a script"]


def is_signed_in(page: Page) -> bool:
    page.wait_for_url("**/callback?*code=*")
    return True


def test_an_authenticator_app_is_set_up_and_asked_for_without_javascript(
    open_page: OpenPage,
    server: Server,
    settle: Callable[..., None],
    username: str,
    keep_screenshot: Keep,
) -> None:
    settle(mfa={"factors": ["Totp", "BackupCode"], "policy": "Mandatory"})
    page = open_page(java_script_enabled=False)
    give_password(page, server, username)
    expect(page.get_by_role("heading", name="Set up your authenticator app")).to_be_visible()
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    keep_screenshot(page, "mfa-totp-setup")
    app = pyotp.TOTP((page.locator(".key code").text_content() or "").replace(" ", ""))
    page.get_by_role("textbox", name="Code").fill(app.now())
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Keep your backup codes")).to_be_visible()
    keep_screenshot(page, "mfa-backup-codes")
    codes = page.locator(".codes code").all_text_contents()
    page.get_by_role("button", name="I have kept them").click()
    assert is_signed_in(page)

    forget(page)
    give_password(page, server, username)
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the code.")
    keep_screenshot(page, "mfa-verification")
    page.get_by_role("button", name="Use a backup code").click()
    page.get_by_label("Backup code").fill(codes[0])
    page.get_by_role("button", name="Continue").click()
    assert is_signed_in(page)


def test_a_passkey_is_created_and_signs_in_alone(
    open_page: OpenPage,
    server: Server,
    settle: Callable[..., None],
    username: str,
    keep_screenshot: Keep,
) -> None:
    settle(passkeySignIn={"enabled": True, "showPasskeyButton": True})
    page = open_page()
    plug_in(page)
    give_password(page, server, username)
    expect(page.get_by_role("heading", name="Create a passkey")).to_be_visible()
    assert faults(page) == []
    keep_screenshot(page, "passkey-setup")
    page.get_by_role("button", name="Create a passkey").click()
    assert is_signed_in(page)

    forget(page)
    page.goto(server.authorize_url())
    button = page.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_visible()
    assert faults(page) == []
    keep_screenshot(page, "passkey-sign-in")
    button.click()
    assert is_signed_in(page)
    (factor,) = server.manage("GET", f"/users/{_id_of(server, username)}/mfa-verifications")
    assert factor["type"] == "WebAuthn"
    assert "lastUsedAt" in factor

    # The authenticator fills in at once what a person would pick from the list of names.
    settle(passkeySignIn={"enabled": True, "showPasskeyButton": False, "allowAutofill": True})
    forget(page)
    page.goto(server.authorize_url())
    assert is_signed_in(page)


def test_a_passkey_is_a_second_factor(
    open_page: OpenPage,
    server: Server,
    settle: Callable[..., None],
    username: str,
    keep_screenshot: Keep,
) -> None:
    settle(mfa={"factors": ["WebAuthn", "Totp"], "policy": "Mandatory"})
    page = open_page()
    plug_in(page)
    give_password(page, server, username)
    expect(page.get_by_role("heading", name="Choose a second step")).to_be_visible()
    assert faults(page) == []
    keep_screenshot(page, "mfa-choice")
    page.get_by_role("button", name="Passkey").click()
    page.get_by_role("button", name="Create a passkey").click()
    assert is_signed_in(page)

    forget(page)
    give_password(page, server, username)
    use = page.get_by_role("button", name="Use your passkey")
    expect(use).to_be_visible()
    keep_screenshot(page, "mfa-passkey")
    use.click()
    assert is_signed_in(page)


def test_a_suggestion_can_be_put_off(
    open_page: OpenPage,
    server: Server,
    settle: Callable[..., None],
    username: str,
    keep_screenshot: Keep,
) -> None:
    settle(mfa={"factors": ["Totp"], "policy": "PromptAtSignInAndSignUp"})
    page = open_page()
    give_password(page, server, username)
    expect(page.get_by_role("heading", name="Protect your account")).to_be_visible()
    assert faults(page) == []
    keep_screenshot(page, "mfa-suggestion")
    page.get_by_role("button", name="Not now").click()
    assert is_signed_in(page)


def test_a_browser_without_an_authenticator_says_so(
    open_page: OpenPage, server: Server, settle: Callable[..., None], username: str
) -> None:
    settle(passkeySignIn={"enabled": True})
    page = open_page()
    plug_in(page)
    page.goto(server.authorize_url())
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work.")


def test_without_a_script_or_where_the_tenant_wants_none_there_is_no_button(
    open_page: OpenPage, server: Server, settle: Callable[..., None]
) -> None:
    settle(passkeySignIn={"enabled": True, "showPasskeyButton": True})
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url())
    button = page.get_by_text("Sign in with a passkey")
    expect(button).to_be_hidden()
    settle(passkeySignIn={"enabled": True, "showPasskeyButton": False, "allowAutofill": True})
    page = open_page()
    page.goto(server.authorize_url())
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_text("Sign in with a passkey")).to_be_hidden()


def _id_of(server: Server, username: str) -> str:
    (user,) = server.manage("GET", f"/users?search.username={username}")
    return str(user["id"])
