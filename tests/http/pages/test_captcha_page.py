"""The page that asks whether somebody is a person, in the midst of a step."""

from __future__ import annotations

import json

import pytest

from gatehouse.http.pages.forms import csrf_token
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.logto.experience.test_captcha import (
    CHECKBOX,
    RECAPTCHA,
    TURNSTILE,
    assessment,
    provide,
    receiver,
)
from tests.http.pages.test_code_pages import ADA, CODE, enter, goes_to, methods, sign_up
from tests.http.pages.visiting import alert, get, post, resumed
from tests.servers.receiver import Receiver

__all__ = ["receiver"]
SOLVED = {"cf-turnstile-response": "solved"}


@pytest.fixture
async def yes(receiver: Receiver) -> Receiver:
    receiver.answer_body = json.dumps({"success": True} | assessment(True, 0.9)).encode()
    return receiver


async def test_who_signs_in_by_password_is_asked_once_and_goes_on(
    house: House, yes: Receiver
) -> None:
    await provide(house, TURNSTILE)
    await house.add_user("ada")
    browser = await house.browser()
    page = await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    assert 'class="cf-turnstile" data-sitekey="site"' in page.text
    assert PASSWORD not in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-src https://challenges.cloudflare.com" in policy
    assert "https://challenges.cloudflare.com" in policy.partition("script-src")[2]
    assert resumed(await post(browser, "/sign-in", **SOLVED), browser)


async def test_what_was_typed_is_kept_for_the_step_that_comes_after(
    house: House, yes: Receiver
) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    await house.add_user(None, primary_email=ADA)
    await provide(house, TURNSTILE)
    browser = await house.browser()
    page = await post(browser, "/sign-in", identifier=ADA)
    assert f'name="identifier" value="{ADA}"' in page.text
    assert goes_to(await post(browser, "/sign-in", identifier=ADA, **SOLVED), CODE)
    assert resumed(await enter(house, browser), browser)


async def test_an_account_is_made_after_the_captcha(house: House, yes: Receiver) -> None:
    await provide(house, TURNSTILE)
    browser = await house.browser()
    page = await post(browser, "/register", username="ada", password=PASSWORD)
    assert "cf-turnstile" in page.text
    assert await house.find_user("ada") is None
    assert resumed(await post(browser, "/register", username="ada", **SOLVED), browser)
    assert await house.find_user("ada") is not None


async def test_a_password_is_recovered_after_the_captcha(house: House, yes: Receiver) -> None:
    await provide(house, TURNSTILE)
    await house.add_user("ada", primary_email=ADA)
    browser = await house.browser()
    await post(browser, "/forgot-password", identifier=ADA)
    answer = await post(browser, "/forgot-password", identifier=ADA, **SOLVED)
    assert goes_to(answer, CODE)
    assert goes_to(await enter(house, browser), "/reset-password?app_id=demo-app")


async def test_who_is_not_recognized_may_try_again(house: House, receiver: Receiver) -> None:
    await provide(house, TURNSTILE)
    await house.add_user("ada")
    receiver.answer_body = b'{"success": false}'
    browser = await house.browser()
    await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    page = await post(browser, "/sign-in", identifier="ada", **SOLVED)
    assert page.status_code == 422
    assert alert(page) == "That was not recognized. Please try once more."
    assert "cf-turnstile" in page.text
    assert not (await browser.state()).captcha_passed


@pytest.mark.parametrize("config", [RECAPTCHA, CHECKBOX])
async def test_recaptcha_asks_in_its_own_way(
    house: House, yes: Receiver, config: dict[str, str]
) -> None:
    await provide(house, config)
    await house.add_user("ada")
    browser = await house.browser()
    page = await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    assert "https://www.google.com/recaptcha/enterprise.js" in page.text
    assert ('data-captcha="site"' in page.text) is (config is RECAPTCHA)
    assert ('class="g-recaptcha"' in page.text) is (config is CHECKBOX)
    if config is RECAPTCHA:
        script = page.text.partition("/assets/captcha-")[2].partition('"')[0]
        asset = await get(browser, f"/assets/captcha-{script}")
        assert asset.headers["content-type"].startswith("text/javascript")
    solved = {"g-recaptcha-response": "solved"}
    assert resumed(await post(browser, "/sign-in", **solved), browser)


async def test_an_answer_without_the_forms_token_solves_nothing(
    house: House, yes: Receiver
) -> None:
    await provide(house, TURNSTILE)
    browser = await (await house.browser()).start()
    assert csrf_token(house.core, browser.uid)
    await post(browser, "/sign-in", identifier="ada", csrf="wrong", **SOLVED)
    assert not (await browser.state()).captcha_passed
    assert yes.count == 0
