"""Second factors of users, one row for each."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import (
    belongs_to,
    index,
    json,
    key,
    sealed,
    table,
    text,
    time,
    unique,
)

mfa_verifications = table(
    "mfa_verifications",
    "mfa_verification",
    key("id"),
    text("user_id"),
    text("type"),
    text("name", null=True),
    text("agent", null=True),
    text("credential_id", null=True),
    sealed("secret", null=True),
    json("detail"),
    sa.Column("counter", sa.BigInteger, nullable=False),
    time("last_used_at", null=True),
    time("created_at"),
    belongs_to("users", "user_id"),
    unique("mfa_verifications", "credential_id"),
    index("mfa_verifications", "user_id", "created_at"),
)
