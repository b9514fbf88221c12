"""One person answering one question of an authorization request: who are you, or may they?

An interaction begins when the authorization endpoint needs a person, and ends when the answer is
consumed there. In between it collects: what the person came to do, which verifications they
passed, who they turned out to be, what a new account will hold. It lives for an hour under a
random id that only the person's browser knows.

All rules about order are here and in the files beside this one (`interaction_verifications`,
`interaction_accounts`, `interaction_mfa`, `interaction_answers`), and pure. What needs the world
(was the password right, is the name free, is the user suspended) is found out by the services
before the turn and comes in as facts; the turn checks that they still fit the state they were
gathered for. Every message carries the effects (audit entries) that happen if, and only if, it is
committed.

`TRANSITIONS` is the machine as a table; docs/diagrams/interaction.mmd draws it, and tests hold
code, table and drawing together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

import msgspec

from gatehouse.actors.authorization import (
    MAX_INTERACTION_AGE_MS,
    AuthorizationRequest,
    ConsentResult,
    LoginResult,
)
from gatehouse.actors.factors import VerificationRecord
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaChoices
from gatehouse.actors.verification import Event, Profile
from gatehouse.engine.actor import Address, Effect, Kind, Turn


class Prompt(StrEnum):
    """What the authorization endpoint needs to know (OpenID Connect Core §3.1.2.1)."""

    LOGIN = "login"
    CONSENT = "consent"


class Phase(StrEnum):
    """Where an interaction stands. It follows from the state and is stored nowhere."""

    ARRIVED = "Arrived"
    STARTED = "Started"
    IDENTIFIED = "Identified"
    ANSWERED = "Answered"
    ENDED = "Ended"


class Denial(msgspec.Struct, frozen=True, kw_only=True, tag="denial"):
    """The person said no: the client is told `access_denied` (RFC 6749 §4.1.2.1)."""


Result = LoginResult | ConsentResult | Denial


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A user about to be created. The id is fixed before the user is stored, so that whoever
    repeats the request stores the same user again instead of a second one."""

    user_id: str
    profile: Profile
    verification_id: str | None = None


class Interaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of an interaction. Times are milliseconds since the epoch."""

    client_id: str
    params: AuthorizationRequest
    prompt: Prompt
    created_at: int
    expires_at: int
    session_id: str | None = None
    event: Event | None = None
    records: tuple[VerificationRecord, ...] = ()
    user_id: str | None = None
    profile: Profile = Profile()
    registration: Registration | None = None
    result: Result | None = None
    captcha_passed: bool = False
    mfa: MfaChoices = MfaChoices()
    passkey_challenge: str | None = None

    @property
    def phase(self) -> Phase:
        """Where the interaction stands."""
        if self.result is not None:
            return Phase.ANSWERED
        if self.user_id is not None:
            return Phase.IDENTIFIED
        return Phase.STARTED if self.event is not None else Phase.ARRIVED

    def record(self, verification_id: str) -> VerificationRecord:
        """The verification of this id. Raises `Refused(VERIFICATION_NOT_FOUND)`."""
        for record in self.records:
            if record.id == verification_id:
                return record
        refuse(Reason.VERIFICATION_NOT_FOUND)

    @property
    def profile_complete(self) -> bool:
        """Whether nothing more is asked of the person, because of how they were verified."""
        return any(record.completes_profile for record in self.records)

    @property
    def amr(self) -> tuple[str, ...]:
        """The methods by which the person was verified (RFC 8176), without repetition."""
        used = [amr for record in self.records if record.verified for amr in record.amr]
        if self.second_factors:
            used.append("mfa")
        return tuple(dict.fromkeys(used))

    @property
    def second_factors(self) -> tuple[str, ...]:
        """The second factors of the identified person's account that were shown."""
        return tuple(
            record.second_factor
            for record in self.records
            if record.second_factor is not None and record.owner == self.user_id
        )

    @property
    def registered_here(self) -> bool:
        """Whether the identified person's account was made in this interaction."""
        return self.registration is not None and self.registration.user_id == self.user_id


INTERACTION = Kind("interaction", Interaction)


def address(tenant: str, uid: str) -> Address[Interaction]:
    """Where the interaction of this uid is."""
    return INTERACTION.at(tenant, uid)


def refuse(reason: Reason) -> NoReturn:
    """Say no."""
    raise Refused(reason)


def alive(state: Interaction | None, now: int) -> Interaction:
    """The state, if there is one still. Raises `Refused(INTERACTION_GONE)`."""
    if state is None or now >= state.expires_at:
        refuse(Reason.INTERACTION_GONE)
    return state


def started(state: Interaction | None, now: int) -> tuple[Interaction, Event]:
    """The state and its event. Raises `Refused(NOT_STARTED)` before anything was begun."""
    state = alive(state, now)
    if state.prompt is not Prompt.LOGIN or state.event is None:
        refuse(Reason.NOT_STARTED)
    return state, state.event


def unanswered(state: Interaction | None, now: int) -> tuple[Interaction, Event]:
    """Like `started`; what was answered is not changed any more."""
    state, event = started(state, now)
    if state.result is not None:
        refuse(Reason.WRONG_EVENT)
    return state, event


def next_turn(state: Interaction, effects: tuple[Effect, ...]) -> Turn[Interaction, None]:
    """The turn that leaves this state, which lives no longer than the interaction."""
    return Turn(state, None, expires_at=state.expires_at, effects=effects)


@dataclass(frozen=True, slots=True)
class Begin:
    """The authorization endpoint asks: the interaction comes into being."""

    client_id: str
    params: AuthorizationRequest
    prompt: Prompt
    session_id: str | None = None

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """A uid is random and used once: an existing interaction is never overwritten."""
        if state is not None:
            refuse(Reason.INTERACTION_GONE)
        begun = Interaction(
            client_id=self.client_id,
            params=self.params,
            prompt=self.prompt,
            session_id=self.session_id,
            created_at=now,
            expires_at=now + MAX_INTERACTION_AGE_MS,
        )
        return next_turn(begun, ())


@dataclass(frozen=True, slots=True)
class Start:
    """The person says what they came to do; whatever went before is forgotten.

    `captcha_passed`: whether a captcha was solved; None leaves it as it was.
    """

    event: Event
    effects: tuple[Effect, ...] = ()
    captcha_passed: bool | None = None

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Only a `login` interaction has events."""
        state = alive(state, now)
        if state.prompt is not Prompt.LOGIN:
            refuse(Reason.WRONG_EVENT)
        fresh = msgspec.structs.replace(
            state,
            event=self.event,
            records=(),
            user_id=None,
            profile=Profile(),
            registration=None,
            result=None,
            captcha_passed=(
                state.captcha_passed if self.captcha_passed is None else self.captcha_passed
            ),
            mfa=MfaChoices(),
        )
        return next_turn(fresh, self.effects)


def emptied(profile: Profile) -> Profile:
    """The profile without what it holds: only that the form was filled in is remembered."""
    return Profile(submitted=profile.submitted)


@dataclass(frozen=True, slots=True)
class PassCaptcha:
    """A captcha was solved."""

    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """It is good for the rest of the interaction."""
        state, _ = unanswered(state, now)
        return next_turn(msgspec.structs.replace(state, captcha_passed=True), self.effects)


@dataclass(frozen=True, slots=True)
class SwitchEvent:
    """From signing in to registering, or back; what was verified stays verified."""

    event: Event
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Recovering a password is its own road: nobody gets on it or off it half-way."""
        state, event = unanswered(state, now)
        if (self.event is Event.FORGOT_PASSWORD) != (event is Event.FORGOT_PASSWORD):
            refuse(Reason.NOT_FOR_FORGOT_PASSWORD)
        profile = state.profile if event is self.event else emptied(state.profile)
        switched = msgspec.structs.replace(state, event=self.event, profile=profile)
        return next_turn(switched, self.effects)


@dataclass(frozen=True, slots=True)
class Note:
    """Nothing changed, but somebody tried: keep the audit entry."""

    effects: tuple[Effect, ...]

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """An attempt on no interaction at all is not worth an entry."""
        return next_turn(alive(state, now), self.effects)


_A, _S, _I, _D = Phase.ARRIVED, Phase.STARTED, Phase.IDENTIFIED, Phase.ANSWERED

TRANSITIONS: frozenset[tuple[Phase | None, str, Phase]] = frozenset(
    {
        (None, "Begin", _A),
        *((phase, "Start", _S) for phase in (_A, _S, _I, _D)),
        *(
            (phase, name, phase)
            for phase in (_S, _I)
            for name in ("PassCaptcha", "SwitchEvent", "AddVerification", "AdvanceVerification")
        ),
        *((phase, "AddProfile", phase) for phase in (_S, _I)),
        *((phase, "ReplaceProfile", phase) for phase in (_S, _I)),
        *((phase, "Abort", _D) for phase in (_A, _S, _I, _D)),
        (_I, "ChooseMfa", _I),
        *((phase, "OfferPasskey", phase) for phase in (_A, _S, _I)),
        *((phase, "TakePasskeyOffer", phase) for phase in (_S, _I)),
        (_S, "Identify", _I),
        (_I, "Identify", _I),
        (_S, "Register", _S),
        (_I, "Register", _I),
        (_S, "CompleteRegistration", _I),
        (_I, "CompleteRegistration", _I),
        (_I, "Submit", _D),
        (_D, "Submit", _D),
        (_I, "FinishRecovery", _A),
        (_A, "AnswerConsent", _D),
        (_D, "AnswerConsent", _D),
        *((phase, "Note", phase) for phase in (_A, _S, _I, _D)),
        (_D, "ConsumeResult", Phase.ENDED),
    }
)
"""Every way an interaction can move: from, message, to. What is not here is refused."""
