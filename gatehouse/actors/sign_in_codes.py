"""Verification codes while signing in: a code is sent, a code is given.

The steps of an interaction that `gatehouse.actors.factors.code` declares, with what they need of
the world: who may be sent a code, how often, and how failures are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors import accounts, code_messages, lockout
from gatehouse.actors.email_blocklist import check_email
from gatehouse.actors.factors.code import (
    RECORDS,
    TEMPLATES,
    CodeVerification,
    EmailVerificationCode,
    GiveCode,
    Pass,
    PhoneVerificationCode,
    bound_to,
    code_record,
)
from gatehouse.actors.factors.mfa_code import (
    MfaEmailVerificationCode,
    MfaPhoneVerificationCode,
)
from gatehouse.actors.interaction import Interaction
from gatehouse.actors.interaction_verifications import AddVerification, AdvanceVerification
from gatehouse.actors.message_facts import Setting, facts_of
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInMode, SignInRules, check_captcha
from gatehouse.actors.verification import Event, Identifier, IdentifierType
from gatehouse.actors.verification_code import compare, issue
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.engine.actor import Effect

CodeRecord = (
    EmailVerificationCode
    | PhoneVerificationCode
    | MfaEmailVerificationCode
    | MfaPhoneVerificationCode
)

BIND_MFA = "BindMfa"
"""The template of a code for an address that is to become a second factor."""


async def send_code(visit: Visit, identifier: Identifier, purpose: Event) -> str:
    """Send a code to an address; returns the verification's id.

    Where nobody could make use of the code none is sent, and the answer is the same. Raises
    `Refused`.
    """
    state, event = await visit.started()
    record_type = RECORDS[identifier.type]
    record = record_type(id=new_id(), identifier=identifier, template_type=TEMPLATES[purpose])
    entry = visit.entry(
        f"{event}.Verification.{record.factor}.Create",
        verificationId=record.id,
        payload={"identifier": _shown(identifier), "interactionEvent": purpose.value},
    )
    async with logged(visit, entry):
        rules = await visit.rules()
        if state.user_id is None:
            check_captcha(rules, passed=state.captcha_passed)
        elif not rules.sign_up.asks_for(identifier.type):
            record = record_type(id=record.id, identifier=identifier, template_type=BIND_MFA)
        if purpose is Event.REGISTER and identifier.type is IdentifierType.EMAIL:
            check_email(rules.email_blocklist_policy, identifier.value)
        deliver = await _is_of_use(visit, state, rules, identifier, purpose)
        await send(visit, state, record, effects_of(entry), deliver=deliver)
    return record.id


async def send(
    visit: Visit,
    state: Interaction,
    record: CodeRecord,
    effects: tuple[Effect, ...] = (),
    *,
    deliver: bool = True,
) -> None:
    """Keep a record that waits for its code, and send the code. Raises `Refused`.

    What is not to be delivered is made all the same: the time it takes must not tell who exists.
    """
    core, identifier = visit.core, record.identifier
    await code_messages.check_sendable(core, identifier)
    await code_messages.admit(core, identifier)
    code, kept = issue(core, bound_to(record))
    params = state.params
    setting = Setting(state.client_id, params.organization_id, params.ui_locales)
    languages, facts = await facts_of(core, setting, visit.origin)
    message = code_messages.code_message(
        core,
        record.template_type,
        identifier,
        code,
        ip=visit.origin.ip,
        locales=languages,
        payload=facts,
    ).effect(core.vault)
    effects = (*effects, message) if deliver else effects
    await visit.tell(AddVerification(record.waiting(kept), effects))


async def verify_code(
    visit: Visit, verification_id: str, identifier: Identifier, code: str
) -> None:
    """Give the code that was sent. Raises `Refused` with what is against it."""
    await give(visit, verification_id, RECORDS[identifier.type], identifier, code)


async def give(
    visit: Visit,
    verification_id: str,
    record_type: type[CodeVerification],
    identifier: Identifier,
    code: str,
    *,
    pool: lockout.Pool = lockout.Pool.SIGN_IN,
) -> None:
    """Give the code of a record of some type. Raises `Refused`.

    The record passes in a turn of its own, after the lock was looked at once more: many tries at
    once are no way around it.
    """
    state, event = await visit.started()
    core, factor = visit.core, str(record_type.__struct_config__.tag)
    entry = visit.entry(
        f"{event}.Verification.{factor}.Submit",
        verificationId=verification_id,
        payload={"identifier": _shown(identifier)},
    )
    try:
        async with logged(visit, entry):
            record = code_record(state.record(verification_id), record_type)
            rules = await visit.rules()
            attempt = compare(core, bound_to(record), record.code, code)
            step = GiveCode(identifier, attempt, rules.verification_code_policy)
            await lockout.guard(
                core,
                rules.sentinel_policy,
                pool,
                identifier.value,
                lambda: _try(visit, verification_id, step),
            )
            passed = AdvanceVerification(verification_id, Pass(attempt.of), effects_of(entry))
            await visit.tell(passed)
    except Refused as refusal:
        blocked = refusal.reason is Reason.BLOCKED
        core.observer.sign_in(factor, "blocked" if blocked else "refused")
        raise
    core.observer.sign_in(factor, "passed")


async def _try(visit: Visit, verification_id: str, step: GiveCode) -> None:
    objection = await visit.tell(AdvanceVerification(verification_id, step))
    if objection is not None:
        raise Refused(objection)


async def _is_of_use(
    visit: Visit, state: Interaction, rules: SignInRules, identifier: Identifier, purpose: Event
) -> bool:
    """Whether somebody could do something with the code: strangers are not written to in vain."""
    known = await accounts.find(visit.core, identifier) is not None
    if purpose is Event.FORGOT_PASSWORD:
        return known
    if purpose is Event.SIGN_IN and state.user_id is None:
        return known or rules.sign_in_mode is not SignInMode.SIGN_IN
    return True


def _shown(identifier: Identifier) -> dict[str, str]:
    return {"type": identifier.type.value, "value": identifier.value}
