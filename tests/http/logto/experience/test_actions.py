"""A script of the operator's has the last word on a sign-in (`action.postSignIn`)."""

from __future__ import annotations

from typing import Any

from gatehouse.actors.scripts.actions import POST_SIGN_IN
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.running import BOTH_DATABASES

REFUSED = (400, "session.verification_failed")


LOG_KEY = "Action.PostSignIn"


async def ask_script(house: House, body: str, **settings: Any) -> None:
    await house.set_script(POST_SIGN_IN, body, **settings)


@BOTH_DATABASES
async def test_a_script_changes_the_account_that_signs_in(house: House) -> None:
    user = await house.add_user("ada", custom_data={"kept": 1})
    await ask_script(
        house,
        """
        const { user, interactionEvent } = event;
        return { action: 'updateUser', user: {
          name: `${user.username} by ${interactionEvent}`, customData: { seen: true } } };
        """,
    )
    await (await house.browser()).sign_in("ada", PASSWORD)
    changed = await house.user(user.id)
    assert changed.name == "ada by SignIn"
    assert changed.custom_data == {"kept": 1, "seen": True}


async def test_a_script_that_fails_stops_the_sign_in_unless_it_is_allowed_to(
    house: House,
) -> None:
    await house.add_user("ada")
    await ask_script(house, "throw new Error('no')")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    assert await browser.refused("SubmitInteraction") == REFUSED
    (entry,) = await house.logs_of(LOG_KEY)
    assert entry.payload["error"] == {"code": "runtime", "message": "Error: no"}
    await ask_script(house, "throw new Error('no')", onExecutionError="allow")
    await browser.submit()


@BOTH_DATABASES
async def test_what_is_no_decision_is_a_failure(house: House) -> None:
    user = await house.add_user("ada")
    for decision in (
        "'yes'",
        "{ allow: true }",
        "{ action: 'deleteUser' }",
        "{ action: 'updateUser', user: { passwordHash: 'x' } }",
        "{ action: 'updateUser', user: { isSuspended: false } }",
        "{ action: 'updateUser', user: { name: 7 } }",
        "{ action: 'updateUser', user: { name: 'x'.repeat(200) } }",
        "{ action: 'updateUser', user: { customData: { a: '\\u0000' } } }",
        "{ action: 'updateUser', user: { username: 'a b' } }",
        "{ action: 'updateUser', user: { primaryEmail: 'nobody' } }",
        "{ action: 'updateUser', user: { primaryPhone: '+41' } }",
        "{ action: 'updateUser', user: { profile: { nickname: 7 } } }",
    ):
        await ask_script(house, f"return {decision}", onExecutionError="allow")
        browser = await (await house.browser()).start()
        await browser.identify(await browser.verify_password("ada", PASSWORD))
        assert await browser.refused("SubmitInteraction") == REFUSED, decision
    await ask_script(house, "return { action: 'updateUser', user: { name: 'a\\ud800' } }")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    assert await browser.refused("SubmitInteraction") == REFUSED
    assert (await house.user(user.id)).name is None


async def test_nothing_and_a_script_that_is_off_let_people_in(house: House) -> None:
    await house.add_user("ada")
    for body, settings in (
        ("return undefined", {}),
        ("return { action: 'updateUser' }", {}),
        ("throw new Error('no')", {"enabled": False}),
    ):
        await ask_script(house, body, **settings)
        await (await house.browser()).sign_in("ada", PASSWORD)


async def test_a_script_gives_an_account_the_names_that_are_free(house: House) -> None:
    user = await house.add_user("ada", primary_phone="4179123")
    await house.add_user("taken", primary_email="taken@example.com")
    for name, value, code in (
        ("username", "taken", "user.username_already_in_use"),
        ("primaryEmail", "Taken@example.com", "user.email_already_in_use"),
    ):
        await ask_script(house, f"return {{ action: 'updateUser', user: {{ {name}: '{value}' }} }}")
        browser = await (await house.browser()).start()
        await browser.identify(await browser.verify_password("ada", PASSWORD))
        assert await browser.refused("SubmitInteraction") == (422, code)
    await ask_script(
        house,
        """return { action: 'updateUser', user: {
             primaryEmail: 'ada@example.com', primaryPhone: null,
             profile: { nickname: 'A', address: { locality: 'Bern' }, unheardOf: 1 } } }""",
    )
    await (await house.browser()).sign_in("ada", PASSWORD)
    changed = await house.user(user.id)
    assert (changed.primary_email, changed.primary_phone) == ("ada@example.com", None)
    assert changed.profile == {"nickname": "A", "address": {"locality": "Bern"}}


async def test_the_log_says_what_a_script_wanted_and_none_of_its_words(house: House) -> None:
    user = await house.add_user("ada")
    await ask_script(house, "return { action: 'updateUser', user: { name: 'Ada Lovelace' } }")
    await (await house.browser()).sign_in("ada", PASSWORD)
    (entry,) = await house.logs_of(LOG_KEY)
    assert entry.payload["result"] == "Success"
    assert entry.payload["event"]["user"] == {"id": user.id}
    assert entry.payload["actionResult"] == {
        "passwordVerified": False,
        "userFields": ["name"],
        "unknownFieldCount": 0,
    }
    assert "Lovelace" not in str(entry.payload)
