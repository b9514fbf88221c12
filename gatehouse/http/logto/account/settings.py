"""`/api/my-account/mfa-settings` and `logto-configs`: what the owner decided about signing in."""

from __future__ import annotations

from gatehouse.actors import mfa, own_account
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    AnyCall,
    account_of,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified,
    person_of,
)
from gatehouse.http.logto.management.user_mfa import (
    LogtoConfigPatch,
    LogtoConfigView,
    MfaConfig,
    changed_logto_config,
    logto_config_view,
)
from gatehouse.http.wire import Wire
from gatehouse.storage.records import User

operations = account_operations()


class MfaSettings(Wire):
    """Whether somebody with second factors signs in without them, where the tenant allows it."""

    skip_mfa_on_sign_in: bool


@operations.get(
    "/api/my-account/mfa-settings", "GetMfaSettings", response=MfaSettings, statuses=(400,)
)
async def get_mfa_settings(call: Call) -> MfaSettings:
    """Read whether one is asked for a second factor."""
    check_scope(call, "identities")
    (await center_of(call)).check_shown("mfa")
    decided = mfa.user_config((await account_of(call)).logto_config)
    return MfaSettings(skip_mfa_on_sign_in=decided.skip_mfa_on_sign_in)


@operations.patch(
    "/api/my-account/mfa-settings", "UpdateMfaSettings", body=MfaSettings, response=MfaSettings
)
async def update_mfa_settings(call: Call[MfaSettings]) -> MfaSettings:
    """Decide whether to be asked for a second factor."""
    await check_verified(call)
    check_scope(call, "identities")
    await check_first_party(call)
    (await center_of(call)).check_editable("mfa")
    decided = MfaConfig(skip_mfa_on_sign_in=call.body.skip_mfa_on_sign_in)
    await _decide(call, LogtoConfigPatch(mfa=decided))
    return call.body


@operations.get(
    "/api/my-account/logto-configs", "GetLogtoConfig", response=LogtoConfigView, statuses=(400,)
)
async def get_decisions(call: Call) -> LogtoConfigView:
    """Read what one decided about second factors and passkeys."""
    check_scope(call, "identities")
    (await center_of(call)).check_shown("passkey")
    return logto_config_view((await account_of(call)).logto_config)


@operations.patch(
    "/api/my-account/logto-configs",
    "UpdateLogtoConfig",
    body=LogtoConfigPatch,
    response=LogtoConfigView,
)
async def update_decisions(call: Call[LogtoConfigPatch]) -> LogtoConfigView:
    """Note decisions about second factors and passkeys."""
    await check_verified(call)
    check_scope(call, "identities")
    await check_first_party(call)
    (await center_of(call)).check_editable("passkey")
    return logto_config_view((await _decide(call, call.body)).logto_config)


async def _decide(call: AnyCall, patch: LogtoConfigPatch) -> User:
    return await own_account.decide(
        call.core, person_of(call).subject, lambda before: changed_logto_config(before, patch)
    )
