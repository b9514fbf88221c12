"""Refusals are worded for who reads them; their codes are the same for everybody."""

from __future__ import annotations

from typing import Any

import httpx

from tests.http.logto.experience.browsing import Browser, credentials
from tests.http.logto.experience.house import House

CODE = "session.invalid_credentials"


async def refused(browser: Browser, languages: str | None) -> httpx.Response:
    """What somebody with these languages is told of a wrong password."""
    headers = (
        browser.headers
        if languages is None
        else {
            **browser.headers,
            "accept-language": languages,
        }
    )
    body = credentials("ada", "wrong")
    answer = await browser.client.post(
        "/api/experience/verification/password", json=body, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, CODE)
    return answer


async def test_a_refusal_is_in_the_language_of_the_browser(house: House) -> None:
    browser = await (await house.browser()).start()
    english = (await refused(browser, None)).json()["message"]
    german = await refused(browser, "de-AT, en;q=0.5")
    assert german.json()["message"] != english
    assert german.headers["content-language"] == "de"
    assert "accept-language" in german.headers["vary"]
    for languages in ("en-GB, de;q=0.5", "xx", "de;q=0"):
        assert (await refused(browser, languages)).json()["message"] == english


async def test_a_tenant_may_have_one_language_alone(house: House) -> None:
    settings: dict[str, Any] = {"autoDetect": False, "fallbackLanguage": "fr"}
    await house.settle(language_info=settings)
    browser = await (await house.browser()).start()
    french = await refused(browser, "de")
    assert french.headers["content-language"] == "fr"
    assert french.json()["message"] == (await refused(browser, None)).json()["message"]
