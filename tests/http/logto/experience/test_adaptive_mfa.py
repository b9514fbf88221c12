"""Adaptive MFA: a second factor when a sign-in looks unlike those before."""

from __future__ import annotations

from collections.abc import Mapping

from gatehouse.storage.records import User
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.factors import add_totp, code, identified, mfa
from tests.http.logto.experience.house import House
from tests.http.logto.experience.test_webhooks import listen
from tests.servers.receiver import open_receiver

REQUIRED = (403, "session.mfa.require_mfa_verification")
OTHERWISE = (200, None)
ROBOT = {"x-logto-cf-bot-score": "3"}
ROBOT_FREE: Mapping[str, str] = {}


async def careful(house: House) -> User:
    """A user with a TOTP, where one is asked for at risk alone."""
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(adaptive_mfa={"enabled": True}, **mfa("Totp", policy="Mandatory"))
    return user


async def submitted(
    house: House,
    country: str | None,
    browser: Browser | None = None,
    more: Mapping[str, str] = ROBOT_FREE,
) -> tuple[int, str | None]:
    """What comes of a sign-in from a country, as a proxy tells it."""
    browser = browser or await identified(house)
    place = {} if country is None else {"x-logto-cf-country": country}
    headers = {**browser.headers, **place, **more}
    answer = await house.client.post("/api/experience/submit", headers=headers)
    return answer.status_code, answer.json().get("code")


async def test_a_known_country_asks_for_nothing_and_a_new_one_for_a_factor(house: House) -> None:
    await careful(house)
    assert await submitted(house, "GB") == OTHERWISE
    assert await submitted(house, "GB") == OTHERWISE
    browser = await identified(house)
    assert await submitted(house, "DE", browser) == REQUIRED
    await browser("VerifyTotpVerification", json={"code": code(house)})
    assert await submitted(house, "DE", browser) == OTHERWISE
    assert await submitted(house, "DE") == OTHERWISE


async def test_robots_are_asked_and_silence_is_no_sign(house: House) -> None:
    await careful(house)
    assert await submitted(house, None) == OTHERWISE
    assert await submitted(house, None, more=ROBOT) == REQUIRED


async def test_without_adaptive_mfa_the_policy_asks_everybody(house: House) -> None:
    await careful(house)
    assert await submitted(house, "GB") == OTHERWISE
    await house.settle(adaptive_mfa={"enabled": False})
    assert await submitted(house, "GB") == REQUIRED


async def test_webhooks_hear_what_looked_suspicious(house: House) -> None:
    user = await careful(house)
    async with open_receiver() as receiver:
        await listen(house, receiver, "PostSignInAdaptiveMfaTriggered")
        assert await submitted(house, None, more=ROBOT) == REQUIRED
        told = (await receiver.next()).json
    assert told["event"] == "PostSignInAdaptiveMfaTriggered"
    assert told["user"]["id"] == user.id
    rule = {
        "rule": "untrusted_ip",
        "details": {"signals": {"botScore": 3.0}, "matchedSignals": ["botScore<30"]},
    }
    assert told["adaptiveMfaResult"] == {"requiresMfa": True, "triggeredRules": [rule]}
