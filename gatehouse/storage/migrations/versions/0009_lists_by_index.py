"""Lists that looked through more rows than they show find them by an index."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEW = (
    ("audit_logs", ("key", "created_at", "id", "hook_id")),
    ("audit_logs", ("user_id", "created_at", "id", "hook_id")),
    ("audit_logs", ("application_id", "created_at", "id", "hook_id")),
    ("organizations_users_roles", ("organization_id", "organization_role_id", "user_id")),
    (
        "organizations_applications_roles",
        ("organization_id", "organization_role_id", "application_id"),
    ),
    ("one_time_tokens", ("status", "created_at", "id")),
    ("applications", ("is_third_party", "created_at", "id")),
)
_OLD = tuple(("audit_logs", columns[:-1]) for table, columns in _NEW if table == "audit_logs")
MAX_NAME = 63


def _name(table: str, columns: tuple[str, ...]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"[:MAX_NAME]


def upgrade() -> None:
    """Make the indexes, and drop those that they stand in for."""
    for table, columns in _NEW:
        op.create_index(_name(table, columns), table, ["tenant_id", *columns])
    for table, columns in _OLD:
        op.drop_index(_name(table, columns), table_name=table)


def downgrade() -> None:
    """Bring the old ones back."""
    for table, columns in _OLD:
        op.create_index(_name(table, columns), table, ["tenant_id", *columns])
    for table, columns in _NEW:
        op.drop_index(_name(table, columns), table_name=table)
