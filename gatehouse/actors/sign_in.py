"""Signing in, registering and recovering: the services that gather facts and then run a turn.

Each function is one step that a person takes, through whichever dialect or page. It finds out what
the step needs to know of the world, asks the rules, and tells the interaction. Steps that were
refused are written to the audit log as well as those that succeeded.

No factor is mentioned here: a verification comes in as a coroutine that returns its record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from gatehouse.actors import (
    accounts,
    captcha,
    consent,
    fulfilment,
    lockout,
    mfa_checks,
    social,
    webhooks,
)
from gatehouse.actors.audit import AuditEntry
from gatehouse.actors.email_blocklist import check_email
from gatehouse.actors.factors import VerificationRecord
from gatehouse.actors.interaction import (
    Interaction,
    PassCaptcha,
    Prompt,
    Start,
    SwitchEvent,
    refuse,
)
from gatehouse.actors.interaction_accounts import (
    AddProfile,
    CompleteRegistration,
    Register,
    registering_profile,
)
from gatehouse.actors.interaction_answers import AnswerConsent, FinishRecovery, Submit
from gatehouse.actors.interaction_verifications import AddVerification, Identify, identifying_record
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.scripts.post_sign_in import post_sign_in
from gatehouse.actors.second_factors import MfaChoices
from gatehouse.actors.sign_in_rules import (
    SignInRules,
    check_captcha,
    check_event,
    check_recovery_method,
    check_sign_in_method,
    check_username,
)
from gatehouse.actors.sso import routing as sso_routing
from gatehouse.actors.verification import Event, Identifier, Profile, Record
from gatehouse.actors.visit import Visit, effects_of, logged
from gatehouse.engine.actor import Effect
from gatehouse.storage.ids import new_id, new_user_id

if TYPE_CHECKING:
    from gatehouse.storage.records import User


async def start(visit: Visit, event: Event) -> None:
    """The person says what they came to do; what went before is forgotten, but for a captcha."""
    await visit.tell(Start(event, effects_of(visit.entry(f"{event}.Create"))))


async def start_afresh(visit: Visit, event: Event, captcha_token: str | None = None) -> None:
    """The same, and a captcha is forgotten too, unless one was solved just now.

    Raises `Refused(CAPTCHA_FAILED)` for a token that the tenant's provider does not vouch for;
    whether one is needed is decided later.
    """
    if captcha_token:
        await visit.state()
        async with logged(visit, visit.entry("Create.Captcha")):
            await captcha.check_token(visit.core, captcha_token)
    effects = effects_of(visit.entry(f"{event}.Create"))
    await visit.tell(Start(event, effects, captcha_passed=bool(captcha_token)))


async def solve_captcha(visit: Visit, token: str) -> None:
    """Remember that a captcha was solved. Raises `Refused(CAPTCHA_FAILED)`."""
    entry = visit.entry("Create.Captcha")
    async with logged(visit, entry):
        await captcha.check_token(visit.core, token)
        await visit.tell(PassCaptcha(effects_of(entry)))


async def switch_event(visit: Visit, event: Event) -> None:
    """From signing in to registering or back. Raises `Refused`."""
    state, current = await visit.started()
    entry = visit.entry(f"{current}.Update", interactionEvent=event.value)
    async with logged(visit, entry):
        check_event(await visit.rules(), event, invited=_invited(state))
        await visit.tell(SwitchEvent(event, effects_of(entry)))


async def verify(
    visit: Visit,
    factor: str,
    gather: Callable[[str, SignInRules], Awaitable[VerificationRecord]],
    *,
    identifier: Identifier | None = None,
    account: str | None = None,
    pool: lockout.Pool | None = None,
    verification_id: str | None = None,
    store: Callable[[], Awaitable[None]] | None = None,
) -> str:
    """Run one verification and keep its record; returns the record's id.

    `gather(record_id, rules)` finds out whether the person passes, and raises `Refused` if not. In
    a `pool`, failures of this identifier, or of this account's second factor, are counted, and too
    many of them lock it: then the answer is `Refused(BLOCKED)` whether or not the person would
    have passed. `verification_id` is given where the verification was begun before; `store` is
    called where the person has passed and is not locked out.
    """
    _, event = await visit.remembered()
    record_id = verification_id or new_id()
    entry = visit.entry(
        f"{event}.Verification.{factor}.Submit",
        verificationId=record_id,
        userId=account,
        payload=_payload(identifier),
    )
    observer = visit.core.observer
    try:
        async with logged(visit, entry):
            rules = await visit.rules()
            name = account if identifier is None else identifier.value
            if pool is None or name is None:
                record = await gather(record_id, rules)
            else:
                record = await lockout.guard(
                    visit.core,
                    rules.sentinel_policy,
                    pool,
                    name,
                    lambda: gather(record_id, rules),
                )
            if store is not None:
                await store()
            effects = effects_of(entry.about(userId=record.user_id or record.owner))
            await visit.tell(AddVerification(record, effects))
    except Refused as refusal:
        observer.sign_in(factor, "blocked" if refusal.reason is Reason.BLOCKED else "refused")
        raise
    observer.sign_in(factor, "passed")
    return record_id


def _payload(identifier: Identifier | None) -> dict[str, object]:
    if identifier is None:
        return {}
    return {"identifier": {"type": identifier.type.value, "value": identifier.value}}


async def identify(visit: Visit, verification_id: str | None, *, linking: bool = False) -> bool:
    """Say who the person is, by a verification; while registering, create them.

    `linking`: a social identity that nobody has yet is given to the account that its address leads
    to. Returns whether a user was created. Raises `Refused`.
    """
    _, event = await visit.remembered()
    entry = visit.entry(
        f"{event}.Identifier.Submit", payload={"verificationId": verification_id or ""}
    )

    async def step(state: Interaction, event: Event) -> bool:
        if event is Event.REGISTER:
            await _register(visit, state, verification_id, entry)
            return True
        if verification_id is None:
            raise Refused(Reason.VERIFICATION_MISSING, part="body")
        rules = await visit.rules()
        check_event(rules, event, invited=state.record(verification_id).invited)
        if event is Event.SIGN_IN:
            check_sign_in_method(rules, state.record(verification_id))
            await sso_routing.check_open(visit.core, rules, state.record(verification_id))
        else:
            check_recovery_method(rules, state.record(verification_id))
        record = identifying_record(state, event, verification_id)
        user = await _identified(visit, record, linking=linking)
        effects = effects_of(entry.about(userId=user.id))
        await visit.tell(Identify(verification_id, user.id, effects, linking))
        return False

    async with logged(visit, entry):
        return await visit.proven(step)


async def _identified(visit: Visit, record: Record, *, linking: bool) -> User:
    """Whom a verification identifies.

    Raises `Refused`: `USER_GONE`, `USER_SUSPENDED`, `IDENTITY_UNKNOWN`.
    """
    if record.identity is not None:
        return accounts.active(await social.owner_of(visit.core, record, linking=linking))
    if record.user_id is not None or record.names is None:
        return await accounts.get_active(visit.core, str(record.user_id))
    user = await accounts.find(visit.core, record.names)
    if user is None:
        raise Refused(Reason.USER_GONE, {"identifier": record.names.value})
    return accounts.active(user)


async def _register(
    visit: Visit, state: Interaction, verification_id: str | None, entry: AuditEntry
) -> None:
    rules = await visit.rules()
    if verification_id is not None:
        await sso_routing.check_open(visit.core, rules, state.record(verification_id))
        added = state.record(verification_id).new_profile
        if added is not None and added.primary_email is not None:
            check_email(rules.email_blocklist_policy, added.primary_email)
    profile = registering_profile(state, verification_id)
    if profile.username is not None:
        check_username(rules.username_policy, profile.username)
    check_event(rules, Event.REGISTER, invited=_invited(state))
    check_captcha(rules, passed=state.captcha_passed)
    if state.user_id is None and state.profile_complete:
        await accounts.check_available(visit.core, profile)
    elif state.user_id is None:
        await _check_complete(visit, rules, profile)
    registration = await visit.tell(Register(new_user_id(), profile, verification_id))
    if state.user_id is None:
        await accounts.create(
            visit.core, registration.user_id, registration.profile, state.client_id
        )
    effects = effects_of(entry.about(userId=registration.user_id))
    await visit.tell(CompleteRegistration(registration.user_id, effects))


def _invited(state: Interaction) -> bool:
    return any(record.invited and record.verified for record in state.records)


async def _check_complete(visit: Visit, rules: SignInRules, profile: Profile) -> None:
    """Whether a new account lacks nothing. If it does, what it has is kept for the next try."""
    try:
        await fulfilment.check_complete(visit.core, rules, Event.REGISTER, profile)
    except Refused:
        await accounts.check_available(visit.core, profile)
        await visit.tell(AddProfile(profile))
        raise


async def submit(visit: Visit) -> str | None:
    """The person is done. Returns where to go on, or None after a recovery. Raises `Refused`."""
    _, event = await visit.remembered()
    entry = visit.entry(f"{event}.Submit")

    async def step(state: Interaction, event: Event) -> str | None:
        nonlocal entry
        if (state.profile, state.mfa) != (Profile(), MfaChoices()):
            # What is going to be stored is not taken from memory.
            state, event = await visit.started()
        entry = visit.entry(f"{event}.Submit", userId=state.user_id)
        rules = await visit.rules()
        check_captcha(rules, passed=state.captcha_passed)
        if state.user_id is None:
            refuse(Reason.NOT_IDENTIFIED)
        user = await accounts.get_active(visit.core, state.user_id)
        if event is Event.FORGOT_PASSWORD:
            if state.profile.password is None:
                refuse(Reason.NEW_PASSWORD_REQUIRED)
            await accounts.replace_password(visit.core, user.id, state.profile.password)
            effects = await _outcome(visit, entry, event, user.id)
            await visit.tell(FinishRecovery(user.id, effects))
            return None
        if state.result is None:
            signs = visit.origin.signs
            await mfa_checks.check_verified(visit.core, state, user, signs)
            accounts.check_absent(user, state.profile)
            if not state.profile_complete:
                await fulfilment.check_complete(visit.core, rules, event, state.profile, user)
            choices = await mfa_checks.check_complete(visit.core, state, user)
            store = mfa_checks.storing(
                visit.core, user.id, choices, mfa_checks.event_of(state), signs
            )
            await accounts.sign_in(visit.core, user.id, state.profile, store)
            if event is Event.SIGN_IN:
                await post_sign_in(visit.core, user.id, visit.origin)
        signed_in = entry.about(amr=list(state.amr))
        effects = await _outcome(visit, signed_in, event, user.id)
        await visit.tell(Submit(user.id, effects, visit.origin, state))
        return visit.resume_url

    async with logged(visit, lambda: entry):
        return await visit.proven(step)


async def _outcome(
    visit: Visit, entry: AuditEntry, event: Event, user_id: str
) -> tuple[Effect, ...]:
    """The effects of having got through: it is logged, and webhooks hear of it."""
    occurrences = await webhooks.interaction_effects(
        visit.core, event.value, visit.origin, session_id=visit.uid, user_id=user_id
    )
    return (*effects_of(entry), *occurrences)


async def answer_consent(visit: Visit, *, allow: bool, organization_ids: Sequence[str] = ()) -> str:
    """The person lets the client have what it asked for, or not. Returns where to go on.

    `organization_ids`: where it may act for them. Raises `Refused` of storage for one that the
    person is no member of.
    """
    if allow and organization_ids:
        state = await visit.state()
        if state.prompt is Prompt.CONSENT and state.result is None:
            user_id = await consent.user_of(visit.core, state)
            await consent.let_act_in(visit.core, state.client_id, user_id, organization_ids)
    await visit.tell(AnswerConsent(allow))
    return visit.resume_url
