"""`/api/my-account/mfa-verifications`: one's own second factors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field

from gatehouse.actors import account_verification, own_factors
from gatehouse.actors.factors import backup_code, totp
from gatehouse.actors.factors.webauthn import WebAuthnVerification
from gatehouse.actors.second_factors import MfaFactor, NewBackupCodes, NewTotp
from gatehouse.actors.webhook_payloads import iso_time
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.account.access import (
    AnyCall,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified,
    person_of,
)
from gatehouse.http.logto.account.models import RecordId
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.user_mfa import (
    Code,
    Key,
    MfaVerificationView,
    mfa_verification_view,
)
from gatehouse.http.wire import Maybe, Wire

operations = account_operations()

_PATH = "/api/my-account/mfa-verifications"
Name = Annotated[str, Field(max_length=128)]


class NewPasskey(Wire):
    """A passkey that was registered."""

    type: Literal["WebAuthn"]
    new_identifier_verification_record_id: RecordId
    name: Maybe[Name] = None


class NewTotpBody(Wire):
    """An authenticator app, and a code that it shows."""

    type: Literal["Totp", "TOTP"]
    secret: Key
    code: Maybe[Code] = None


class NewCodes(Wire):
    """Backup codes that one has kept."""

    type: Literal["BackupCode"]
    codes: Annotated[list[Code], Field(max_length=100)]


class TotpBody(Wire):
    """An authenticator app in the place of the present one, and a code that it shows."""

    secret: Key
    code: Code


class Secret(Wire):
    """A key for an authenticator app."""

    secret: str


class Codes(Wire):
    """Backup codes to keep."""

    codes: list[str]


class KeptCode(Wire):
    """A backup code, and when it was used (ISO 8601)."""

    code: str
    used_at: Maybe[str] = None


class KeptCodes(Wire):
    """One's backup codes."""

    codes: list[KeptCode]


class NameBody(Wire):
    """What to call a passkey."""

    name: Name


NewFactorBody = Annotated[NewPasskey | NewTotpBody | NewCodes, Field(discriminator="type")]


@operations.get(_PATH, "GetMfaVerifications", response=list[MfaVerificationView], statuses=(400,))
async def list_factors(call: Call) -> Reply:
    """List one's second factors."""
    (await center_of(call)).check_shown("mfa")
    check_scope(call, "identities")
    held = await own_factors.factors(call.core, person_of(call).subject)
    return Reply(200, [mfa_verification_view(factor) for factor in held])


@operations.post(_PATH, "AddMfaVerification", body=NewFactorBody, status=204, statuses=(422,))
async def add_factor(call: Call[NewPasskey | NewTotpBody | NewCodes]) -> None:
    """Set up a second factor."""
    body = call.body
    kind = MfaFactor.TOTP if isinstance(body, NewTotpBody) else MfaFactor(body.type)
    await check_verified(call)
    (await center_of(call)).check_editable(_field(kind))
    check_scope(call, "identities")
    await check_first_party(call)
    await own_factors.check_enabled(call.core, kind)
    core, who = call.core, person_of(call).subject
    if isinstance(body, NewPasskey):
        shown = body.new_identifier_verification_record_id
        record = await account_verification.passed(core, who, shown, WebAuthnVerification)
        new = msgspec.structs.replace(record.to_factor(), name=body.name)
        await own_factors.add(core, who, new)
    elif isinstance(body, NewTotpBody):
        await own_factors.add(core, who, _new_totp(call, body))
    else:
        if not backup_code.are_codes(body.codes):
            raise ApiError("user.wrong_backup_code_format")
        await own_factors.add(core, who, NewBackupCodes.of(core.vault, body.codes))


@operations.put(f"{_PATH}/totp", "CreateOrReplaceTotpMfaVerification", body=TotpBody, status=204)
async def replace_totp(call: Call[TotpBody]) -> None:
    """Set up an authenticator app, in the place of another."""
    await _check_editable(call)
    await own_factors.check_enabled(call.core, MfaFactor.TOTP)
    new = _new_totp(call, call.body)
    await own_factors.add(call.core, person_of(call).subject, new, replace=True)


@operations.post(
    f"{_PATH}/totp-secret/generate", "GenerateTotpSecret", response=Secret, statuses=(400,)
)
async def make_secret(call: Call) -> Secret:
    """Make a key for an authenticator app; nothing is stored."""
    return Secret(secret=totp.new_key())


@operations.post(
    f"{_PATH}/backup-codes/generate",
    "GenerateMyAccountBackupCodes",
    response=Codes,
    statuses=(400,),
)
async def make_codes(call: Call) -> Codes:
    """Make backup codes; nothing is stored."""
    return Codes(codes=list(backup_code.new_codes()))


@operations.get(f"{_PATH}/backup-codes", "GetBackupCodes", response=KeptCodes, statuses=(400, 404))
async def get_codes(call: Call) -> KeptCodes:
    """Read one's backup codes."""
    await check_verified(call)
    check_scope(call, "identities")
    held = await own_factors.factors(call.core, person_of(call).subject)
    for factor in held:
        if factor.type == "BackupCode":
            return KeptCodes(codes=[_kept(one.code, one.used_at) for one in factor.codes])
    raise ApiError("verification_record.not_found", status=404)


@operations.patch(f"{_PATH}/{{verificationId}}/name", "UpdateMfaVerificationName", body=NameBody)
async def rename(call: Call[NameBody]) -> Reply:
    """Name a passkey."""
    await _check_editable(call, MfaFactor.WEBAUTHN)
    who, verification_id = person_of(call).subject, call.path["verificationId"]
    await own_factors.rename(call.core, who, verification_id, call.body.name)
    return Reply(200)


@operations.delete(f"{_PATH}/{{verificationId}}", "DeleteMfaVerification", statuses=(400,))
async def remove_factor(call: Call) -> None:
    """Take a second factor away."""
    await check_verified(call)
    check_scope(call, "identities")
    await check_first_party(call)
    who = person_of(call).subject
    factor = await own_factors.find(call.core, who, call.path["verificationId"])
    (await center_of(call)).check_editable(_field(MfaFactor(factor.type)))
    await own_factors.remove(call.core, who, factor.id)


async def _check_editable(call: AnyCall, kind: MfaFactor = MfaFactor.TOTP) -> None:
    await check_verified(call)
    (await center_of(call)).check_editable(_field(kind))
    check_scope(call, "identities")
    await check_first_party(call)


def _field(kind: MfaFactor) -> str:
    """The field of the account that a kind of factor belongs to."""
    return "passkey" if kind is MfaFactor.WEBAUTHN else "mfa"


def _new_totp(call: AnyCall, body: NewTotpBody | TotpBody) -> NewTotp:
    if not totp.is_key(body.secret):
        raise ApiError("user.totp_secret_invalid", status=400)
    if not body.code:
        return NewTotp.of(call.core.vault, body.secret)
    return own_factors.shown_totp(call.core, body.secret, body.code)


def _kept(code: str, used_at: int | None) -> KeptCode:
    return (
        KeptCode(code=code) if used_at is None else KeptCode(code=code, used_at=iso_time(used_at))
    )
