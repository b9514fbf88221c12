"""Custom phrases, custom profile fields, domains and one-time tokens get their tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json, Sealed

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their indexes."""
    op.create_table(
        "custom_phrases",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("language_tag", sa.Text(), nullable=False),
        sa.Column("translation", Json(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_custom_phrases"),
    )
    op.create_index(
        "uq_custom_phrases_language_tag",
        "custom_phrases",
        ["tenant_id", "language_tag"],
        unique=True,
    )
    op.create_table(
        "custom_profile_fields",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("config", Json(), nullable=False),
        sa.Column("sie_order", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_custom_profile_fields"),
    )
    op.create_index(
        "uq_custom_profile_fields_name", "custom_profile_fields", ["tenant_id", "name"], unique=True
    )
    op.create_table(
        "domains",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("dns_records", Json(), nullable=False),
        sa.Column("verification_files", Json(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_domains"),
    )
    op.create_index("uq_domains_domain", "domains", ["tenant_id", "domain"], unique=True)
    op.create_table(
        "one_time_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("token", Sealed(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("context", Json(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_one_time_tokens"),
    )
    op.create_index(
        "ix_one_time_tokens_created_at_id",
        "one_time_tokens",
        ["tenant_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_one_time_tokens_email_status",
        "one_time_tokens",
        ["tenant_id", "email", "status"],
        unique=False,
    )
    op.create_index(
        "uq_one_time_tokens_token_digest",
        "one_time_tokens",
        ["tenant_id", "token_digest"],
        unique=True,
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("one_time_tokens", "domains", "custom_profile_fields", "custom_phrases"):
        op.drop_table(table)
