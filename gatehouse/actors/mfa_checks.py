"""What submitting asks about second factors, and what it stores of them.

The rules are `gatehouse.actors.mfa`; this gathers what they are asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatehouse.actors import adaptive_mfa, mfa
from gatehouse.actors.adaptive_mfa import Past, Signs
from gatehouse.actors.mfa import MfaRules, Standing
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaChoices, MfaFactor
from gatehouse.actors.verification import Event
from gatehouse.storage import errors as storage
from gatehouse.storage.mfa import MfaVerification, MfaVerifications
from gatehouse.storage.sign_in_places import SignInPlace, SignInPlaces
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.actors.interaction import Interaction
    from gatehouse.storage.records import User
    from gatehouse.storage.transaction import Transaction


async def rules_of(core: Core) -> MfaRules:
    """What the tenant demands of second factors."""
    return await core.directory.sign_in_settings(MfaRules)


async def factors_of(core: Core, user_id: str) -> list[MfaVerification]:
    """The second factors a user has."""
    return await core.db.lookup(_factors, core.tenant_id, user_id)


async def standing_of(core: Core, rules: MfaRules, state: Interaction, user: User) -> Standing:
    """What is known of the identified user's second factors."""
    demanded = False
    if rules.heeds_organizations:
        demanded = await core.db.lookup(_demanded, core.tenant_id, user.id)
    return Standing(
        factors=await factors_of(core, user.id),
        email=user.primary_email,
        phone=user.primary_phone,
        config=mfa.user_config(user.logto_config),
        passkey_skipped=mfa.passkey_skipped(user.logto_config),
        organization_requires=demanded,
        choices=state.mfa,
    )


async def check_verified(
    core: Core, state: Interaction, user: User, signs: Signs | None = None
) -> None:
    """Raises `Refused(MFA_REQUIRED)` while a second factor has to be shown.

    Not of an account that was made in this interaction, and not where a verification says that
    nothing else is needed. `signs` are what is known of the request, for adaptive MFA; a refusal
    because of them has what was found in its parameter `adaptive`.
    """
    if state.registered_here or any(record.waives_mfa for record in state.records):
        return
    rules = await rules_of(core)
    if not rules.factors:
        return
    standing = await standing_of(core, rules, state, user)
    # What a submission at the same time has just stored was set up here, and is nothing to show.
    fresh = {factor.id for factor in state.mfa.factors}
    before = [factor for factor in standing.factors if factor.id not in fresh]
    shown = [MfaFactor(factor) for factor in state.second_factors]
    found = await _found_suspicious(core, user, signs) if rules.adaptive_mfa.enabled else None
    at_risk = None if found is None else bool(found)
    try:
        mfa.check_verified(rules, replace(standing, factors=before), shown, at_risk=at_risk)
    except Refused as refused:
        if found:
            result = {"requiresMfa": True, "triggeredRules": found}
            raise Refused(refused.reason, refused.data, adaptive=result) from None
        raise


async def _found_suspicious(core: Core, user: User, signs: Signs | None) -> list[dict[str, Any]]:
    now = core.clock()
    places = await core.db.lookup(_places, core.tenant_id, user.id, adaptive_mfa.since(now))
    past = Past(user.last_sign_in_at, places)
    return adaptive_mfa.triggered(signs, past, now)


async def check_complete(core: Core, state: Interaction, user: User) -> MfaChoices:
    """Whether the account has the factors it needs; returns the choices to store.

    Raises `Refused` with what is to be set up, or could be.
    """
    rules = await rules_of(core)
    if not (rules.factors or rules.passkey_sign_in.enabled or state.mfa.factors):
        return state.mfa
    standing = await standing_of(core, rules, state, user)
    if not any(record.mfa_elsewhere for record in state.records):
        mfa.check_passkey(rules, standing)
    mfa.check_bindable(rules, state.mfa.kinds)
    if any(record.mfa_elsewhere for record in state.records):
        return state.mfa
    return mfa.check_enrolled(rules, with_profile(standing, state), event_of(state))


def with_profile(standing: Standing, state: Interaction) -> Standing:
    """The same with the addresses that were collected: they will be the account's."""
    return replace(
        standing,
        email=state.profile.primary_email or standing.email,
        phone=state.profile.primary_phone or standing.phone,
    )


def event_of(state: Interaction) -> Event:
    """Whether the person is new here, whatever they say they came to do."""
    return Event.REGISTER if state.registered_here else Event.SIGN_IN


def storing(
    core: Core, user_id: str, choices: MfaChoices, event: Event, signs: Signs | None = None
) -> Callable[[Transaction], None] | None:
    """A unit of work that stores what was decided, and from where; None if there is nothing.

    It raises `Refused`.
    """
    place = None if signs is None else signs.to_place(user_id)
    if place is None and choices == MfaChoices():
        return None

    def store(tx: Transaction) -> None:
        if place is not None:
            SignInPlaces(tx, core.tenant_id).note(place, adaptive_mfa.since(tx.now))
        for factor in choices.factors:
            record = factor.to_record(user_id, core.vault)
            add_factor(MfaVerifications(tx, core.tenant_id), record)
        users = Users(tx, core.tenant_id)
        before = users.get(user_id).logto_config
        after = mfa.config_changes(before, choices, event)
        if after != before:
            users.update(user_id, logto_config=after)

    return store


def add_factor(verifications: MfaVerifications, record: MfaVerification) -> MfaVerification:
    """Give a user a factor. Raises `Refused`: `TOTP_EXISTS`, `WEBAUTHN_FAILED`, `USER_GONE`."""
    try:
        return verifications.add(record)
    except storage.NotFound:
        raise Refused(Reason.USER_GONE) from None
    except storage.Conflict:
        raise Refused(Reason.WEBAUTHN_FAILED) from None
    except storage.Refused as refused:
        totp = refused.rule == "totp_exists"
        raise Refused(Reason.TOTP_EXISTS if totp else Reason.WEBAUTHN_FAILED) from None


def _factors(tx: Transaction, tenant: str, user_id: str) -> list[MfaVerification]:
    return MfaVerifications(tx, tenant).of(user_id)


def _places(tx: Transaction, tenant: str, user_id: str, since: int) -> list[SignInPlace]:
    return SignInPlaces(tx, tenant).recent(user_id, since)


def _demanded(tx: Transaction, tenant: str, user_id: str) -> bool:
    return MfaVerifications(tx, tenant).demanded(user_id)
