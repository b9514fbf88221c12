"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json, Sealed

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - as long as the schema
    """Create every table and index."""
    op.create_table(
        "applications",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", Sealed(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("oidc_client_metadata", Json(), nullable=False),
        sa.Column("custom_client_metadata", Json(), nullable=False),
        sa.Column("protected_app_metadata", Json(), nullable=True),
        sa.Column("custom_data", Json(), nullable=False),
        sa.Column("is_third_party", sa.Boolean(), nullable=False),
        sa.Column("app_level_access_control_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_applications"),
    )
    op.create_index(
        "ix_applications_created_at_id",
        "applications",
        ["tenant_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_applications_type_created_at_id",
        "applications",
        ["tenant_id", "type", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "audit_logs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("application_id", sa.Text(), nullable=True),
        sa.Column("hook_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_audit_logs"),
    )
    op.create_index(
        "ix_audit_logs_hook_id_created_at_id",
        "audit_logs",
        ["tenant_id", "hook_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_audit_logs_application_id_created_at_id",
        "audit_logs",
        ["tenant_id", "application_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_audit_logs_created_at_id", "audit_logs", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_audit_logs_key_created_at_id",
        "audit_logs",
        ["tenant_id", "key", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_audit_logs_user_id_created_at_id",
        "audit_logs",
        ["tenant_id", "user_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "configs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name="pk_configs"),
    )
    op.create_table(
        "domain_events",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_domain_events"),
    )
    op.create_index(
        "ix_domain_events_created_at_id",
        "domain_events",
        ["tenant_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "messages",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_messages"),
    )
    op.create_index(
        "ix_messages_created_at_id", "messages", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "resources",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("indicator", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("access_token_ttl", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_resources"),
    )
    op.create_index(
        "ix_resources_created_at_id", "resources", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index("uq_resources_indicator", "resources", ["tenant_id", "indicator"], unique=True)
    op.create_index(
        "uq_resources_is_default",
        "resources",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_roles"),
    )
    op.create_index(
        "ix_roles_created_at_id", "roles", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_roles_type_created_at_id",
        "roles",
        ["tenant_id", "type", "created_at", "id"],
        unique=False,
    )
    op.create_index("uq_roles_name", "roles", ["tenant_id", "name"], unique=True)
    op.create_table(
        "sign_in_experiences",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("color", Json(), nullable=False),
        sa.Column("branding", Json(), nullable=False),
        sa.Column("hide_logto_branding", sa.Boolean(), nullable=False),
        sa.Column("language_info", Json(), nullable=False),
        sa.Column("terms_of_use_url", sa.Text(), nullable=True),
        sa.Column("privacy_policy_url", sa.Text(), nullable=True),
        sa.Column("agree_to_terms_policy", sa.Text(), nullable=False),
        sa.Column("sign_in", Json(), nullable=False),
        sa.Column("sign_up", Json(), nullable=False),
        sa.Column("social_sign_in", Json(), nullable=False),
        sa.Column("social_sign_in_connector_targets", Json(), nullable=False),
        sa.Column("sign_in_mode", sa.Text(), nullable=False),
        sa.Column("custom_css", sa.Text(), nullable=True),
        sa.Column("custom_content", Json(), nullable=False),
        sa.Column("custom_ui_assets", Json(), nullable=True),
        sa.Column("custom_ui_csp", Json(), nullable=False),
        sa.Column("password_policy", Json(), nullable=False),
        sa.Column("mfa", Json(), nullable=False),
        sa.Column("adaptive_mfa", Json(), nullable=False),
        sa.Column("single_sign_on_enabled", sa.Boolean(), nullable=False),
        sa.Column("support_email", sa.Text(), nullable=True),
        sa.Column("support_website_url", sa.Text(), nullable=True),
        sa.Column("unknown_session_redirect_url", sa.Text(), nullable=True),
        sa.Column("captcha_policy", Json(), nullable=False),
        sa.Column("sentinel_policy", Json(), nullable=False),
        sa.Column("email_blocklist_policy", Json(), nullable=False),
        sa.Column("verification_code_policy", Json(), nullable=False),
        sa.Column("forgot_password_methods", Json(), nullable=True),
        sa.Column("passkey_sign_in", Json(), nullable=False),
        sa.Column("sign_up_profile_fields", Json(), nullable=True),
        sa.Column("password_expiration", Json(), nullable=False),
        sa.Column("username_policy", Json(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sign_in_experiences"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("alg", sa.Text(), nullable=False),
        sa.Column("public_jwk", Json(), nullable=False),
        sa.Column("private_key", Sealed(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kid", name="pk_signing_keys"),
    )
    op.create_table(
        "system",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", Sealed(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_system"),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    op.create_table(
        "users",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("primary_email", sa.Text(), nullable=True),
        sa.Column("primary_phone", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("password_algorithm", sa.Text(), nullable=True),
        sa.Column("password_changed_at", sa.BigInteger(), nullable=True),
        sa.Column("is_password_expired", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("avatar", sa.Text(), nullable=True),
        sa.Column("profile", Json(), nullable=False),
        sa.Column("identities", Json(), nullable=False),
        sa.Column("custom_data", Json(), nullable=False),
        sa.Column("logto_config", Json(), nullable=False),
        sa.Column("mfa_verifications", Json(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=True),
        sa.Column("cimd_client_id", sa.Text(), nullable=True),
        sa.Column("is_suspended", sa.Boolean(), nullable=False),
        sa.Column("tokens_valid_after", sa.BigInteger(), nullable=False),
        sa.Column("last_sign_in_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_users"),
    )
    op.create_index(
        "ix_users_created_at_id", "users", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index("uq_users_primary_phone", "users", ["tenant_id", "primary_phone"], unique=True)
    op.create_index("uq_users_username", "users", ["tenant_id", "username"], unique=True)
    op.create_table(
        "application_secrets",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Sealed(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_application_secrets_applications",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "name", name="pk_application_secrets"
        ),
    )
    op.create_table(
        "applications_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_applications_roles_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"],
            ["roles.tenant_id", "roles.id"],
            name="fk_applications_roles_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "role_id", name="pk_applications_roles"
        ),
    )
    op.create_index(
        "ix_applications_roles_role_id_application_id",
        "applications_roles",
        ["tenant_id", "role_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "resource_id"],
            ["resources.tenant_id", "resources.id"],
            name="fk_scopes_resources",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_scopes"),
    )
    op.create_index(
        "ix_scopes_resource_id_created_at_id",
        "scopes",
        ["tenant_id", "resource_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("uq_scopes_name", "scopes", ["tenant_id", "resource_id", "name"], unique=True)
    op.create_table(
        "sso_identities",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("identity_id", sa.Text(), nullable=False),
        sa.Column("sso_connector_id", sa.Text(), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_sso_identities_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sso_identities"),
    )
    op.create_index(
        "ix_sso_identities_user_id", "sso_identities", ["tenant_id", "user_id"], unique=False
    )
    op.create_index(
        "uq_sso_identities_identity_id",
        "sso_identities",
        ["tenant_id", "issuer", "identity_id"],
        unique=True,
    )
    op.create_table(
        "users_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"],
            ["roles.tenant_id", "roles.id"],
            name="fk_users_roles_roles",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_users_roles_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "role_id", name="pk_users_roles"),
    )
    op.create_index(
        "ix_users_roles_role_id_user_id",
        "users_roles",
        ["tenant_id", "role_id", "user_id"],
        unique=False,
    )
    op.create_table(
        "roles_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"],
            ["roles.tenant_id", "roles.id"],
            name="fk_roles_scopes_roles",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "scope_id"],
            ["scopes.tenant_id", "scopes.id"],
            name="fk_roles_scopes_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "role_id", "scope_id", name="pk_roles_scopes"),
    )
    op.create_index(
        "ix_roles_scopes_scope_id_role_id",
        "roles_scopes",
        ["tenant_id", "scope_id", "role_id"],
        unique=False,
    )
    op.create_index(
        "uq_users_primary_email",
        "users",
        ["tenant_id", sa.text("lower(primary_email)")],
        unique=True,
    )
    op.create_index("ix_users_lower_username", "users", ["tenant_id", sa.text("lower(username)")])
    op.create_index("ix_users_lower_name", "users", ["tenant_id", sa.text("lower(name)")])
    op.create_table(
        "organization_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_organization_roles"),
    )
    op.create_index(
        "uq_organization_roles_name", "organization_roles", ["tenant_id", "name"], unique=True
    )
    op.create_table(
        "organization_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_organization_scopes"),
    )
    op.create_index(
        "uq_organization_scopes_name", "organization_scopes", ["tenant_id", "name"], unique=True
    )
    op.create_table(
        "organizations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("custom_data", Json(), nullable=False),
        sa.Column("is_mfa_required", sa.Boolean(), nullable=False),
        sa.Column("color", Json(), nullable=False),
        sa.Column("branding", Json(), nullable=False),
        sa.Column("custom_css", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_organizations"),
    )
    op.create_index(
        "ix_organizations_created_at_id",
        "organizations",
        ["tenant_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "organization_invitations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("inviter_id", sa.Text(), nullable=True),
        sa.Column("invitee", sa.Text(), nullable=False),
        sa.Column("accepted_user_id", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "accepted_user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_organization_invitations_accepted_user",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "inviter_id"],
            ["users.tenant_id", "users.id"],
            name="fk_organization_invitations_inviter",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_organization_invitations_organizations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_organization_invitations"),
    )
    op.create_index(
        "ix_organization_invitations_accepted_user_id",
        "organization_invitations",
        ["tenant_id", "accepted_user_id"],
        unique=False,
    )
    op.create_index(
        "ix_organization_invitations_created_at_id",
        "organization_invitations",
        ["tenant_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_organization_invitations_inviter_id",
        "organization_invitations",
        ["tenant_id", "inviter_id"],
        unique=False,
    )
    op.create_index(
        "ix_organization_invitations_organization_id_created_at_id",
        "organization_invitations",
        ["tenant_id", "organization_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_organization_invitations_invitee",
        "organization_invitations",
        ["tenant_id", "organization_id", "invitee"],
        unique=True,
        sqlite_where=sa.text("status = 'Pending'"),
        postgresql_where=sa.text("status = 'Pending'"),
    )
    op.create_table(
        "organization_jit_email_domains",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("email_domain", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_organization_jit_email_domains_organizations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "organization_id", "email_domain", name="pk_organization_jit_email_domains"
        ),
    )
    op.create_index(
        "ix_organization_jit_email_domains_email_domain_organization_id",
        "organization_jit_email_domains",
        ["tenant_id", "email_domain", "organization_id"],
        unique=False,
    )
    op.create_table(
        "organization_jit_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_organization_jit_roles_organizations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_organization_jit_roles_organization_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "organization_id", "organization_role_id", name="pk_organization_jit_roles"
        ),
    )
    op.create_index(
        "ix_organization_jit_roles_organization_role_id_organization_id",
        "organization_jit_roles",
        ["tenant_id", "organization_role_id", "organization_id"],
        unique=False,
    )
    op.create_table(
        "organization_roles_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.Column("organization_scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_organization_roles_scopes_organization_roles",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_scope_id"],
            ["organization_scopes.tenant_id", "organization_scopes.id"],
            name="fk_organization_roles_scopes_organization_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "organization_role_id",
            "organization_scope_id",
            name="pk_organization_roles_scopes",
        ),
    )
    op.create_index(
        "ix_organization_roles_scopes_organization_scope_id_organization",
        "organization_roles_scopes",
        ["tenant_id", "organization_scope_id", "organization_role_id"],
        unique=False,
    )
    op.create_table(
        "organizations_applications",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_organizations_applications_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_organizations_applications_organizations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "organization_id", "application_id", name="pk_organizations_applications"
        ),
    )
    op.create_index(
        "ix_organizations_applications_application_id_organization_id",
        "organizations_applications",
        ["tenant_id", "application_id", "organization_id"],
        unique=False,
    )
    op.create_table(
        "organizations_users",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_organizations_users_organizations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_organizations_users_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "organization_id", "user_id", name="pk_organizations_users"
        ),
    )
    op.create_index(
        "ix_organizations_users_user_id_organization_id",
        "organizations_users",
        ["tenant_id", "user_id", "organization_id"],
        unique=False,
    )
    op.create_table(
        "organization_invitations_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_invitation_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_invitation_id"],
            ["organization_invitations.tenant_id", "organization_invitations.id"],
            name="fk_organization_invitations_roles_organization_invitations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_organization_invitations_roles_organization_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "organization_invitation_id",
            "organization_role_id",
            name="pk_organization_invitations_roles",
        ),
    )
    op.create_index(
        "ix_organization_invitations_roles_organization_role_id_organiza",
        "organization_invitations_roles",
        ["tenant_id", "organization_role_id", "organization_invitation_id"],
        unique=False,
    )
    op.create_table(
        "organization_roles_resource_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_organization_roles_resource_scopes_organization_roles",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "scope_id"],
            ["scopes.tenant_id", "scopes.id"],
            name="fk_organization_roles_resource_scopes_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "organization_role_id",
            "scope_id",
            name="pk_organization_roles_resource_scopes",
        ),
    )
    op.create_index(
        "ix_organization_roles_resource_scopes_scope_id_organization_rol",
        "organization_roles_resource_scopes",
        ["tenant_id", "scope_id", "organization_role_id"],
        unique=False,
    )
    op.create_table(
        "organizations_applications_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id", "application_id"],
            [
                "organizations_applications.tenant_id",
                "organizations_applications.organization_id",
                "organizations_applications.application_id",
            ],
            name="fk_organizations_applications_roles_organizations_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_organizations_applications_roles_organization_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "organization_id",
            "application_id",
            "organization_role_id",
            name="pk_organizations_applications_roles",
        ),
    )
    op.create_index(
        "ix_organizations_applications_roles_organization_role_id",
        "organizations_applications_roles",
        ["tenant_id", "organization_role_id"],
        unique=False,
    )
    op.create_table(
        "organizations_users_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id", "user_id"],
            [
                "organizations_users.tenant_id",
                "organizations_users.organization_id",
                "organizations_users.user_id",
            ],
            name="fk_organizations_users_roles_organizations_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_organizations_users_roles_organization_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "organization_id",
            "user_id",
            "organization_role_id",
            name="pk_organizations_users_roles",
        ),
    )
    op.create_index(
        "ix_organizations_users_roles_organization_role_id",
        "organizations_users_roles",
        ["tenant_id", "organization_role_id"],
        unique=False,
    )
    op.create_index(
        "ix_organizations_lower_name", "organizations", ["tenant_id", sa.text("lower(name)")]
    )
    op.create_index(
        "ix_organization_invitations_lower_invitee",
        "organization_invitations",
        ["tenant_id", sa.text("lower(invitee)")],
    )
    op.create_table(
        "daily_active_users",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", "user_id", name="pk_daily_active_users"),
    )
    op.create_table(
        "hooks",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("events", Json(), nullable=False),
        sa.Column("config", Json(), nullable=False),
        sa.Column("signing_key", Sealed(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_hooks"),
    )
    op.create_index(
        "ix_hooks_created_at_id", "hooks", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "captcha_providers",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("config", Sealed(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_captcha_providers"),
    )
    op.create_table(
        "email_templates",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("language_tag", sa.Text(), nullable=False),
        sa.Column("template_type", sa.Text(), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_email_templates"),
    )
    op.create_index(
        "uq_email_templates_template_type",
        "email_templates",
        ["tenant_id", "language_tag", "template_type"],
        unique=True,
    )
    op.create_table(
        "connectors",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("config", Sealed(), nullable=False),
        sa.Column("metadata", Json(), nullable=False),
        sa.Column("sync_profile", sa.Boolean(), nullable=False),
        sa.Column("enable_token_storage", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_connectors"),
    )
    op.create_index("uq_connectors_channel", "connectors", ["tenant_id", "channel"], unique=True)
    op.create_index(
        "ix_connectors_created_at_id", "connectors", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "personal_access_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Sealed(), nullable=False),
        sa.Column("value_digest", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_personal_access_tokens_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "name", name="pk_personal_access_tokens"),
    )
    op.create_index(
        "uq_personal_access_tokens_value_digest",
        "personal_access_tokens",
        ["tenant_id", "value_digest"],
        unique=True,
    )


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "personal_access_tokens",
        "connectors",
        "email_templates",
        "hooks",
        "captcha_providers",
        "daily_active_users",
        "organizations_users_roles",
        "organizations_applications_roles",
        "organization_roles_resource_scopes",
        "organization_invitations_roles",
        "organizations_users",
        "organizations_applications",
        "organization_roles_scopes",
        "organization_jit_roles",
        "organization_jit_email_domains",
        "organization_invitations",
        "organizations",
        "organization_scopes",
        "organization_roles",
        "roles_scopes",
        "users_roles",
        "sso_identities",
        "scopes",
        "applications_roles",
        "application_secrets",
        "users",
        "tenants",
        "system",
        "signing_keys",
        "sign_in_experiences",
        "roles",
        "resources",
        "messages",
        "domain_events",
        "configs",
        "audit_logs",
        "applications",
    ):
        op.drop_table(table)
