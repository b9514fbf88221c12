"""A browser that talks to the older Interaction API."""

from __future__ import annotations

from typing import Any

import httpx

from tests.http.logto.experience.browsing import Browser

PATH = "/api/interaction"


async def call(
    browser: Browser, method: str, path: str = "", json: Any = None, expect: int = 204
) -> Any:
    """Call an operation; the answer's JSON, if it has one."""
    answer = await send(browser, method, path, json)
    assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


async def refused(
    browser: Browser, method: str, path: str = "", json: Any = None
) -> tuple[int, str]:
    """The status and the code of a refusal."""
    answer = await send(browser, method, path, json)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["code"]


async def send(browser: Browser, method: str, path: str = "", json: Any = None) -> httpx.Response:
    """The whole answer."""
    return await browser.client.request(method, f"{PATH}{path}", json=json, headers=browser.headers)


async def submit(browser: Browser) -> str:
    """Submit; where the browser goes."""
    return str((await call(browser, "POST", "/submit", expect=200))["redirectTo"])
