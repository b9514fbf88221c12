"""How an interaction ends: answered, consumed, given up, or back where it began. Messages, pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatehouse.actors.audit import Origin
from gatehouse.actors.authorization import ConsentResult, LoginResult, Submission
from gatehouse.actors.interaction import (
    Denial,
    Interaction,
    Prompt,
    alive,
    next_turn,
    refuse,
    started,
    unanswered,
)
from gatehouse.actors.refusal import Reason
from gatehouse.actors.verification import Event, Profile
from gatehouse.engine.actor import Effect, Turn, keep


@dataclass(frozen=True, slots=True)
class Submit:
    """The person is done: this is the answer. Facts: the user may sign in, nothing is missing.

    `seen` is the state that the facts were gathered for: what was verified since, or taken back,
    may change them.
    """

    user_id: str
    effects: tuple[Effect, ...] = ()
    origin: Origin | None = None
    seen: Interaction | None = None

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """The first submission decides; a repeated one changes nothing."""
        state, event = started(state, now)
        if event is Event.FORGOT_PASSWORD:
            refuse(Reason.WRONG_EVENT)
        if state.user_id is None:
            refuse(Reason.NOT_IDENTIFIED)
        if state.user_id != self.user_id:
            refuse(Reason.IDENTITY_CONFLICT)
        if state.result is not None:
            return keep(state, None)
        if self.seen is not None and state != self.seen:
            refuse(Reason.IDENTITY_CONFLICT)
        submission = Submission(
            event=event.value,
            client_id=state.client_id,
            records=tuple(record.view() for record in state.records if record.verified),
            ip=None if self.origin is None else self.origin.ip,
            user_agent=None if self.origin is None else self.origin.shown_agent,
        )
        result = LoginResult(
            user_id=self.user_id, amr=state.amr, auth_time=now, submission=submission
        )
        return next_turn(msgspec.structs.replace(state, result=result), self.effects)


@dataclass(frozen=True, slots=True)
class FinishRecovery:
    """The new password is stored: the person signs in with it afresh."""

    user_id: str
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Back to where the person arrived."""
        state, event = unanswered(state, now)
        if event is not Event.FORGOT_PASSWORD or state.user_id != self.user_id:
            refuse(Reason.WRONG_EVENT)
        arrived = msgspec.structs.replace(
            state, event=None, records=(), user_id=None, profile=Profile()
        )
        return next_turn(arrived, self.effects)


@dataclass(frozen=True, slots=True)
class AnswerConsent:
    """The person lets the client have what it asked for, or not."""

    allow: bool
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """The first answer stands."""
        state = alive(state, now)
        if state.prompt is not Prompt.CONSENT:
            refuse(Reason.WRONG_EVENT)
        if state.result is not None:
            return keep(state, None)
        asked = state.params
        given = ConsentResult(scopes=asked.scopes, resources=asked.resources)
        result = given if self.allow else Denial()
        return next_turn(msgspec.structs.replace(state, result=result), self.effects)


@dataclass(frozen=True, slots=True)
class Abort:
    """The person does not want to sign in: the client is told that access was denied."""

    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """What was answered stays answered."""
        state = alive(state, now)
        if state.result is not None:
            return keep(state, None)
        return next_turn(msgspec.structs.replace(state, result=Denial()), self.effects)


@dataclass(frozen=True, slots=True)
class ConsumeResult:
    """The authorization endpoint takes the answer, and the interaction is over.

    The reply is the answered interaction; of two that ask, one receives it. `None` if the person
    has not answered yet.
    """

    def apply(
        self, state: Interaction | None, now: int, /
    ) -> Turn[Interaction, Interaction | None]:
        """Raises `Refused(INTERACTION_GONE)` if it was consumed before."""
        state = alive(state, now)
        if state.result is None:
            return keep(state, None)
        return Turn(None, state)
