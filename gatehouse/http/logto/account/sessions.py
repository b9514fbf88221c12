"""`/api/my-account/sessions` and `grants`: where one is signed in, and what applications have."""

from __future__ import annotations

from gatehouse.actors import grants, whereabouts
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    AnyCall,
    account_of,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified,
    person_of,
)
from gatehouse.http.logto.sessions import (
    GrantList,
    SessionView,
    WhatElse,
    WhichGrants,
    list_grants,
    session_fields,
)
from gatehouse.http.oidc.claims import SESSIONS
from gatehouse.http.wire import Wire

operations = account_operations()


class OwnSession(SessionView):
    """A session, and whether it is the one by which this is asked."""

    is_current: bool


class OwnSessions(Wire):
    """Everywhere one is signed in."""

    sessions: list[OwnSession]


async def _check_shown(call: AnyCall) -> None:
    await check_verified(call)
    (await center_of(call)).check_shown("session")
    check_scope(call, SESSIONS)


async def _check_editable(call: AnyCall) -> None:
    await check_verified(call)
    (await center_of(call)).check_editable("session")
    check_scope(call, SESSIONS)
    await check_first_party(call)


@operations.get("/api/my-account/sessions", "GetSessions", response=OwnSessions, statuses=(400,))
async def get_sessions(call: Call) -> OwnSessions:
    """List where one is signed in."""
    await _check_shown(call)
    here = person_of(call).session_id
    places = await whereabouts.places(call.core, await account_of(call))
    return OwnSessions(
        sessions=[
            OwnSession(**session_fields(place), is_current=place.session_id == here)
            for place in places
        ]
    )


@operations.delete(
    "/api/my-account/sessions/{sessionId}",
    "DeleteSessionById",
    query=WhatElse,
    statuses=(404,),
)
async def end_session(call: Call[None, WhatElse]) -> None:
    """Sign out somewhere."""
    await _check_editable(call)
    user, uid = await account_of(call), call.path["sessionId"]
    await whereabouts.leave(call.core, user, uid, call.query.revoked)


@operations.get("/api/my-account/grants", "GetGrants", query=WhichGrants, response=GrantList)
async def get_grants(call: Call[None, WhichGrants]) -> GrantList:
    """List what one let applications have."""
    await _check_shown(call)
    return await list_grants(call, await account_of(call))


@operations.delete("/api/my-account/grants/{grantId}", "DeleteGrantById", statuses=(400, 404))
async def revoke_grant(call: Call) -> None:
    """Take back what one let an application have."""
    await _check_editable(call)
    await grants.revoke_one(call.core, person_of(call).subject, call.path["grantId"])
