"""`/api/one-time-tokens`: what a magic link carries, made and ended by operators."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.experience.models import InteractionEvent
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.store import read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Email, Maybe, View, Wire
from gatehouse.storage.one_time_tokens import TokenStatus

operations = Operations(tags=("One-time tokens",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PATH = "/api/one-time-tokens"
LIFETIME_S = 10 * 60
"""How long a token is good unless it is said otherwise."""
MAX_LIFETIME_S = 10 * 365 * 24 * 3600
MAX_ORGANIZATIONS = 100

AnEmail = Annotated[str, Field(min_length=1, max_length=128)]


class Context(Wire):
    """What a token is for, and what its owner joins."""

    jit_organization_ids: Maybe[
        Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=MAX_ORGANIZATIONS)]
    ] = None
    interaction_event: Maybe[InteractionEvent] = None


class NewToken(Wire):
    """A token to make. `expires_in` is in seconds."""

    email: Email
    context: Maybe[Context] = None
    expires_in: Maybe[Annotated[int | float, Field(ge=1, le=MAX_LIFETIME_S)]] = None


class GivenToken(Wire):
    """A token that somebody presented, and the address that they say is theirs."""

    token: Annotated[str, Field(min_length=1, max_length=256)]
    email: AnEmail


class NewStatus(Wire):
    """How a token ends."""

    status: TokenStatus


class Tokens(Page):
    """Which tokens."""

    email: Email | None = None
    status: TokenStatus | None = None


class TokenView(View):
    """A token."""

    tenant_id: str
    id: str
    email: str
    token: str
    context: dict[str, Any]
    status: TokenStatus
    created_at: int
    expires_at: int


@operations.get(PATH, "ListOneTimeTokens", query=Tokens, response=list[TokenView])
async def list_tokens(call: Call[None, Tokens]) -> Reply:
    """List tokens, newest first."""
    query = call.query
    found = await read(
        call,
        lambda store: store.one_time_tokens.search(
            *bounds(query.asked), email=query.email, status=query.status
        ),
    )
    return listed(call, [TokenView.of(one) for one in found.items], found.total, query.asked)


@operations.post(
    PATH, "AddOneTimeTokens", body=NewToken, response=TokenView, status=201, statuses=(400,)
)
async def add_token(call: Call[NewToken]) -> TokenView:
    """Make a token for the owner of an address."""
    new = call.body
    context = {} if new.context is None else new.context.as_json()
    lifetime_ms = int((new.expires_in or LIFETIME_S) * 1000)
    return TokenView.of(
        await write(
            call,
            lambda store: store.one_time_tokens.issue(new.email, context, store.now + lifetime_ms),
        )
    )


@operations.post(
    f"{PATH}/verify",
    "VerifyOneTimeToken",
    body=GivenToken,
    response=TokenView,
    statuses=(400, 404),
)
async def verify_token(call: Call[GivenToken]) -> TokenView:
    """Use a token up, outside of any sign-in."""
    given = call.body
    return TokenView.of(
        await write(call, lambda store: store.one_time_tokens.consume(given.token, given.email))
    )


@operations.get(f"{PATH}/{{id}}", "GetOneTimeToken", response=TokenView, statuses=(404,))
async def get_token(call: Call) -> TokenView:
    """Read a token."""
    return TokenView.of(await read(call, lambda store: store.one_time_tokens.show(call.path["id"])))


@operations.put(
    f"{PATH}/{{id}}/status",
    "ReplaceOneTimeTokenStatus",
    body=NewStatus,
    response=TokenView,
    statuses=(400, 404),
)
async def end_token(call: Call[NewStatus]) -> TokenView:
    """End a token; none can be made good again."""
    status = call.body.status
    return TokenView.of(
        await write(call, lambda store: store.one_time_tokens.set_status(call.path["id"], status))
    )


@operations.delete(f"{PATH}/{{id}}", "DeleteOneTimeToken", statuses=(404,))
async def delete_token(call: Call) -> None:
    """Delete a token."""
    await write(call, lambda store: store.one_time_tokens.delete(call.path["id"]))
