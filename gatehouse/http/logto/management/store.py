"""One transaction, as handlers see it: every repository of the caller's tenant.

    user = await write(call, lambda store: store.users.set_suspended(user_id, True))

A handler's whole change is one such function, so that it happens or does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from gatehouse.actors.audit import MAX_USER_AGENT_LENGTH
from gatehouse.http.call import Call
from gatehouse.storage.application_access import ApplicationAccess
from gatehouse.storage.application_looks import ApplicationSignInExperiences, ProtectedHosts
from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.captcha_providers import CaptchaProviders
from gatehouse.storage.census import Census
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.consent_scopes import ConsentedOrganizations, ConsentScopes
from gatehouse.storage.custom_phrases import CustomPhrases
from gatehouse.storage.custom_profile_fields import CustomProfileFields
from gatehouse.storage.domains import Domains
from gatehouse.storage.email_templates import EmailTemplates
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.identities import Secrets, SocialIdentities
from gatehouse.storage.links import Links
from gatehouse.storage.mfa import MfaVerifications
from gatehouse.storage.one_time_tokens import OneTimeTokens
from gatehouse.storage.organizations import (
    OrganizationEmailDomains,
    OrganizationJitRoles,
    Organizations,
)
from gatehouse.storage.organizations_invitations import OrganizationInvitations
from gatehouse.storage.organizations_members import OrganizationApplications, OrganizationUsers
from gatehouse.storage.organizations_template import (
    OrganizationRoleResourceScopes,
    OrganizationRoles,
    OrganizationRoleScopes,
    OrganizationScopes,
)
from gatehouse.storage.personal_access_tokens import PersonalAccessTokens
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import ApplicationRoles, Roles, RoleScopes, UserRoles
from gatehouse.storage.saml_applications import SamlApplicationConfigs, SamlApplicationSecrets
from gatehouse.storage.scripts import Scripts
from gatehouse.storage.sso_connectors import (
    OrganizationJitSsoConnectors,
    SsoConnectors,
    SsoIdentities,
    SsoIdpInitiatedConfigs,
    SsoSigningKeys,
)
from gatehouse.storage.tenants import Configs, SignInExperiences, SigningKeys
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users

T = TypeVar("T")

_PARAMETER = re.compile(r"\{(\w+)\}")


class Store:
    """The repositories of one tenant within one transaction."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        self.now = tx.now
        self.tenant_id = tenant_id
        self._tx = tx
        self.users = Users(tx, tenant_id)
        self.personal_access_tokens = PersonalAccessTokens(tx, tenant_id)
        self.mfa_verifications = MfaVerifications(tx, tenant_id)
        self.roles = Roles(tx, tenant_id)
        self.user_roles: Links = UserRoles(tx, tenant_id)
        self.application_roles: Links = ApplicationRoles(tx, tenant_id)
        self.role_scopes: Links = RoleScopes(tx, tenant_id)
        self.applications = Applications(tx, tenant_id)
        self.secrets = ApplicationSecrets(tx, tenant_id)
        self.application_looks = ApplicationSignInExperiences(tx, tenant_id)
        self.protected_hosts = ProtectedHosts(tx, tenant_id)
        self.saml_configs = SamlApplicationConfigs(tx, tenant_id)
        self.saml_secrets = SamlApplicationSecrets(tx, tenant_id)
        self.resources = Resources(tx, tenant_id)
        self.scopes = Scopes(tx, tenant_id)
        self.organizations = Organizations(tx, tenant_id)
        self.organization_users = OrganizationUsers(tx, tenant_id)
        self.organization_applications = OrganizationApplications(tx, tenant_id)
        self.organization_roles = OrganizationRoles(tx, tenant_id)
        self.organization_scopes = OrganizationScopes(tx, tenant_id)
        self.organization_role_scopes = OrganizationRoleScopes(tx, tenant_id)
        self.organization_role_resource_scopes = OrganizationRoleResourceScopes(tx, tenant_id)
        self.organization_email_domains = OrganizationEmailDomains(tx, tenant_id)
        self.organization_jit_roles = OrganizationJitRoles(tx, tenant_id)
        self.organization_jit_sso_connectors = OrganizationJitSsoConnectors(tx, tenant_id)
        self.organization_invitations = OrganizationInvitations(tx, tenant_id)
        self.sign_in_experience = SignInExperiences(tx, tenant_id)
        self.signing_keys = SigningKeys(tx, tenant_id)
        self.configs = Configs(tx, tenant_id)
        self.audit_logs = AuditLogs(tx, tenant_id)
        self.census = Census(tx, tenant_id)
        self.hooks = Hooks(tx, tenant_id)
        self.connectors = Connectors(tx, tenant_id)
        self.social_identities = SocialIdentities(tx, tenant_id)
        self.token_sets = Secrets(tx, tenant_id)
        self.sso_connectors = SsoConnectors(tx, tenant_id)
        self.sso_signing_keys = SsoSigningKeys(tx, tenant_id)
        self.sso_idp_initiated_configs = SsoIdpInitiatedConfigs(tx, tenant_id)
        self.sso_identities = SsoIdentities(tx, tenant_id)
        self.email_templates = EmailTemplates(tx, tenant_id)
        self.one_time_tokens = OneTimeTokens(tx, tenant_id)
        self.domains = Domains(tx, tenant_id)
        self.custom_phrases = CustomPhrases(tx, tenant_id)
        self.custom_profile_fields = CustomProfileFields(tx, tenant_id)
        self.scripts = Scripts(tx, tenant_id)
        self.captcha_providers = CaptchaProviders(tx, tenant_id)

    def consent_scopes(self, application_id: str | None) -> ConsentScopes:
        """What an application may ask for; without one, clients with a metadata document."""
        return ConsentScopes(self._tx, self.tenant_id, application_id)

    def consented_organizations(self, application_id: str, user_id: str) -> ConsentedOrganizations:
        """Where a user lets an application act."""
        return ConsentedOrganizations(self._tx, self.tenant_id, application_id, user_id)

    def application_access(self, application_id: str) -> ApplicationAccess:
        """The rules about who may use an application."""
        return ApplicationAccess(self._tx, self.tenant_id, application_id)


async def read(call: Call[Any, Any], ask: Callable[[Store], T]) -> T:
    """Run a function of the store that changes nothing. Raises what it raises, StorageError."""
    return await call.core.db.read(_with_store, call.core.tenant_id, ask)


async def write(call: Call[Any, Any], change: Callable[[Store], T]) -> T:
    """Run a function of the store, all or nothing. It may be run again, so it only stores."""
    return await call.core.db.write(_with_store, call.core.tenant_id, change, _told_of(call))


async def relate(call: Call[Any, Any], change: Callable[[Store], T]) -> T:
    """As `write`, for a function that changes relations alone (`Database.relate`)."""
    return await call.core.db.relate(_with_store, call.core.tenant_id, change, _told_of(call))


def _with_store(
    tx: Transaction,
    tenant_id: str,
    work: Callable[[Store], T],
    asked_by: Mapping[str, Any] = MappingProxyType({}),
) -> T:
    tx.asked_by = asked_by
    return work(Store(tx, tenant_id))


def _told_of(call: Call[Any, Any]) -> dict[str, Any]:
    """What webhooks tell of the request by which data were changed, in Logto's words: paths are
    those within the API, with `:` before a parameter."""
    agent = call.headers.get("user-agent")
    operation = call.operation
    return {
        "ip": call.client_address,
        **({} if agent is None else {"userAgent": agent[:MAX_USER_AGENT_LENGTH]}),
        "path": call.url_path.removeprefix("/api"),
        "method": call.method,
        "status": operation.status,
        "params": dict(call.path),
        "matchedRoute": _PARAMETER.sub(r":\1", operation.path.removeprefix("/api")),
    }
