"""Social identities can be looked up, and tokens of other providers are kept."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json, Sealed

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and enter the identities that users have already."""
    op.create_table(
        "social_identities",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("identity_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_social_identities_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "target", "identity_id", name="pk_social_identities"),
    )
    op.create_index(
        "uq_social_identities_target",
        "social_identities",
        ["tenant_id", "user_id", "target"],
        unique=True,
    )
    op.create_table(
        "secrets",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", Sealed(), nullable=False),
        sa.Column("metadata", Json(), nullable=False),
        sa.Column("connector_id", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("sso_connector_id", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("identity_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_secrets_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connectors.tenant_id", "connectors.id"],
            name="fk_secrets_connectors",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "target", "identity_id"],
            [
                "social_identities.tenant_id",
                "social_identities.target",
                "social_identities.identity_id",
            ],
            name="fk_secrets_social_identities",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "issuer", "identity_id"],
            ["sso_identities.tenant_id", "sso_identities.issuer", "sso_identities.identity_id"],
            name="fk_secrets_sso_identities",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_secrets"),
    )
    op.create_index("uq_secrets_target", "secrets", ["tenant_id", "user_id", "target"], unique=True)
    op.create_index(
        "uq_secrets_sso_connector_id",
        "secrets",
        ["tenant_id", "user_id", "sso_connector_id"],
        unique=True,
    )
    for columns in (["connector_id"], ["target", "identity_id"], ["issuer", "identity_id"]):
        name = f"ix_secrets_{'_'.join(columns)}"
        op.create_index(name, "secrets", ["tenant_id", *columns], unique=False)
    _enter_identities()


def _enter_identities() -> None:
    users = sa.table("users", *map(sa.column, ("tenant_id", "id", "identities")))
    entries = sa.table(
        "social_identities", *map(sa.column, ("tenant_id", "target", "identity_id", "user_id"))
    )
    connection = op.get_bind()
    some = sa.cast(users.c.identities, sa.Text) != "{}"
    for tenant_id, user_id, identities in connection.execute(sa.select(users).where(some)).all():
        known = identities if isinstance(identities, dict) else json.loads(identities)
        for target, identity in known.items():
            row = {
                "tenant_id": tenant_id,
                "target": target,
                "identity_id": str(identity.get("userId", "")),
                "user_id": user_id,
            }
            connection.execute(sa.insert(entries).values(row))


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("secrets")
    op.drop_table("social_identities")
