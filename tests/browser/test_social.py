"""People sign in through a provider, in a real browser and without a script of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import focus_is_visible, problems, tab_order
from tests.browser.conftest import Server
from tests.browser.test_pages import answer
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    identity_provider_in_a_thread,
)

Keep = Callable[[Page, str], Path]
OpenAnywhere = Callable[..., Page]
SETTINGS = ("socialSignIn", "socialSignInConnectorTargets")


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider_in_a_thread() as provider:
        yield provider


@pytest.fixture
def offered(server: Server, idp: IdentityProvider) -> Iterator[Server]:
    """The server, with two ways to sign in through a provider."""
    before = server.manage("GET", "/sign-in-exp")
    config: dict[str, Any] = {
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "authorizationEndpoint": idp.at("authorize"),
        "tokenEndpoint": idp.at("token"),
        "scope": "openid profile email",
        "idTokenVerificationConfig": {"jwksUri": idp.at("jwks"), "issuer": idp.issuer},
    }
    by_form = {**config, "authRequestOptionalConfig": {"responseMode": "form_post"}}
    made = [
        server.manage(
            "POST",
            "/connectors",
            {
                "connectorId": "oidc",
                "config": one,
                "metadata": {"target": name.lower(), "name": {"en": name}},
            },
        )["id"]
        for name, one in (("Acme", config), ("Forms", by_form))
    ]
    google = {"connectorId": "google-universal", "config": {"clientId": "c", "clientSecret": "s"}}
    made.append(server.manage("POST", "/connectors", google)["id"])
    changes = {
        "socialSignIn": {"skipRequiredIdentifiers": True},
        "socialSignInConnectorTargets": ["google", "acme", "forms"],
    }
    server.manage("PATCH", "/sign-in-exp", changes)
    yield server
    server.manage("PATCH", "/sign-in-exp", {name: before[name] for name in SETTINGS})
    for connector in made:
        server.manage("DELETE", f"/connectors/{connector}")


@pytest.fixture
def open_anywhere(chromium: Browser, server: Server) -> Iterator[OpenAnywhere]:
    """Open pages in fresh profiles, which may go elsewhere; nothing may be blocked on the way."""
    complaints: list[str] = []
    contexts = []

    def open_one(**options: Any) -> Page:
        context = chromium.new_context(base_url=server.url, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Security" in said.text else None,
        )
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def test_somebody_registers_and_comes_back_through_a_provider(
    open_anywhere: OpenAnywhere, offered: Server, idp: IdentityProvider
) -> None:
    idp.person = {"sub": "browser-1", "name": "Ada"}
    codes = []
    for _ in range(2):
        page = open_anywhere(java_script_enabled=False)
        page.goto(offered.authorize_url())
        page.get_by_role("link", name="Continue with Acme").click()
        codes.append(answer(page)["code"])
    assert codes[0] != codes[1]
    found = offered.manage("GET", "/users?search=Ada")
    assert [user["identities"]["acme"]["userId"] for user in found] == ["browser-1"]


def test_a_provider_may_answer_with_a_form(
    open_anywhere: OpenAnywhere, offered: Server, idp: IdentityProvider
) -> None:
    """The form comes from another site: it brings no cookie, and is believed all the same."""
    idp.person = {"sub": "browser-2", "name": "Bea"}
    page = open_anywhere()
    page.goto(offered.authorize_url())
    page.get_by_role("link", name="Continue with Forms").click()
    assert answer(page)["state"] == "the-state"
    assert "id_token" not in page.url


def test_an_application_leads_there_at_once(
    open_anywhere: OpenAnywhere, offered: Server, idp: IdentityProvider
) -> None:
    idp.person = {"sub": "browser-3"}
    page = open_anywhere(java_script_enabled=False)
    page.goto(offered.authorize_url(direct_sign_in="social:acme"))
    assert answer(page)["state"] == "the-state"


def test_who_does_not_go_on_there_may_choose_another_way(
    open_anywhere: OpenAnywhere, offered: Server, idp: IdentityProvider
) -> None:
    idp.denies = "access_denied"
    try:
        page = open_anywhere(java_script_enabled=False)
        page.goto(offered.authorize_url())
        page.get_by_role("link", name="Continue with Acme").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_role("link", name="Continue with Acme")).to_be_visible()
    finally:
        idp.denies = None


def test_an_account_with_the_same_address_is_linked(
    open_anywhere: OpenAnywhere, offered: Server, idp: IdentityProvider, keep_screenshot: Keep
) -> None:
    user = offered.manage(
        "POST", "/users", {"username": "cleo_links", "primaryEmail": "cleo@example.com"}
    )
    idp.person = {"sub": "browser-4", "email": "cleo@example.com", "email_verified": True}
    page = open_anywhere(java_script_enabled=False)
    page.goto(offered.authorize_url())
    page.get_by_role("link", name="Continue with Acme").click()
    expect(page.get_by_text("cleo@example.com")).to_be_visible()
    keep_screenshot(page, "social-link")
    page.get_by_role("button", name="Use this account").click()
    answer(page)
    linked = offered.manage("GET", f"/users/{user['id']}")
    assert linked["identities"]["acme"]["userId"] == "browser-4"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_buttons_can_be_used_by_everybody(
    open_anywhere: OpenAnywhere, offered: Server, keep_screenshot: Keep, scheme: str
) -> None:
    page = open_anywhere(color_scheme=scheme)
    page.goto(offered.authorize_url())
    expect(page.get_by_role("link", name="Continue with Google")).to_be_visible()
    assert problems(page) == []
    page.get_by_label("Username").focus()
    assert tab_order(page, 6)[-1].strip() == "Continue with Forms"
    page.get_by_role("link", name="Continue with Acme").focus()
    assert focus_is_visible(page)
    keep_screenshot(page, f"social-sign-in-{scheme}")
    page.set_viewport_size({"width": 320, "height": 700})
    keep_screenshot(page, f"social-sign-in-{scheme}-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
