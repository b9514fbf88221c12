"""Every attempt is in the audit log exactly once, with its outcome and without a secret."""

from __future__ import annotations

import json

from gatehouse.engine.outbox import Delivery
from tests.http.logto.experience.browsing import credentials
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.running import BOTH_DATABASES

STEPS = [
    "Interaction.SignIn.Create",
    "Interaction.SignIn.Verification.Password.Submit",
    "Interaction.SignIn.Identifier.Submit",
    "Interaction.SignIn.Submit",
]


@BOTH_DATABASES
async def test_a_sign_in_leaves_one_entry_for_each_step(house: House) -> None:
    user = await house.add_user("ada")
    browser = await house.browser()
    await browser.sign_in("ada", PASSWORD)
    logs = {log.key: log for log in await house.logs(len(STEPS))}
    assert logs.keys() == set(STEPS)
    for key, log in logs.items():
        assert log.payload["key"] == key
        assert log.payload["result"] == "Success"
        assert log.payload["ip"] == "127.0.0.1"
        assert log.payload["userAgent"] == "Test/1.0"
        assert log.application_id == "demo-app"
    assert [logs[key].user_id for key in STEPS] == [None, user.id, user.id, user.id]
    assert logs[STEPS[3]].payload["amr"] == ["pwd"]


async def test_a_refusal_is_logged_with_its_code(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    await browser.refused("CreatePasswordVerification", credentials("ada", "wrong-one"))
    await browser.refused("IdentifyUser", {"verificationId": "none"})
    await browser.refused("SubmitInteraction")
    logs = {log.key: log.payload for log in await house.logs(4)}
    assert {key: payload.get("error", {}).get("code") for key, payload in logs.items()} == {
        STEPS[0]: None,
        STEPS[1]: "session.invalid_credentials",
        STEPS[2]: "session.verification_session_not_found",
        STEPS[3]: "session.identifier_not_found",
    }
    assert [logs[key]["result"] for key in STEPS] == ["Success", "Error", "Error", "Error"]


async def test_a_lockout_is_logged(house: House) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 1})
    browser = await (await house.browser()).start()
    for _ in range(2):
        await browser.refused("CreatePasswordVerification", credentials("ada", "wrong"))
    attempts = [log.payload for log in await house.logs(3) if log.key == STEPS[1]]
    for attempt in attempts:
        code = attempt["error"]["code"]
        assert code == "session.verification_blocked_too_many_attempts"
        assert attempt["payload"] == {"identifier": {"type": "username", "value": "ada"}}
    assert len(attempts) == 2


async def test_no_secret_is_in_the_log(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    body = {"identifier": {"type": "username", "value": "ada"}, "password": PASSWORD}
    reply = await browser("CreateNewPasswordIdentityVerification", json=body)
    await browser.identify(reply["verificationId"], expect=201)
    await browser.submit()
    user = await house.find_user("ada")
    assert user is not None
    text = json.dumps([log.payload for log in await house.logs(4)])
    for secret in (PASSWORD, str(user.password_hash), browser.uid):
        assert secret not in text


@BOTH_DATABASES
async def test_an_entry_delivered_again_is_dropped(house: House) -> None:
    browser = await (await house.browser()).start()
    [entry] = await house.logs(1)
    [delivered] = house.deliveries
    again = Delivery(
        id=delivered.id, kind=delivered.kind, body=delivered.body, attempt=delivered.attempt + 1
    )
    await house.redeliver(again)
    assert await house.logs(1) == [entry]
    assert (await browser.state()).event is not None


async def test_an_attempt_on_no_interaction_leaves_nothing(house: House) -> None:
    browser = await house.browser()
    browser.cookies.clear()
    await browser.refused("InitInteraction", {"interactionEvent": "SignIn"})
    assert await house.count_logs() == 0
