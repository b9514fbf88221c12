"""Consent, access and looks of applications; SAML applications with their signing keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json, Sealed

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "consented_organizations",
    "consent_resource_scopes",
    "consent_organization_resource_scopes",
    "cimd_resource_scopes",
    "cimd_organization_resource_scopes",
    "saml_application_secrets",
    "saml_application_configs",
    "protected_hosts",
    "consent_user_scopes",
    "consent_organization_scopes",
    "cimd_organization_scopes",
    "application_sign_in_experiences",
    "application_access_users",
    "application_access_roles",
    "application_access_organizations",
    "application_access_organization_roles",
    "cimd_user_scopes",
)
"""In the order in which they can be dropped."""


def upgrade() -> None:
    """Create the tables and their indexes."""
    op.create_table(
        "cimd_user_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("user_scope", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_scope", name="pk_cimd_user_scopes"),
    )
    op.create_table(
        "application_access_organization_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("organization_role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_application_access_organization_roles_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_application_access_organization_roles_organizations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_role_id"],
            ["organization_roles.tenant_id", "organization_roles.id"],
            name="fk_application_access_organization_roles_organization_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "application_id",
            "organization_id",
            "organization_role_id",
            name="pk_application_access_organization_roles",
        ),
    )
    op.create_index(
        "ix_application_access_organization_roles_organization_id",
        "application_access_organization_roles",
        ["tenant_id", "organization_id"],
        unique=False,
    )
    op.create_index(
        "ix_application_access_organization_roles_organization_role_id",
        "application_access_organization_roles",
        ["tenant_id", "organization_role_id"],
        unique=False,
    )
    op.create_table(
        "application_access_organizations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_application_access_organizations_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id"],
            ["organizations.tenant_id", "organizations.id"],
            name="fk_application_access_organizations_organizations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "application_id",
            "organization_id",
            name="pk_application_access_organizations",
        ),
    )
    op.create_index(
        "ix_application_access_organizations_organization_id_application",
        "application_access_organizations",
        ["tenant_id", "organization_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "application_access_roles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_application_access_roles_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"],
            ["roles.tenant_id", "roles.id"],
            name="fk_application_access_roles_roles",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "role_id", name="pk_application_access_roles"
        ),
    )
    op.create_index(
        "ix_application_access_roles_role_id_application_id",
        "application_access_roles",
        ["tenant_id", "role_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "application_access_users",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_application_access_users_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_application_access_users_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "user_id", name="pk_application_access_users"
        ),
    )
    op.create_index(
        "ix_application_access_users_user_id_application_id",
        "application_access_users",
        ["tenant_id", "user_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "application_sign_in_experiences",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("color", Json(), nullable=False),
        sa.Column("branding", Json(), nullable=False),
        sa.Column("custom_css", sa.Text(), nullable=True),
        sa.Column("terms_of_use_url", sa.Text(), nullable=True),
        sa.Column("privacy_policy_url", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_application_sign_in_experiences_applications",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", name="pk_application_sign_in_experiences"
        ),
    )
    op.create_table(
        "cimd_organization_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_scope_id"],
            ["organization_scopes.tenant_id", "organization_scopes.id"],
            name="fk_cimd_organization_scopes_organization_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "organization_scope_id", name="pk_cimd_organization_scopes"
        ),
    )
    op.create_table(
        "consent_organization_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("organization_scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_consent_organization_scopes_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_scope_id"],
            ["organization_scopes.tenant_id", "organization_scopes.id"],
            name="fk_consent_organization_scopes_organization_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "application_id",
            "organization_scope_id",
            name="pk_consent_organization_scopes",
        ),
    )
    op.create_index(
        "ix_consent_organization_scopes_organization_scope_id_applicatio",
        "consent_organization_scopes",
        ["tenant_id", "organization_scope_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "consent_user_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("user_scope", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_consent_user_scopes_applications",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "user_scope", name="pk_consent_user_scopes"
        ),
    )
    op.create_table(
        "protected_hosts",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_protected_hosts_applications",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "host", name="pk_protected_hosts"),
    )
    op.create_index(
        "ix_protected_hosts_application_id",
        "protected_hosts",
        ["tenant_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "saml_application_configs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("attribute_mapping", Json(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=True),
        sa.Column("acs_url", Json(), nullable=True),
        sa.Column("encryption", Json(), nullable=True),
        sa.Column("name_id_format", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_saml_application_configs_applications",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "application_id", name="pk_saml_application_configs"),
    )
    op.create_table(
        "saml_application_secrets",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("private_key", Sealed(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_saml_application_secrets_applications",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "id", name="pk_saml_application_secrets"
        ),
    )
    op.create_index(
        "ix_saml_application_secrets_application_id_created_at",
        "saml_application_secrets",
        ["tenant_id", "application_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_saml_application_secrets_active",
        "saml_application_secrets",
        ["tenant_id", "application_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "cimd_organization_resource_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "scope_id"],
            ["scopes.tenant_id", "scopes.id"],
            name="fk_cimd_organization_resource_scopes_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "scope_id", name="pk_cimd_organization_resource_scopes"
        ),
    )
    op.create_table(
        "cimd_resource_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "scope_id"],
            ["scopes.tenant_id", "scopes.id"],
            name="fk_cimd_resource_scopes_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "scope_id", name="pk_cimd_resource_scopes"),
    )
    op.create_table(
        "consent_organization_resource_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_consent_organization_resource_scopes_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "scope_id"],
            ["scopes.tenant_id", "scopes.id"],
            name="fk_consent_organization_resource_scopes_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "application_id",
            "scope_id",
            name="pk_consent_organization_resource_scopes",
        ),
    )
    op.create_index(
        "ix_consent_organization_resource_scopes_scope_id_application_id",
        "consent_organization_resource_scopes",
        ["tenant_id", "scope_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "consent_resource_scopes",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_consent_resource_scopes_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "scope_id"],
            ["scopes.tenant_id", "scopes.id"],
            name="fk_consent_resource_scopes_scopes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "application_id", "scope_id", name="pk_consent_resource_scopes"
        ),
    )
    op.create_index(
        "ix_consent_resource_scopes_scope_id_application_id",
        "consent_resource_scopes",
        ["tenant_id", "scope_id", "application_id"],
        unique=False,
    )
    op.create_table(
        "consented_organizations",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name="fk_consented_organizations_applications",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id", "user_id"],
            [
                "organizations_users.tenant_id",
                "organizations_users.organization_id",
                "organizations_users.user_id",
            ],
            name="fk_consented_organizations_members",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "application_id",
            "user_id",
            "organization_id",
            name="pk_consented_organizations",
        ),
    )
    op.create_index(
        "ix_consented_organizations_organization_id_user_id",
        "consented_organizations",
        ["tenant_id", "organization_id", "user_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in TABLES:
        op.drop_table(table)
