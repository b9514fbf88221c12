"""`/api/users/{userId}/personal-access-tokens`: what a user's scripts exchange for access tokens.

Two operations exist twice: with the name in the path and, as names may hold anything, in the body.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import StrangeInput
from gatehouse.http.logto.management.applications import Name
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, View, Wire
from gatehouse.storage.records import PersonalAccessToken

operations = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)

_PATH = "/api/users/{userId}/personal-access-tokens"


class TokenView(View):
    """A token, shown in full."""

    tenant_id: str
    user_id: str
    name: str
    value: str
    created_at: int
    expires_at: int | None


class NewToken(Wire):
    """A token to make. `expiresAt` is in milliseconds since the epoch."""

    name: Name
    expires_at: Annotated[int, Field(ge=0, le=2**53)] | None = None


class NamePatch(Wire):
    """What can be changed of a token."""

    name: Name


class NamedPatch(NamePatch):
    """The same for the token of a name."""

    current_name: Maybe[str] = None


class Named(Wire):
    """Which token."""

    name: str


@operations.get(_PATH, "ListUserPersonalAccessTokens", response=list[TokenView], statuses=(404,))
async def list_tokens(call: Call) -> Reply:
    """List a user's personal access tokens."""

    def look(store: Store) -> list[PersonalAccessToken]:
        return store.personal_access_tokens.of(store.users.get(call.path["userId"]).id)

    return Reply(200, [TokenView.of(token) for token in await read(call, look)])


@operations.post(
    _PATH,
    "CreateUserPersonalAccessToken",
    body=NewToken,
    response=TokenView,
    status=201,
    statuses=(404, 422),
)
async def create_token(call: Call[NewToken]) -> TokenView:
    """Make a personal access token for a user."""
    expires_at = call.body.expires_at
    if expires_at is not None and expires_at <= call.core.clock():
        raise StrangeInput("A token must expire in the future.")
    token = PersonalAccessToken(
        user_id=call.path["userId"],
        name=call.body.name,
        value=f"pat_{secrets.token_urlsafe(24)}",
        expires_at=expires_at,
    )
    return TokenView.of(await write(call, lambda store: store.personal_access_tokens.make(token)))


@operations.patch(
    _PATH,
    "UpdatePersonalAccessTokenName",
    body=NamedPatch,
    response=TokenView,
    statuses=(404, 422),
)
async def rename_named_token(call: Call[NamedPatch]) -> TokenView:
    """Give a token another name; without the current one, the name stays."""
    current = call.body.name if call.body.current_name is None else call.body.current_name
    return await _rename(call, current, call.body.name)


@operations.patch(
    f"{_PATH}/{{name}}",
    "UpdateUserPersonalAccessToken",
    body=NamePatch,
    response=TokenView,
    statuses=(404, 422),
)
async def rename_token(call: Call[NamePatch]) -> TokenView:
    """Give the token of this name another one."""
    return await _rename(call, call.path["name"], call.body.name)


@operations.post(f"{_PATH}/delete", "DeletePersonalAccessTokenPost", body=Named, statuses=(404,))
async def delete_named_token(call: Call[Named]) -> None:
    """Delete a token; whoever still uses it is refused from now on."""
    await _delete(call, call.body.name)


@operations.delete(f"{_PATH}/{{name}}", "DeleteUserPersonalAccessToken", statuses=(404,))
async def delete_token(call: Call) -> None:
    """Delete the token of this name."""
    await _delete(call, call.path["name"])


async def _rename(call: Call, name: str, new_name: str) -> TokenView:
    user_id = call.path["userId"]
    return TokenView.of(
        await write(
            call, lambda store: store.personal_access_tokens.rename(user_id, name, new_name)
        )
    )


async def _delete(call: Call, name: str) -> None:
    def change(store: Store) -> None:
        store.personal_access_tokens.get(call.path["userId"], name)
        store.personal_access_tokens.delete(call.path["userId"], name)

    await write(call, change)
