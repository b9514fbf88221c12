"""Decisions about second factors over the Experience API, stored on submission."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from pydantic.alias_generators import to_camel

from gatehouse.actors import sign_in_mfa_choices
from gatehouse.actors.second_factors import MfaChoices, MfaFactor, NewCredential, factor_of
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import VerificationId
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()

_PATH = "/api/experience/profile/mfa"


class BindBody(Wire):
    """A factor that was set up in this interaction."""

    type: Literal[
        "Totp", "WebAuthn", "BackupCode", "EmailVerificationCode", "PhoneVerificationCode"
    ]
    verification_id: VerificationId


class PasskeyBody(Wire):
    """A passkey that was registered in this interaction."""

    verification_id: VerificationId


@operations.post(
    _PATH, "BindMfaVerification", body=BindBody, status=204, statuses=(400, 403, 404, 422)
)
async def bind(call: Call[BindBody]) -> None:
    """Have a second factor stored with the account."""
    factor = MfaFactor(call.body.type)
    await sign_in_mfa_choices.bind(visit_of(call), factor, call.body.verification_id)


@operations.post(
    f"{_PATH}/passkey", "BindPasskey", body=PasskeyBody, status=204, statuses=(400, 403, 404)
)
async def bind_passkey(call: Call[PasskeyBody]) -> None:
    """Have a passkey stored with the account."""
    await sign_in_mfa_choices.bind_passkey(visit_of(call), call.body.verification_id)


@operations.post(f"{_PATH}/mfa-enabled", "MarkMfaEnabled", status=204, statuses=(400, 403, 404))
async def enable(call: Call) -> None:
    """Accept the suggestion to use second factors."""
    await sign_in_mfa_choices.choose(visit_of(call), MfaChoices(enabled=True))


@operations.post(
    f"{_PATH}/mfa-skipped", "SkipMfaBindingFlow", status=204, statuses=(400, 403, 404, 422)
)
async def skip(call: Call) -> None:
    """Decline second factors, where that is allowed."""
    await sign_in_mfa_choices.skip_mfa(visit_of(call))


@operations.post(
    f"{_PATH}/mfa-suggestion-skipped",
    "SkipMfaSuggestion",
    status=204,
    statuses=(400, 403, 404, 422),
)
async def skip_suggestion(call: Call) -> None:
    """Decline the suggestion to set up one more factor."""
    await sign_in_mfa_choices.choose(visit_of(call), MfaChoices(suggestion_skipped=True))


@operations.post(
    f"{_PATH}/passkey-skipped", "SkipPasskeyBinding", status=204, statuses=(400, 403, 404)
)
async def skip_passkey(call: Call) -> None:
    """Decline the suggestion to set up a passkey."""
    await sign_in_mfa_choices.choose(visit_of(call), MfaChoices(passkey_skipped=True))


def choices_view(choices: MfaChoices) -> dict[str, Any]:
    """What was decided so far, as the person's own browser may see it: without secrets."""
    given = {
        "mfaEnabled": choices.enabled,
        "mfaSkipped": choices.skipped or None,
        "passkeySkipped": choices.passkey_skipped or None,
    }
    view: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for factor in choices.factors:
        kind = factor_of(factor)
        if isinstance(factor, NewCredential):
            view.setdefault("webAuthn", []).append(_credential_view(factor))
        else:
            view["totp" if kind is MfaFactor.TOTP else "backupCode"] = {"type": kind.value}
    return view


def _credential_view(factor: NewCredential) -> dict[str, Any]:
    credential = msgspec.structs.asdict(factor.credential)
    credential["agent"] = credential["agent"] or ""
    del credential["synced"]
    return {"type": "WebAuthn"} | {to_camel(name): value for name, value in credential.items()}
