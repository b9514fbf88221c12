"""`/api/users/{userId}/mfa-verifications` and `/logto-configs`: a user's second factors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from gatehouse.actors import mfa
from gatehouse.actors.factors import backup_code, totp
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import NewBackupCodes, NewTotp
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Wire
from gatehouse.storage.mfa import MfaVerification, MfaVerifications
from gatehouse.storage.records import User

operations = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)

_FACTORS = "/api/users/{userId}/mfa-verifications"
_CONFIGS = "/api/users/{userId}/logto-configs"

Key = Annotated[str, Field(max_length=64)]
Code = Annotated[str, Field(max_length=64)]


class MfaVerificationView(Wire):
    """A second factor, without what is secret about it."""

    id: str
    created_at: str
    type: Literal["Totp", "WebAuthn", "BackupCode", "EmailVerificationCode"]
    last_used_at: Maybe[str] = None
    agent: Maybe[str] = None
    name: Maybe[str] = None
    remain_codes: Maybe[int] = None


class NewTotpBody(Wire):
    """An authenticator app to set up, with a key from elsewhere or a fresh one."""

    type: Literal["Totp"]
    secret: Maybe[Key] = None


class NewBackupCodesBody(Wire):
    """Backup codes to set up, from elsewhere or fresh ones."""

    type: Literal["BackupCode"]
    codes: Maybe[Annotated[list[Code], Field(max_length=100)]] = None


class TotpReply(Wire):
    """The key of a new TOTP, for the person's app."""

    type: Literal["Totp"]
    secret: str
    secret_qr_code: str


class BackupCodesReply(Wire):
    """New backup codes."""

    type: Literal["BackupCode"]
    codes: list[str]


class MfaConfig(Wire):
    """What a user decided about second factors."""

    enabled: Maybe[bool] = None
    skipped: Maybe[bool] = None
    additional_binding_suggestion_skipped: Maybe[bool] = None
    skip_mfa_on_sign_in: Maybe[bool] = None


class PasskeyConfig(Wire):
    """What a user decided about passkeys."""

    skipped: Maybe[bool] = None


class LogtoConfigPatch(Wire):
    """What to change of a user's decisions; the others stay."""

    mfa: Maybe[MfaConfig] = None
    passkey_sign_in: Maybe[PasskeyConfig] = None


class LogtoConfigView(Wire):
    """A user's decisions. `mfa.enabled` is left out for whom nobody ever asked."""

    mfa: MfaConfig
    passkey_sign_in: PasskeyConfig


NewFactorBody = Annotated[NewTotpBody | NewBackupCodesBody, Field(discriminator="type")]


def mfa_verification_view(factor: MfaVerification) -> MfaVerificationView:
    """A factor as this API shows it."""
    shown: dict[str, Any] = {
        "id": factor.id,
        "created_at": _iso(factor.created_at),
        "type": factor.type,
    }
    if factor.type == "BackupCode":
        shown["remain_codes"] = factor.remaining
    elif factor.type == "WebAuthn":
        last_used = None if factor.last_used_at is None else _iso(factor.last_used_at)
        details = {"agent": factor.agent, "name": factor.name, "last_used_at": last_used}
        shown |= {name: value for name, value in details.items() if value is not None}
    return MfaVerificationView.model_construct(**shown)


def logto_config_view(logto_config: JsonObject) -> LogtoConfigView:
    """A user's decisions as this API shows them."""
    config = mfa.user_config(logto_config)
    shown: dict[str, Any] = {
        "skipped": config.skipped,
        "skip_mfa_on_sign_in": config.skip_mfa_on_sign_in,
    }
    if config.enabled is not None:
        shown["enabled"] = config.enabled
    return LogtoConfigView(
        mfa=MfaConfig.model_construct(**shown),
        passkey_sign_in=PasskeyConfig(skipped=mfa.passkey_skipped(logto_config)),
    )


def changed_logto_config(logto_config: JsonObject, patch: LogtoConfigPatch) -> JsonObject:
    """A user's stored decisions, with those of the patch."""
    changed = dict(logto_config)
    given = ((mfa.CONFIG_KEY, patch.mfa), (mfa.PASSKEY_CONFIG_KEY, patch.passkey_sign_in))
    for key, part in given:
        if part is not None:
            before = changed.get(key)
            changed[key] = (before if isinstance(before, dict) else {}) | part.as_json()
    return changed


@operations.get(
    _FACTORS, "ListUserMfaVerifications", response=list[MfaVerificationView], statuses=(404,)
)
async def list_factors(call: Call) -> Reply:
    """List a user's second factors, oldest first."""

    def look(store: Store) -> list[MfaVerification]:
        return store.mfa_verifications.of(store.users.get(call.path["userId"]).id)

    return Reply(200, [mfa_verification_view(factor) for factor in await read(call, look)])


@operations.post(
    _FACTORS,
    "CreateUserMfaVerification",
    body=NewFactorBody,
    response=TotpReply | BackupCodesReply,
    statuses=(404, 422),
)
async def add_factor(call: Call[NewTotpBody | NewBackupCodesBody]) -> TotpReply | BackupCodesReply:
    """Give a user an authenticator app or backup codes."""
    if isinstance(call.body, NewTotpBody):
        return await _add_totp(call, call.body)
    return await _add_backup_codes(call, call.body)


async def _add_totp(call: Call[Any], body: NewTotpBody) -> TotpReply:
    if body.secret is not None and not totp.is_key(body.secret):
        await read(call, lambda store: _check_no_totp(store, call.path["userId"]))
        raise ApiError("user.totp_secret_invalid")
    key, vault = body.secret or totp.new_key(), call.core.vault
    new = NewTotp.of(vault, key)

    def change(store: Store) -> User:
        user = store.users.get(call.path["userId"])
        store.mfa_verifications.add(new.to_record(user.id, vault))
        return user

    user = await write(call, change)
    code = totp.qr_png(totp.key_uri(call.core, user, key))
    return TotpReply(type="Totp", secret=key, secret_qr_code=code)


def _check_no_totp(store: Store, user_id: str) -> None:
    factors = store.mfa_verifications.of(store.users.get(user_id).id)
    if any(factor.type == "Totp" for factor in factors):
        raise Refused(Reason.TOTP_EXISTS)


async def _add_backup_codes(call: Call[Any], body: NewBackupCodesBody) -> BackupCodesReply:
    codes, vault = body.codes or backup_code.new_codes(), call.core.vault
    new = NewBackupCodes.of(vault, codes)

    def change(store: Store) -> None:
        user_id = store.users.get(call.path["userId"]).id
        check_backup_codes_wanted(store.mfa_verifications, user_id)
        if not backup_code.are_codes(codes):
            raise ApiError("user.wrong_backup_code_format")
        store.mfa_verifications.add(new.to_record(user_id, vault))

    await write(call, change)
    return BackupCodesReply(type="BackupCode", codes=list(codes))


def check_backup_codes_wanted(verifications: MfaVerifications, user_id: str) -> None:
    """Raises `Refused`: `BACKUP_CODE_EXISTS` while some are left, `BACKUP_CODE_ALONE`."""
    factors = verifications.of(user_id)
    if any(factor.remaining for factor in factors):
        raise Refused(Reason.BACKUP_CODE_EXISTS)
    if all(factor.type == "BackupCode" for factor in factors):
        raise Refused(Reason.BACKUP_CODE_ALONE)


@operations.delete(f"{_FACTORS}/{{verificationId}}", "DeleteUserMfaVerification", statuses=(404,))
async def delete_factor(call: Call) -> None:
    """Take a second factor from a user."""

    def change(store: Store) -> None:
        user_id = store.users.get(call.path["userId"]).id
        store.mfa_verifications.remove(user_id, call.path["verificationId"])

    await write(call, change)


@operations.get(_CONFIGS, "ListUserLogtoConfigs", response=LogtoConfigView, statuses=(404,))
async def get_logto_config(call: Call) -> LogtoConfigView:
    """Read what a user decided about second factors and passkeys."""
    user = await read(call, lambda store: store.users.get(call.path["userId"]))
    return logto_config_view(user.logto_config)


@operations.patch(
    _CONFIGS,
    "UpdateUserLogtoConfigs",
    body=LogtoConfigPatch,
    response=LogtoConfigView,
    statuses=(404,),
)
async def update_logto_config(call: Call[LogtoConfigPatch]) -> LogtoConfigView:
    """Change what a user decided, on their behalf."""

    def change(store: Store) -> User:
        user = store.users.get(call.path["userId"])
        config = changed_logto_config(user.logto_config, call.body)
        return store.users.update(user.id, logto_config=config)

    return logto_config_view((await write(call, change)).logto_config)


def _iso(milliseconds: int) -> str:
    """A time as JavaScript's `toISOString` writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
