"""The page behind a magic link: one press of a button signs in, or makes an account."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.cookies import INTERACTION_COOKIE, add_interaction
from gatehouse.actors.interaction import Begin, Prompt, address
from gatehouse.actors.tokens import new_uid
from gatehouse.storage.one_time_tokens import OneTimeTokens
from tests.http.logto.experience.browsing import APPLICATION, CALLBACK, SCOPES, Browser
from tests.http.logto.experience.house import TENANT, House
from tests.http.logto.experience.proving import ADA
from tests.http.pages.visiting import alert, get, post, resumed

PAGE = "/one-time-token?app_id=demo-app"


async def issue(house: House, **context: Any) -> str:
    expires_at = house.core.clock() + 600_000
    made = await house.core.db.write(
        lambda tx: OneTimeTokens(tx, TENANT).issue(ADA["value"], context, expires_at)
    )
    return made.token


async def arrive(house: House, token: str | None, **params: Any) -> Browser:
    """A browser whose application passed a token on."""
    browser = Browser(house.core, house.client, new_uid())
    request = AuthorizationRequest(
        client_id=APPLICATION,
        redirect_uri=CALLBACK,
        scopes=SCOPES,
        login_hint=ADA["value"],
        one_time_token=token,
        **params,
    )
    begin = Begin(APPLICATION, request.sealed(house.core.vault), Prompt.LOGIN, None)
    await house.core.engine.turn(address(TENANT, browser.uid), begin)
    browser.keep(INTERACTION_COOKIE, add_interaction(None, APPLICATION, browser.uid))
    return browser


async def test_a_press_of_the_button_signs_in(house: House) -> None:
    user = await house.add_user("ada", primary_email=ADA["value"])
    token = await issue(house)
    browser = await arrive(house, token)
    for _ in range(2):  # a program that follows links uses nothing up
        page = await get(browser, PAGE)
        assert page.status_code == 200
        assert ADA["value"] in page.text
        assert token not in page.text
    assert resumed(await post(browser, PAGE), browser)
    assert (await browser.state()).result.user_id == user.id  # type: ignore[union-attr]


async def test_who_has_no_account_gets_one(house: House) -> None:
    sign_up = {"identifiers": ["email"], "password": False, "verify": True}
    await house.settle(sign_in_mode="SignIn", sign_up=sign_up)
    browser = await arrive(house, await issue(house))
    assert resumed(await post(browser, PAGE), browser)
    user_id = (await browser.state()).result.user_id  # type: ignore[union-attr]
    assert (await house.user(user_id)).primary_email == ADA["value"]


async def test_a_link_can_lead_to_a_new_password(house: House) -> None:
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await arrive(house, await issue(house), first_screen="reset_password")
    answer = await post(browser, PAGE)
    assert answer.headers["location"].startswith("/reset-password?")


async def test_a_link_counts_once(house: House) -> None:
    await house.add_user("ada", primary_email=ADA["value"])
    token = await issue(house)
    first, second = await arrive(house, token), await arrive(house, token)
    assert resumed(await post(first, PAGE), first)
    refused = await post(second, PAGE)
    assert refused.status_code == 422
    assert "used before" in alert(refused)


@pytest.mark.parametrize("token", [None, ""])
async def test_without_a_token_there_is_nothing_to_press(house: House, token: str | None) -> None:
    browser = await arrive(house, token)
    for answer in (await get(browser, PAGE), await post(browser, PAGE)):
        assert answer.headers["location"].startswith("/sign-in?")


async def test_another_site_cannot_press_the_button(house: House) -> None:
    user = await house.add_user("ada", primary_email=ADA["value"])
    token = await issue(house)
    answer: httpx.Response = await post(await arrive(house, token), PAGE, csrf="forged")
    assert answer.status_code == 422
    assert resumed(await post(browser := await arrive(house, token), PAGE), browser)
    assert (await browser.state()).result.user_id == user.id  # type: ignore[union-attr]
