"""How tests visit pages: a browser's requests, and what a page says."""

from __future__ import annotations

import re

import httpx

from gatehouse.http.pages.forms import csrf_token
from tests.http.logto.experience.browsing import Browser


async def get(browser: Browser, path: str) -> httpx.Response:
    """Open a page."""
    return await browser.client.get(path, headers=browser.headers)


async def post(browser: Browser, path: str, **form: str) -> httpx.Response:
    """Send a form as its page would; `csrf` replaces the token."""
    form.setdefault("csrf", csrf_token(browser.core, browser.uid))
    return await browser.client.post(path, data=form, headers=browser.headers)


def alert(answer: httpx.Response) -> str:
    """What the page says went wrong."""
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def resumed(answer: httpx.Response, browser: Browser) -> bool:
    """Whether the browser is led back to the authorization endpoint."""
    expected = f"{browser.core.public_url}/oidc/auth/{browser.uid}"
    return answer.status_code in (302, 303) and answer.headers["location"] == expected
