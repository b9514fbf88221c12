"""Second factors get rows of their own, whose secrets are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json, Sealed

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and its indexes."""
    op.create_table(
        "mfa_verifications",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("credential_id", sa.Text(), nullable=True),
        sa.Column("secret", Sealed(), nullable=True),
        sa.Column("detail", Json(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name="fk_mfa_verifications_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_mfa_verifications"),
    )
    op.create_index(
        "uq_mfa_verifications_credential_id",
        "mfa_verifications",
        ["tenant_id", "credential_id"],
        unique=True,
    )
    op.create_index(
        "ix_mfa_verifications_user_id_created_at",
        "mfa_verifications",
        ["tenant_id", "user_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("mfa_verifications")
