"""What somebody holds: where they are signed in, and what they let clients have. An index.

Sessions and token families are actors of their own and know nothing of each other's whereabouts.
One actor for each person lists them, so that they can be shown and ended. It is told of a session
or a family before anybody outside receives anything of it; whatever happens in between, nothing
that works is missing here. What is listed may have ended meanwhile: whoever reads the list looks.

A *grant* is what one session let one client have: all token families that came of it. The list is
bounded; what is pushed out has to be ended by whoever is told so.
docs/diagrams/holdings.mmd draws it, and a test holds the drawing to the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from gatehouse.engine.actor import Address, Effect, Kind, Turn, keep

T = TypeVar("T")

MAX_SESSIONS = 100
"""Browsers one person is signed in at; more than that ends the session used longest ago."""
MAX_GRANTS = 200
"""Grants of one person; more than that ends the one given longest ago."""
MAX_FAMILIES = 32
"""Token families of one grant; more than that ends the oldest."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a session let a client have. `created_at` is in milliseconds since the epoch."""

    client_id: str
    session_id: str
    created_at: int
    families: tuple[str, ...] = ()


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """The state: sessions with the time each began, and grants by id.

    Sessions are in the order in which they were last used to sign in somewhere, grants in that in
    which they were last given.
    """

    expires_at: int
    sessions: dict[str, int] = msgspec.field(default_factory=dict)
    grants: dict[str, Grant] = msgspec.field(default_factory=dict)

    def of_client(self, client_id: str) -> dict[str, Grant]:
        """The grants of one client, the one given last at the end."""
        return {key: one for key, one in self.grants.items() if one.client_id == client_id}


HOLDINGS = Kind("holdings", Holdings)


def address(tenant: str, user_id: str) -> Address[Holdings]:
    """Where the list of this person's sessions and grants is."""
    return HOLDINGS.at(tenant, user_id)


class PushedOut(msgspec.Struct, frozen=True, kw_only=True):
    """What is not listed any more and has to end."""

    sessions: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldSession:
    """Somebody signed in at a browser. The list is kept for `lasts_ms` at least."""

    session_id: str
    lasts_ms: int

    def apply(self, state: Holdings | None, now: int, /) -> Turn[Holdings, PushedOut]:
        """The session is the one used last; when it began stays known."""
        state = _lasting(state, now, self.lasts_ms)
        held, pushed = _with_session(state, self.session_id, now)
        return Turn(held, PushedOut(sessions=pushed), expires_at=held.expires_at)


@dataclass(frozen=True, slots=True)
class HoldFamily:
    """A client is about to receive a code. `gone`: families that were found to have ended."""

    grant_id: str
    client_id: str
    session_id: str
    family_id: str
    lasts_ms: int
    gone: frozenset[str] = frozenset()

    def apply(self, state: Holdings | None, now: int, /) -> Turn[Holdings, PushedOut]:
        """The newest family of a grant is the last, and its grant the last of all."""
        state = _lasting(state, now, self.lasts_ms)
        grants = _without(state.grants, self.gone)
        known = grants.pop(self.grant_id, None) or Grant(
            client_id=self.client_id, session_id=self.session_id, created_at=now
        )
        families = (*known.families, self.family_id)
        grants[self.grant_id] = msgspec.structs.replace(known, families=families[-MAX_FAMILIES:])
        grants, pushed = _bounded(grants, MAX_GRANTS)
        ended = (
            *families[:-MAX_FAMILIES],
            *(one for gone in pushed.values() for one in gone.families),
        )
        state = msgspec.structs.replace(state, grants=grants)
        held, sessions = _with_session(state, self.session_id, now)
        reply = PushedOut(sessions=sessions, families=ended)
        return Turn(held, reply, expires_at=held.expires_at)


@dataclass(frozen=True, slots=True)
class Drop:
    """Sessions and grants have ended. The reply is the families that came to the grants meanwhile.

    The effects happen if anything of it was listed: of two who drop the same, one has them.
    `families` are those that the sender knew and ended.
    """

    sessions: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Holdings | None, now: int, /) -> Turn[Holdings, tuple[str, ...]]:
        """Dropping what is not there is no error."""
        if state is None:
            return keep(state, ())
        dropped = [one for key, one in state.grants.items() if key in self.grants]
        if not dropped and not self.sessions & state.sessions.keys():
            return keep(state, ())
        left = msgspec.structs.replace(
            state,
            sessions={key: at for key, at in state.sessions.items() if key not in self.sessions},
            grants={key: one for key, one in state.grants.items() if key not in self.grants},
        )
        newer = tuple(
            family for one in dropped for family in one.families if family not in self.families
        )
        if not left.sessions and not left.grants:
            return Turn(None, newer, effects=self.effects)
        return Turn(left, newer, expires_at=left.expires_at, effects=self.effects)


def _lasting(state: Holdings | None, now: int, lasts_ms: int) -> Holdings:
    """The state, kept for so long at least."""
    expires_at = now + lasts_ms
    if state is None:
        return Holdings(expires_at=expires_at)
    return msgspec.structs.replace(state, expires_at=max(expires_at, state.expires_at))


def _with_session(state: Holdings, session_id: str, now: int) -> tuple[Holdings, tuple[str, ...]]:
    """The state with a session in it, and the sessions that were pushed out."""
    listed = {**state.sessions}
    listed[session_id] = listed.pop(session_id, now)
    sessions, pushed = _bounded(listed, MAX_SESSIONS)
    return msgspec.structs.replace(state, sessions=sessions), tuple(pushed)


def _without(grants: dict[str, Grant], gone: frozenset[str]) -> dict[str, Grant]:
    """The grants without families that have ended, and without grants that are nothing else."""
    if not gone:
        return {**grants}
    left = {}
    for key, grant in grants.items():
        families = tuple(one for one in grant.families if one not in gone)
        if families:
            left[key] = msgspec.structs.replace(grant, families=families)
    return left


def _bounded(listed: dict[str, T], most: int) -> tuple[dict[str, T], dict[str, T]]:
    """The newest of what is listed, and what was pushed out."""
    keys = list(listed)
    pushed = keys[: max(0, len(keys) - most)]
    return (
        {key: one for key, one in listed.items() if key not in pushed},
        {key: listed[key] for key in pushed},
    )
