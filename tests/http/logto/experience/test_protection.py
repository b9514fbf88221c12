"""Too many failures lock a name, exactly and on every node; too much work is refused at once."""

from __future__ import annotations

import pytest
import trio

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.logto.errors import refuse
from gatehouse.http.pages.forms import csrf_token
from tests.http.logto.experience.browsing import Browser, credentials
from tests.http.logto.experience.house import PASSWORD, House


async def test_too_many_failures_lock_a_name_on_every_node(house: House) -> None:
    await house.add_user("ada")
    await house.settle(sentinel_policy={"maxAttempts": 4, "lockoutDuration": 7})
    browser = await (await house.browser()).start()
    other = Browser(house.core, house.nodes[1].client, browser.uid, browser.cookies)
    wrong = credentials("ada", "wrong")
    codes = [
        await tab.refused("CreatePasswordVerification", wrong)
        for tab in (browser, other, browser, other)
    ]
    assert codes[:3] == [(422, "session.invalid_credentials")] * 3
    blocked = (400, "session.verification_blocked_too_many_attempts")
    assert codes[3] == blocked
    for tab in (browser, other):
        right = await tab.refused("CreatePasswordVerification", credentials("ada", PASSWORD))
        assert right == blocked
    answer = await house.client.post(
        "/api/experience/verification/password", json=wrong, headers=browser.headers
    )
    assert "in 7 minutes" in answer.json()["message"]
    assert (await browser.state()).records == ()


async def test_a_lock_is_on_the_name_alone_and_says_nothing_about_accounts(house: House) -> None:
    await house.add_user("ada")
    await house.settle(sentinel_policy={"maxAttempts": 2, "lockoutDuration": 7})
    browser = await (await house.browser()).start()
    for name in ("nobody", "ada"):
        codes = [
            (await browser.refused("CreatePasswordVerification", credentials(name, "wrong")))[1]
            for _ in range(3)
        ]
        blocked = "session.verification_blocked_too_many_attempts"
        assert codes == ["session.invalid_credentials", blocked, blocked]
    await house.add_user("bob")
    assert await browser.verify_password("bob", PASSWORD)


async def test_while_a_name_is_locked_no_password_is_hashed(house: House) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 1})
    browser = await (await house.browser()).start()
    await browser.refused("CreatePasswordVerification", credentials("ada", "wrong"))
    hashed = house.hashes.finished
    await browser.refused("CreatePasswordVerification", credentials("ada", "wrong"))
    assert house.hashes.finished == hashed


async def test_many_guesses_at_once_do_not_get_past_the_limit(house: House) -> None:
    await house.add_user("ada")
    await house.settle(sentinel_policy={"maxAttempts": 5})
    browser = await (await house.browser()).start()
    codes: list[str] = []

    async def guess(client: object, number: int) -> None:
        tab = Browser(house.core, client, browser.uid, browser.cookies)  # type: ignore[arg-type]
        body = credentials("ada", f"wrong-{number}")
        codes.append((await tab.refused("CreatePasswordVerification", body))[1])

    async with trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(guess, house.nodes[number % 2].client, number)
    assert codes.count("session.invalid_credentials") == 4
    assert codes.count("session.verification_blocked_too_many_attempts") == 8


async def test_when_too_many_passwords_wait_more_are_refused_at_once(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    house.core.hasher._max_queued = 0
    answer = await house.client.post(
        "/api/experience/verification/password",
        json=credentials("ada", PASSWORD),
        headers=browser.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "request.overloaded")
    assert int(answer.headers["retry-after"]) > 0
    page = await house.client.post(
        "/sign-in",
        data={
            "csrf": csrf_token(house.core, browser.uid),
            "identifier": "ada",
            "password": PASSWORD,
        },
        headers=browser.headers,
    )
    assert page.status_code == 503
    assert int(page.headers["retry-after"]) > 0
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_has_an_answer(reason: Reason) -> None:
    reply = refuse(Refused(reason, relativeTime="in 5 minutes", part="body"))
    # That a company cannot be asked is a 500 in Logto, with a code of its own.
    ours = (501, 500) if reason is Reason.SSO_SIGNING_UNAVAILABLE else (501,)
    assert 400 <= reply.status < 500 or reply.status in ours
