"""What a person decides about second factors while signing in: set up, declined, put off.

It is kept in the interaction and stored on submission. Who has second factors shows one first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors import mfa, mfa_checks, sign_in_profile
from gatehouse.actors.factors.backup_code import BackupCodeVerification
from gatehouse.actors.factors.totp import TotpVerification
from gatehouse.actors.factors.webauthn import WebAuthnVerification
from gatehouse.actors.interaction import Interaction, refuse
from gatehouse.actors.interaction_mfa import ChooseMfa
from gatehouse.actors.refusal import Reason
from gatehouse.actors.second_factors import MfaChoices, MfaFactor, NewFactor
from gatehouse.actors.sign_in_mfa import Whose, identified, own
from gatehouse.actors.verification import Event, IdentifierType
from gatehouse.actors.visit import Visit, effects_of, logged

if TYPE_CHECKING:
    from gatehouse.actors.audit import AuditEntry

_ADDRESSES = {MfaFactor.EMAIL: IdentifierType.EMAIL, MfaFactor.PHONE: IdentifierType.PHONE}


async def bind(visit: Visit, factor: MfaFactor, verification_id: str) -> None:
    """Have a second factor that was set up stored on submission. Raises `Refused`.

    Who sets one up wants to be asked for it from now on.
    """
    whose, entry = await _changing(visit, f"BindMfa.{factor}.Submit", verification_id)
    if factor in _ADDRESSES:
        await _bind_address(visit, whose, factor, verification_id)
        await visit.tell(ChooseMfa(whose.user.id, MfaChoices(enabled=True)))
        return
    await _bind(visit, whose, factor, verification_id, entry, enabled=True)


async def bind_passkey(visit: Visit, verification_id: str) -> None:
    """Have a passkey to sign in with stored on submission. Raises `Refused`.

    Whether it is asked for as a second factor too is left as it was.
    """
    whose, entry = await _changing(visit, "SignInPasskey.Submit", verification_id)
    await _bind(visit, whose, MfaFactor.WEBAUTHN, verification_id, entry, enabled=None)


async def _bind(
    visit: Visit,
    whose: Whose,
    factor: MfaFactor,
    verification_id: str,
    entry: AuditEntry,
    *,
    enabled: bool | None,
) -> None:
    async with logged(visit, entry):
        await _check_shown(visit, whose)
        new = _collected(whose.state, factor, verification_id)
        rules = await mfa_checks.rules_of(visit.core)
        mfa.check_bindable(rules, [factor])
        standing = await mfa_checks.standing_of(visit.core, rules, whose.state, whose.user)
        if factor is MfaFactor.TOTP and any(kept.type == "Totp" for kept in standing.factors):
            refuse(Reason.TOTP_EXISTS)
        if factor is MfaFactor.BACKUP_CODE:
            held = mfa_checks.with_profile(standing, whose.state)
            mfa.check_backup_codes_allowed(rules, held)
        choices = MfaChoices(factors=(new,), enabled=enabled)
        await visit.tell(ChooseMfa(whose.user.id, choices, effects_of(entry)))


async def _bind_address(
    visit: Visit, whose: Whose, factor: MfaFactor, verification_id: str
) -> None:
    """An address becomes a second factor by being the account's."""
    await _check_shown(visit, whose)
    mfa.check_bindable(await mfa_checks.rules_of(visit.core), [factor])
    await sign_in_profile.add_address(visit, _ADDRESSES[factor], verification_id)


def _collected(state: Interaction, factor: MfaFactor, verification_id: str) -> NewFactor:
    match factor:
        case MfaFactor.TOTP:
            return own(state, verification_id, TotpVerification).to_factor()
        case MfaFactor.WEBAUTHN:
            return own(state, verification_id, WebAuthnVerification).to_factor()
        case MfaFactor.BACKUP_CODE:
            return own(state, verification_id, BackupCodeVerification).to_factor()
        case _:
            refuse(Reason.MFA_FACTOR_NOT_ENABLED)


async def skip_mfa(visit: Visit) -> None:
    """Decline second factors. Raises `Refused(MFA_NOT_SKIPPABLE)` where they are mandatory."""
    whose, entry = await _changing(visit, "Mfa.Skip")
    async with logged(visit, entry):
        await _check_shown(visit, whose)
        rules = await mfa_checks.rules_of(visit.core)
        standing = await mfa_checks.standing_of(visit.core, rules, whose.state, whose.user)
        mfa.check_skippable(rules, standing)
        await visit.tell(ChooseMfa(whose.user.id, MfaChoices(skipped=True), effects_of(entry)))


async def choose(visit: Visit, choices: MfaChoices) -> None:
    """Note another decision about second factors. Raises `Refused`."""
    whose, entry = await _changing(visit, "Mfa.Update")
    async with logged(visit, entry):
        await _check_shown(visit, whose)
        await visit.tell(ChooseMfa(whose.user.id, choices, effects_of(entry)))


async def _check_shown(visit: Visit, whose: Whose) -> None:
    await mfa_checks.check_verified(visit.core, whose.state, whose.user, visit.origin.signs)


async def _changing(
    visit: Visit, key: str, verification_id: str | None = None
) -> tuple[Whose, AuditEntry]:
    _, event = await visit.started()
    if event is Event.FORGOT_PASSWORD:
        refuse(Reason.NOT_FOR_FORGOT_PASSWORD)
    whose = await identified(visit)
    facts = {"userId": whose.user.id, "verificationId": verification_id}
    return whose, visit.entry(f"{event}.{key}", **facts)
