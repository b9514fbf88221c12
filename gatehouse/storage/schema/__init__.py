"""The tables: one declaration feeds the statements, the migrations' check and the messages."""

from __future__ import annotations

from gatehouse.storage.schema.access import (
    application_secrets,
    applications,
    applications_roles,
    resources,
    roles,
    roles_scopes,
    scopes,
    users_roles,
)
from gatehouse.storage.schema.application_access import (
    application_access_organization_roles,
    application_access_organizations,
    application_access_roles,
    application_access_users,
    application_sign_in_experiences,
    cimd_organization_resource_scopes,
    cimd_organization_scopes,
    cimd_resource_scopes,
    cimd_user_scopes,
    consent_organization_resource_scopes,
    consent_organization_scopes,
    consent_resource_scopes,
    consent_user_scopes,
    consented_organizations,
    protected_hosts,
)
from gatehouse.storage.schema.base import (
    metadata,
)
from gatehouse.storage.schema.domains import domains
from gatehouse.storage.schema.experience import custom_phrases, custom_profile_fields
from gatehouse.storage.schema.identities import secrets, social_identities
from gatehouse.storage.schema.mfa import mfa_verifications
from gatehouse.storage.schema.one_time_tokens import one_time_tokens
from gatehouse.storage.schema.organizations import (
    organization_invitations,
    organization_invitations_roles,
    organization_jit_email_domains,
    organization_jit_roles,
    organization_roles,
    organization_roles_resource_scopes,
    organization_roles_scopes,
    organization_scopes,
    organizations,
    organizations_applications,
    organizations_applications_roles,
    organizations_users,
    organizations_users_roles,
)
from gatehouse.storage.schema.people import (
    personal_access_tokens,
    sso_identities,
    users,
)
from gatehouse.storage.schema.records import (
    audit_logs,
    daily_active_users,
    domain_events,
    messages,
    system,
    tenants,
)
from gatehouse.storage.schema.saml_applications import (
    saml_application_configs,
    saml_application_secrets,
)
from gatehouse.storage.schema.scripts import scripts
from gatehouse.storage.schema.settings import (
    captcha_providers,
    configs,
    connectors,
    email_templates,
    hooks,
    sign_in_experiences,
    signing_keys,
)
from gatehouse.storage.schema.sign_in_places import sign_in_places
from gatehouse.storage.schema.sso import (
    organization_jit_sso_connectors,
    sso_connector_domains,
    sso_connectors,
    sso_idp_initiated_configs,
    sso_signing_keys,
)

__all__ = [
    "application_access_organization_roles",
    "application_access_organizations",
    "application_access_roles",
    "application_access_users",
    "application_secrets",
    "application_sign_in_experiences",
    "applications",
    "applications_roles",
    "audit_logs",
    "captcha_providers",
    "cimd_organization_resource_scopes",
    "cimd_organization_scopes",
    "cimd_resource_scopes",
    "cimd_user_scopes",
    "configs",
    "connectors",
    "consent_organization_resource_scopes",
    "consent_organization_scopes",
    "consent_resource_scopes",
    "consent_user_scopes",
    "consented_organizations",
    "custom_phrases",
    "custom_profile_fields",
    "daily_active_users",
    "domain_events",
    "domains",
    "email_templates",
    "hooks",
    "messages",
    "metadata",
    "mfa_verifications",
    "one_time_tokens",
    "organization_invitations",
    "organization_invitations_roles",
    "organization_jit_email_domains",
    "organization_jit_roles",
    "organization_jit_sso_connectors",
    "organization_roles",
    "organization_roles_resource_scopes",
    "organization_roles_scopes",
    "organization_scopes",
    "organizations",
    "organizations_applications",
    "organizations_applications_roles",
    "organizations_users",
    "organizations_users_roles",
    "personal_access_tokens",
    "protected_hosts",
    "resources",
    "roles",
    "roles_scopes",
    "saml_application_configs",
    "saml_application_secrets",
    "scopes",
    "scripts",
    "secrets",
    "sign_in_experiences",
    "sign_in_places",
    "signing_keys",
    "social_identities",
    "sso_connector_domains",
    "sso_connectors",
    "sso_identities",
    "sso_idp_initiated_configs",
    "sso_signing_keys",
    "system",
    "tenants",
    "users",
    "users_roles",
]
