"""Second factors and passkeys while signing in: shown, set up, declined.

Each function is one step of a person, as in `gatehouse.actors.sign_in`. A second factor belongs to
the person who was identified before. Who has second factors shows one before anything is changed
about them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from gatehouse.actors import accounts, mfa, mfa_checks, sign_in_codes, sign_in_profile
from gatehouse.actors.factors import backup_code, totp, webauthn
from gatehouse.actors.factors.backup_code import BackupCodeVerification, verify_backup_code
from gatehouse.actors.factors.mfa_code import MFA_RECORDS, MFA_TEMPLATE
from gatehouse.actors.factors.totp import TotpVerification, verify_totp
from gatehouse.actors.factors.webauthn import (
    SignInPasskey,
    SpendChallenge,
    WebAuthnVerification,
    relying_party,
)
from gatehouse.actors.interaction import (
    AddVerification,
    AdvanceVerification,
    Interaction,
    refuse,
)
from gatehouse.actors.interaction_mfa import ChooseMfa, OfferPasskey, TakePasskeyOffer
from gatehouse.actors.lockout import Pool
from gatehouse.actors.refusal import Reason
from gatehouse.actors.second_factors import MfaChoices, MfaFactor, NewFactor
from gatehouse.actors.sign_in import verify
from gatehouse.actors.verification import Event, Identifier, IdentifierType, Record
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.audit import AuditEntry
    from gatehouse.actors.factors import VerificationRecord
    from gatehouse.storage.records import User

_ADDRESSES = {MfaFactor.EMAIL: IdentifierType.EMAIL, MfaFactor.PHONE: IdentifierType.PHONE}

V = TypeVar("V", TotpVerification, BackupCodeVerification, WebAuthnVerification)
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Whose:
    """The interaction, its event, and the user who was identified."""

    state: Interaction
    event: Event
    user: User


async def identified(visit: Visit) -> Whose:
    """Whose second factors this is about. Raises `Refused(NOT_IDENTIFIED)`."""
    state, event = await visit.started()
    if state.user_id is None:
        refuse(Reason.NOT_IDENTIFIED)
    return Whose(state, event, await accounts.get_active(visit.core, state.user_id))


def own(state: Interaction, verification_id: str, kind: type[R]) -> R:
    """The identified user's verification. Raises `Refused(VERIFICATION_NOT_FOUND)`."""
    record = state.record(verification_id)
    if not isinstance(record, kind) or record.owner != state.user_id:
        refuse(Reason.VERIFICATION_NOT_FOUND)
    return record


async def usable(visit: Visit) -> dict[MfaFactor, str]:
    """With what the identified user can pass, in the order in which to offer it.

    To each, where its code would be sent, masked; nothing for factors without an address.
    """
    whose = await identified(visit)
    rules = await mfa_checks.rules_of(visit.core)
    standing = await mfa_checks.standing_of(visit.core, rules, whose.state, whose.user)
    offered = mfa.usable_factors(rules, standing)
    addresses = mfa.masked(offered, standing)
    return {factor: addresses.get(factor.value, "") for factor in offered}


# An authenticator app


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """A key for an authenticator app: in base32, and as the app reads it from a picture."""

    verification_id: str
    key: str
    uri: str


async def begin_totp(visit: Visit) -> TotpOffer:
    """A new TOTP, which waits for its first code. Raises `Refused`."""
    vault = visit.core.vault
    record, user = await _begin(
        visit, lambda record_id, user: totp.begin(vault, record_id, user.id)
    )
    return _offer(visit, record, user)


async def pending_totp(visit: Visit) -> TotpOffer:
    """The TOTP that was begun and has shown no code yet, or a new one. Raises `Refused`."""
    whose = await identified(visit)
    for record in whose.state.records:
        if isinstance(record, TotpVerification) and record.waits_for(whose.user.id):
            return _offer(visit, record, whose.user)
    return await begin_totp(visit)


def _offer(visit: Visit, record: TotpVerification, user: User) -> TotpOffer:
    key = record.key(visit.core.vault) or ""
    return TotpOffer(record.id, key, totp.key_uri(visit.core, user, key))


async def show_first_code(visit: Visit, verification_id: str, code: str) -> None:
    """Show that the app has the new key. Raises `Refused`."""
    whose = await identified(visit)
    entry = _entry(visit, whose, "Totp", verification_id)
    async with logged(visit, entry):
        record = own(whose.state, verification_id, TotpVerification)
        step = totp.first_code(visit.core, record, code)
        await visit.tell(AdvanceVerification(verification_id, step, effects_of(entry)))


async def use_totp(visit: Visit, code: str) -> str:
    """Show a code of the user's TOTP; returns the verification's id. Raises `Refused`."""
    whose = await identified(visit)
    return await verify(
        visit,
        "Totp",
        lambda record_id, rules: verify_totp(visit.core, record_id, whose.user.id, code),
        account=whose.user.id,
        pool=Pool.TOTP,
    )


# Backup codes


async def begin_backup_codes(visit: Visit) -> tuple[str, tuple[str, ...]]:
    """New backup codes, about to be shown; before them, the verification's id. Raises `Refused`."""
    vault, codes = visit.core.vault, backup_code.new_codes()
    record, _ = await _begin(
        visit, lambda record_id, user: backup_code.begin(vault, record_id, user.id, codes)
    )
    return record.id, codes


async def use_backup_code(visit: Visit, code: str) -> str:
    """Use up a backup code; returns the verification's id. Raises `Refused`."""
    whose = await identified(visit)
    return await verify(
        visit,
        "BackupCode",
        lambda record_id, rules: verify_backup_code(visit.core, record_id, whose.user.id, code),
        account=whose.user.id,
        pool=Pool.BACKUP_CODE,
    )


# A code to the account's own address


async def send_mfa_code(visit: Visit, kind: IdentifierType) -> str:
    """Send a code to the account's address; returns the verification's id.

    Raises `Refused`: `NOT_IDENTIFIED`, `MFA_FACTOR_NOT_ENABLED` if there is no such address.
    """
    whose = await identified(visit)
    record = MFA_RECORDS[kind](
        id=new_id(),
        account=whose.user.id,
        identifier=_address(whose.user, kind),
        template_type=MFA_TEMPLATE,
    )
    entry = visit.entry(
        f"{whose.event}.Verification.{record.factor}.Create",
        userId=whose.user.id,
        verificationId=record.id,
    )
    async with logged(visit, entry):
        await sign_in_codes.send(visit, whose.state, record, effects_of(entry))
    return record.id


async def use_mfa_code(visit: Visit, kind: IdentifierType, verification_id: str, code: str) -> None:
    """Give the code that was sent. Raises `Refused`."""
    whose = await identified(visit)
    own(whose.state, verification_id, MFA_RECORDS[kind])
    address = _address(whose.user, kind)
    await sign_in_codes.give(
        visit, verification_id, MFA_RECORDS[kind], address, code, pool=Pool.MFA_CODE
    )


def _address(user: User, kind: IdentifierType) -> Identifier:
    address = user.primary_email if kind is IdentifierType.EMAIL else user.primary_phone
    if not address:
        refuse(Reason.MFA_FACTOR_NOT_ENABLED)
    return Identifier(kind, address)


# WebAuthn


async def begin_registration(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What a browser is asked to make; the verification's id, and the options. Raises `Refused`."""
    core = visit.core
    whose = await identified(visit)
    factors = await mfa_checks.factors_of(core, whose.user.id)
    options = webauthn.registration_options(relying_party(core), whose.user, factors)
    record, _ = await _begin(
        visit,
        lambda record_id, user: WebAuthnVerification(
            id=record_id, account=user.id, challenge=options["challenge"], registering=True
        ),
    )
    return record.id, options


async def register_credential(visit: Visit, verification_id: str, payload: webauthn.Json) -> None:
    """Take the credential that the browser made. Raises `Refused`."""
    whose = await identified(visit)
    entry = _entry(visit, whose, "WebAuthn", verification_id)
    async with logged(visit, entry):
        own(whose.state, verification_id, WebAuthnVerification)
        spend = SpendChallenge(WebAuthnVerification, registering=True)
        challenge = await visit.tell(AdvanceVerification(verification_id, spend))
        credential = webauthn.check_registration(
            relying_party(visit.core), challenge, payload, visit.origin.user_agent
        )
        registered = WebAuthnVerification(
            id=verification_id,
            account=whose.user.id,
            registering=True,
            passed=True,
            credential=credential,
            synced=credential.synced,
        )
        await visit.tell(AddVerification(registered, effects_of(entry)))


async def begin_authentication(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What a browser is asked to sign with one of the user's credentials.

    Raises `Refused`: `NOT_IDENTIFIED`, `WEBAUTHN_NOT_FOUND` if there is none.
    """
    whose = await identified(visit)
    options = await _authentication_options(visit, whose.user.id)
    record, _ = await _begin(
        visit,
        lambda record_id, user: WebAuthnVerification(
            id=record_id, account=user.id, challenge=options["challenge"]
        ),
    )
    return record.id, options


async def use_credential(visit: Visit, verification_id: str, payload: webauthn.Json) -> None:
    """Take the signature as the user's second factor. Raises `Refused`."""
    whose = await identified(visit)
    record = own(whose.state, verification_id, WebAuthnVerification)
    spend = SpendChallenge(WebAuthnVerification)

    async def gather() -> VerificationRecord:
        challenge = await visit.tell(AdvanceVerification(verification_id, spend))
        credential = await webauthn.use_credential(
            visit.core, challenge, payload, user_id=whose.user.id
        )
        return webauthn.passed(record, credential)

    await verify(
        visit,
        "WebAuthn",
        lambda record_id, rules: gather(),
        account=whose.user.id,
        pool=Pool.WEBAUTHN,
        verification_id=verification_id,
    )


# A passkey that signs in by itself


async def offer_passkey(visit: Visit) -> dict[str, Any]:
    """What a browser is asked to sign with any passkey, before anything was begun."""
    options = webauthn.authentication_options(relying_party(visit.core))
    await visit.tell(OfferPasskey(options["challenge"]))
    return options


async def begin_passkey(visit: Visit, identifier: Identifier) -> tuple[str, dict[str, Any]]:
    """What a browser is asked to sign with a passkey of whoever has this name.

    Raises `Refused(WEBAUTHN_NOT_FOUND)` if there is none.
    """
    _, event = await visit.started()
    record_id = new_id()
    entry = visit.entry(
        f"{event}.Verification.SignInPasskey.Create",
        verificationId=record_id,
        payload={"identifier": {"type": identifier.type.value, "value": identifier.value}},
    )
    async with logged(visit, entry):
        user = await accounts.find(visit.core, identifier)
        if user is None:
            refuse(Reason.WEBAUTHN_NOT_FOUND)
        options = await _authentication_options(visit, user.id)
        record = SignInPasskey(id=record_id, account=user.id, challenge=options["challenge"])
        await visit.tell(AddVerification(record, effects_of(entry)))
    return record_id, options


async def use_passkey(visit: Visit, verification_id: str | None, payload: webauthn.Json) -> str:
    """Take a passkey's signature; returns the verification's id. Raises `Refused`.

    Without an id, it answers `offer_passkey`.
    """
    state, _ = await visit.started()
    expected: SignInPasskey | None = None
    if verification_id is not None:
        found = state.record(verification_id)
        if not isinstance(found, SignInPasskey):
            refuse(Reason.VERIFICATION_NOT_FOUND)
        expected = found

    async def gather(record_id: str) -> VerificationRecord:
        if expected is None:
            challenge = await visit.tell(TakePasskeyOffer())
        else:
            spend = SpendChallenge(SignInPasskey)
            challenge = await visit.tell(AdvanceVerification(expected.id, spend))
        credential = await webauthn.use_credential(visit.core, challenge, payload)
        if expected is not None and credential.user_id != expected.account:
            refuse(Reason.IDENTITY_CONFLICT)
        return webauthn.passed(expected or SignInPasskey(id=record_id), credential)

    return await verify(
        visit,
        "SignInPasskey",
        lambda record_id, rules: gather(record_id),
        verification_id=verification_id,
    )


# What is decided


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


async def _begin(visit: Visit, make: Callable[[str, User], V]) -> tuple[V, User]:
    """Keep a verification that waits for its other half."""
    whose = await identified(visit)
    record = make(new_id(), whose.user)
    entry = visit.entry(
        f"{whose.event}.Verification.{record.factor}.Create",
        userId=whose.user.id,
        verificationId=record.id,
    )
    await visit.tell(AddVerification(record, effects_of(entry)))
    return record, whose.user


async def _authentication_options(visit: Visit, user_id: str) -> dict[str, Any]:
    factors = await mfa_checks.factors_of(visit.core, user_id)
    credentials = [factor for factor in factors if factor.type == "WebAuthn"]
    if not credentials:
        refuse(Reason.WEBAUTHN_NOT_FOUND)
    return webauthn.authentication_options(relying_party(visit.core), credentials)


def _entry(visit: Visit, whose: Whose, factor: str, verification_id: str) -> AuditEntry:
    key = f"{whose.event}.Verification.{factor}.Submit"
    return visit.entry(key, userId=whose.user.id, verificationId=verification_id)
