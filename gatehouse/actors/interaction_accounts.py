"""What happens to an interaction while an account is made or completed: its messages, pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatehouse.actors.interaction import (
    Interaction,
    Registration,
    emptied,
    next_turn,
    refuse,
    unanswered,
)
from gatehouse.actors.refusal import Reason
from gatehouse.actors.verification import Event, Profile
from gatehouse.engine.actor import Effect, Turn, keep


@dataclass(frozen=True, slots=True)
class Register:
    """A user is to be created from what was collected and, if given, one verification.

    Facts: `user_id` is fresh; `profile` is what the user starts with, lacks nothing mandatory, and
    its identifiers were free. The reply is the registration to carry out.
    """

    user_id: str
    profile: Profile
    verification_id: str | None = None

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, Registration]:
        """Whoever repeats the request is given the same registration."""
        state, event = unanswered(state, now)
        if event is not Event.REGISTER:
            refuse(Reason.WRONG_EVENT)
        pending = state.registration
        if state.user_id is not None:
            if pending is None or pending.verification_id != self.verification_id:
                refuse(Reason.IDENTITY_CONFLICT)
            return keep(state, pending)
        profile = registering_profile(state, self.verification_id)
        if profile != self.profile:
            refuse(Reason.VERIFICATION_FAILED)
        if pending is not None and pending.profile == profile:
            return keep(state, pending)
        pending = Registration(
            user_id=self.user_id, profile=profile, verification_id=self.verification_id
        )
        reserved = msgspec.structs.replace(state, profile=profile, registration=pending)
        return Turn(reserved, pending, expires_at=state.expires_at)


def registering_profile(state: Interaction, verification_id: str | None) -> Profile:
    """What a new user would start with: what was collected, and what the verification adds.

    Raises `Refused`: `VERIFICATION_NOT_FOUND`, or `VERIFICATION_FAILED` if the verification
    cannot start an account.
    """
    if verification_id is None:
        return state.profile
    added = state.record(verification_id).new_profile
    if added is None:
        refuse(Reason.VERIFICATION_FAILED)
    return state.profile.merged(added)


@dataclass(frozen=True, slots=True)
class CompleteRegistration:
    """The registration's user is stored now: that is who the person is."""

    user_id: str
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Two requests may have stored the same user; the second changes nothing."""
        state, _ = unanswered(state, now)
        if state.user_id == self.user_id:
            return keep(state, None)
        if state.user_id is not None:
            refuse(Reason.IDENTITY_CONFLICT)
        if state.registration is None or state.registration.user_id != self.user_id:
            refuse(Reason.IDENTITY_CONFLICT)
        registered = msgspec.structs.replace(
            state, user_id=self.user_id, profile=emptied(state.profile)
        )
        return next_turn(registered, self.effects)


@dataclass(frozen=True, slots=True)
class AddProfile:
    """More of the account was given: kept until the interaction is submitted."""

    profile: Profile
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Whether a value is allowed and free was found out before."""
        state, _ = unanswered(state, now)
        merged = state.profile.merged(self.profile)
        return next_turn(msgspec.structs.replace(state, profile=merged), self.effects)


@dataclass(frozen=True, slots=True)
class ReplaceProfile:
    """What was given of the account so far is replaced by this."""

    profile: Profile
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Whether a value is allowed was found out before."""
        state, _ = unanswered(state, now)
        return next_turn(msgspec.structs.replace(state, profile=self.profile), self.effects)
