"""Codes that an operator's service sends and checks."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.storage.audit import Messages
from tests.http.contract import Api
from tests.http.running import TENANT, Server

ADA = {"email": "ada@example.com"}
PHONE = {"phone": "491701234567"}


async def code_for(server: Server, recipient: str, at_least: int = 1) -> str:
    with trio.fail_after(30):
        while True:
            kept = await server.core.db.read(lambda tx: Messages(tx, TENANT).search(100).items)
            theirs = [message for message in kept if message.recipient == recipient]
            if len(theirs) >= at_least:
                newest = max(theirs, key=lambda message: message.created_at)
                return str(newest.payload["code"])
            await trio.sleep(0.01)


@pytest.mark.parametrize("recipient", [ADA, PHONE])
async def test_a_code_is_sent_and_used_once(
    api: Api, server: Server, recipient: dict[str, str]
) -> None:
    await api("CreateVerificationCode", json=recipient, expect=204)
    code = await code_for(server, next(iter(recipient.values())))
    body = {**recipient, "verificationCode": code}
    await api("VerifyVerificationCode", json=body, expect=204)
    gone = await api("VerifyVerificationCode", json=body, expect=400)
    assert gone["code"] == "verification_code.not_found"


async def test_tries_are_counted(api: Api, server: Server) -> None:
    await api("CreateVerificationCode", json=ADA, expect=204)
    code = await code_for(server, ADA["email"])
    for _ in range(10):
        wrong = {**ADA, "verificationCode": "no"}
        refused = await api("VerifyVerificationCode", json=wrong, expect=400)
        assert refused["code"] == "verification_code.code_mismatch"
    body = {**ADA, "verificationCode": code}
    refused = await api("VerifyVerificationCode", json=body, expect=400)
    assert refused["code"] == "verification_code.exceed_max_try"


async def test_of_two_that_use_a_code_at_once_one_succeeds(api: Api, server: Server) -> None:
    await api("CreateVerificationCode", json=ADA, expect=204)
    body = {**ADA, "verificationCode": await code_for(server, ADA["email"])}
    statuses: list[int] = []

    async def use() -> None:
        statuses.append((await api.send("VerifyVerificationCode", json=body)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(use)
    assert sorted(statuses) == [204, 400, 400, 400, 400]


async def test_ten_messages_are_enough(api: Api) -> None:
    for _ in range(10):
        await api("CreateVerificationCode", json=ADA, expect=204)
    limited = await api("CreateVerificationCode", json=ADA, expect=429)
    assert limited["code"] == "request.message_rate_limited"


@pytest.mark.parametrize("body", [{}, {"email": "ada"}, {"phone": "+49"}, {"email": None}])
async def test_what_is_no_address_is_refused(api: Api, body: dict[str, Any]) -> None:
    for operation in ("CreateVerificationCode", "VerifyVerificationCode"):
        refused = await api(operation, json={**body, "verificationCode": "1"}, expect=400)
        assert refused["code"] == "guard.invalid_input"


async def test_codes_are_for_operators_alone(server: Server) -> None:
    for operation in ("CreateVerificationCode", "VerifyVerificationCode"):
        await server.api()(operation, json=ADA, expect=401)
