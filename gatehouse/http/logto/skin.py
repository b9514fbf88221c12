"""Everything that is served as Logto: the list to read first, and to add to."""

from __future__ import annotations

from collections.abc import Iterable

from gatehouse.http import callback
from gatehouse.http.account import OPERATIONS as ACCOUNT_OPERATIONS
from gatehouse.http.logto import (
    account,
    authn,
    experience,
    hasura,
    interaction,
    saml,
    uploads,
    well_known,
)
from gatehouse.http.logto.documents import documents_of
from gatehouse.http.logto.management import (
    account_center,
    actions,
    admin_console,
    application_access_control,
    application_secrets,
    application_sign_in_exp,
    applications,
    captcha_provider,
    cimd_config,
    configs,
    connector_factories,
    connectors,
    consent_organizations,
    consent_scopes,
    custom_phrases,
    custom_profile_fields,
    dashboard,
    domain_files,
    domains,
    email_templates,
    hooks,
    id_token_config,
    jwt_customizer,
    logs,
    one_time_tokens,
    organization_invitations,
    organization_jit,
    organization_members,
    organization_template,
    organizations,
    personal_access_tokens,
    protected_apps,
    resources,
    role_holders,
    roles,
    saml_applications,
    saml_secrets,
    sign_in_exp,
    sso_connectors,
    sso_identities,
    sso_idp_initiated,
    sso_signing_keys,
    status,
    subject_tokens,
    systems,
    user_assets,
    user_identities,
    user_mfa,
    user_sessions,
    users,
    verification_codes,
)
from gatehouse.http.logto.wording import API
from gatehouse.http.oidc import OIDC
from gatehouse.http.oidc import OPERATIONS as OIDC_OPERATIONS
from gatehouse.http.operation import Operation, Skin
from gatehouse.http.pages import OPERATIONS as PAGE_OPERATIONS
from gatehouse.http.pages import PAGES


def api_operations() -> list[Operation]:
    """Every operation under `/api`."""
    groups: tuple[Iterable[Operation], ...] = (
        status.operations,
        users.operations,
        personal_access_tokens.operations,
        user_sessions.operations,
        user_mfa.operations,
        user_identities.operations,
        user_identities.secrets,
        hasura.operations,
        subject_tokens.operations,
        role_holders.roles_of(role_holders.USER),
        applications.operations,
        application_secrets.operations,
        application_sign_in_exp.operations,
        application_access_control.operations,
        consent_scopes.operations,
        consent_scopes.cimd,
        consent_organizations.operations,
        protected_apps.operations,
        cimd_config.operations,
        saml_applications.operations,
        saml_secrets.operations,
        saml.operations,
        saml.authentication,
        role_holders.roles_of(role_holders.APPLICATION),
        resources.operations,
        roles.operations,
        role_holders.holders_of_roles(role_holders.USER),
        role_holders.holders_of_roles(role_holders.APPLICATION),
        organizations.operations,
        organizations.of_users,
        organizations.of_applications,
        organization_members.users,
        organization_members.applications,
        organization_jit.operations,
        organization_template.roles,
        organization_template.scopes,
        organization_invitations.operations,
        sign_in_exp.operations,
        account_center.operations,
        account_center.well_known,
        configs.operations,
        jwt_customizer.operations,
        actions.operations,
        id_token_config.operations,
        connectors.operations,
        connector_factories.operations,
        sso_connectors.operations,
        sso_connectors.providers,
        sso_signing_keys.operations,
        sso_idp_initiated.operations,
        sso_identities.operations,
        admin_console.operations,
        logs.operations,
        dashboard.operations,
        hooks.operations,
        email_templates.operations,
        captcha_provider.operations,
        one_time_tokens.operations,
        user_assets.operations,
        domains.operations,
        domain_files.operations,
        systems.operations,
        custom_phrases.operations,
        custom_profile_fields.operations,
        verification_codes.operations,
        experience.OPERATIONS,
        interaction.OPERATIONS,
        authn.operations,
        account.OPERATIONS,
        well_known.operations,
    )
    declared = [operation for group in groups for operation in group]
    declared.extend(documents_of(tuple(declared)))
    return declared


def skins() -> list[Skin]:
    """The parts of a Logto server, each with the dialect its answers are in."""
    return [
        (API, api_operations()),
        (OIDC, OIDC_OPERATIONS),
        (PAGES, (*PAGE_OPERATIONS, *ACCOUNT_OPERATIONS, *callback.operations)),
        (uploads.ASSETS, uploads.operations),
    ]
