"""From a session to a code: what the authorization endpoint does with the actors.

Who is signed in at this browser, what a login or a consent changes about that, and what a client
receives in the end. HTTP calls these; they know nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.actors import family, grants, holdings, session
from gatehouse.actors.authorization import AuthorizationRequest, ConsentResult, LoginResult
from gatehouse.actors.backchannel_logout import listening
from gatehouse.actors.family import (
    CODE_AGE_MS,
    MAX_FAMILY_AGE_MS,
    OFFLINE_ACCESS,
    Family,
    Open,
)
from gatehouse.actors.grants import end_families
from gatehouse.actors.holdings import Drop, HoldFamily, HoldSession
from gatehouse.actors.session import Authorize, Session, SessionGone, SignIn, SignOut
from gatehouse.actors.subjects import still_good
from gatehouse.actors.tokens import Purpose, new_family_id, new_uid

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core


@dataclass(frozen=True, slots=True)
class Presence:
    """A session that is good at this moment."""

    session_id: str
    session: Session


async def find_presence(core: Core, session_id: str | None) -> Presence | None:
    """The session of this id, if its user may still use it."""
    if session_id is None:
        return None
    state = await core.engine.read(session.address(core.tenant_id, session_id))
    if state is None:
        return None
    if not await still_good(core, state.user_id, state.auth_time):
        return None
    return Presence(session_id, state)


async def sign_in(core: Core, known: str | None, login: LoginResult) -> Presence:
    """Record a login in this browser's session; `known` is the session it has, if any.

    The session is renewed if it is the same user's, and otherwise ended and replaced by a new one.
    Raises `SessionGone` if the user may not sign in any more.
    """
    if not await still_good(core, login.user_id, login.auth_time):
        raise SessionGone
    if known is not None:
        state = await core.engine.read(session.address(core.tenant_id, known))
        if state is None or state.user_id != login.user_id:
            await sign_out(core, known)
            known = None
    session_id = known or new_uid()
    address = session.address(core.tenant_id, session_id)
    age_ms = await core.directory.session_age_ms()
    presence = Presence(session_id, await core.engine.turn(address, SignIn(login, age_ms)))
    if known is None:
        held = holdings.address(core.tenant_id, login.user_id)
        pushed = await core.engine.turn(held, HoldSession(session_id, age_ms))
        for oldest in pushed.sessions:
            await sign_out(core, oldest)
    return presence


async def issue_code(
    core: Core,
    session_id: str,
    request: AuthorizationRequest,
    consent: ConsentResult,
    *,
    origin: Origin,
    seen: Presence | None = None,
) -> str:
    """The authorization code of a new token family. Raises `SessionGone` as `open_family` does."""
    family_id = await open_family(
        core, session_id, request, consent, CODE_AGE_MS, origin=origin, seen=seen
    )
    return core.tokens.encode(Purpose.AUTHORIZATION_CODE, family_id, 0)


async def open_family(
    core: Core,
    session_id: str,
    request: AuthorizationRequest,
    consent: ConsentResult,
    age_ms: int,
    *,
    origin: Origin,
    seen: Presence | None = None,
) -> str:
    """A new token family, which waits for `age_ms` to be redeemed; its id.

    `seen` is who was found to be present for this very request: then the user, who is looked at
    when the family is redeemed as well, is not looked at once more.

    The session learns of the family first: whatever happens in between, no family exists that
    signing out would not find. The list of what the user holds learns of it last, when it is there
    to be ended. Raises `SessionGone` if the user signed out or may not come in.
    """
    scopes = tuple(scope for scope in request.scopes if scope in consent.scopes)
    resources = tuple(one for one in request.resources if one in consent.resources)
    family_id = new_family_id()
    authorized = await core.engine.turn(
        session.address(core.tenant_id, session_id),
        Authorize(
            client_id=request.client_id,
            sid=new_uid(),
            consent=consent,
            family_id=None if OFFLINE_ACCESS in scopes else family_id,
            grant_id=new_family_id(),
        ),
    )
    state = authorized.session
    known = seen is not None and seen.session.user_id == state.user_id
    if not known and not await still_good(core, state.user_id, state.auth_time):
        raise SessionGone
    now = core.clock()
    issued = Family(
        client_id=request.client_id,
        user_id=state.user_id,
        scopes=scopes,
        resources=resources,
        created_at=now,
        expires_at=now + age_ms,
        redirect_uri=request.redirect_uri or None,
        code_challenge=request.code_challenge,
        code_expires_at=now + age_ms,
        nonce=request.nonce,
        session_id=session_id,
        sid=authorized.sid,
        auth_time=state.auth_time,
        auth_time_wanted=request.max_age is not None,
        amr=state.amr,
        acr=state.acr,
    )
    await core.engine.turn(family.address(core.tenant_id, family_id), Open(issued))
    await end_families(core, authorized.evicted)
    client = await core.directory.client(request.client_id)
    refreshed = OFFLINE_ACCESS in scopes or (client is not None and client.always_refresh)
    message = HoldFamily(
        grant_id=authorized.grant_id,
        client_id=request.client_id,
        session_id=session_id,
        family_id=family_id,
        lasts_ms=MAX_FAMILY_AGE_MS if refreshed else state.age_ms,
        gone=await grants.ended_families(core, state.user_id),
    )
    for oldest in await grants.hold(core, state.user_id, message, client, origin):
        await sign_out(core, oldest)
    return family_id


async def sign_out(core: Core, session_id: str) -> None:
    """End the session, and the token families that were to live no longer than it.

    Clients that took part are told, if they want to be (OpenID Connect Back-Channel Logout §2.3).
    The families end first: should this be interrupted, the session is still there to try again.
    """
    address = session.address(core.tenant_id, session_id)
    state = await core.engine.read(address)
    if state is None:
        return
    ended = session.bound_families(state)
    await end_families(core, ended)
    clients = tuple(state.clients)
    message = SignOut(frozenset(clients), await listening(core, clients))
    left = await core.engine.turn(address, message)
    await end_families(core, tuple(one for one in left if one not in ended))
    drop = Drop(sessions=frozenset((session_id,)))
    await core.engine.turn(holdings.address(core.tenant_id, state.user_id), drop)
