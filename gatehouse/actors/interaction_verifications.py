"""What an interaction is told about verifications, and whom one of them shows: pure.

A factor was begun, moved on, or passed; by one that passed, the person is identified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import msgspec

from gatehouse.actors.factors import VerificationRecord
from gatehouse.actors.interaction import Interaction, next_turn, refuse, unanswered
from gatehouse.actors.refusal import Reason
from gatehouse.actors.verification import Event, Record
from gatehouse.engine.actor import Effect, Turn, keep

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class AddVerification:
    """A factor was begun or passed; it replaces the same factor's older record."""

    record: VerificationRecord
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Which flow may use the record is decided when it is used."""
        state, _ = unanswered(state, now)
        others = tuple(kept for kept in state.records if kept.factor != self.record.factor)
        added = msgspec.structs.replace(
            state,
            records=(*others, self.record),
            captcha_passed=state.captcha_passed or self.record.vouched_for,
        )
        return next_turn(added, self.effects)


class Step(Protocol[R_co]):
    """What happens to a verification that takes several steps. Pure, as a message is."""

    def advance(self, record: Record, now: int) -> tuple[Record, R_co]:
        """The record after the step, and the reply. What it raises refuses the step."""
        ...


@dataclass(frozen=True, slots=True)
class AdvanceVerification(Generic[R]):
    """A verification that was begun goes on, decided on its record as it is now."""

    verification_id: str
    step: Step[R]
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, R]:
        """A step that was refused by its reply may change the record all the same."""
        state, _ = unanswered(state, now)
        record = state.record(self.verification_id)
        after, reply = self.step.advance(record, now)
        if after is record and not self.effects:
            return keep(state, reply)
        records = tuple(
            cast(VerificationRecord, after) if kept is record else kept for kept in state.records
        )
        advanced = msgspec.structs.replace(
            state,
            records=records,
            captcha_passed=state.captcha_passed or after.vouched_for,
        )
        return Turn(advanced, reply, expires_at=state.expires_at, effects=self.effects)


@dataclass(frozen=True, slots=True)
class Identify:
    """A verification showed who the person is. Facts: the user exists and is not suspended."""

    verification_id: str
    user_id: str
    effects: tuple[Effect, ...] = ()
    linking: bool = False

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """The record must still be the one the facts were gathered for."""
        state, event = unanswered(state, now)
        record = identifying_record(state, event, self.verification_id)
        if record.user_id not in (None, self.user_id):
            refuse(Reason.VERIFICATION_FAILED)
        if state.user_id not in (None, self.user_id):
            refuse(Reason.IDENTITY_CONFLICT)
        added = record.linked_profile if self.linking else record.added_profile
        profile = state.profile.merged(added)
        identified = msgspec.structs.replace(state, user_id=self.user_id, profile=profile)
        return next_turn(identified, self.effects)


def identifying_record(state: Interaction, event: Event, verification_id: str) -> Record:
    """The verification by which to identify a user in this event.

    Raises `Refused`: `WRONG_EVENT` while registering, `VERIFICATION_NOT_FOUND`,
    `VERIFICATION_FAILED` if it did not pass or identifies nobody, `CANNOT_RESET_PASSWORD`.
    """
    if event is Event.REGISTER:
        refuse(Reason.WRONG_EVENT)
    record: Record = state.record(verification_id)
    if event is Event.FORGOT_PASSWORD and not record.resets_password:
        refuse(Reason.CANNOT_RESET_PASSWORD)
    if record.user_id is None and record.names is None and record.identity is None:
        refuse(record.stranger)
    return record
