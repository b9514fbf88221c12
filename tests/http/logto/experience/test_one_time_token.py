"""One-time tokens: whoever got one signs in with it, once, on whichever node."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.storage.one_time_tokens import OneTimeTokens
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import Organization
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import TENANT, House
from tests.http.logto.experience.proving import ADA
from tests.http.running import BOTH_DATABASES

VERIFY = "VerifyOneTimeTokenVerification"


async def issue(house: House, **context: Any) -> dict[str, Any]:
    """A new token for Ada, as the body that shows it."""
    expires_at = house.core.clock() + 600_000
    made = await house.core.db.write(
        lambda tx: OneTimeTokens(tx, TENANT).issue(ADA["value"], context, expires_at)
    )
    return {"identifier": ADA, "token": made.token}


async def verify(browser: Browser, body: dict[str, Any]) -> str:
    return str((await browser(VERIFY, json=body))["verificationId"])


async def add_organization(house: House) -> str:
    made = await house.core.db.write(
        lambda tx: Organizations(tx, TENANT).create(Organization(name="Acme"))
    )
    return made.id


async def organizations_of(house: House, user_id: str) -> list[str]:
    def read(tx: Any) -> list[str]:
        found = Organizations(tx, TENANT).search(user_id=user_id).items
        return [one.id for one in found]

    return await house.core.db.read(read)


@BOTH_DATABASES
async def test_a_person_signs_in_by_a_token_and_joins_organizations(house: House) -> None:
    user = await house.add_user("ada", primary_email=ADA["value"])
    acme = await add_organization(house)
    browser = await (await house.browser()).start()
    body = await issue(house, jitOrganizationIds=[acme, "gone"], interactionEvent="SignIn")
    verification_id = await verify(browser, body)
    shown = (await browser("GetInteraction"))["verificationRecords"]
    assert [(one["type"], one["verified"]) for one in shown] == [("OneTimeToken", True)]
    assert body["token"] not in repr(await browser.state())
    await browser.identify(verification_id)
    view = await browser("GetInteraction")
    assert view["captcha"] == {"verified": False, "skipped": True}
    assert view["profile"] == {"jitOrganizationIds": [acme, "gone"]}
    await browser.submit()
    result = (await browser.state()).result
    assert result is not None
    assert result.user_id == user.id  # type: ignore[union-attr]
    assert result.amr == ("otp",)  # type: ignore[union-attr]
    assert await organizations_of(house, user.id) == [acme]


@BOTH_DATABASES
async def test_somebody_new_is_let_in_although_registration_is_closed(house: House) -> None:
    await house.settle(
        sign_in_mode="SignIn",
        sign_up={"identifiers": ["email"], "password": False, "verify": True},
        captcha_policy={"enabled": True},
    )
    acme = await add_organization(house)
    browser = await (await house.browser()).start()
    verification_id = await verify(browser, await issue(house, jitOrganizationIds=[acme]))
    await browser.identify(verification_id, expect=404)
    await browser("UpdateInteractionEvent", json={"interactionEvent": "Register"}, expect=204)
    await browser.identify(verification_id, expect=201)
    await browser.submit()
    user_id = (await browser.state()).result.user_id  # type: ignore[union-attr]
    assert (await house.user(user_id)).primary_email == ADA["value"]
    assert await organizations_of(house, user_id) == [acme]


async def test_without_a_token_a_closed_registration_stays_closed(house: House) -> None:
    await house.settle(sign_in_mode="SignIn")
    browser = await (await house.browser()).start()
    closed = await browser.refused("UpdateInteractionEvent", {"interactionEvent": "Register"})
    assert closed == (403, "auth.forbidden")


@BOTH_DATABASES
async def test_a_token_counts_once_on_two_nodes_at_the_same_instant(house: House) -> None:
    body = await issue(house)
    browsers = [await (await house.browser()).start() for _ in range(4)]
    for number, browser in enumerate(browsers):
        browser.client = house.nodes[number % 2].client
    statuses: list[int] = []

    async def use(browser: Browser) -> None:
        answer = await browser.client.post(
            "/api/experience/verification/one-time-token/verify",
            json=body,
            headers=browser.headers,
        )
        statuses.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for browser in browsers:
            nursery.start_soon(use, browser)
    assert sorted(statuses) == [200, 400, 400, 400]


@pytest.mark.parametrize(
    ("change", "context", "expected"),
    [
        ({"token": "guessed"}, {}, (404, "one_time_token.token_not_found")),
        (
            {"identifier": {"type": "email", "value": "eve@example.com"}},
            {},
            (400, "one_time_token.email_mismatch"),
        ),
        (
            {},
            {"interactionEvent": "Register"},
            (400, "one_time_token.interaction_event_mismatch"),
        ),
        ({"token": ""}, {}, (400, "guard.invalid_input")),
        ({"identifier": {"type": "username", "value": "ada"}}, {}, (400, "guard.invalid_input")),
    ],
)
async def test_a_token_that_is_not_good_is_refused(
    house: House, change: dict[str, Any], context: dict[str, Any], expected: tuple[int, str]
) -> None:
    browser = await (await house.browser()).start()
    body = await issue(house, **context)
    assert await browser.refused(VERIFY, {**body, **change}) == expected
    assert (await browser.state()).records == ()


async def test_guessing_tokens_locks_the_address(house: House) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 2, "lockoutDuration": 7})
    browser = await (await house.browser()).start()
    body = await issue(house)
    wrong = {**body, "token": "guessed"}
    codes = [(await browser.refused(VERIFY, given))[1] for given in (wrong, wrong, body)]
    blocked = "session.verification_blocked_too_many_attempts"
    assert codes == ["one_time_token.token_not_found", blocked, blocked]


async def test_a_token_is_no_use_without_an_interaction(house: House) -> None:
    answer = await house.client.post(
        "/api/experience/verification/one-time-token/verify", json=await issue(house)
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "session.not_found")
    fresh = await house.browser()
    assert (await fresh.refused(VERIFY, await issue(house)))[1] == "session.interaction_not_found"
