"""Second factors that operators give to users and take away."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODES = [f"{number:010x}" for number in range(10)]


async def a_user(api: Api) -> str:
    return str((await api("CreateUser", json={"username": "ada"}))["id"])


async def add(api: Api, user_id: str, **body: Any) -> Any:
    return await api("CreateUserMfaVerification", userId=user_id, json=body)


async def refused(api: Api, operation_id: str, json: Any = None, **path: Any) -> tuple[int, str]:
    answer = await api.send(operation_id, json=json, **path)
    return answer.status_code, answer.json()["code"]


@BOTH_DATABASES
async def test_factors_are_made_listed_and_deleted(api: Api) -> None:
    user_id = await a_user(api)
    assert await api("ListUserMfaVerifications", userId=user_id) == []
    made = await add(api, user_id, type="Totp")
    assert made["type"] == "Totp"
    assert len(made["secret"]) == 32
    assert made["secretQrCode"].startswith("data:image/png;base64,")
    codes = await add(api, user_id, type="BackupCode")
    assert len(set(codes["codes"])) == 10
    totp, backup = await api("ListUserMfaVerifications", userId=user_id)
    assert totp.keys() == {"id", "type", "createdAt"}
    assert totp["createdAt"].endswith("Z")
    assert backup["remainCodes"] == 10
    gone = {"userId": user_id, "verificationId": totp["id"]}
    await api("DeleteUserMfaVerification", **gone, expect=204)
    assert await api("ListUserMfaVerifications", userId=user_id) == [backup]
    assert await refused(api, "DeleteUserMfaVerification", **gone) == (404, "entity.not_found")


async def test_keys_and_codes_can_come_from_elsewhere(api: Api) -> None:
    user_id = await a_user(api)
    made = await add(api, user_id, type="Totp", secret=KEY)
    assert made["secret"] == KEY
    assert pyotp.TOTP(made["secret"]).now()
    assert (await add(api, user_id, type="BackupCode", codes=CODES))["codes"] == CODES


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"type": "Totp", "secret": "short"}, 422, "user.totp_secret_invalid"),
        ({"type": "Totp", "secret": "a" * 20}, 422, "user.totp_secret_invalid"),
        ({"type": "Totp", "secret": None}, 400, "guard.invalid_input"),
        ({"type": "WebAuthn"}, 400, "guard.invalid_input"),
        ({}, 400, "guard.invalid_input"),
        ({"type": "BackupCode", "codes": "x"}, 400, "guard.invalid_input"),
        ({"type": "BackupCode"}, 422, "session.mfa.backup_code_can_not_be_alone"),
    ],
)
async def test_a_factor_that_makes_no_sense_is_refused(
    api: Api, body: Any, status: int, code: str
) -> None:
    user_id = await a_user(api)
    outcome = await refused(api, "CreateUserMfaVerification", body, userId=user_id)
    assert outcome == (status, code)
    assert await api("ListUserMfaVerifications", userId=user_id) == []


async def test_a_user_has_one_totp_and_one_set_of_backup_codes(api: Api) -> None:
    user_id = await a_user(api)
    await add(api, user_id, type="Totp")
    for body in ({"type": "Totp"}, {"type": "Totp", "secret": "no key"}):
        again = await refused(api, "CreateUserMfaVerification", body, userId=user_id)
        assert again == (422, "user.totp_already_in_use")
    wrong = {"type": "BackupCode", "codes": ["zz"]}
    outcome = await refused(api, "CreateUserMfaVerification", wrong, userId=user_id)
    assert outcome == (422, "user.wrong_backup_code_format")
    await add(api, user_id, type="BackupCode")
    outcome = await refused(api, "CreateUserMfaVerification", wrong, userId=user_id)
    assert outcome == (422, "user.backup_code_already_in_use")


async def test_decisions_about_second_factors_are_changed_one_by_one(api: Api) -> None:
    user_id = await a_user(api)
    assert await api("ListUserLogtoConfigs", userId=user_id) == {
        "mfa": {"skipped": False, "skipMfaOnSignIn": False},
        "passkeySignIn": {"skipped": False},
    }
    patch = {"mfa": {"enabled": True, "skipMfaOnSignIn": True}}
    await api("UpdateUserLogtoConfigs", userId=user_id, json=patch)
    patch = {"mfa": {"skipped": True}, "passkeySignIn": {"skipped": True}}
    changed = await api("UpdateUserLogtoConfigs", userId=user_id, json=patch)
    assert changed == {
        "mfa": {"enabled": True, "skipped": True, "skipMfaOnSignIn": True},
        "passkeySignIn": {"skipped": True},
    }
    assert await api("ListUserLogtoConfigs", userId=user_id) == changed


@pytest.mark.parametrize("body", [{"mfa": {"skipped": "yes"}}, {"passkeySignIn": 1}, {"mfa": None}])
async def test_decisions_that_make_no_sense_are_refused(api: Api, body: Any) -> None:
    user_id = await a_user(api)
    outcome = await refused(api, "UpdateUserLogtoConfigs", body, userId=user_id)
    assert outcome == (400, "guard.invalid_input")


async def test_nobody_has_no_factors(api: Api) -> None:
    for operation_id, body in (
        ("ListUserMfaVerifications", None),
        ("CreateUserMfaVerification", {"type": "Totp"}),
        ("ListUserLogtoConfigs", None),
        ("UpdateUserLogtoConfigs", {}),
    ):
        outcome = await refused(api, operation_id, body, userId="nobody")
        assert outcome == (404, "entity.not_found"), operation_id
