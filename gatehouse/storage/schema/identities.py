"""Who users are elsewhere: their social identities, and the tokens that came along with those."""

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

social_identities = table(
    "social_identities",
    "social_identity",
    key("target"),
    key("identity_id"),
    text("user_id"),
    belongs_to("users", "user_id"),
    unique("social_identities", "user_id", "target"),
)

secrets = table(
    "secrets",
    "secret",
    key("id"),
    text("user_id"),
    text("type"),
    sealed("value"),
    json("metadata"),
    text("connector_id", null=True),
    text("target", null=True),
    text("sso_connector_id", null=True),
    text("issuer", null=True),
    text("identity_id"),
    time("created_at"),
    time("updated_at"),
    belongs_to("users", "user_id"),
    belongs_to("connectors", "connector_id"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "target", "identity_id"],
        [f"social_identities.{name}" for name in ("tenant_id", "target", "identity_id")],
        ondelete="CASCADE",
    ),
    sa.ForeignKeyConstraint(
        ["tenant_id", "issuer", "identity_id"],
        [f"sso_identities.{name}" for name in ("tenant_id", "issuer", "identity_id")],
        ondelete="CASCADE",
    ),
    unique("secrets", "user_id", "target"),
    unique("secrets", "user_id", "sso_connector_id"),
    index("secrets", "connector_id"),
    index("secrets", "target", "identity_id"),
    index("secrets", "issuer", "identity_id"),
)
