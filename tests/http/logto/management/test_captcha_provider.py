"""The captcha provider: one, or none."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server

TURNSTILE = {"type": "Turnstile", "siteKey": "site", "secretKey": "the-secret"}
RECAPTCHA = {
    "type": "RecaptchaEnterprise",
    "siteKey": "site",
    "secretKey": "secret",
    "projectId": "project",
    "mode": "checkbox",
}


@BOTH_DATABASES
async def test_there_is_one_provider_or_none(api: Api) -> None:
    assert (await api("GetCaptchaProvider", expect=404))["code"] == "entity.not_found"
    made = await api("UpdateCaptchaProvider", json={"config": TURNSTILE})
    assert made["config"] == TURNSTILE
    assert await api("GetCaptchaProvider") == made
    other = await api("UpdateCaptchaProvider", json={"config": RECAPTCHA})
    assert (other["id"], other["config"]) == (made["id"], RECAPTCHA)
    await api("DeleteCaptchaProvider", expect=204)
    await api("GetCaptchaProvider", expect=404)
    await api("DeleteCaptchaProvider", expect=204)


async def test_without_a_provider_no_captcha_is_asked_for(api: Api) -> None:
    await api("UpdateCaptchaProvider", json={"config": TURNSTILE})
    await api("UpdateSignInExp", json={"captchaPolicy": {"enabled": True}})
    await api("DeleteCaptchaProvider", expect=204)
    assert (await api("GetSignInExp"))["captchaPolicy"] == {"enabled": False}


async def test_the_keys_are_sealed_in_the_database(server: Server, api: Api) -> None:
    await api("UpdateCaptchaProvider", json={"config": TURNSTILE})

    def stored(tx: Transaction) -> str:
        import sqlalchemy as sa

        row = tx.row(Stmt(sa.text("SELECT config FROM captcha_providers")))
        return str(row)

    assert "the-secret" not in await server.core.db.read(stored)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {**TURNSTILE, "type": "Riddle"},
        {"type": "Turnstile", "siteKey": "site"},
        {**RECAPTCHA, "mode": "loud"},
        {**RECAPTCHA, "projectId": None},
    ],
)
async def test_a_provider_that_cannot_be_is_refused(api: Api, config: dict[str, Any]) -> None:
    refused = await api("UpdateCaptchaProvider", json={"config": config}, expect=400)
    assert refused["code"] == "guard.invalid_input"
