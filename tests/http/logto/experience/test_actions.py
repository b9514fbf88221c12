"""A script of the operator's has the last word on a sign-in."""

from __future__ import annotations

from typing import Any

from gatehouse.actors.scripts.actions import LOG_KEY, POST_SIGN_IN
from gatehouse.storage.scripts import Scripts
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.running import BOTH_DATABASES

REFUSED = (400, "session.verification_failed")


async def ask_script(house: House, body: str, **settings: Any) -> None:
    script = f"const runAction = async ({{ event, environmentVariables }}) => {{ {body} }};"
    config = {"script": script, "enabled": True, **settings}
    await house.core.db.write(lambda tx: Scripts(tx, TENANT).put(POST_SIGN_IN, config))
    for node in house.nodes:
        node.core.directory.forget()


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
    assert await house.count_logs(LOG_KEY) == 1
    await ask_script(house, "throw new Error('no')", onExecutionError="allow")
    await browser.submit()


@BOTH_DATABASES
async def test_what_is_no_decision_is_a_failure(house: House) -> None:
    user = await house.add_user("ada")
    for decision in (
        "{ action: 'deleteUser' }",
        "{ action: 'updateUser', user: { passwordHash: 'x' } }",
        "{ action: 'updateUser', user: { isSuspended: false } }",
        "{ action: 'updateUser', user: { name: 7 } }",
        "{ action: 'updateUser', user: { name: 'x'.repeat(200) } }",
        "{ action: 'updateUser', user: { name: 'a\\ud800' } }",
        "{ action: 'updateUser', user: { customData: { a: '\\u0000' } } }",
    ):
        await ask_script(house, f"return {decision}")
        browser = await (await house.browser()).start()
        await browser.identify(await browser.verify_password("ada", PASSWORD))
        assert await browser.refused("SubmitInteraction") == REFUSED, decision
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
