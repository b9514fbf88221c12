"""Second factors while signing in: begun and shown.

Each function is one step of a person, as in `gatehouse.actors.sign_in`. A second factor belongs to
the person who was identified before. WebAuthn is in `sign_in_webauthn`, what is decided about
second factors in `sign_in_mfa_choices`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gatehouse.actors import accounts, mfa, mfa_checks, sign_in_codes
from gatehouse.actors.factors import backup_code, totp
from gatehouse.actors.factors.backup_code import BackupCodeVerification, verify_backup_code
from gatehouse.actors.factors.mfa_code import MFA_RECORDS, MFA_TEMPLATE
from gatehouse.actors.factors.totp import TotpVerification, verify_totp
from gatehouse.actors.factors.webauthn import (
    WebAuthnVerification,
)
from gatehouse.actors.interaction import Interaction, refuse
from gatehouse.actors.interaction_verifications import AddVerification, AdvanceVerification
from gatehouse.actors.lockout import Pool
from gatehouse.actors.refusal import Reason
from gatehouse.actors.second_factors import MfaFactor
from gatehouse.actors.sign_in import verify
from gatehouse.actors.verification import Event, Identifier, IdentifierType, Record
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.audit import AuditEntry
    from gatehouse.storage.records import User

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


async def begin(visit: Visit, make: Callable[[str, User], V]) -> tuple[V, User]:
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


def entry_of(visit: Visit, whose: Whose, factor: str, verification_id: str) -> AuditEntry:
    """The audit entry of a verification's second half."""
    key = f"{whose.event}.Verification.{factor}.Submit"
    return visit.entry(key, userId=whose.user.id, verificationId=verification_id)


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
    record, user = await begin(visit, lambda record_id, user: totp.begin(vault, record_id, user.id))
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
    entry = entry_of(visit, whose, "Totp", verification_id)
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
    record, _ = await begin(
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
