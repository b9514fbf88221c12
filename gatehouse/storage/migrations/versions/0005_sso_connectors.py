"""Enterprise single sign-on gets its connectors, their keys and what they provision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json, Sealed

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _belongs_to(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{owner}.tenant_id", f"{owner}.id"],
        name=f"fk_{table}_{owner}",
        ondelete="CASCADE",
    )


def upgrade() -> None:
    """Create the tables and their indexes."""
    op.create_table(
        "sso_connectors",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider_name", sa.Text(), nullable=False),
        sa.Column("connector_name", sa.Text(), nullable=False),
        sa.Column("config", Sealed(), nullable=False),
        sa.Column("domains", Json(), nullable=False),
        sa.Column("branding", Json(), nullable=False),
        sa.Column("sync_profile", sa.Boolean(), nullable=False),
        sa.Column("enable_token_storage", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sso_connectors"),
    )
    op.create_index(
        "uq_sso_connectors_connector_name",
        "sso_connectors",
        ["tenant_id", "connector_name"],
        unique=True,
    )
    op.create_index(
        "ix_sso_connectors_created_at_id", "sso_connectors", ["tenant_id", "created_at", "id"]
    )
    op.create_table(
        "sso_connector_domains",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sso_connector_id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        _belongs_to("sso_connector_domains", "sso_connector_id", "sso_connectors"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "sso_connector_id", "domain", name="pk_sso_connector_domains"
        ),
    )
    op.create_index(
        "ix_sso_connector_domains_domain_sso_connector_id",
        "sso_connector_domains",
        ["tenant_id", "domain", "sso_connector_id"],
    )
    op.create_table(
        "sso_signing_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sso_connector_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("private_key", Sealed(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _belongs_to("sso_signing_keys", "sso_connector_id", "sso_connectors"),
        sa.PrimaryKeyConstraint("tenant_id", "sso_connector_id", "id", name="pk_sso_signing_keys"),
    )
    op.create_index(
        "uq_sso_signing_keys_active",
        "sso_signing_keys",
        ["tenant_id", "sso_connector_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "sso_idp_initiated_configs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sso_connector_id", sa.Text(), nullable=False),
        sa.Column("default_application_id", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=True),
        sa.Column("auth_parameters", Json(), nullable=False),
        sa.Column("auto_send_authorization_request", sa.Boolean(), nullable=False),
        sa.Column("client_idp_initiated_auth_callback_uri", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _belongs_to("sso_idp_initiated_configs", "sso_connector_id", "sso_connectors"),
        _belongs_to("sso_idp_initiated_configs", "default_application_id", "applications"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "sso_connector_id", name="pk_sso_idp_initiated_configs"
        ),
    )
    op.create_index(
        "ix_sso_idp_initiated_configs_default_application_id",
        "sso_idp_initiated_configs",
        ["tenant_id", "default_application_id"],
    )
    op.create_table(
        "organization_jit_sso_connectors",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("sso_connector_id", sa.Text(), nullable=False),
        _belongs_to("organization_jit_sso_connectors", "organization_id", "organizations"),
        _belongs_to("organization_jit_sso_connectors", "sso_connector_id", "sso_connectors"),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "organization_id",
            "sso_connector_id",
            name="pk_organization_jit_sso_connectors",
        ),
    )
    op.create_index(
        "ix_organization_jit_sso_connectors_sso_connector_id_organizatio",
        "organization_jit_sso_connectors",
        ["tenant_id", "sso_connector_id", "organization_id"],
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "organization_jit_sso_connectors",
        "sso_idp_initiated_configs",
        "sso_signing_keys",
        "sso_connector_domains",
        "sso_connectors",
    ):
        op.drop_table(table)
