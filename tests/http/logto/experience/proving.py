"""Proving an address in a browser: a code is sent, found in the inbox, and given."""

from __future__ import annotations

from typing import Any

from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import House

ADA = {"type": "email", "value": "ada@example.com"}
PHONE = {"type": "phone", "value": "491701234567"}


def by_code(*kinds: str) -> dict[str, Any]:
    """Settings under which people sign in by code."""
    method = {"password": False, "verificationCode": True, "isPasswordPrimary": False}
    return {"sign_in": {"methods": [{"identifier": kind, **method} for kind in kinds]}}


async def send(browser: Browser, identifier: dict[str, str] = ADA, event: str = "SignIn") -> str:
    """Have a code sent; the verification's id."""
    body = {"identifier": identifier, "interactionEvent": event}
    reply = await browser("CreateAndSendVerificationCode", json=body)
    return str(reply["verificationId"])


def given(verification_id: str, code: str, identifier: dict[str, str] = ADA) -> dict[str, Any]:
    """The body of giving a code."""
    return {"identifier": identifier, "verificationId": verification_id, "code": code}


async def give(browser: Browser, body: dict[str, Any]) -> str:
    """Give a code."""
    reply = await browser("VerifyVerificationCodeVerification", json=body)
    return str(reply["verificationId"])


async def prove(
    house: House,
    browser: Browser,
    identifier: dict[str, str] = ADA,
    event: str = "SignIn",
    at_least: int = 1,
) -> str:
    """All of it; the verification's id."""
    verification_id = await send(browser, identifier, event)
    code = await house.code(identifier["value"], at_least)
    return await give(browser, given(verification_id, code, identifier))
