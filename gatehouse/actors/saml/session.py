"""A service provider's request that waits for its user to sign in.

It begins with the AuthnRequest and ends with the Response, once. In between lies an ordinary
authorization request, whose `state` is the one that was made for it.

docs/diagrams/saml_session.mmd draws it, and a test holds the drawing to the code.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum

import msgspec

from gatehouse.actors.authorization import MAX_INTERACTION_AGE_MS
from gatehouse.engine.actor import Address, Effect, Kind, Turn, keep

SAML_SESSION_AGE_MS = MAX_INTERACTION_AGE_MS
"""How long a request waits: as long as a person may take to sign in."""


class SamlSession(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a request that waits. Times are milliseconds since the epoch."""

    application_id: str
    request_id: str
    state: str
    expires_at: int
    relay_state: str | None = None


SAML_SESSION = Kind("saml", SamlSession)


def address(tenant: str, session_id: str) -> Address[SamlSession]:
    """Where the request of this id waits."""
    return SAML_SESSION.at(tenant, session_id)


class NoAnswer(Enum):
    """Why a request is not answered."""

    GONE = "application.saml.sp_initiated_saml_sso_session_not_found"
    STATE = "application.saml.state_mismatch"


@dataclass(frozen=True, slots=True)
class Wait:
    """A request came: it waits for its user."""

    application_id: str
    request_id: str
    state: str
    relay_state: str | None = None
    effects: tuple[Effect, ...] = ()

    def apply(self, state: SamlSession | None, now: int, /) -> Turn[SamlSession, None]:
        """Ids are random and used once; a repeated message changes nothing."""
        if state is not None:
            return keep(state, None)
        waiting = SamlSession(
            application_id=self.application_id,
            request_id=self.request_id,
            state=self.state,
            relay_state=self.relay_state,
            expires_at=now + SAML_SESSION_AGE_MS,
        )
        return Turn(waiting, None, expires_at=waiting.expires_at, effects=self.effects)


@dataclass(frozen=True, slots=True)
class Answer:
    """The user signed in: the request is answered and waits no more."""

    application_id: str
    state: str
    effects: tuple[Effect, ...] = ()

    def apply(
        self, state: SamlSession | None, now: int, /
    ) -> Turn[SamlSession, SamlSession | NoAnswer]:
        """Of two that answer, one receives it. The wrong state or application changes nothing."""
        if state is None or now >= state.expires_at or state.application_id != self.application_id:
            return keep(state, NoAnswer.GONE)
        if not hmac.compare_digest(state.state.encode(), self.state.encode()):
            return keep(state, NoAnswer.STATE)
        return Turn(None, state, effects=self.effects)
