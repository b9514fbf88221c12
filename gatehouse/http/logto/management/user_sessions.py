"""`/api/users/{userId}/sessions` and `grants`: where a user is signed in, and what clients have."""

from __future__ import annotations

from typing import Any

from gatehouse.actors import grants, whereabouts
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import read
from gatehouse.http.logto.sessions import (
    GrantList,
    SessionView,
    WhatElse,
    WhichGrants,
    list_grants,
    session_fields,
)
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Wire
from gatehouse.storage.records import User

operations = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class SessionList(Wire):
    """Everywhere a user is signed in."""

    sessions: list[SessionView]


async def _user(call: Call[Any, Any]) -> User:
    return await read(call, lambda store: store.users.get(call.path["userId"]))


@operations.get(
    "/api/users/{userId}/sessions", "ListUserSessions", response=SessionList, statuses=(404,)
)
async def list_sessions(call: Call) -> SessionList:
    """List where a user is signed in."""
    places = await whereabouts.places(call.core, await _user(call))
    return SessionList(sessions=[SessionView(**session_fields(place)) for place in places])


@operations.get(
    "/api/users/{userId}/sessions/{sessionId}",
    "GetUserSession",
    response=SessionView,
    statuses=(404,),
)
async def get_session(call: Call) -> SessionView:
    """Read a session of a user."""
    user = await _user(call)
    place = await whereabouts.place(call.core, user, call.path["sessionId"])
    return SessionView(**session_fields(place))


@operations.delete(
    "/api/users/{userId}/sessions/{sessionId}",
    "DeleteUserSession",
    query=WhatElse,
    statuses=(404,),
)
async def end_session(call: Call[None, WhatElse]) -> None:
    """Sign a user out somewhere."""
    user = await _user(call)
    await whereabouts.leave(call.core, user, call.path["sessionId"], call.query.revoked)


@operations.get(
    "/api/users/{userId}/grants",
    "ListUserGrants",
    query=WhichGrants,
    response=GrantList,
    statuses=(404,),
)
async def get_grants(call: Call[None, WhichGrants]) -> GrantList:
    """List what a user let applications have."""
    return await list_grants(call, await _user(call))


@operations.delete("/api/users/{userId}/grants/{grantId}", "DeleteUserGrant", statuses=(404,))
async def revoke_grant(call: Call) -> None:
    """Take back what a user let an application have."""
    user = await _user(call)
    await grants.revoke_one(call.core, user.id, call.path["grantId"])
