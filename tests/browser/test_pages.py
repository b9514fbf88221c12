"""People sign in, register and consent in a real browser, each in their own way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import focus_is_visible, problems, tab_order
from tests.browser.conftest import PASSWORD, Server

OpenPage = Callable[..., Page]
Keep = Callable[[Page, str], Path]
_numbers = itertools.count()


@pytest.fixture
def third_party(server: Server) -> Iterator[str]:
    """An application of somebody else's, which has to ask."""
    made = server.manage(
        "POST",
        "/applications",
        {
            "name": "Quarterly Reports",
            "type": "SPA",
            "isThirdParty": True,
            "oidcClientMetadata": {
                "redirectUris": [server.callback],
                "postLogoutRedirectUris": [],
            },
        },
    )
    allowed = {"userScopes": ["profile", "email"]}
    server.manage("POST", f"/applications/{made['id']}/user-consent-scopes", allowed)
    yield made["id"]
    server.manage("DELETE", f"/applications/{made['id']}")


def new_username() -> str:
    return f"person_{next(_numbers)}"


def fill_in(page: Page, username: str = "demo", password: str = PASSWORD) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)


def answer(page: Page) -> dict[str, str]:
    """What the application was told, in the address the browser ended at."""
    page.wait_for_url("**/callback?*")
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


# Signing in


def test_the_demo_application_signs_in_and_out(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/demo-app")
    page.get_by_role("button", name="Sign in").click()
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#claims")).to_contain_text('"username": "demo"')
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto("/demo-app")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_in_needs_no_javascript(open_page: OpenPage, server: Server) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url())
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    told = answer(page)
    assert told["state"] == "the-state"
    assert told["iss"] == f"{server.url}/oidc"
    assert len(told["code"]) == 43


def test_who_is_signed_in_is_not_asked_again(open_page: OpenPage, server: Server) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url())
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    first = answer(page)
    page.goto(server.authorize_url(state="again"))
    second = answer(page)
    assert second["state"] == "again"
    assert second["code"] != first["code"]


def test_signing_in_by_keyboard_alone(open_page: OpenPage, server: Server) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url())
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("demo")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    assert "code" in answer(page)


def test_the_tabulator_goes_through_the_page_in_order(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    page.goto(server.authorize_url())
    expect(page.get_by_label("Username")).to_be_focused()
    assert focus_is_visible(page)
    order = tab_order(page, 4)
    assert order == ["password", "Forgot your password?", "Sign in", "Create an account"]
    assert focus_is_visible(page)


def test_a_wrong_password_is_explained_in_place(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    page.goto(server.authorize_url())
    fill_in(page, password="not-the-password")
    page.get_by_role("button", name="Sign in").click()
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("The account or the password is not correct.")
    expect(page).to_have_title("Error: Sign in to Demo")
    expect(page.get_by_label("Username")).to_have_value("demo")
    password = page.get_by_label("Password")
    expect(password).to_have_value("")
    expect(password).to_be_focused()
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_accessible_description("The account or the password is not correct.")
    password.fill(PASSWORD)
    password.press("Enter")
    assert "code" in answer(page)


def test_a_hint_fills_in_the_name(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    page.goto(server.authorize_url(login_hint="demo"))
    expect(page.get_by_label("Username")).to_have_value("demo")
    expect(page.get_by_label("Password")).to_be_focused()


def test_going_back_after_signing_in_shows_no_form_that_lies(
    open_page: OpenPage, server: Server
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url())
    address = page.url
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    answer(page)
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("This sign-in is over")


# Registering


def test_registering_by_keyboard(open_page: OpenPage, server: Server) -> None:
    username = new_username()
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url())
    page.get_by_role("link", name="Create an account").press("Enter")
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    assert "code" in answer(page)
    found = server.manage("GET", f"/users?search={username}")
    assert [user["username"] for user in found] == [username]


def test_an_application_can_ask_for_the_register_page(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    page.goto(server.authorize_url(first_screen="register"))
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()


def test_what_is_wrong_with_a_password_is_listed(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    page.goto(server.authorize_url(first_screen="register"))
    username = new_username()
    fill_in(page, username, "12345")
    page.get_by_role("button", name="Create an account").click()
    points = page.get_by_role("alert").get_by_role("listitem")
    expect(points).to_have_text(
        [
            "It needs at least 8 characters.",
            "It should not follow the alphabet, the numbers or the keyboard.",
        ]
    )
    expect(page.get_by_label("Username")).to_have_value(username)
    expect(page.get_by_label("Username")).not_to_have_attribute("aria-invalid", "true")
    fill_in(page, "demo", PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("alert")).to_have_text("This username is taken. Please choose another.")


# Consent


def test_another_application_has_to_be_allowed(
    open_page: OpenPage, server: Server, third_party: str, keep_screenshot: Keep
) -> None:
    page = open_page()
    page.goto(server.authorize_url(client_id=third_party))
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading")).to_have_text("Quarterly Reports asks for access")
    expect(page.get_by_role("listitem")).to_have_text(
        ["Who you are", "Your name, your username and your picture"]
    )
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert problems(page) == []
    keep_screenshot(page, "consent-dark")
    page.get_by_role("button", name="Allow").click()
    assert "code" in answer(page)
    page.goto(server.authorize_url(client_id=third_party, state="again"))
    assert answer(page)["state"] == "again"


def test_a_person_chooses_the_organizations_that_another_application_may_act_in(
    open_page: OpenPage, server: Server, third_party: str, keep_screenshot: Keep
) -> None:
    scope = "urn:logto:scope:organizations"
    path = f"/applications/{third_party}/user-consent-scopes"
    server.manage("POST", path, {"userScopes": [scope]})
    (user,) = server.manage("GET", "/users?search.username=demo&mode.username=exact")
    homes = [server.manage("POST", "/organizations", {"name": name}) for name in ("Home", "Away")]
    for home in homes:
        server.manage("POST", f"/organizations/{home['id']}/users", {"userIds": [user["id"]]})
    page = open_page()
    page.goto(server.authorize_url(client_id=third_party, scope=f"openid {scope}"))
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("group", name="Where may it act for you?")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert problems(page) == []
    keep_screenshot(page, "consent-organizations-dark")
    page.get_by_role("checkbox", name="Home").check()
    page.get_by_role("button", name="Allow").click()
    assert "code" in answer(page)
    kept = f"/applications/{third_party}/users/{user['id']}/consent-organizations"
    chosen = server.manage("GET", kept)["organizations"]
    assert [one["name"] for one in chosen] == ["Home"]
    for home in homes:
        server.manage("DELETE", f"/organizations/{home['id']}")


def test_another_application_can_be_denied(
    open_page: OpenPage, server: Server, third_party: str
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(server.authorize_url(client_id=third_party))
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Deny").click()
    told = answer(page)
    assert (told["error"], told["state"]) == ("access_denied", "the-state")


# Signing out


def test_signing_out_is_asked_for_and_can_be_declined(
    open_page: OpenPage, server: Server, keep_screenshot: Keep
) -> None:
    page = open_page()
    page.goto(server.authorize_url())
    fill_in(page)
    page.get_by_role("button", name="Sign in").click()
    answer(page)
    page.goto("/oidc/session/end")
    assert problems(page) == []
    keep_screenshot(page, "logout-light")
    page.get_by_role("button", name="Stay signed in").click()
    page.goto(server.authorize_url(state="still"))
    assert answer(page)["state"] == "still"
    page.goto("/oidc/session/end")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("Signed out")
    assert problems(page) == []
    keep_screenshot(page, "signed-out-light")
    page.goto(server.authorize_url())
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


# What they look like


def sign_in_page(page: Page, server: Server) -> None:
    page.goto(server.authorize_url())


def refused_page(page: Page, server: Server) -> None:
    page.goto(server.authorize_url())
    fill_in(page, password="not-the-password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()


def register_page(page: Page, server: Server) -> None:
    page.goto(server.authorize_url(first_screen="register"))
    fill_in(page, new_username(), "12345")
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("alert").wait_for()


def lost_page(page: Page, server: Server) -> None:
    page.goto("/sign-in?app_id=demo-app")


def wrong_client_page(page: Page, server: Server) -> None:
    page.goto(server.authorize_url(redirect_uri="https://elsewhere.example/"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "go"),
    [
        ("sign-in", sign_in_page),
        ("sign-in-refused", refused_page),
        ("register-refused", register_page),
        ("lost", lost_page),
        ("wrong-client", wrong_client_page),
    ],
)
def test_every_page_can_be_read_by_everybody(
    open_page: OpenPage,
    server: Server,
    keep_screenshot: Keep,
    name: str,
    go: Callable[[Page, Server], None],
    scheme: str,
) -> None:
    page = open_page(color_scheme=scheme, viewport={"width": 1000, "height": 760})
    go(page, server)
    assert problems(page) == []
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) is (scheme == "dark")
    keep_screenshot(page, f"{name}-{scheme}")


def test_a_page_fits_a_small_screen(
    open_page: OpenPage, server: Server, keep_screenshot: Keep
) -> None:
    """320 CSS pixels, which is also 400 % zoom on a desktop (WCAG 2.2, 1.4.10)."""
    page = open_page(viewport={"width": 320, "height": 640})
    for name, go in (("sign-in", sign_in_page), ("register", register_page)):
        go(page, server)
        width: Any = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 320
        keep_screenshot(page, f"{name}-small")


def test_a_tenants_colours_are_used_and_can_be_read(
    open_page: OpenPage, server: Server, keep_screenshot: Keep
) -> None:
    before = server.manage("GET", "/sign-in-exp")["color"]
    colours = {"primaryColor": "#ffd400", "isDarkModeEnabled": False, "darkPrimaryColor": "#000"}
    server.manage("PATCH", "/sign-in-exp", {"color": colours})
    try:
        page = open_page(color_scheme="dark")
        page.goto(server.authorize_url())
        button = page.get_by_role("button", name="Sign in")
        expect(button).to_have_css("background-color", "rgb(255, 212, 0)")
        expect(button).to_have_css("color", "rgb(0, 0, 0)")
        assert problems(page) == []
        keep_screenshot(page, "sign-in-branded")
    finally:
        server.manage("PATCH", "/sign-in-exp", {"color": before})
