"""Signing in with a username and a password, against a running server."""

from __future__ import annotations

import hashlib

import pytest
import trio

from gatehouse.actors.authorization import LoginResult
from gatehouse.actors.interaction import Phase, address
from gatehouse.actors.interaction_answers import ConsumeResult
from gatehouse.actors.refusal import Refused
from tests.http.logto.experience.browsing import Browser, credentials
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.running import BOTH_DATABASES


@BOTH_DATABASES
async def test_a_person_signs_in(house: House) -> None:
    user = await house.add_user("ada")
    browser = await house.browser()
    redirect_to = await browser.sign_in("ada", PASSWORD)
    assert redirect_to == f"{house.core.public_url}/oidc/auth/{browser.uid}"
    state = await browser.state()
    assert isinstance(state.result, LoginResult)
    assert (state.result.user_id, state.result.amr) == (user.id, ("pwd",))
    assert (await house.user(user.id)).last_sign_in_at is not None


async def test_the_interaction_shows_what_it_has_and_no_secret(house: House) -> None:
    user = await house.add_user("ada")
    browser = await (await house.browser()).start()
    empty = await browser("GetInteraction")
    assert empty == {
        "interactionEvent": "SignIn",
        "profile": {},
        "verificationRecords": [],
        "mfa": {},
        "captcha": {"verified": False, "skipped": False},
    }
    verification_id = await browser.verify_password("ada", PASSWORD)
    await browser.identify(verification_id)
    assert await browser("GetInteraction") == {
        "interactionEvent": "SignIn",
        "userId": user.id,
        "profile": {},
        "mfa": {},
        "captcha": {"verified": False, "skipped": False},
        "verificationRecords": [
            {
                "type": "Password",
                "id": verification_id,
                "identifier": {"type": "username", "value": "ada"},
                "verified": True,
            }
        ],
    }


@pytest.mark.parametrize(
    ("kind", "value"), [("email", "ADA@example.com"), ("phone", "491701234567")]
)
async def test_a_person_signs_in_by_whatever_the_tenant_enables(
    house: House, kind: str, value: str
) -> None:
    await house.add_user("ada", primary_email="ada@example.com", primary_phone="491701234567")
    method = {"identifier": kind, "password": True, "verificationCode": False}
    await house.settle(sign_in={"methods": [method | {"isPasswordPrimary": True}]})
    browser = await (await house.browser()).start()
    body = {"identifier": {"type": kind, "value": value}, "password": PASSWORD}
    reply = await browser("CreatePasswordVerification", json=body)
    await browser.identify(reply["verificationId"])
    assert await browser.submit()


# Which interaction


async def test_without_an_interaction_there_is_no_session(house: House) -> None:
    stranger = Browser(house.core, house.client)
    body = {"interactionEvent": "SignIn"}
    assert await stranger.refused("InitInteraction", body) == (400, "session.not_found")


async def test_an_unsigned_or_planted_cookie_is_worth_nothing(house: House) -> None:
    browser = await house.browser()
    browser.cookies["_interaction.sig"] = "A" * 27
    body = {"interactionEvent": "SignIn"}
    assert await browser.refused("InitInteraction", body) == (400, "session.not_found")
    del browser.cookies["_interaction.sig"]
    assert await browser.refused("InitInteraction", body) == (400, "session.not_found")


async def test_an_interaction_that_is_over_is_not_found(house: House) -> None:
    await house.add_user("ada")
    browser = await house.browser()
    await browser.sign_in("ada", PASSWORD)
    await house.core.engine.turn(address(house.core.tenant_id, browser.uid), ConsumeResult())
    body = {"interactionEvent": "SignIn"}
    assert await browser.refused("InitInteraction", body) == (400, "session.not_found")


async def test_two_applications_in_two_tabs_do_not_meet(house: House) -> None:
    await house.add_user("ada")
    browser = await house.browser()
    first = browser.uid
    await browser.arrive(application="other-app")
    body = {"interactionEvent": "SignIn"}
    for app, event in (("demo-app", "SignIn"), ("other-app", "Register")):
        answer = await house.client.put(
            "/api/experience",
            json=body | {"interactionEvent": event},
            headers=browser.headers | {"logto-app-id": app},
        )
        assert answer.status_code == 204
    shown = [
        (await browser("GetInteraction", query={"app_id": app}))["interactionEvent"]
        for app in ("demo-app", "other-app")
    ]
    assert shown == ["SignIn", "Register"]
    assert first != browser.uid
    unknown = await browser.refused("GetInteraction", query={"app_id": "no-such-app"})
    assert unknown == (400, "session.not_found")


async def test_nothing_happens_before_the_start(house: House) -> None:
    browser = await house.browser()
    calls: list[tuple[str, object]] = [
        ("CreatePasswordVerification", credentials("ada", PASSWORD)),
        ("IdentifyUser", {"verificationId": "x"}),
        ("UpdateInteractionEvent", {"interactionEvent": "Register"}),
        ("SubmitInteraction", None),
        ("GetInteraction", None),
        ("AddUserProfile", {"type": "username", "value": "ada"}),
        ("ResetUserPassword", {"password": PASSWORD}),
    ]
    for operation, body in calls:
        refusal = await browser.refused(operation, body)
        assert refusal == (404, "session.interaction_not_found"), operation


# Events


async def test_the_event_can_be_changed_and_changed_back(house: House) -> None:
    browser = await (await house.browser()).start()
    for event in ("Register", "SignIn"):
        await browser("UpdateInteractionEvent", json={"interactionEvent": event}, expect=204)
        assert (await browser("GetInteraction"))["interactionEvent"] == event


async def test_a_tenant_closed_for_registration_says_so(house: House) -> None:
    await house.settle(sign_in_mode="SignIn")
    browser = await (await house.browser()).start()
    body = {"interactionEvent": "Register"}
    assert await browser.refused("UpdateInteractionEvent", body) == (403, "auth.forbidden")


async def test_recovery_cannot_be_switched_to(house: House) -> None:
    browser = await (await house.browser()).start()
    body = {"interactionEvent": "ForgotPassword"}
    refusal = await browser.refused("UpdateInteractionEvent", body)
    assert refusal == (400, "session.not_supported_for_forgot_password")


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("InitInteraction", {"interactionEvent": "Dance"}),
        ("InitInteraction", {}),
        ("UpdateInteractionEvent", {"interactionEvent": None}),
        ("CreatePasswordVerification", {"password": "x"}),
        ("CreatePasswordVerification", credentials("ada", "")),
        (
            "CreatePasswordVerification",
            {"identifier": {"type": "userId", "value": "x"}, "password": "x"},
        ),
        ("IdentifyUser", {"verificationId": 1}),
        (
            "CreateNewPasswordIdentityVerification",
            {"identifier": {"type": "username", "value": "1ada"}, "password": PASSWORD},
        ),
        (
            "CreateNewPasswordIdentityVerification",
            {"identifier": {"type": "username", "value": "adá"}, "password": PASSWORD},
        ),
        (
            "CreateNewPasswordIdentityVerification",
            {"identifier": {"type": "email", "value": "a@b.example"}, "password": PASSWORD},
        ),
        ("AddUserProfile", {"type": "nonsense", "value": "x"}),
        ("ResetUserPassword", {}),
    ],
)
async def test_input_of_the_wrong_shape_is_refused(
    house: House, operation: str, body: object
) -> None:
    browser = await (await house.browser()).start()
    assert await browser.refused(operation, body) == (400, "guard.invalid_input")


async def test_a_form_is_not_json(house: House) -> None:
    """Another site's form cannot drive the API, whatever it calls its body."""
    browser = await (await house.browser()).start()
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        answer = await house.client.post(
            "/api/experience/verification/password",
            content=b'{"identifier":{"type":"username","value":"ada"},"password":"x"}',
            headers=browser.headers | {"content-type": kind},
        )
        assert answer.status_code == 400


# Verification and identification


async def test_wrong_password_and_unknown_user_are_the_same(house: House) -> None:
    await house.add_user("ada")
    await house.add_user("nopassword", password=None)
    answers = []
    for name, password in (("ada", "wrong"), ("nobody", PASSWORD), ("nopassword", PASSWORD)):
        browser = await (await house.browser()).start()
        hashed = house.hashes.finished
        answer = await house.client.post(
            "/api/experience/verification/password",
            json=credentials(name, password),
            headers=browser.headers,
        )
        answers.append((answer.status_code, answer.json(), house.hashes.finished - hashed))
        assert (await browser.state()).records == ()
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 422
    assert answers[0][1]["code"] == "session.invalid_credentials"


async def test_a_suspended_user_is_told_so_only_with_the_password(house: House) -> None:
    await house.add_user("ada", is_suspended=True)
    browser = await (await house.browser()).start()
    right = await browser.refused("CreatePasswordVerification", credentials("ada", PASSWORD))
    assert right == (401, "user.suspended")
    wrong = await browser.refused("CreatePasswordVerification", credentials("ada", "wrong"))
    assert wrong == (422, "session.invalid_credentials")


async def test_a_user_suspended_after_the_verification_is_not_identified(house: House) -> None:
    user = await house.add_user("ada")
    browser = await (await house.browser()).start()
    verification_id = await browser.verify_password("ada", PASSWORD)
    await house.suspend(user.id)
    body = {"verificationId": verification_id}
    assert await browser.refused("IdentifyUser", body) == (401, "user.suspended")


async def test_a_user_suspended_after_the_identification_cannot_submit(house: House) -> None:
    user = await house.add_user("ada")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    await house.suspend(user.id)
    assert await browser.refused("SubmitInteraction") == (401, "user.suspended")


async def test_a_deleted_user_is_gone(house: House) -> None:
    user = await house.add_user("ada")
    browser = await (await house.browser()).start()
    verification_id = await browser.verify_password("ada", PASSWORD)
    await house.delete_user(user.id)
    body = {"verificationId": verification_id}
    assert await browser.refused("IdentifyUser", body) == (404, "user.user_not_exist")


@BOTH_DATABASES
async def test_an_imported_password_is_replaced_at_the_first_sign_in(house: House) -> None:
    digest = hashlib.md5(PASSWORD.encode()).hexdigest()
    user = await house.add_user("ada", password_hash=digest, password_algorithm="MD5")
    await (await house.browser()).sign_in("ada", PASSWORD)
    stored = await house.user(user.id)
    assert stored.password_algorithm == "Argon2id"
    assert stored.tokens_valid_after == user.tokens_valid_after
    await (await house.browser()).sign_in("ada", PASSWORD)


async def test_an_expired_password_is_no_longer_good(house: House) -> None:
    await house.add_user("ada", is_password_expired=True)
    await house.settle(password_expiration={"enabled": True, "validPeriodDays": 30})
    browser = await (await house.browser()).start()
    refusal = await browser.refused("CreatePasswordVerification", credentials("ada", PASSWORD))
    assert refusal == (422, "password.expired")


async def test_identification_wants_a_verification_of_this_interaction(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    elsewhere = await (await house.browser()).start()
    foreign = await elsewhere.verify_password("ada", PASSWORD)
    body = {"verificationId": foreign}
    expected = (404, "session.verification_session_not_found")
    assert await browser.refused("IdentifyUser", body) == expected
    assert await browser.refused("IdentifyUser", {}) == (400, "guard.invalid_input")


async def test_a_tenant_closed_for_signing_in_says_so(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    verification_id = await browser.verify_password("ada", PASSWORD)
    await house.settle(sign_in_mode="Register")
    body = {"verificationId": verification_id}
    assert await browser.refused("IdentifyUser", body) == (403, "auth.forbidden")


async def test_a_method_that_is_not_enabled_identifies_nobody(house: House) -> None:
    await house.add_user("ada")
    method = {"identifier": "email", "password": True, "verificationCode": False}
    await house.settle(sign_in={"methods": [method | {"isPasswordPrimary": True}]})
    browser = await (await house.browser()).start()
    body = {"verificationId": await browser.verify_password("ada", PASSWORD)}
    expected = (422, "user.sign_in_method_not_enabled")
    assert await browser.refused("IdentifyUser", body) == expected


async def test_one_interaction_is_for_one_person(house: House) -> None:
    await house.add_user("ada")
    await house.add_user("bob")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    body = {"verificationId": await browser.verify_password("bob", PASSWORD)}
    assert await browser.refused("IdentifyUser", body) == (409, "session.identity_conflict")


async def test_a_password_does_not_recover_a_password(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start("ForgotPassword")
    body = {"verificationId": await browser.verify_password("ada", PASSWORD)}
    expected = (422, "session.not_supported_for_forgot_password")
    assert await browser.refused("IdentifyUser", body) == expected
    reset = await browser.refused("ResetUserPassword", {"password": PASSWORD})
    assert reset == (404, "session.identifier_not_found")
    profile = await browser.refused("AddUserProfile", {"type": "username", "value": "ada"})
    assert profile == (400, "session.not_supported_for_forgot_password")


async def test_only_recovery_resets_a_password(house: House) -> None:
    browser = await (await house.browser()).start()
    refusal = await browser.refused("ResetUserPassword", {"password": PASSWORD})
    assert refusal == (400, "session.invalid_interaction_type")


# Submission


async def test_submitting_needs_an_identified_person(house: House) -> None:
    browser = await (await house.browser()).start()
    assert await browser.refused("SubmitInteraction") == (404, "session.identifier_not_found")


async def test_a_captcha_nobody_could_have_solved_is_refused(house: House) -> None:
    browser = await house.browser()
    body = {"interactionEvent": "SignIn", "captchaToken": "made up"}
    assert await browser.refused("InitInteraction", body) == (422, "session.captcha_failed")


async def test_a_tenant_that_wants_a_captcha_gets_one(house: House) -> None:
    await house.add_user("ada")
    await house.settle(captcha_policy={"enabled": True})
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    assert await browser.refused("SubmitInteraction") == (422, "session.captcha_required")


@BOTH_DATABASES
async def test_what_an_account_lacks_is_asked_for_and_stored(house: House) -> None:
    user = await house.add_user(None, primary_email="ada@example.com")
    method = {"identifier": "email", "password": True, "verificationCode": False}
    await house.settle(sign_in={"methods": [method | {"isPasswordPrimary": True}]})
    browser = await (await house.browser()).start()
    early = await browser.refused("AddUserProfile", {"type": "username", "value": "ada"})
    assert early == (404, "session.identifier_not_found")
    body = {"identifier": {"type": "email", "value": "ada@example.com"}, "password": PASSWORD}
    reply = await browser("CreatePasswordVerification", json=body)
    await browser.identify(reply["verificationId"])
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "user.missing_profile")
    assert answer.json()["data"] == {"missingProfile": ["username"]}
    await browser("AddUserProfile", json={"type": "username", "value": "ada"}, expect=204)
    assert (await browser("GetInteraction"))["profile"] == {"username": "ada"}
    await browser.submit()
    assert (await house.user(user.id)).username == "ada"


async def test_a_profile_is_completed_and_never_replaced(house: House) -> None:
    await house.add_user("ada")
    await house.add_user("bob")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    for body, code in (
        ({"type": "username", "value": "bob"}, "user.username_exists_in_profile"),
        ({"type": "password", "value": "another-wombat-7"}, "user.password_exists_in_profile"),
        ({"type": "password", "value": PASSWORD}, "user.same_password"),
        ({"type": "password", "value": "short"}, "password.rejected"),
    ):
        assert await browser.refused("AddUserProfile", body) == (422, code)


async def test_submitting_twice_answers_twice_and_signs_in_once(house: House) -> None:
    await house.add_user("ada")
    browser = await house.browser()
    first = await browser.sign_in("ada", PASSWORD)
    answered = (await browser.state()).result
    assert await browser.submit() == first
    assert (await browser.state()).result == answered
    assert await house.count_logs("Interaction.SignIn.Submit") == 1


@BOTH_DATABASES
async def test_a_double_submit_on_two_nodes_has_one_winner(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    redirects: list[str] = []
    consumed: list[object] = []

    async def submit(client: object) -> None:
        tab = Browser(house.core, client, browser.uid, browser.cookies)  # type: ignore[arg-type]
        redirects.append(await tab.submit())

    async def consume(core: object) -> None:
        try:
            where = address(house.core.tenant_id, browser.uid)
            consumed.append(await core.engine.turn(where, ConsumeResult()))  # type: ignore[attr-defined]
        except Refused:
            pass

    async with trio.open_nursery() as nursery:
        for client in [node.client for node in house.nodes] * 4:
            nursery.start_soon(submit, client)
    assert len(redirects) == 8
    assert set(redirects) == {f"{house.core.public_url}/oidc/auth/{browser.uid}"}
    assert await house.count_logs("Interaction.SignIn.Submit") == 1
    async with trio.open_nursery() as nursery:
        for core in [node.core for node in house.nodes] * 4:
            nursery.start_soon(consume, core)
    assert len(consumed) == 1


async def test_two_tabs_on_one_interaction_see_one_state(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    other = Browser(house.core, house.nodes[1].client, browser.uid, browser.cookies)
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    assert (await other("GetInteraction"))["userId"]
    await other.submit()
    refusal = await browser.refused("CreatePasswordVerification", credentials("ada", PASSWORD))
    assert refusal == (400, "session.invalid_interaction_type")
    await browser.start()
    assert (await browser.state()).phase is Phase.STARTED


async def test_a_node_that_remembers_less_than_is_the_case_looks_again(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    other = Browser(house.core, house.nodes[1].client, browser.uid, browser.cookies)
    verification_id = await other.verify_password("ada", PASSWORD)
    await browser.identify(verification_id)
    await browser.submit()
    assert await house.count_logs("Interaction.SignIn.Identifier.Submit") == 1
