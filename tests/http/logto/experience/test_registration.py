"""Making an account with a username and a password."""

from __future__ import annotations

import trio

from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.running import BOTH_DATABASES


def identity(username: str, password: str = PASSWORD) -> dict[str, object]:
    return {"identifier": {"type": "username", "value": username}, "password": password}


async def new_identity(browser: Browser, username: str, password: str = PASSWORD) -> str:
    body = identity(username, password)
    reply = await browser("CreateNewPasswordIdentityVerification", json=body)
    return str(reply["verificationId"])


@BOTH_DATABASES
async def test_a_person_registers_and_signs_in_again(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    verification_id = await new_identity(browser, "ada")
    assert await house.find_user("ada") is None
    await browser.identify(verification_id, expect=201)
    user = await house.find_user("ada")
    assert user is not None
    assert (user.password_algorithm, user.application_id) == ("Argon2id", "demo-app")
    assert len(user.id) == 12
    await browser.submit()
    await (await house.browser()).sign_in("ada", PASSWORD)


async def test_a_new_identity_shows_nothing_of_its_password(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    verification_id = await new_identity(browser, "ada")
    shown = await browser("GetInteraction")
    assert shown["verificationRecords"] == [
        {
            "type": "NewPasswordIdentity",
            "id": verification_id,
            "identifier": {"type": "username", "value": "ada"},
        }
    ]


async def test_a_taken_name_is_refused(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start("Register")
    refusal = await browser.refused("CreateNewPasswordIdentityVerification", identity("ada"))
    assert refusal == (422, "user.username_already_in_use")


@BOTH_DATABASES
async def test_a_name_taken_meanwhile_is_refused_and_another_can_be_chosen(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    verification_id = await new_identity(browser, "ada")
    await house.add_user("ada")
    body = {"verificationId": verification_id}
    expected = (422, "user.username_already_in_use")
    assert await browser.refused("IdentifyUser", body) == expected
    await browser.identify(await new_identity(browser, "lovelace"), expect=201)
    assert await house.find_user("lovelace") is not None


async def test_a_weak_password_is_refused_with_reasons(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    answer = await house.client.post(
        "/api/experience/verification/new-password-identity",
        json=identity("ada", "12345"),
        headers=browser.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "password.rejected")
    assert answer.json()["data"] == [
        {"code": "password_rejected.too_short", "interpolation": {"min": 8}},
        {"code": "password_rejected.restricted.sequence"},
    ]


async def test_a_password_made_of_the_name_is_refused(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    refusal = await browser.refused(
        "CreateNewPasswordIdentityVerification", identity("lovelace", "lovelace1")
    )
    assert refusal == (422, "password.rejected")


async def test_a_tenant_closed_for_registration_makes_no_account(house: House) -> None:
    await house.settle(sign_in_mode="SignIn")
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await new_identity(browser, "ada")}
    assert await browser.refused("IdentifyUser", body) == (403, "auth.forbidden")
    assert await house.find_user("ada") is None


async def test_the_username_policy_of_the_tenant_holds(house: House) -> None:
    await house.settle(username_policy={"minLength": 5})
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await new_identity(browser, "ada")}
    assert await browser.refused("IdentifyUser", body) == (422, "user.username_too_short")


@BOTH_DATABASES
async def test_names_differ_by_more_than_case_where_the_tenant_says_so(house: House) -> None:
    await house.add_user("Ada")
    await house.settle(username_policy={"caseSensitive": False})
    browser = await (await house.browser()).start("Register")
    refusal = await browser.refused("CreateNewPasswordIdentityVerification", identity("ada"))
    assert refusal == (422, "user.username_already_in_use")
    await (await house.browser()).sign_in("ADA", PASSWORD)


async def test_registering_step_by_step(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    await browser("AddUserProfile", json={"type": "username", "value": "ada"}, expect=204)
    answer = await house.client.post(
        "/api/experience/identification", json={}, headers=browser.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "user.missing_profile")
    assert answer.json()["data"] == {"missingProfile": ["password"]}
    await browser("AddUserProfile", json={"type": "password", "value": PASSWORD}, expect=204)
    await browser.identify(None, expect=201)
    await browser.submit()
    await (await house.browser()).sign_in("ada", PASSWORD)


async def test_what_is_missing_can_be_given_after_the_first_try(house: House) -> None:
    await house.settle(
        sign_up={
            "identifiers": ["username"],
            "password": True,
            "verify": False,
            "secondaryIdentifiers": [{"identifier": "email", "verify": True}],
        }
    )
    browser = await (await house.browser()).start("Register")
    verification_id = await new_identity(browser, "ada")
    body = {"verificationId": verification_id}
    assert await browser.refused("IdentifyUser", body) == (422, "user.missing_profile")
    assert (await browser("GetInteraction"))["profile"] == {"username": "ada"}


async def test_a_password_verification_registers_nobody(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await browser.verify_password("ada", PASSWORD)}
    assert await browser.refused("IdentifyUser", body) == (400, "session.verification_failed")


async def test_a_new_identity_signs_nobody_in(house: House) -> None:
    browser = await (await house.browser()).start()
    body = {"verificationId": await new_identity(browser, "ada")}
    expected = (422, "user.sign_in_method_not_enabled")
    assert await browser.refused("IdentifyUser", body) == expected


@BOTH_DATABASES
async def test_a_default_role_is_given_to_new_users(house: House) -> None:
    role = await house.add_default_role("reader")
    browser = await (await house.browser()).start("Register")
    await browser.identify(await new_identity(browser, "ada"), expect=201)
    user = await house.find_user("ada")
    assert user is not None
    assert await house.roles_of(user.id) == [role.name]


@BOTH_DATABASES
async def test_a_double_click_makes_one_user(house: House) -> None:
    browser = await (await house.browser()).start("Register")
    verification_id = await new_identity(browser, "ada")
    statuses: list[int] = []

    async def identify(client: object) -> None:
        answer = await client.post(  # type: ignore[attr-defined]
            "/api/experience/identification",
            json={"verificationId": verification_id},
            headers=browser.headers,
        )
        statuses.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for node in house.nodes * 3:
            nursery.start_soon(identify, node.client)
    assert statuses == [201] * 6
    assert await house.count_users() == 1
    user = await house.find_user("ada")
    assert user is not None
    assert (await browser.state()).user_id == user.id
    await browser.identify(verification_id, expect=201)
    await browser.submit()


@BOTH_DATABASES
async def test_two_people_who_want_one_name_do_not_both_get_it(house: House) -> None:
    outcomes: list[int] = []

    async def register(number: int) -> None:
        node = house.nodes[number % 2]
        browser = Browser(node.core, node.client)
        await browser.arrive()
        await browser.start("Register")
        body = identity("ada")
        answer = await node.client.post(
            "/api/experience/verification/new-password-identity",
            json=body,
            headers=browser.headers,
        )
        if answer.status_code == 200:
            answer = await node.client.post(
                "/api/experience/identification",
                json={"verificationId": answer.json()["verificationId"]},
                headers=browser.headers,
            )
        outcomes.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(register, number)
    assert sorted(outcomes) == [201, 422, 422, 422]
    assert await house.count_users() == 1
