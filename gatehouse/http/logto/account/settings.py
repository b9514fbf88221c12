"""`/api/my-account/mfa-settings` and `logto-configs`: what the owner decided about signing in."""

from __future__ import annotations

from typing import Any

from gatehouse.actors import own_account
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    account_of,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified,
    person_of,
)
from gatehouse.http.wire import Maybe, Wire
from gatehouse.storage.records import User

operations = account_operations()

MFA = "mfa"
PASSKEY = "passkey_sign_in"
"""Under which names the decisions are stored with the user."""


class MfaSettings(Wire):
    """Whether somebody with second factors signs in without them, where the tenant allows it."""

    skip_mfa_on_sign_in: bool


class MfaDecisions(Wire):
    """What somebody decided about second factors."""

    enabled: Maybe[bool] = None
    skipped: Maybe[bool] = None
    additional_binding_suggestion_skipped: Maybe[bool] = None
    skip_mfa_on_sign_in: Maybe[bool] = None


class PasskeyDecisions(Wire):
    """What somebody decided about passkeys."""

    skipped: Maybe[bool] = None


class Decisions(Wire):
    """Decisions to note; the others stay."""

    mfa: Maybe[MfaDecisions] = None
    passkey_sign_in: Maybe[PasskeyDecisions] = None


class MfaView(Wire):
    """Decisions about second factors; `enabled` is absent for whom nobody ever asked."""

    enabled: Maybe[bool] = None
    skipped: bool
    skip_mfa_on_sign_in: bool


class PasskeyView(Wire):
    """Decisions about passkeys."""

    skipped: bool


class DecisionsView(Wire):
    """Everything somebody decided."""

    mfa: MfaView
    passkey_sign_in: PasskeyView


def decisions_view(user: User) -> DecisionsView:
    """What a user decided, with the defaults of what they did not."""
    mfa, passkey = _stored(user, MFA), _stored(user, PASSKEY)
    view = MfaView(
        skipped=mfa.get("skipped") is True,
        skip_mfa_on_sign_in=mfa.get("skipMfaOnSignIn") is True,
    )
    if isinstance(mfa.get("enabled"), bool):
        view.enabled = mfa["enabled"]
    return DecisionsView(
        mfa=view, passkey_sign_in=PasskeyView(skipped=passkey.get("skipped") is True)
    )


def decisions_of(body: Decisions) -> dict[str, dict[str, Any]]:
    """What is to be stored, by topic."""
    given = ((MFA, body.mfa), (PASSKEY, body.passkey_sign_in))
    return {topic: decided.as_json() for topic, decided in given if decided is not None}


def _stored(user: User, topic: str) -> dict[str, Any]:
    stored = user.logto_config.get(topic)
    return stored if isinstance(stored, dict) else {}


@operations.get(
    "/api/my-account/mfa-settings", "GetMfaSettings", response=MfaSettings, statuses=(400,)
)
async def get_mfa_settings(call: Call) -> MfaSettings:
    """Read whether one is asked for a second factor."""
    check_scope(call, "identities")
    (await center_of(call)).check_shown("mfa")
    decided = decisions_view(await account_of(call))
    return MfaSettings(skip_mfa_on_sign_in=decided.mfa.skip_mfa_on_sign_in)


@operations.patch(
    "/api/my-account/mfa-settings", "UpdateMfaSettings", body=MfaSettings, response=MfaSettings
)
async def update_mfa_settings(call: Call[MfaSettings]) -> MfaSettings:
    """Decide whether to be asked for a second factor."""
    await check_verified(call)
    check_scope(call, "identities")
    await check_first_party(call)
    (await center_of(call)).check_editable("mfa")
    changes = {MFA: call.body.as_json()}
    await own_account.merge_config(call.core, person_of(call).subject, changes)
    return call.body


@operations.get(
    "/api/my-account/logto-configs", "GetLogtoConfig", response=DecisionsView, statuses=(400,)
)
async def get_decisions(call: Call) -> DecisionsView:
    """Read what one decided about second factors and passkeys."""
    check_scope(call, "identities")
    (await center_of(call)).check_shown("passkey")
    return decisions_view(await account_of(call))


@operations.patch(
    "/api/my-account/logto-configs", "UpdateLogtoConfig", body=Decisions, response=DecisionsView
)
async def update_decisions(call: Call[Decisions]) -> DecisionsView:
    """Note decisions about second factors and passkeys."""
    await check_verified(call)
    check_scope(call, "identities")
    await check_first_party(call)
    (await center_of(call)).check_editable("passkey")
    changes = decisions_of(call.body)
    user = await own_account.merge_config(call.core, person_of(call).subject, changes)
    return decisions_view(user)
