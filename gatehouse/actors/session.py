"""A browser's sign-in: who it is, how they proved it, and what they let each client have.

The session is what lets a person into a second application without a second password. It lives for
fourteen days after it was last used, under the id in the `_session` cookie. Its id belongs to one
user for good: another user signing in at the same browser gets another session, so a planted
cookie never becomes somebody else's sign-in.

Signing out ends the session and the token families that were to live no longer than it. Families
with `offline_access` stay (OpenID Connect Core §11), so they are not listed here at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from gatehouse.actors.authorization import ConsentResult, LoginResult, Submission
from gatehouse.actors.backchannel_logout import logout_effect
from gatehouse.engine.actor import Address, Effect, Kind, Turn, keep

SESSION_AGE_MS = 14 * 24 * 60 * 60 * 1000
"""How long a session lives after it was last used, unless the tenant says otherwise."""

SESSION_CONFIG = "oidc.session"
"""The tenant's setting that says otherwise: `{"ttl": seconds}`."""

MAX_CLIENTS = 64
"""Clients one session remembers; the one authorized longest ago asks for consent again."""

MAX_FAMILIES = 16
"""Token families of one client that end with the session; more than that ends the oldest."""


class ClientAuthorization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the session's user let one client have.

    `sid` names the session towards this client, `grant_id` what came of it (`holdings.py`).
    `families` end with the session.
    """

    sid: str
    grant_id: str = ""
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    families: tuple[str, ...] = ()

    def covers(self, scopes: tuple[str, ...], resources: tuple[str, ...]) -> bool:
        """Whether all of this was consented to already."""
        return set(scopes) <= set(self.scopes) and set(resources) <= set(self.resources)


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a session. Times are milliseconds since the epoch.

    `auth_time` is when the user last proved who they are. `clients` are in the order in which
    they were last authorized.
    """

    user_id: str
    auth_time: int
    created_at: int
    expires_at: int
    amr: tuple[str, ...] = ()
    acr: str | None = None
    age_ms: int = SESSION_AGE_MS
    submission: Submission | None = None
    clients: dict[str, ClientAuthorization] = msgspec.field(default_factory=dict)


SESSION = Kind("session", Session)


class SessionGone(Exception):  # noqa: N818 - it reads as what happened
    """There is no such session (any more), or it is another user's."""


def address(tenant: str, session_id: str) -> Address[Session]:
    """Where the session of this id is."""
    return SESSION.at(tenant, session_id)


def alive(state: Session | None, now: int) -> Session:
    """The state, if there is one still. Raises `SessionGone`."""
    if state is None or now >= state.expires_at:
        raise SessionGone
    return state


@dataclass(frozen=True, slots=True)
class SignIn:
    """The user proved who they are: the session begins, or is renewed, for `age_ms`."""

    login: LoginResult
    age_ms: int = SESSION_AGE_MS

    def apply(self, state: Session | None, now: int, /) -> Turn[Session, Session]:
        """The session as it is now. Raises `SessionGone` if it is another user's."""
        if state is not None and state.user_id != self.login.user_id:
            raise SessionGone
        expires_at = now + self.age_ms
        signed_in = Session(
            user_id=self.login.user_id,
            auth_time=self.login.auth_time,
            amr=self.login.amr,
            acr=self.login.acr,
            created_at=now if state is None else state.created_at,
            expires_at=expires_at,
            age_ms=self.age_ms,
            submission=self.login.submission,
            clients={} if state is None else state.clients,
        )
        return Turn(signed_in, signed_in, expires_at=expires_at)


class Authorized(msgspec.Struct, frozen=True):
    """The session as the client's tokens see it, and the families that must end for this one."""

    session: Session
    sid: str
    evicted: tuple[str, ...]
    grant_id: str


@dataclass(frozen=True, slots=True)
class Authorize:
    """A client is about to receive a code.

    `consent` is what it may have from now on, added to what it had; `sid` and `grant_id` are fresh
    and used if the client is new to the session. `family_id` is given if the family ends with the
    session.
    """

    client_id: str
    sid: str
    consent: ConsentResult
    family_id: str | None
    grant_id: str = ""

    def apply(self, state: Session | None, now: int, /) -> Turn[Session, Authorized]:
        """Raises `SessionGone` if the user signed out meanwhile."""
        state = alive(state, now)
        before = state.clients.get(self.client_id) or ClientAuthorization(sid=self.sid)
        families = before.families + (() if self.family_id is None else (self.family_id,))
        after = ClientAuthorization(
            sid=before.sid,
            grant_id=before.grant_id or self.grant_id,
            scopes=_union(before.scopes, self.consent.scopes),
            resources=_union(before.resources, self.consent.resources),
            families=families[-MAX_FAMILIES:],
        )
        others = {key: value for key, value in state.clients.items() if key != self.client_id}
        evicted = families[:-MAX_FAMILIES]
        if len(others) >= MAX_CLIENTS:
            oldest = next(iter(others))
            evicted += others.pop(oldest).families
        renewed = msgspec.structs.replace(
            state, clients={**others, self.client_id: after}, expires_at=now + state.age_ms
        )
        reply = Authorized(renewed, after.sid, evicted, after.grant_id)
        return Turn(renewed, reply, expires_at=renewed.expires_at)


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What clients were let have is taken back: they ask for consent again.

    The reply is the families that were to end with the session. To each of the clients its part of
    the session is over, so they are told as by `SignOut`.
    """

    grant_ids: frozenset[str]
    known: frozenset[str] = frozenset()
    listening: frozenset[str] = frozenset()

    def apply(self, state: Session | None, now: int, /) -> Turn[Session, tuple[str, ...]]:
        """Grants of an older consent, or of no session any more, are none here."""
        if state is None:
            return keep(state, ())
        gone = {key: one for key, one in state.clients.items() if one.grant_id in self.grant_ids}
        if not gone:
            return keep(state, ())
        left = {key: one for key, one in state.clients.items() if key not in gone}
        families = tuple(family for one in gone.values() for family in one.families)
        withdrawn = msgspec.structs.replace(state, clients=left)
        effects = _logout_effects(state.user_id, gone, self.known, self.listening)
        return Turn(withdrawn, families, expires_at=state.expires_at, effects=effects)


@dataclass(frozen=True, slots=True)
class SignOut:
    """The session is over. The reply is the families that end with it.

    Of the clients that took part, those in `listening` are told, and those that are not in
    `known`: they came after somebody looked who listens.
    """

    known: frozenset[str] = frozenset()
    listening: frozenset[str] = frozenset()

    def apply(self, state: Session | None, now: int, /) -> Turn[Session, tuple[str, ...]]:
        """Signing out twice is no error."""
        if state is None:
            return keep(state, ())
        effects = _logout_effects(state.user_id, state.clients, self.known, self.listening)
        return Turn(None, bound_families(state), effects=effects)


def bound_families(state: Session) -> tuple[str, ...]:
    """The token families that end with the session."""
    return tuple(family for client in state.clients.values() for family in client.families)


def _logout_effects(
    user_id: str,
    clients: Mapping[str, ClientAuthorization],
    known: frozenset[str],
    listening: frozenset[str],
) -> tuple[Effect, ...]:
    return tuple(
        logout_effect(client_id, user_id, client.sid)
        for client_id, client in clients.items()
        if client_id in listening or client_id not in known
    )


def _union(before: tuple[str, ...], added: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *added)))
