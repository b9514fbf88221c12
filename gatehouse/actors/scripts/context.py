"""What a script is told of the world: who the token is for, by whom, and how they came in.

Read in one transaction when a token is about to be made, in the shape of Logto's documentation.
Nothing secret is in it: no digest, no secret of an application, no key of a factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors.shown import USER_FIELDS, shown
from gatehouse.storage.applications import Applications
from gatehouse.storage.mfa import MfaVerifications
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import Roles, UserRoles
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.storage.records import Resource, Role, Scope, User
    from gatehouse.storage.transaction import Transaction

Context = dict[str, Any]

MAX_MEMBERSHIPS = 1000
"""Organizations of one user that a script is told of."""

MAX_SCOPES = 5000
"""Scopes of one role that a script is told of."""


def user_context(tx: Transaction, tenant_id: str, user_id: str) -> Context | None:
    """The user with roles, scopes, organizations and factors; None if there is none any more."""
    users = Users(tx, tenant_id)
    user = users.find(user_id)
    if user is None:
        return None
    organizations = Organizations(tx, tenant_id).search(limit=MAX_MEMBERSHIPS, user_id=user_id)
    ids = [organization.id for organization in organizations.items]
    roles_in = OrganizationUsers(tx, tenant_id).roles_in(user_id, ids)
    factors = (factor.type for factor in MfaVerifications(tx, tenant_id).of(user_id))
    return {
        **_user(user),
        "ssoIdentities": [
            {"issuer": one.issuer, "identityId": one.identity_id, "detail": one.detail}
            for one in users.sso_identities(user_id)
        ],
        "mfaVerificationFactors": list(dict.fromkeys(factors)),
        "roles": _roles(tx, tenant_id, user_id),
        "organizations": [
            {"id": one.id, "name": one.name, "description": one.description}
            for one in organizations.items
        ],
        "organizationRoles": [
            {"organizationId": organization, "roleId": role.id, "roleName": role.name}
            for organization in ids
            for role in roles_in[organization]
        ],
    }


def application_context(tx: Transaction, tenant_id: str, client_id: str) -> Context | None:
    """The application without its secrets."""
    application = Applications(tx, tenant_id).find(client_id)
    if application is None:
        return None
    return {
        "tenantId": application.tenant_id,
        "id": application.id,
        "name": application.name,
        "description": application.description,
        "type": application.type,
        "oidcClientMetadata": {
            "redirectUris": application.oidc_client_metadata.redirect_uris,
            "postLogoutRedirectUris": application.oidc_client_metadata.post_logout_redirect_uris,
            **msgspec.to_builtins(application.oidc_client_metadata),
        },
        "customClientMetadata": msgspec.to_builtins(application.custom_client_metadata),
        "protectedAppMetadata": application.protected_app_metadata,
        "customData": application.custom_data,
        "isThirdParty": application.is_third_party,
        "createdAt": application.created_at,
    }


def organization_context(tx: Transaction, tenant_id: str, organization_id: str) -> Context | None:
    """The organization that a token is for."""
    found = Organizations(tx, tenant_id).find(organization_id)
    if found is None:
        return None
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "customData": found.custom_data,
    }


def _user(user: User) -> Context:
    return shown(user, USER_FIELDS) | {"hasPassword": user.password_hash is not None}


def _roles(tx: Transaction, tenant_id: str, user_id: str) -> list[Context]:
    scopes = Scopes(tx, tenant_id)
    roles = Roles(tx, tenant_id).get_many(sorted(UserRoles(tx, tenant_id).members(user_id)))
    granted = {role.id: scopes.search(None, MAX_SCOPES, role_id=role.id).items for role in roles}
    needed = {scope.resource_id for found in granted.values() for scope in found}
    resources = {one.id: one for one in Resources(tx, tenant_id).get_many(sorted(needed))}
    return [_role(role, granted[role.id], resources) for role in roles]


def _role(role: Role, scopes: list[Scope], resources: dict[str, Resource]) -> Context:
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "scopes": [
            {
                "id": scope.id,
                "name": scope.name,
                "description": scope.description,
                "resourceId": scope.resource_id,
                "resource": _resource(resources[scope.resource_id]),
            }
            for scope in scopes
        ],
    }


def _resource(resource: Resource) -> Context:
    return {
        "tenantId": resource.tenant_id,
        "id": resource.id,
        "name": resource.name,
        "indicator": resource.indicator,
        "isDefault": resource.is_default,
        "accessTokenTtl": resource.access_token_ttl,
    }
