"""Captchas: the tenant's provider is asked, and nothing but its yes is one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from gatehouse.actors import captcha
from gatehouse.storage.captcha_providers import CaptchaProviders
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.logto.experience.proving import ADA
from tests.servers.receiver import Receiver, open_receiver

TURNSTILE = {"type": "Turnstile", "siteKey": "site", "secretKey": "the provider's secret"}
RECAPTCHA = {**TURNSTILE, "type": "RecaptchaEnterprise", "projectId": "a project"}
CHECKBOX = {**RECAPTCHA, "mode": "checkbox"}
FAILED = (422, "session.captcha_failed")
REQUIRED = (422, "session.captcha_required")


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        monkeypatch.setattr(captcha, "TURNSTILE", f"{receiver.url}/turnstile")
        monkeypatch.setattr(captcha, "RECAPTCHA", f"{receiver.url}/v1")
        yield receiver


async def provide(house: House, config: Mapping[str, Any]) -> None:
    """Have everybody asked to solve a captcha of this provider."""
    await house.core.db.write(lambda tx: CaptchaProviders(tx, TENANT).put(config))
    house.core.outbound._allow_private = True
    await house.settle(captcha_policy={"enabled": True})


def assessment(valid: bool, score: float) -> dict[str, Any]:
    return {"tokenProperties": {"valid": valid}, "riskAnalysis": {"score": score}}


async def start(browser: Browser, token: str = "solved", event: str = "SignIn") -> None:
    body = {"interactionEvent": event, "captchaToken": token}
    await browser("InitInteraction", json=body, expect=204)


async def test_turnstile_is_asked_about_the_token(house: House, receiver: Receiver) -> None:
    await provide(house, TURNSTILE)
    receiver.answer_body = json.dumps({"success": True}).encode()
    await house.add_user("ada")
    browser = await house.browser()
    await start(browser)
    asked = await receiver.next()
    assert parse_qs(asked.body.decode()) == {
        "secret": ["the provider's secret"],
        "response": ["solved"],
    }
    passed = {"verified": True, "skipped": False}
    assert (await browser("GetInteraction"))["captcha"] == passed
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    await browser.submit()


async def test_recaptcha_is_asked_about_the_token(house: House, receiver: Receiver) -> None:
    await provide(house, RECAPTCHA)
    receiver.answer_body = json.dumps(assessment(True, 0.5)).encode()
    await start(await house.browser())
    asked = await receiver.next()
    assert asked.target.endswith(
        "/v1/projects/a%20project/assessments?key=the%20provider%27s%20secret"
    )
    expected = {"token": "solved", "siteKey": "site", "expectedAction": "interaction"}
    assert asked.json == {"event": expected}


@pytest.mark.parametrize(
    ("config", "answer", "status"),
    [
        (TURNSTILE, {"success": False}, 200),
        (TURNSTILE, {"success": True}, 500),
        (TURNSTILE, {"success": "yes"}, 200),
        (TURNSTILE, [], 200),
        (RECAPTCHA, assessment(True, 0.4), 200),
        (RECAPTCHA, assessment(False, 0.9), 200),
        (CHECKBOX, assessment(False, 0.9), 200),
    ],
)
async def test_whatever_is_no_yes_is_a_no(
    house: House, receiver: Receiver, config: dict[str, Any], answer: object, status: int
) -> None:
    await provide(house, config)
    receiver.answer_body = json.dumps(answer).encode()
    receiver.answers.append(status)
    body = {"interactionEvent": "SignIn", "captchaToken": "solved"}
    assert await (await house.browser()).refused("InitInteraction", body) == FAILED


async def test_a_checkbox_has_no_score(house: House, receiver: Receiver) -> None:
    await provide(house, CHECKBOX)
    receiver.answer_body = json.dumps(assessment(True, 0.0)).encode()
    await start(await house.browser())


async def test_a_provider_out_of_reach_lets_nobody_through(house: House) -> None:
    await provide(house, TURNSTILE)
    house.core.outbound._allow_private = False
    body = {"interactionEvent": "SignIn", "captchaToken": "solved"}
    browser = await house.browser()
    captcha_at_home = pytest.MonkeyPatch()
    with captcha_at_home.context() as patch:
        patch.setattr(captcha, "TURNSTILE", "http://127.0.0.1:9/")
        assert await browser.refused("InitInteraction", body) == FAILED


async def test_without_a_solved_captcha_no_code_is_sent_and_nobody_gets_in(
    house: House, receiver: Receiver
) -> None:
    await provide(house, TURNSTILE)
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    body = {"identifier": ADA, "interactionEvent": "SignIn"}
    assert await browser.refused("CreateAndSendVerificationCode", body) == REQUIRED
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    assert await browser.refused("SubmitInteraction") == REQUIRED
    await browser("CreateAndSendVerificationCode", json=body)
    receiver.answer_body = json.dumps({"success": True}).encode()
    await start(browser)
    await browser.start()
    assert await browser.refused("CreateAndSendVerificationCode", body) == REQUIRED
