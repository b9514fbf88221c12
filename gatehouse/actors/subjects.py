"""Whom tokens are about, and what their roles allow: read afresh whenever a token is made.

A session or a token family says who signed in; whether that person may still come in is the
user's record alone. Suspending or deleting a user, or anything else that moves
`tokens_valid_after`, takes effect with the next request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.storage.errors import NotFound
from gatehouse.storage.records import User
from gatehouse.storage.roles import Roles
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Subject:
    """A user in good standing, the names of their roles, and the scopes these grant.

    `scopes` are those at the resource that was asked about; empty if none was.
    """

    user: User
    roles: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()


async def find_subject(
    core: Core, user_id: str, since: int, *, roles: bool = False, resource_id: str | None = None
) -> Subject | None:
    """The user, if what began at `since` (ms since the epoch) is still good for them.

    `roles`: the names of the user's roles are wanted; `resource_id`: the scopes there.
    """
    return await core.db.read(_read, core.tenant_id, user_id, since, roles, resource_id)


def _read(
    tx: Transaction,
    tenant_id: str,
    user_id: str,
    since: int,
    roles: bool,
    resource_id: str | None,
) -> Subject | None:
    try:
        user = Users(tx, tenant_id).get(user_id)
    except NotFound:
        return None
    if user.is_suspended or since < user.tokens_valid_after:
        return None
    grants = Roles(tx, tenant_id)
    names = tuple(role.name for role in grants.of_user(user_id)) if roles else ()
    scopes = frozenset() if resource_id is None else grants.user_scopes(user_id, resource_id)
    return Subject(user, names, scopes)
