"""Whom tokens are about, and what their roles allow: read afresh whenever a token is made.

A session or a token family says who signed in; whether that person may still come in is the
user's record alone. Suspending or deleting a user, or anything else that moves
`tokens_valid_after`, takes effect with the next request.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.actors.family import ORGANIZATION_ROLES, ORGANIZATIONS
from gatehouse.storage.consent_scopes import ConsentScopes, ScopeKind, registered
from gatehouse.storage.organization_grants import Membership, memberships, resource_scopes
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

    `scopes` are those at the resource that was asked about; empty if none was. They come from the
    user's roles and from those in organizations.
    """

    user: User
    roles: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    sso_identities: tuple[SsoIdentity, ...] = ()
    organizations: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An API that a token is for. `organization_id`: on behalf of that one, not of any.

    `third_party` is the client whose list of scopes bounds what the token allows.
    """

    indicator: str
    organization_id: str | None = None
    third_party: str | None = None


async def still_good(core: Core, user_id: str, since: int) -> bool:
    """Whether what began at `since` (ms since the epoch) is still good for the user."""
    return await core.db.lookup(_still_good, core.tenant_id, user_id, since)


async def find_subject(
    core: Core,
    user_id: str,
    since: int,
    *,
    claims: Collection[str] = (),
    target: Target | None = None,
) -> Subject | None:
    """The user, if what began at `since` (ms since the epoch) is still good for them.

    `claims`: the scopes whose claims are wanted; `target`: the API whose scopes are wanted.
    """
    return await core.db.lookup(
        _read, core.tenant_id, user_id, since=since, claims=claims, target=target
    )


def _still_good(tx: Transaction, tenant_id: str, user_id: str, since: int) -> bool:
    return Users(tx, tenant_id).let_in(user_id, since)


def _read(
    tx: Transaction,
    tenant_id: str,
    user_id: str,
    *,
    since: int,
    claims: Collection[str],
    target: Target | None,
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
    organizations: tuple[Membership, ...] = ()
    if ORGANIZATIONS in claims or ORGANIZATION_ROLES in claims:
        organizations = tuple(memberships(tx, tenant_id, user_id))
    scopes = frozenset[str]() if target is None else _scopes(tx, tenant_id, user_id, target)
    return Subject(user, names, scopes, identities, organizations)


def _scopes(tx: Transaction, tenant_id: str, user_id: str, target: Target) -> frozenset[str]:
    own = Scopes(tx, tenant_id).granted_to_user(user_id, target.indicator)
    granted = {scope.id: scope.name for scope in own}
    granted |= resource_scopes(tx, tenant_id, user_id, target.indicator, target.organization_id)
    if target.third_party is None:
        return frozenset(granted.values())
    lists = ConsentScopes(tx, tenant_id, registered(target.third_party))
    kinds = (ScopeKind.RESOURCE, ScopeKind.ORGANIZATION_RESOURCE)
    allowed = {id_ for kind in kinds for id_ in lists.ids(kind)}
    return frozenset(name for id_, name in granted.items() if id_ in allowed)
