"""Verification codes by mail and text message: sent, given, counted, and believed once."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import House
from tests.http.logto.experience.proving import ADA, PHONE, by_code, give, given, prove, send
from tests.http.running import BOTH_DATABASES

MISMATCH = (400, "verification_code.code_mismatch")
NOT_FOUND = (400, "verification_code.not_found")


async def refused(browser: Browser, body: dict[str, Any]) -> tuple[int, str]:
    return await browser.refused("VerifyVerificationCodeVerification", body)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@BOTH_DATABASES
@pytest.mark.parametrize("identifier", [ADA, PHONE])
async def test_a_person_signs_in_by_code(house: House, identifier: dict[str, str]) -> None:
    await house.settle(sign_up={"identifiers": [identifier["type"]]}, **by_code("email", "phone"))
    names = {"email": "primary_email", "phone": "primary_phone"}
    user = await house.add_user(None, **{names[identifier["type"]]: identifier["value"]})
    browser = await (await house.browser()).start()
    verification_id = await send(browser, identifier)
    code = await house.code(identifier["value"])
    assert len(code) == 6
    assert code.isdigit()
    assert await give(browser, given(verification_id, code, identifier)) == verification_id
    await browser.identify(verification_id)
    await browser.submit()
    result = (await browser.state()).result
    assert result is not None
    assert result.user_id == user.id  # type: ignore[union-attr]
    assert result.amr == (("otp",) if identifier is ADA else ("sms",))  # type: ignore[union-attr]


async def test_an_interaction_shows_where_a_code_was_sent_and_nothing_of_the_code(
    house: House,
) -> None:
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    code = await house.code(ADA["value"])
    record = {
        "type": "EmailVerificationCode",
        "id": verification_id,
        "identifier": ADA,
        "templateType": "SignIn",
        "verified": False,
    }
    assert (await browser("GetInteraction"))["verificationRecords"] == [record]
    assert code not in repr(await browser.state())
    await give(browser, given(verification_id, code))
    shown = (await browser("GetInteraction"))["verificationRecords"]
    assert shown == [{**record, "verified": True}]


@pytest.mark.parametrize("event", ["SignIn", "Register", "ForgotPassword"])
async def test_the_message_says_what_the_code_is_for(house: House, event: str) -> None:
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start(event)
    await send(browser, event=event)
    (message,) = await house.messages(ADA["value"])
    assert message.payload["template"] == event


async def test_a_wrong_code_is_counted_on_every_node(house: House) -> None:
    await house.settle(verification_code_policy={"maxRetryAttempts": 3})
    browser = await (await house.browser()).start()
    other = Browser(house.core, house.nodes[1].client, browser.uid, browser.cookies)
    verification_id = await send(browser)
    code = await house.code(ADA["value"])
    for tab in (browser, other, browser):
        assert await refused(tab, given(verification_id, wrong(code))) == MISMATCH
    exhausted = (400, "verification_code.exceed_max_try")
    assert await refused(other, given(verification_id, code)) == exhausted


async def test_tries_at_once_are_all_counted(house: House) -> None:
    await house.settle(verification_code_policy={"maxRetryAttempts": 4})
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    code = wrong(await house.code(ADA["value"]))
    codes: list[str] = []

    async def guess(number: int) -> None:
        client = house.nodes[number % 2].client
        tab = Browser(house.core, client, browser.uid, browser.cookies)
        codes.append((await refused(tab, given(verification_id, code)))[1])

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(guess, number)
    assert codes.count("verification_code.code_mismatch") == 4
    assert codes.count("verification_code.exceed_max_try") == 4


async def test_of_two_that_give_a_code_at_once_one_is_believed(house: House) -> None:
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    body = given(verification_id, await house.code(ADA["value"]))
    statuses: list[tuple[int, str]] = []

    async def tell(number: int) -> None:
        answer = await house.nodes[number % 2].client.post(
            "/api/experience/verification/verification-code/verify",
            json=body,
            headers=browser.headers,
        )
        statuses.append((answer.status_code, answer.json().get("code", "")))

    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(tell, number)
    assert sorted(statuses) == [(200, "")] + [NOT_FOUND] * 5
    assert (await browser.state()).records[0].verified


async def test_a_code_is_good_once(house: House) -> None:
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    body = given(verification_id, await house.code(ADA["value"]))
    await give(browser, body)
    assert await refused(browser, body) == NOT_FOUND


async def test_a_new_code_replaces_the_old(house: House) -> None:
    browser = await (await house.browser()).start()
    first = await send(browser)
    old = await house.code(ADA["value"])
    second = await send(browser)
    new = await house.code(ADA["value"], 2)
    gone = (404, "session.verification_session_not_found")
    assert await refused(browser, given(first, old)) == gone
    if old != new:
        assert await refused(browser, given(second, old)) == MISMATCH
    await give(browser, given(second, new))


async def test_a_code_is_bound_to_its_interaction_and_its_address(house: House) -> None:
    browser, stranger = await house.browser(), await house.browser()
    await browser.start()
    await stranger.start()
    verification_id = await send(browser)
    code = await house.code(ADA["value"])
    gone = (404, "session.verification_session_not_found")
    assert await refused(stranger, given(verification_id, code)) == gone
    bob = {"type": "email", "value": "bob@example.com"}
    elsewhere = (400, "verification_code.email_mismatch")
    assert await refused(browser, given(verification_id, code, bob)) == elsewhere
    assert await refused(browser, given(verification_id, code, PHONE)) == gone


async def test_a_code_expires(house: House) -> None:
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    code = await house.code(ADA["value"])
    await house.settle(verification_code_policy={"expirationDuration": -1})
    expired = (400, "verification_code.expired")
    assert await refused(browser, given(verification_id, code)) == expired


async def test_failures_of_codes_and_of_passwords_lock_a_name_together(house: House) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 2, "lockoutDuration": 7})
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start()
    body = {"identifier": ADA, "password": "wrong"}
    assert (await browser.refused("CreatePasswordVerification", body))[0] == 422
    verification_id = await send(browser)
    code = await house.code(ADA["value"])
    blocked = (400, "session.verification_blocked_too_many_attempts")
    assert await refused(browser, given(verification_id, wrong(code))) == blocked
    assert await refused(browser, given(verification_id, code)) == blocked
    assert not (await browser.state()).records[0].verified


async def test_ten_messages_in_ten_minutes_are_enough_for_one_address(house: House) -> None:
    body = {"identifier": ADA, "interactionEvent": "SignIn"}
    for number in range(10):
        client = house.nodes[number % 2].client
        browser = await (await Browser(house.core, client).arrive()).start()
        await send(browser, {**ADA, "value": ADA["value"].upper() if number % 3 else ADA["value"]})
    limited = (429, "request.message_rate_limited")
    assert await browser.refused("CreateAndSendVerificationCode", body) == limited
    await send(browser, {**ADA, "value": "bob@example.com"})


# What strangers learn


async def test_nobody_learns_by_a_forgotten_password_who_has_an_account(house: House) -> None:
    await house.add_user("ada", primary_email=ADA["value"])
    answers = []
    for address in (ADA["value"], "nobody@example.com"):
        identifier = {**ADA, "value": address}
        browser = await (await house.browser()).start("ForgotPassword")
        verification_id = await send(browser, identifier, "ForgotPassword")
        answers.append(await refused(browser, given(verification_id, "x", identifier)))
        for _ in range(9):
            await send(browser, identifier, "ForgotPassword")
        body = {"identifier": identifier, "interactionEvent": "ForgotPassword"}
        answers.append(await browser.refused("CreateAndSendVerificationCode", body))
    assert answers == [MISMATCH, (429, "request.message_rate_limited")] * 2
    await house.messages(ADA["value"], 10)
    with trio.move_on_after(0.2):
        await house.messages("nobody@example.com")
        pytest.fail("a stranger was written to")


async def test_strangers_are_not_written_to_where_nobody_can_register(house: House) -> None:
    await house.settle(sign_in_mode="SignIn", **by_code("email"))
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start()
    verification_id = await send(browser, {**ADA, "value": "nobody@example.com"})
    await send(browser)
    await house.messages(ADA["value"])
    body = given(verification_id, "000000", {**ADA, "value": "nobody@example.com"})
    assert (await refused(browser, body))[1] == "session.verification_session_not_found"
    with trio.move_on_after(0.2):
        await house.messages("nobody@example.com")
        pytest.fail("a stranger was written to")


async def test_whoever_proved_an_unknown_address_is_told_that_it_is_unknown(house: House) -> None:
    await house.settle(**by_code("email"))
    browser = await (await house.browser()).start()
    verification_id = await prove(house, browser)
    answer = await house.client.post(
        "/api/experience/identification",
        json={"verificationId": verification_id},
        headers=browser.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "user.user_not_exist")
    assert answer.json()["data"] == {"identifier": ADA["value"]}


# Identification


async def test_a_code_that_was_not_given_identifies_nobody(house: House) -> None:
    await house.settle(**by_code("email"))
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start()
    body = {"verificationId": await send(browser)}
    assert await browser.refused("IdentifyUser", body) == (400, "session.verification_failed")


async def test_codes_that_are_not_enabled_sign_nobody_in(house: House) -> None:
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start()
    verification_id = await prove(house, browser)
    body = {"verificationId": verification_id}
    expected = (422, "user.sign_in_method_not_enabled")
    assert await browser.refused("IdentifyUser", body) == expected


async def test_a_suspended_person_does_not_sign_in_by_code(house: House) -> None:
    await house.settle(**by_code("email"))
    await house.add_user("ada", primary_email=ADA["value"], is_suspended=True)
    browser = await (await house.browser()).start()
    verification_id = await prove(house, browser)
    body = {"verificationId": verification_id}
    assert await browser.refused("IdentifyUser", body) == (401, "user.suspended")


# Input


@pytest.mark.parametrize(
    "identifier",
    [
        {"type": "email", "value": "ada"},
        {"type": "email", "value": f"{'a' * 260}@example.com"},
        {"type": "phone", "value": "+49170"},
        {"type": "phone", "value": "\N{ARABIC-INDIC DIGIT THREE}" * 9},
        {"type": "phone", "value": "1" * 40},
        {"type": "username", "value": "ada"},
    ],
)
async def test_what_is_no_address_is_sent_nothing(house: House, identifier: dict[str, str]) -> None:
    browser = await (await house.browser()).start()
    body = {"identifier": identifier, "interactionEvent": "SignIn"}
    refusal = await browser.refused("CreateAndSendVerificationCode", body)
    assert refusal == (400, "guard.invalid_input")


async def test_nothing_is_sent_before_an_interaction_was_started(house: House) -> None:
    browser = await house.browser()
    body = {"identifier": ADA, "interactionEvent": "SignIn"}
    expected = (404, "session.interaction_not_found")
    assert await browser.refused("CreateAndSendVerificationCode", body) == expected


async def test_without_a_connector_the_answer_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(house.core.messengers), "inbox", False, raising=False)
    browser = await (await house.browser()).start()
    answer = await house.client.post(
        "/api/experience/verification/verification-code",
        json={"identifier": ADA, "interactionEvent": "SignIn"},
        headers=browser.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (501, "connector.not_found")


@pytest.mark.parametrize(
    ("policy", "address", "code"),
    [
        ({"blockSubaddressing": True}, "ada+x@example.com", "email_subaddressing_not_allowed"),
        ({"customBlocklist": ["@example.com"]}, "ada@Example.com", "email_not_allowed"),
        ({"customBlocklist": ["*@*.example.com"]}, "ada@a.example.com", "email_not_allowed"),
        ({"customBlocklist": ["a.da@gmail.com"]}, "ad.a@googlemail.com", "email_not_allowed"),
        ({"customAllowlist": ["@example.org"]}, "ada@example.com", "email_not_allowed"),
    ],
)
async def test_addresses_on_the_blocklist_are_sent_no_code_to_register_with(
    house: House, policy: dict[str, Any], address: str, code: str
) -> None:
    await house.settle(email_blocklist_policy=policy)
    browser = await (await house.browser()).start("Register")
    body = {"identifier": {**ADA, "value": address}, "interactionEvent": "Register"}
    expected = (422, f"session.email_blocklist.{code}")
    assert await browser.refused("CreateAndSendVerificationCode", body) == expected
    await send(browser, {**ADA, "value": "bob@example.org"}, "Register")
    await send(browser, {**ADA, "value": address}, "SignIn")


# The audit log


async def test_the_log_tells_of_codes_and_holds_none(house: House) -> None:
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    code = await house.code(ADA["value"])
    await refused(browser, given(verification_id, wrong(code)))
    await give(browser, given(verification_id, code))
    entries = (await house.logs(4))[1:]
    stem = "Interaction.SignIn.Verification.EmailVerificationCode"
    assert sorted(entry.key for entry in entries) == [
        f"{stem}.Create",
        f"{stem}.Submit",
        f"{stem}.Submit",
    ]
    assert code not in repr(entries)
    assert wrong(code) not in repr(entries)


@pytest.mark.parametrize(
    "identifier",
    [
        {"type": "email", "value": "a@b.c,d@e.f"},
        {"type": "email", "value": "Ada <ada@example.com>"},
        {"type": "phone", "value": "491701234567,8"},
    ],
)
async def test_no_code_goes_to_what_could_be_read_as_two_addresses(
    house: House, identifier: dict[str, str]
) -> None:
    browser = await (await house.browser()).start()
    body = {"identifier": identifier, "interactionEvent": "SignIn"}
    assert await browser.refused("CreateAndSendVerificationCode", body) == (
        400,
        "guard.invalid_input",
    )
