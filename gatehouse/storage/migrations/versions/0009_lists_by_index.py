"""Lists that looked through more rows than they show find them by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEW = {
    "ix_organizations_users_roles_organization_id_organization_role_": (
        "organizations_users_roles",
        ("organization_id", "organization_role_id", "user_id"),
    ),
    "ix_organizations_applications_roles_organization_id_organizatio": (
        "organizations_applications_roles",
        ("organization_id", "organization_role_id", "application_id"),
    ),
    "ix_one_time_tokens_status_created_at_id": (
        "one_time_tokens",
        ("status", "created_at", "id"),
    ),
    "ix_applications_is_third_party_created_at_id": (
        "applications",
        ("is_third_party", "created_at", "id"),
    ),
}


def upgrade() -> None:
    """Make the indexes."""
    for name, (table, columns) in _NEW.items():
        op.create_index(name, table, ["tenant_id", *columns])
    people = sa.text("hook_id IS NULL")
    op.create_index(
        "ix_audit_logs_people",
        "audit_logs",
        ["tenant_id", "created_at", "id"],
        sqlite_where=people,
        postgresql_where=people,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_audit_logs_people", table_name="audit_logs")
    for name, (table, _) in _NEW.items():
        op.drop_index(name, table_name=table)
