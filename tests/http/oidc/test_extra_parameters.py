"""What a client may tell of the sign-in that it wants, beyond the standard, and who hears of it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from gatehouse.actors import interaction
from gatehouse.actors.assets import LocalAssets
from gatehouse.actors.cookies import read_interactions
from gatehouse.storage.tenants import SignInExperiences
from tests.http.oidc.house import TENANT, Client, Node, claims, sent_to, sign_in, tokens


async def ask(client: Client, **changes: str | None) -> httpx.Response:
    return await client.http.get("/oidc/auth", params=client.request(**changes))


@pytest.mark.parametrize(
    ("wish", "page"),
    [
        ({"first_screen": "sign_in"}, "/sign-in"),
        ({"first_screen": "signIn"}, "/sign-in"),
        ({"first_screen": "identifier:sign_in"}, "/sign-in"),
        ({"first_screen": "register"}, "/register"),
        ({"first_screen": "identifier:register"}, "/register"),
        ({"first_screen": "reset_password"}, "/forgot-password"),
        ({"first_screen": "single_sign_on"}, "/single-sign-on"),
        ({"interaction_mode": "signUp"}, "/register"),
        ({"interaction_mode": "signIn"}, "/sign-in"),
        ({"interaction_mode": "signUp", "first_screen": "sign_in"}, "/sign-in"),
        ({"first_screen": "//evil.example"}, "/sign-in"),
    ],
)
async def test_the_first_screen_is_one_of_ours(
    spa: Client, wish: dict[str, str], page: str
) -> None:
    assert sent_to(await ask(spa, **wish), f"{page}?") == {"app_id": "spa"}


async def test_the_page_is_told_in_its_address(spa: Client) -> None:
    told = {
        "organization_id": "org123",
        "ui_locales": "de en",
        "one_time_token": "t&ken",
        "login_hint": "ada@example.com",
        "identifier": "email phone",
        "direct_sign_in": "social:google",
    }
    assert sent_to(await ask(spa, **told), "/one-time-token?") == {"app_id": "spa", **told}
    del told["one_time_token"]
    assert sent_to(await ask(spa, **told), "/sign-in?") == {"app_id": "spa", **told}


@pytest.mark.parametrize(
    ("wish", "page", "told"),
    [
        ({}, "/sign-in", {}),
        ({"first_screen": "identifier:sign_in"}, "/identifier-sign-in", {}),
        ({"first_screen": "identifier:register"}, "/identifier-register", {}),
        ({"first_screen": "reset_password"}, "/reset-password", {}),
        ({"direct_sign_in": "social:a/../b"}, "/direct/social/a%2F..%2Fb", {"fallback": "sign-in"}),
        (
            {"direct_sign_in": "sso:abc", "first_screen": "register"},
            "/direct/sso/abc",
            {"fallback": "register"},
        ),
        (
            {"google_one_tap_credential": "x", "login_hint": "ada"},
            "/direct/social/google",
            {"fallback": "sign-in", "login_hint": "ada"},
        ),
        (
            {"one_time_token": "t", "login_hint": "ada@example.com"},
            "/sign-in",
            {"one_time_token": "t", "login_hint": "ada@example.com"},
        ),
    ],
)
async def test_pages_of_an_operators_own_have_logtos_addresses(
    spa: Client, node: Node, wish: dict[str, str], page: str, told: dict[str, str], tmp_path: Path
) -> None:
    object.__setattr__(node.core, "assets", LocalAssets(tmp_path))
    pages = {"id": "0" * 16, "createdAt": 1}
    await node.change(lambda tx: SignInExperiences(tx, TENANT).change(custom_ui_assets=pages))
    node.core.directory.forget()
    assert sent_to(await ask(spa, **wish), f"{page}?") == {"app_id": "spa", **told}


async def test_a_magic_link_asks_its_owner_whoever_sat_here_before(spa: Client) -> None:
    await sign_in(spa)
    told = {"one_time_token": "token", "login_hint": "bob@example.com"}
    assert sent_to(await ask(spa, **told), "/one-time-token?") == {"app_id": "spa", **told}


async def test_the_interaction_remembers_what_was_asked(node: Node, spa: Client) -> None:
    await ask(spa, first_screen="identifier:sign_in", identifier="email", one_time_token="t")
    cookie = spa.http.cookies["_interaction"]
    uid = read_interactions(cookie)["spa"]
    state = await node.core.engine.read(interaction.address(TENANT, uid))
    assert state is not None
    assert state.params.asked_identifiers == ("email",)
    assert state.params.opened(node.core.vault).one_time_token == "t"


async def test_a_token_that_signs_in_is_sealed_while_it_waits_and_told_again(
    node: Node, spa: Client
) -> None:
    told = {"one_time_token": "token", "login_hint": "bob@example.com"}
    await ask(spa, **told)
    uid = read_interactions(spa.http.cookies["_interaction"])["spa"]
    state = await node.core.engine.read(interaction.address(TENANT, uid))
    assert state is not None
    assert b"token" not in (state.params.one_time_token or "token").encode()
    resumed = await spa.http.get(f"/oidc/auth/{uid}")
    assert sent_to(resumed, "/one-time-token?") == {"app_id": "spa", **told}


@pytest.mark.parametrize(
    ("credential", "kept"), [("aa.bb.cc", True), ("a;b", False), ("a.b.c; path=/x", False)]
)
async def test_what_one_tap_gave_the_application_is_left_for_the_page(
    spa: Client, credential: str, kept: bool
) -> None:
    answer = await ask(spa, google_one_tap_credential=credential)
    cookies = answer.headers.get_list("set-cookie")
    left = [one for one in cookies if one.startswith("_logto_google_one_tap_credential=")]
    assert [one.partition(";")[0].partition("=")[2] for one in left] == [credential] * kept
    assert all("max-age=10" in one for one in left)


async def test_scripts_of_a_page_find_application_organization_and_language(spa: Client) -> None:
    await ask(spa, organization_id="org123", ui_locales="de en")
    shown = json.loads(spa.http.cookies["_logto"])
    assert shown == {"appId": "spa", "organizationId": "org123", "uiLocales": "de en"}


@pytest.mark.parametrize("strange", ["a;b=c", 'x"', "x\r\nset-cookie: a=b", "x" * 100, "\u00fc"])
async def test_and_no_cookie_of_a_strangers_making(spa: Client, strange: str) -> None:
    answer = await ask(spa, organization_id=strange, ui_locales=strange)
    cookies = [one.split("=")[0] for one in answer.headers.get_list("set-cookie")]
    assert {"a", "b"}.isdisjoint(cookies)
    (value,) = {one for one in answer.headers.get_list("set-cookie") if one.startswith("_logto=")}
    assert value.startswith('_logto={"appId":"spa"};')


@pytest.mark.parametrize(
    "name",
    ["login_hint", "identifier", "direct_sign_in", "one_time_token", "organization_id"],
)
async def test_what_is_too_long_is_refused(spa: Client, name: str) -> None:
    params = sent_to(await ask(spa, **{name: "x" * 3000}), "https://app.example/")
    assert params["error"] == "invalid_request"


async def test_unknown_parameters_are_ignored(spa: Client) -> None:
    """RFC 6749 §3.1."""
    wish = {"acr_values": "urn:x", "display": "popup", "vendor": "x", "claims_locales": "de"}
    assert sent_to(await ask(spa, **wish), "/sign-in?") == {"app_id": "spa"}


async def test_max_age_is_answered_with_the_time_of_the_sign_in(spa: Client) -> None:
    """OpenID Connect Core §3.1.2.1: auth_time is required if max_age was asked for."""
    assert "auth_time" in claims((await tokens(spa, max_age="100"))["id_token"])


async def test_prompt_login_asks_again_whoever_is_signed_in(spa: Client) -> None:
    await sign_in(spa)
    sent_to(await ask(spa, prompt="login consent"), "/sign-in?")
    sent_to(await ask(spa, prompt="consent"), "/consent?")
    assert sent_to(await ask(spa, prompt="none", scope="openid profile"), "https:")["code"]


async def test_max_age_zero_asks_again(node: Node, spa: Client) -> None:
    await sign_in(spa)
    node.core.clock.pass_ms(1000)  # type: ignore[attr-defined]
    sent_to(await ask(spa, max_age="0"), "/sign-in?")
