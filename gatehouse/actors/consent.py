"""What a person is asked before an application that is not the tenant's own receives anything.

Only what is new is asked for: scopes that the session's user let the application have are not
asked again. What the application can get is bounded three times: by what it asked for, by what
the tenant allows it to ask for, and by what the user may do at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gatehouse.actors import accounts, session
from gatehouse.actors.family import ORGANIZATIONS
from gatehouse.actors.organization_access import ORGANIZATIONS_RESOURCE
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.storage import errors as storage
from gatehouse.storage.consent_scopes import (
    ClientScopes,
    ConsentedOrganizations,
    ConsentScopes,
    registered,
)
from gatehouse.storage.organization_grants import memberships
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.resources import Resources, Scopes

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.actors.interaction import Interaction
    from gatehouse.storage.records import User
    from gatehouse.storage.transaction import Transaction


class NamedScope(Protocol):
    """A scope of a resource or of organizations."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class AskedResource:
    """What is asked for at a resource."""

    id: str
    name: str
    indicator: str
    scopes: tuple[NamedScope, ...]


@dataclass(frozen=True, slots=True)
class AskedOrganization:
    """An organization of the user's that may be chosen, and what is asked for there."""

    id: str
    name: str
    resources: tuple[AskedResource, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a person is asked."""

    user: User
    scopes: tuple[str, ...]
    resources: tuple[AskedResource, ...] = ()
    organizations: tuple[AskedOrganization, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    client_id: str
    third_party: bool
    user_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    offers_organizations: bool = field(default=False)


async def user_of(core: Core, state: Interaction) -> str:
    """The user of the session that is asked. Raises `Refused` if it is over."""
    if state.session_id is None:
        raise Refused(Reason.INTERACTION_GONE)
    found = await core.engine.read(session.address(core.tenant_id, state.session_id))
    if found is None:
        raise Refused(Reason.INTERACTION_GONE)
    return found.user_id


async def question(core: Core, state: Interaction) -> Question:
    """What is to be asked. Raises `Refused` if nobody is signed in any more."""
    user_id = await user_of(core, state)
    found = await core.engine.read(session.address(core.tenant_id, state.session_id or ""))
    given = None if found is None else found.clients.get(state.client_id)
    known = frozenset[str]() if given is None else frozenset(given.scopes)
    asked = state.params.scopes
    missing = tuple(scope for scope in asked if scope not in known) or asked
    client = await core.directory.client(state.client_id)
    facts = _Asked(
        client_id=state.client_id,
        third_party=client is None or client.third_party,
        user_id=user_id,
        scopes=missing,
        resources=state.params.resources,
        offers_organizations=ORGANIZATIONS in missing and registered(state.client_id) is not None,
    )
    user = await accounts.get_active(core, user_id)
    resources, organizations = await core.db.read(_gather, core.tenant_id, facts)
    named = {
        scope.name
        for group in (*resources, *(one for each in organizations for one in each.resources))
        for scope in group.scopes
    }
    shown = tuple(scope for scope in missing if scope not in named)
    return Question(user, shown, resources, organizations)


async def let_act_in(
    core: Core, client_id: str, user_id: str, organization_ids: Sequence[str]
) -> None:
    """Let a client act in organizations of a user. Raises `Refused` of storage for a stranger.

    A client that nobody registered acts in no organization: nothing could end with it.
    """
    if registered(client_id) is None:
        raise storage.Refused("consented_organization", "no_member")
    await core.db.write(_let_act_in, core.tenant_id, client_id, user_id, organization_ids)


def _let_act_in(
    tx: Transaction, tenant_id: str, client_id: str, user_id: str, ids: Sequence[str]
) -> None:
    ConsentedOrganizations(tx, tenant_id, client_id, user_id).add(ids)


def _gather(
    tx: Transaction, tenant_id: str, asked: _Asked
) -> tuple[tuple[AskedResource, ...], tuple[AskedOrganization, ...]]:
    allowed = None
    if asked.third_party:
        allowed = ConsentScopes(tx, tenant_id, registered(asked.client_id)).all()
    resources = tuple(_resources(tx, tenant_id, asked, allowed))
    if not asked.offers_organizations:
        return resources, ()
    return resources, tuple(_organizations(tx, tenant_id, asked, allowed))


def _resources(
    tx: Transaction, tenant_id: str, asked: _Asked, allowed: ClientScopes | None
) -> Iterable[AskedResource]:
    for indicator in asked.resources:
        if indicator == ORGANIZATIONS_RESOURCE:
            offered = () if allowed is None else allowed.organization
            scopes = tuple(one for one in offered if one.name in asked.scopes)
            if scopes:
                yield AskedResource(indicator, indicator, indicator, scopes)
            continue
        granted = Scopes(tx, tenant_id).granted_to_user(asked.user_id, indicator)
        bound = None if allowed is None else {scope.id for scope in allowed.resource}
        yield from _at(tx, tenant_id, indicator, _wanted(granted, asked.scopes, bound))


def _organizations(
    tx: Transaction, tenant_id: str, asked: _Asked, allowed: ClientScopes | None
) -> Iterable[AskedOrganization]:
    bound = None if allowed is None else {scope.id for scope in allowed.organization_resource}
    members = OrganizationUsers(tx, tenant_id)
    indicators = () if bound == set() else asked.resources
    for membership in memberships(tx, tenant_id, asked.user_id):
        organization = membership.organization
        resources: list[AskedResource] = []
        for indicator in indicators:
            granted = members.resource_scopes(organization.id, asked.user_id, indicator)
            resources.extend(_at(tx, tenant_id, indicator, _wanted(granted, asked.scopes, bound)))
        yield AskedOrganization(organization.id, organization.name, tuple(resources))


def _wanted(
    granted: Iterable[NamedScope], names: Collection[str], bound: Collection[str] | None
) -> tuple[NamedScope, ...]:
    return tuple(
        scope for scope in granted if scope.name in names and (bound is None or scope.id in bound)
    )


def _at(
    tx: Transaction, tenant_id: str, indicator: str, scopes: tuple[NamedScope, ...]
) -> Iterable[AskedResource]:
    resource = Resources(tx, tenant_id).find_by_indicator(indicator) if scopes else None
    if resource is not None:
        yield AskedResource(resource.id, resource.name, indicator, scopes)
