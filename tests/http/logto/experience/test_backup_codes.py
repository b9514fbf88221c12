"""Backup codes: set up beside another factor, each good once."""

from __future__ import annotations

import trio

from tests.http.logto.experience.factors import (
    CODES,
    add_backup_codes,
    add_totp,
    bind,
    code,
    enrol_totp,
    factors_of,
    identified,
    mfa,
)
from tests.http.logto.experience.house import House
from tests.http.running import BOTH_DATABASES

INVALID = (400, "session.mfa.invalid_backup_code")


async def test_a_backup_code_stands_in_for_the_phone(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await add_backup_codes(house, user)
    await house.settle(**mfa("Totp", "BackupCode"))
    browser = await identified(house)
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert answer.json()["data"]["availableFactors"] == ["Totp", "BackupCode"]
    reply = await browser("VerifyBackupCode", json={"code": CODES[3].upper()})
    assert reply["verificationId"]
    assert await browser.submit()
    remaining = [factor.remaining for factor in await factors_of(house, user.id)]
    assert remaining == [0, 9]


@BOTH_DATABASES
async def test_a_backup_code_is_good_once_wherever_it_is_given(house: House) -> None:
    user = await house.add_user("ada")
    await add_backup_codes(house, user)
    browsers = [await identified(house) for _ in range(4)]
    outcomes: list[int] = []

    async def give(number: int) -> None:
        answer = await house.nodes[number % len(house.nodes)].client.post(
            "/api/experience/verification/backup-code/verify",
            json={"code": CODES[0]},
            headers=browsers[number].headers,
        )
        outcomes.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(give, number)
    assert sorted(outcomes) == [200, 400, 400, 400]
    assert await browsers[0].refused("VerifyBackupCode", {"code": CODES[0]}) == INVALID


async def test_a_code_that_is_none_is_refused(house: House) -> None:
    user = await house.add_user("ada")
    await add_backup_codes(house, user)
    browser = await identified(house)
    assert await browser.refused("VerifyBackupCode", {"code": "nothing"}) == INVALID
    empty = await browser.refused("VerifyBackupCode", {"code": ""})
    assert empty == (400, "guard.invalid_input")
    stranger = await (await house.browser()).start()
    missing = (404, "session.identifier_not_found")
    assert await stranger.refused("VerifyBackupCode", {"code": CODES[0]}) == missing
    assert await stranger.refused("GenerateBackupCodes") == missing


async def test_backup_codes_are_demanded_where_the_tenant_uses_them(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp", "BackupCode", policy="Mandatory"))
    browser = await identified(house)
    assert await browser.refused("SubmitInteraction") == (422, "user.missing_mfa")
    await enrol_totp(browser, house)
    required = (422, "session.mfa.backup_code_required")
    assert await browser.refused("SubmitInteraction") == required
    made = await browser("GenerateBackupCodes")
    assert len(set(made["codes"])) == 10
    await bind(browser, "BackupCode", made["verificationId"])
    view = await browser("GetInteraction")
    assert made["codes"][0] not in str(view)
    await browser.submit()
    backup = (await factors_of(house, user.id))[1]
    assert [kept.code for kept in backup.codes] == made["codes"]


async def test_backup_codes_need_another_factor(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp", "BackupCode", policy="Mandatory"))
    browser = await identified(house)
    made = await browser("GenerateBackupCodes")
    body = {"type": "BackupCode", "verificationId": made["verificationId"]}
    alone = (422, "session.mfa.backup_code_can_not_be_alone")
    assert await browser.refused("BindMfaVerification", body) == alone


async def test_used_up_codes_are_no_factor(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await add_backup_codes(house, user)
    await house.settle(**mfa("Totp", "BackupCode", policy="Mandatory"))
    for number in range(10):
        browser = await identified(house)
        await browser("VerifyBackupCode", json={"code": CODES[number]})
    browser = await identified(house)
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert answer.json()["data"]["availableFactors"] == ["Totp"]
    await browser("VerifyTotpVerification", json={"code": code(house)})
    required = (422, "session.mfa.backup_code_required")
    assert await browser.refused("SubmitInteraction") == required
