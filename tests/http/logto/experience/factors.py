"""People with second factors, in front of a sign-in."""

from __future__ import annotations

from typing import Any

import pyotp

from gatehouse.actors.factors.totp import STEP_MS
from gatehouse.actors.second_factors import NewBackupCodes, NewTotp
from gatehouse.storage.mfa import MfaVerification, MfaVerifications
from gatehouse.storage.records import User
from tests.http.authenticator import Authenticator
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import PASSWORD, TENANT, House

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODES = tuple(f"{number:010x}" for number in range(10))


def mfa(*factors: str, policy: str = "UserControlled", **more: Any) -> dict[str, Any]:
    """Settings with these second factors."""
    return {"mfa": {"factors": list(factors), "policy": policy, **more}}


def code(house: House, key: str = KEY, steps: int = 0) -> str:
    """What the authenticator app shows now, or some steps later."""
    return pyotp.TOTP(key).generate_otp(house.core.clock() // STEP_MS + steps)


def wrong_code(house: House, key: str = KEY) -> str:
    """Six digits that the app shows neither now nor soon."""
    near = {code(house, key, steps) for steps in range(-2, 4)}
    return next(text for number in range(10) if (text := f"{number:06}") not in near)


async def add_totp(house: House, user: User, key: str = KEY) -> MfaVerification:
    """Give a user an authenticator app."""
    vault = house.core.vault
    record = NewTotp.of(vault, key).to_record(user.id, vault)
    return await house.core.db.write(lambda tx: MfaVerifications(tx, TENANT).add(record))


async def add_backup_codes(house: House, user: User) -> MfaVerification:
    """Give a user backup codes."""
    vault = house.core.vault
    record = NewBackupCodes.of(vault, CODES).to_record(user.id, vault)
    return await house.core.db.write(lambda tx: MfaVerifications(tx, TENANT).add(record))


async def factors_of(house: House, user_id: str) -> list[MfaVerification]:
    """What a user has, the TOTP first and the backup codes last."""
    found = await house.core.db.read(lambda tx: MfaVerifications(tx, TENANT).of(user_id))
    return sorted(found, key=lambda factor: ("Totp", "WebAuthn", "BackupCode").index(factor.type))


async def identified(house: House, username: str = "ada") -> Browser:
    """A browser in which somebody has given their password."""
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password(username, PASSWORD))
    return browser


async def enrol_totp(browser: Browser, house: House) -> str:
    """Set an authenticator app up; its key."""
    made = await browser("CreateTotpSecret")
    first = {"code": code(house, made["secret"]), "verificationId": made["verificationId"]}
    await browser("VerifyTotpVerification", json=first)
    await bind(browser, "Totp", made["verificationId"])
    return str(made["secret"])


async def bind(browser: Browser, factor: str, verification_id: str) -> None:
    """Have a factor stored on submission."""
    body = {"type": factor, "verificationId": verification_id}
    await browser("BindMfaVerification", json=body, expect=204)


async def register_credential(browser: Browser, device: Authenticator) -> str:
    """Have a device make a credential; the verification's id."""
    begun = await browser("CreateWebAuthnRegistrationVerification")
    payload = device.register(begun["registrationOptions"])
    body = {"verificationId": begun["verificationId"], "payload": payload}
    reply = await browser("VerifyWebAuthnRegistrationVerification", json=body)
    return str(reply["verificationId"])
