"""Whom tokens are about, and what their roles allow: read afresh whenever a token is made.

A session or a token family says who signed in; whether that person may still come in is the
user's record alone. Suspending or deleting a user, or anything else that moves
`tokens_valid_after`, takes effect with the next request.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.storage.records import SsoIdentity, User
from gatehouse.storage.resources import Scopes
from gatehouse.storage.roles import Roles, UserRoles
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
    sso_identities: tuple[SsoIdentity, ...] = ()


async def find_subject(
    core: Core,
    user_id: str,
    since: int,
    *,
    claims: Collection[str] = (),
    resource: str | None = None,
) -> Subject | None:
    """The user, if what began at `since` (ms since the epoch) is still good for them.

    `claims`: the scopes whose claims are wanted; `resource`: the scopes at the API of this
    indicator.
    """
    return await core.db.lookup(
        _read, core.tenant_id, user_id, since=since, claims=claims, resource=resource
    )


def _read(
    tx: Transaction,
    tenant_id: str,
    user_id: str,
    *,
    since: int,
    claims: Collection[str],
    resource: str | None,
) -> Subject | None:
    users = Users(tx, tenant_id)
    user = users.find(user_id)
    if user is None or user.is_suspended or since < user.tokens_valid_after:
        return None
    names: tuple[str, ...] = ()
    identities = tuple(users.sso_identities(user_id)) if "identities" in claims else ()
    if "roles" in claims:
        ids = sorted(UserRoles(tx, tenant_id).members(user_id))
        names = tuple(sorted(role.name for role in Roles(tx, tenant_id).get_many(ids)))
    if resource is None:
        return Subject(user, names, frozenset(), identities)
    granted = Scopes(tx, tenant_id).granted_to_user(user_id, resource)
    return Subject(user, names, frozenset(scope.name for scope in granted), identities)
