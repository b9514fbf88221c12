"""What happens to an interaction because of second factors and passkeys: its messages, pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatehouse.actors.interaction import Interaction, Prompt, alive, refuse, unanswered
from gatehouse.actors.refusal import Reason
from gatehouse.actors.second_factors import MfaChoices
from gatehouse.actors.verification import Event
from gatehouse.engine.actor import Effect, Turn

MAX_NEW_FACTORS = 8
"""What one sign-in can set up: an app, backup codes, and more passkeys than people have devices."""


@dataclass(frozen=True, slots=True)
class ChooseMfa:
    """A second factor was set up or declined: kept until the interaction is submitted.

    Facts: the tenant allows it, and the person has shown the second factors they have.
    """

    user_id: str
    choices: MfaChoices
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """Only for the person the facts were gathered for."""
        state, event = unanswered(state, now)
        if event is Event.FORGOT_PASSWORD:
            refuse(Reason.NOT_FOR_FORGOT_PASSWORD)
        if state.user_id is None:
            refuse(Reason.NOT_IDENTIFIED)
        if state.user_id != self.user_id:
            refuse(Reason.IDENTITY_CONFLICT)
        chosen = msgspec.structs.replace(state, mfa=state.mfa.merged(self.choices))
        if len(chosen.mfa.factors) > MAX_NEW_FACTORS:
            refuse(Reason.MFA_FACTOR_NOT_ENABLED)
        return Turn(chosen, None, expires_at=state.expires_at, effects=self.effects)


@dataclass(frozen=True, slots=True)
class OfferPasskey:
    """The page offers to sign in with any passkey: the challenge waits, whatever is begun."""

    challenge: str

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        """A newer offer replaces the older."""
        state = alive(state, now)
        if state.prompt is not Prompt.LOGIN or state.result is not None:
            refuse(Reason.WRONG_EVENT)
        offered = msgspec.structs.replace(state, passkey_challenge=self.challenge)
        return Turn(offered, None, expires_at=state.expires_at)


@dataclass(frozen=True, slots=True)
class TakePasskeyOffer:
    """A passkey answered: the reply is the challenge, for one answer, right or wrong."""

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, str]:
        """Raises `Refused(VERIFICATION_NOT_FOUND)` if nothing was offered."""
        state, _ = unanswered(state, now)
        challenge = state.passkey_challenge
        if challenge is None:
            refuse(Reason.VERIFICATION_NOT_FOUND)
        taken = msgspec.structs.replace(state, passkey_challenge=None)
        return Turn(taken, challenge, expires_at=state.expires_at)
