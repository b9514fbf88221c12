"""A script knows passwords from elsewhere (`action.postFirstFactorVerification`)."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.actors.scripts.actions import POST_FIRST_FACTOR
from tests.http.logto.experience.browsing import Browser, credentials
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.running import BOTH_DATABASES

LOG_KEY = "Action.PostFirstFactorVerification"
ELSEWHERE = "badger-7-creek"
WRONG = (422, "session.invalid_credentials")
WELCOME = """
    if (event.password !== environmentVariables.RIGHT) return;
    const action = event.user ? "updateUser" : "createUser";
    return { action, passwordVerified: true, user: {
      name: `${event.identifier.type} ${event.verificationType} ${event.interactionEvent}`,
      customData: { from: "elsewhere" }, profile: { nickname: "N" } } };
"""


async def ask_script(house: House, body: str = WELCOME, **settings: Any) -> None:
    variables = {"RIGHT": ELSEWHERE}
    await house.set_script(POST_FIRST_FACTOR, body, environmentVariables=variables, **settings)


async def tried(house: House, password: str = ELSEWHERE, name: str = "ada") -> tuple[int, str]:
    browser = await (await house.browser()).start()
    return await browser.refused("CreatePasswordVerification", json=credentials(name, password))


@BOTH_DATABASES
async def test_who_is_known_elsewhere_comes_over_by_signing_in(house: House) -> None:
    await ask_script(house)
    assert await tried(house, "wrong") == WRONG
    await (await house.browser()).sign_in("ada", ELSEWHERE)
    ada = await house.find_user("ada")
    assert ada is not None
    assert (ada.name, ada.custom_data) == ("username Password SignIn", {"from": "elsewhere"})
    assert ada.profile == {"nickname": "N"}
    await ask_script(house, "throw new Error('asked')")
    await (await house.browser()).sign_in("ada", ELSEWHERE)
    assert len(await house.logs_of(LOG_KEY)) == 2


@BOTH_DATABASES
async def test_a_password_from_elsewhere_replaces_the_one_here(house: House) -> None:
    user = await house.add_user("ada", custom_data={"kept": 1}, is_password_expired=True)
    await ask_script(house)
    await (await house.browser()).sign_in("ada", ELSEWHERE)
    changed = await house.user(user.id)
    assert changed.custom_data == {"kept": 1, "from": "elsewhere"}
    assert changed.password_hash != user.password_hash
    assert not changed.is_password_expired
    await ask_script(house, enabled=False)
    assert await tried(house, PASSWORD) == WRONG
    await (await house.browser()).sign_in("ada", ELSEWHERE)


async def test_a_script_is_told_what_it_needs_and_asked_only_where_it_matters(
    house: House,
) -> None:
    user = await house.add_user("ada", primary_email="ada@example.com", custom_data={"a": 1})
    await ask_script(house, "throw new Error(JSON.stringify(event))")
    await (await house.browser()).sign_in("ada", PASSWORD)
    registering = await (await house.browser()).start("Register")
    body = credentials("ada", ELSEWHERE)
    assert await registering.refused("CreatePasswordVerification", json=body) == WRONG
    assert not await house.logs_of(LOG_KEY)
    assert await tried(house) == WRONG
    (entry,) = await house.logs_of(LOG_KEY)
    said = entry.payload["error"]["message"]
    for told in ('"customData":{"a":1}', '"primaryEmail":"ada@example.com"', f'"id":"{user.id}"'):
        assert told in said
    assert '"password":"[redacted]"' in said
    assert ELSEWHERE not in str(entry.payload)
    assert entry.payload["userId"] == user.id


async def test_a_suspended_person_is_not_let_in_by_a_script(house: House) -> None:
    await house.add_user("ada", is_suspended=True)
    await ask_script(house)
    assert await tried(house) == WRONG
    assert not await house.logs_of(LOG_KEY)


@pytest.mark.parametrize("known", [True, False])
async def test_whatever_is_no_yes_is_wrong_credentials(house: House, known: bool) -> None:
    before = await house.add_user("ada") if known else None
    action = "action: 'updateUser'" if known else "action: 'createUser'"
    for body, settings in (
        ("", {}),
        ("return null", {}),
        ("return true", {}),
        ("throw new Error('no')", {"onExecutionError": "allow"}),
        ("for (;;) {}", {}),
        ("return { passwordVerified: true, user: {} }", {}),
        (f"return {{ {action}, user: {{}} }}", {}),
        (f"return {{ {action}, user: {{}}, passwordVerified: false }}", {}),
        (f"return {{ {action}, user: {{}}, passwordVerified: 'true' }}", {}),
        (f"return {{ {action}, passwordVerified: true }}", {}),
        (f"return {{ {action}, passwordVerified: true, user: {{ passwordHash: 'x' }} }}", {}),
        (f"return {{ {action}, passwordVerified: true, user: {{ name: 1 }} }}", {}),
        (WELCOME, {"enabled": False}),
    ):
        await ask_script(house, body, **settings)
        assert await tried(house) == WRONG, body
    assert await house.find_user("ada") == before


async def test_a_script_neither_makes_who_is_there_nor_changes_who_is_not(house: House) -> None:
    await house.add_user("ada")
    for name, action in (("ada", "createUser"), ("grace", "updateUser")):
        await ask_script(
            house, f"return {{ action: '{action}', user: {{}}, passwordVerified: true }}"
        )
        assert await tried(house, name=name) == (409, "session.identity_conflict")


async def test_a_script_takes_nobody_the_name_that_was_given_nor_somebody_elses(
    house: House,
) -> None:
    await house.add_user("taken", primary_email="taken@example.com")
    for user, refusal in (
        ("username: 'bob'", (422, "action.sign_in_identifier_changed")),
        ("username: null", (422, "action.sign_in_identifier_changed")),
        ("primaryEmail: 'taken@example.com'", (422, "user.email_already_in_use")),
    ):
        await ask_script(
            house,
            f"return {{ action: 'createUser', user: {{ {user} }}, passwordVerified: true }}",
        )
        assert await tried(house) == refusal
    assert await house.find_user("ada") is None


async def test_a_name_that_nobody_could_have_makes_no_account(house: House) -> None:
    await ask_script(house)
    for name in ("no name", "7th", "a" * 200):
        assert await tried(house, name=name) == WRONG


async def test_wrong_passwords_lock_the_name_whether_or_not_a_script_is_asked(
    house: House,
) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 2, "lockoutDuration": 10})
    await ask_script(house)
    assert await tried(house, "wrong") == WRONG
    blocked = (400, "session.verification_blocked_too_many_attempts")
    assert await tried(house, "wrong") == blocked
    assert await tried(house) == blocked
    assert await house.find_user("ada") is None


async def test_who_comes_over_in_two_tabs_at_once_gets_one_account(house: House) -> None:
    await ask_script(house)
    answers: list[tuple[int, str | None]] = []
    browsers = [await (await house.browser()).start() for _ in range(2)]

    async def come(browser: Browser) -> None:
        answer = await browser.client.post(
            "/api/experience/verification/password",
            json=credentials("ada", ELSEWHERE),
            headers=browser.headers,
        )
        answers.append((answer.status_code, answer.json().get("code")))

    async with trio.open_nursery() as nursery:
        for browser in browsers:
            nursery.start_soon(come, browser)
    assert (200, None) in answers
    assert set(answers) <= {(200, None), (422, "user.username_already_in_use")}
    assert await house.count_users() == 1


async def test_the_second_factor_is_asked_for_as_ever(house: House) -> None:
    await house.settle(mfa={"policy": "Mandatory", "factors": ["Totp"]})
    await ask_script(house)
    browser: Browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", ELSEWHERE))
    assert await browser.refused("SubmitInteraction") == (422, "user.missing_mfa")
