"""`/api/subject-tokens`: an operator's permission to act for a user, once."""

from __future__ import annotations

import msgspec

from gatehouse.actors import subject_token
from gatehouse.actors.subject_token import SUBJECT_TOKEN_AGE_MS, Create, new_subject_token
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import StrangeInput
from gatehouse.http.logto.management.store import read
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Wire

operations = Operations(tags=("Subject tokens",), access=MANAGEMENT, cors=CONSOLE_ONLY)

MAX_CONTEXT_BYTES = 8 * 1024
"""What an operator may note with a token, as JSON."""


class NewSubjectToken(Wire):
    """For which user; `context` is for the scripts that write token claims."""

    user_id: str
    context: Maybe[JsonObject] = None


class SubjectTokenView(Wire):
    """The token, shown this once, and its life in seconds."""

    subject_token: str
    expires_in: int


@operations.post(
    "/api/subject-tokens",
    "CreateSubjectToken",
    body=NewSubjectToken,
    response=SubjectTokenView,
    status=201,
    statuses=(404,),
)
async def create_subject_token(call: Call[NewSubjectToken]) -> SubjectTokenView:
    """Make a token that an application exchanges for an access token of the user (RFC 8693)."""
    core, context = call.core, call.body.context or {}
    if len(msgspec.json.encode(context)) > MAX_CONTEXT_BYTES:
        raise StrangeInput("The context is too large.")
    user = await read(call, lambda store: store.users.get(call.body.user_id))
    creator = "" if call.principal is None else call.principal.subject
    token = new_subject_token()
    address = subject_token.address(core.tenant_id, token)
    await core.engine.turn(address, Create(user.id, creator, context))
    return SubjectTokenView(subject_token=token, expires_in=SUBJECT_TOKEN_AGE_MS // 1000)
