"""Second factors have had rows of their own since 0002: the column of the first schema goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatehouse.storage.columns import Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the column, which nothing was ever written to."""
    op.drop_column("users", "mfa_verifications")


def downgrade() -> None:
    """Add it again, empty."""
    op.add_column(
        "users",
        sa.Column("mfa_verifications", Json(), nullable=False, server_default=sa.text("'[]'")),
    )
