"""Where somebody is signed in: shown to them and to operators, and ended from afar.

A session's id is what the browser's cookie holds, so nobody is shown it. Outside it goes by a name
that follows from the id and leads back to nothing.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gatehouse.actors import grants, session
from gatehouse.actors.grants import find_holdings
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.session import Session
from gatehouse.actors.sign_on import sign_out

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User

UID_BYTES = 24
"""192 bits of a digest: no two sessions share a name."""


class Revoked(StrEnum):
    """Whose grants end with a session, besides those that were to live no longer than it."""

    ALL = "all"
    FIRST_PARTY = "firstParty"


@dataclass(frozen=True, slots=True)
class Place:
    """A session that is good at this moment. `uid` is its name outside."""

    uid: str
    session_id: str
    session: Session


def uid_of(session_id: str) -> str:
    """The name of a session outside."""
    digest = hashlib.sha256(f"session-uid:{session_id}".encode()).digest()
    return urlsafe_b64encode(digest[:UID_BYTES]).decode()


async def places(core: Core, user: User) -> list[Place]:
    """Where a person is signed in, oldest first."""
    found = []
    for session_id in (await find_holdings(core, user.id)).sessions:
        state = await core.engine.read(session.address(core.tenant_id, session_id))
        if state is not None and _is_good(state, user, core.clock()):
            found.append(Place(uid_of(session_id), session_id, state))
    return found


async def place(core: Core, user: User, uid: str) -> Place:
    """The session of this name. Raises `Refused(NO_SUCH_SESSION)` if the person has none."""
    for session_id in (await find_holdings(core, user.id)).sessions:
        if uid_of(session_id) == uid:
            state = await core.engine.read(session.address(core.tenant_id, session_id))
            if state is not None and _is_good(state, user, core.clock()):
                return Place(uid, session_id, state)
    raise Refused(Reason.NO_SUCH_SESSION)


async def leave(core: Core, user: User, uid: str, revoked: Revoked | None = None) -> None:
    """End a session, and with it what was to live no longer, or also what is `revoked`.

    Raises `Refused(NO_SUCH_SESSION)`.
    """
    await end(core, user.id, (await place(core, user, uid)).session_id, revoked)


async def leave_others(core: Core, user_id: str, stay: str | None) -> None:
    """End every session but one, with all their grants."""
    held = await find_holdings(core, user_id)
    for session_id in held.sessions:
        if session_id != stay:
            await end(core, user_id, session_id, Revoked.ALL)
    left = [key for key, one in held.grants.items() if one.session_id != stay]
    await grants.revoke(core, user_id, left)


async def end(core: Core, user_id: str, session_id: str, revoked: Revoked | None) -> None:
    """End a session. The grants go first: should this be interrupted, it is there to try again."""
    if revoked is not None:
        held = (await find_holdings(core, user_id)).grants
        of_session = {key: one for key, one in held.items() if one.session_id == session_id}
        chosen = [
            key
            for key, one in of_session.items()
            if revoked is Revoked.ALL or await _is_first_party(core, one.client_id)
        ]
        await grants.revoke(core, user_id, chosen)
    await sign_out(core, session_id)


async def _is_first_party(core: Core, client_id: str) -> bool:
    client = await core.directory.client(client_id)
    return client is not None and not client.third_party


def _is_good(state: Session, user: User, now: int) -> bool:
    return (
        state.user_id == user.id
        and not user.is_suspended
        and now < state.expires_at
        and state.auth_time >= user.tokens_valid_after
    )
