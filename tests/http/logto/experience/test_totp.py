"""The authenticator app: set up, asked for, and never fooled twice by one code."""

from __future__ import annotations

import trio

from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.factors import (
    CODES,
    KEY,
    add_backup_codes,
    add_totp,
    bind,
    code,
    enrol_totp,
    factors_of,
    identified,
    mfa,
    wrong_code,
)
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.running import BOTH_DATABASES

INVALID = (400, "session.mfa.invalid_totp_code")
REQUIRED = (403, "session.mfa.require_mfa_verification")


async def test_who_has_a_totp_signs_in_with_a_code(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(**mfa("Totp"))
    browser = await identified(house)
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == REQUIRED[1]
    assert answer.json()["data"] == {"availableFactors": ["Totp"], "maskedIdentifiers": {}}
    await browser("VerifyTotpVerification", json={"code": code(house)})
    assert await browser.submit()
    result = (await browser.state()).result
    assert getattr(result, "amr", None) == ("pwd", "otp", "mfa")


async def test_a_code_is_good_once(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    browser = await identified(house)
    body = {"code": code(house)}
    await browser("VerifyTotpVerification", json=body)
    assert await browser.refused("VerifyTotpVerification", body) == INVALID
    other = await identified(house)
    assert await other.refused("VerifyTotpVerification", body) == INVALID


@BOTH_DATABASES
async def test_of_two_nodes_that_get_one_code_one_takes_it(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    browsers = [await identified(house) for _ in range(6)]
    body = {"code": code(house)}
    outcomes: list[int] = []

    async def show(number: int, browser: Browser) -> None:
        node = house.nodes[number % len(house.nodes)]
        answer = await node.client.post(
            "/api/experience/verification/totp/verify", json=body, headers=browser.headers
        )
        outcomes.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for number, browser in enumerate(browsers):
            nursery.start_soon(show, number, browser)
    assert sorted(outcomes) == [200, 400, 400, 400, 400, 400]


async def test_a_wrong_code_is_refused(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    browser = await identified(house)
    for given in (wrong_code(house), "12345", "abcdef", "٣٣٣٣٣٣", code(house) + "0"):
        assert await browser.refused("VerifyTotpVerification", {"code": given}) == INVALID
    assert await browser.refused("VerifyTotpVerification", {"code": ""}) == (
        400,
        "guard.invalid_input",
    )


async def test_who_has_no_totp_is_told_the_same_as_with_a_wrong_code(house: House) -> None:
    await house.add_user("ada")
    browser = await identified(house)
    assert await browser.refused("VerifyTotpVerification", {"code": code(house)}) == INVALID


async def test_codes_of_the_neighbouring_steps_are_taken_and_no_others(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    browser = await identified(house)
    for steps in (-3, 3):
        body = {"code": code(house, steps=steps)}
        assert await browser.refused("VerifyTotpVerification", body) == INVALID
    await browser("VerifyTotpVerification", json={"code": code(house, steps=1)})
    assert await browser.refused("VerifyTotpVerification", {"code": code(house)}) == INVALID


async def test_a_totp_is_set_up_while_signing_in(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "user.missing_mfa")
    assert answer.json()["data"] == {"availableFactors": ["Totp"]}
    key = await enrol_totp(browser, house)
    assert await factors_of(house, user.id) == []
    view = await browser("GetInteraction")
    assert view["mfa"] == {"mfaEnabled": True, "totp": {"type": "Totp"}}
    assert key not in str(view)
    await browser.submit()
    (factor,) = await factors_of(house, user.id)
    assert factor.secret == key
    result = (await browser.state()).result
    assert getattr(result, "amr", None) == ("pwd",)


async def test_the_code_that_set_a_totp_up_does_not_sign_in(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    key = await enrol_totp(browser, house)
    await browser.submit()
    again = await identified(house)
    assert await again.refused("SubmitInteraction") == REQUIRED
    assert await again.refused("VerifyTotpVerification", {"code": code(house, key)}) == INVALID
    await again("VerifyTotpVerification", json={"code": code(house, key, steps=1)})
    assert await again.submit()


async def test_a_double_submission_stores_a_totp_once(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    await enrol_totp(browser, house)
    statuses: list[int] = []

    async def submit(node: int) -> None:
        client = house.nodes[node].client
        answer = await client.post("/api/experience/submit", headers=browser.headers)
        statuses.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for node in (0, 1):
            nursery.start_soon(submit, node)
    assert statuses == [200, 200]
    assert len(await factors_of(house, user.id)) == 1


async def test_a_totp_needs_its_first_code_before_it_is_bound(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    made = await browser("CreateTotpSecret")
    body = {"type": "Totp", "verificationId": made["verificationId"]}
    failed = (400, "session.verification_failed")
    assert await browser.refused("BindMfaVerification", body) == failed
    first = {"code": wrong_code(house, made["secret"]), "verificationId": made["verificationId"]}
    assert await browser.refused("VerifyTotpVerification", first) == INVALID
    assert await browser.refused("BindMfaVerification", body) == failed


async def test_a_totp_that_was_only_used_cannot_be_bound(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(**mfa("Totp"))
    browser = await identified(house)
    reply = await browser("VerifyTotpVerification", json={"code": code(house)})
    body = {"type": "Totp", "verificationId": reply["verificationId"]}
    pending = (400, "session.mfa.pending_info_not_found")
    assert await browser.refused("BindMfaVerification", body) == pending


async def test_a_new_totp_is_no_proof_of_the_old(house: House) -> None:
    """Who knows the password alone must not get past the second factor by setting up another."""
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(**mfa("Totp", "WebAuthn"))
    browser = await identified(house)
    made = await browser("CreateTotpSecret")
    first = {"code": code(house, made["secret"]), "verificationId": made["verificationId"]}
    await browser("VerifyTotpVerification", json=first)
    body = {"type": "Totp", "verificationId": made["verificationId"]}
    assert await browser.refused("BindMfaVerification", body) == REQUIRED
    assert await browser.refused("SubmitInteraction") == REQUIRED


async def test_a_user_has_one_totp(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await add_backup_codes(house, user)
    await house.settle(**mfa("Totp", "BackupCode"))
    browser = await identified(house)
    await browser("VerifyBackupCode", json={"code": CODES[0]})
    made = await browser("CreateTotpSecret")
    first = {"code": code(house, made["secret"]), "verificationId": made["verificationId"]}
    await browser("VerifyTotpVerification", json=first)
    body = {"type": "Totp", "verificationId": made["verificationId"]}
    in_use = (422, "user.totp_already_in_use")
    assert await browser.refused("BindMfaVerification", body) == in_use


async def test_a_totp_is_set_up_for_who_was_identified_only(house: House) -> None:
    browser = await (await house.browser()).start()
    missing = (404, "session.identifier_not_found")
    assert await browser.refused("CreateTotpSecret") == missing
    assert await browser.refused("VerifyTotpVerification", {"code": "123456"}) == missing
    stranger = await house.browser()
    assert (await stranger.refused("CreateTotpSecret"))[1] == "session.interaction_not_found"


async def test_a_verification_of_another_kind_is_none(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp", "WebAuthn", policy="Mandatory"))
    browser = await identified(house)
    made = await browser("CreateTotpSecret")
    not_found = (404, "session.verification_session_not_found")
    for verification_id in ("nothing", (await browser("GenerateBackupCodes"))["verificationId"]):
        first = {"code": "123456", "verificationId": verification_id}
        assert await browser.refused("VerifyTotpVerification", first) == not_found
    body = {"type": "WebAuthn", "verificationId": made["verificationId"]}
    assert await browser.refused("BindMfaVerification", body) == not_found
    body = {"type": "Fingerprint", "verificationId": made["verificationId"]}
    assert (await browser.refused("BindMfaVerification", body))[1] == "guard.invalid_input"


async def test_wrong_codes_lock_the_second_factor_and_not_the_password(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(sentinel_policy={"maxAttempts": 3, "lockoutDuration": 5}, **mfa("Totp"))
    browser = await identified(house)
    wrong = {"code": wrong_code(house)}
    outcomes = [await browser.refused("VerifyTotpVerification", wrong) for _ in range(4)]
    blocked = (400, "session.verification_blocked_too_many_attempts")
    assert outcomes == [INVALID, INVALID, blocked, blocked]
    right = {"code": code(house)}
    assert await browser.refused("VerifyTotpVerification", right) == blocked
    again = await identified(house)
    assert await again.verify_password("ada", PASSWORD)


async def test_the_log_knows_what_happened_and_no_secret(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    key = await enrol_totp(browser, house)
    await browser.submit()
    logs = await house.logs(at_least=7)
    keys = [entry.key for entry in logs]
    assert "Interaction.SignIn.Verification.Totp.Create" in keys
    assert "Interaction.SignIn.Verification.Totp.Submit" in keys
    assert "Interaction.SignIn.BindMfa.Totp.Submit" in keys
    assert key not in str([entry.payload for entry in logs])
    assert key != KEY


async def test_binding_again_replaces_what_waits(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    await enrol_totp(browser, house)
    second = await enrol_totp(browser, house)
    verification_id = (await browser("GetInteraction"))["verificationRecords"][-1]["id"]
    await bind(browser, "Totp", verification_id)
    await browser.submit()
    assert [factor.secret for factor in await factors_of(house, user.id)] == [second]
