"""Users, and what is theirs."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import (
    belongs_to,
    flag,
    index,
    json,
    key,
    sealed,
    table,
    text,
    time,
    unique,
)

users = table(
    "users",
    "user",
    key("id"),
    text("username", null=True),
    text("primary_email", null=True),
    text("primary_phone", null=True),
    text("password_hash", null=True),
    text("password_algorithm", null=True),
    time("password_changed_at", null=True),
    flag("is_password_expired"),
    text("name", null=True),
    text("avatar", null=True),
    json("profile"),
    json("identities"),
    json("custom_data"),
    json("logto_config"),
    text("application_id", null=True),
    text("cimd_client_id", null=True),
    flag("is_suspended"),
    time("tokens_valid_after"),
    time("last_sign_in_at", null=True),
    time("created_at"),
    time("updated_at"),
    unique("users", "username"),
    unique("users", "primary_phone"),
    index("users", "created_at", "id"),
)
sa.Index(
    "uq_users_primary_email",
    users.c.tenant_id,
    sa.func.lower(users.c.primary_email),
    unique=True,
    info={"field": "primary_email"},
)
for _folded in ("username", "name"):
    sa.Index(f"ix_users_lower_{_folded}", users.c.tenant_id, sa.func.lower(users.c[_folded]))

sso_identities = table(
    "sso_identities",
    "sso_identity",
    key("id"),
    text("user_id"),
    text("issuer"),
    text("identity_id"),
    text("sso_connector_id"),
    json("detail"),
    time("created_at"),
    time("updated_at"),
    belongs_to("users", "user_id"),
    unique("sso_identities", "issuer", "identity_id"),
    index("sso_identities", "user_id"),
)

personal_access_tokens = table(
    "personal_access_tokens",
    "personal_access_token",
    key("user_id"),
    key("name"),
    sealed("value"),
    text("value_digest"),
    time("expires_at", null=True),
    time("created_at"),
    belongs_to("users", "user_id"),
    unique("personal_access_tokens", "value_digest"),
)
