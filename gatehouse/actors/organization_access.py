"""Who may act within an organization, and how far: the facts that organization tokens need.

A token is for an organization itself (its audience names it), or for a resource on an
organization's behalf (it carries `organization_id`). Either way the holder is a member, and what
the token allows follows from the roles it has there. A user whose organization demands a second
factor has one, and an application that is not the tenant's own acts where its user lets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gatehouse.storage.consent_scopes import ConsentedOrganizations, ConsentScopes, ScopeKind
from gatehouse.storage.mfa import MfaVerifications
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationApplications, OrganizationUsers

if TYPE_CHECKING:
    from gatehouse.actors.clients import Client
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

ORGANIZATION_URN = "urn:logto:organization:"
"""An audience that begins like this is the organization whose id follows."""

ORGANIZATIONS_RESOURCE = "urn:logto:resource:organizations"
"""What a client asks for that wants scopes of organizations, whichever they will be."""

ORGANIZATION_TOKEN_TTL_S = 3600
"""How long a token for an organization is good."""


class NoAccess(Enum):
    """Why nobody may act there; the client hears `access_denied` with the sentence."""

    NO_MEMBER = "user is not a member of the organization"
    NO_APPLICATION = "app has not associated with the organization"
    NOT_CONSENTED = "organization access is not granted to the application"
    NO_MFA = "organization requires MFA but user has no MFA configured"


@dataclass(frozen=True, slots=True)
class Within:
    """An organization in which somebody may act; `scopes` are those of the organization itself."""

    organization_id: str
    scopes: frozenset[str]


def organization_of(indicator: str | None) -> str | None:
    """The organization that an audience names."""
    if indicator is None or not indicator.startswith(ORGANIZATION_URN):
        return None
    return indicator.removeprefix(ORGANIZATION_URN)


async def user_within(
    core: Core, client: Client, user_id: str, organization_id: str
) -> Within | NoAccess:
    """Whether a client may act for a user in an organization, and what the user may do there."""
    return await core.db.read(_user_within, core.tenant_id, client, user_id, organization_id)


async def client_within(core: Core, client_id: str, organization_id: str) -> Within | NoAccess:
    """Whether a client may act for itself in an organization, and what it may do there."""
    return await core.db.read(_client_within, core.tenant_id, client_id, organization_id)


async def client_resource_scopes(
    core: Core, client_id: str, organization_id: str, indicator: str
) -> frozenset[str]:
    """What a client may do at a resource on behalf of an organization."""
    return await core.db.read(
        _client_resource_scopes, core.tenant_id, client_id, organization_id, indicator
    )


def _user_within(
    tx: Transaction, tenant_id: str, client: Client, user_id: str, organization_id: str
) -> Within | NoAccess:
    members = OrganizationUsers(tx, tenant_id)
    if not members.has(organization_id, user_id):
        return NoAccess.NO_MEMBER
    if client.third_party:
        consented = ConsentedOrganizations(tx, tenant_id, client.id, user_id)
        if organization_id not in consented.ids():
            return NoAccess.NOT_CONSENTED
    organization = Organizations(tx, tenant_id).get(organization_id)
    if organization.is_mfa_required and not MfaVerifications(tx, tenant_id).of(user_id):
        return NoAccess.NO_MFA
    granted = members.scopes(organization_id, user_id)
    if client.third_party:
        allowed = set(ConsentScopes(tx, tenant_id, client.id).ids(ScopeKind.ORGANIZATION))
        granted = [scope for scope in granted if scope.id in allowed]
    return Within(organization_id, frozenset(scope.name for scope in granted))


def _client_within(
    tx: Transaction, tenant_id: str, client_id: str, organization_id: str
) -> Within | NoAccess:
    members = OrganizationApplications(tx, tenant_id)
    if not members.has(organization_id, client_id):
        return NoAccess.NO_APPLICATION
    granted = members.scopes(organization_id, client_id)
    return Within(organization_id, frozenset(scope.name for scope in granted))


def _client_resource_scopes(
    tx: Transaction, tenant_id: str, client_id: str, organization_id: str, indicator: str
) -> frozenset[str]:
    members = OrganizationApplications(tx, tenant_id)
    granted = members.resource_scopes(organization_id, client_id, indicator)
    return frozenset(scope.name for scope in granted)
