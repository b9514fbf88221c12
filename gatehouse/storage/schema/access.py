"""Applications, API resources and roles."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import (
    belongs_to,
    flag,
    index,
    json,
    key,
    link,
    sealed,
    table,
    text,
    time,
    unique,
)

applications = table(
    "applications",
    "application",
    key("id"),
    text("name"),
    sealed("secret", null=True),
    text("description", null=True),
    text("type"),
    json("oidc_client_metadata"),
    json("custom_client_metadata"),
    json("protected_app_metadata", null=True),
    json("custom_data"),
    flag("is_third_party"),
    flag("app_level_access_control_enabled"),
    time("created_at"),
    index("applications", "created_at", "id"),
    index("applications", "type", "created_at", "id"),
    index("applications", "is_third_party", "created_at", "id"),
)

application_secrets = table(
    "application_secrets",
    "application_secret",
    key("application_id"),
    key("name"),
    sealed("value"),
    time("expires_at", null=True),
    time("created_at"),
    belongs_to("applications", "application_id"),
)

resources = table(
    "resources",
    "resource",
    key("id"),
    text("name"),
    text("indicator"),
    flag("is_default"),
    sa.Column("access_token_ttl", sa.Integer, nullable=False),
    time("created_at"),
    unique("resources", "indicator"),
    index("resources", "created_at", "id"),
)
sa.Index(
    "uq_resources_is_default",
    resources.c.tenant_id,
    unique=True,
    sqlite_where=resources.c.is_default,
    postgresql_where=resources.c.is_default,
    info={"field": "is_default"},
)

scopes = table(
    "scopes",
    "scope",
    key("id"),
    text("resource_id"),
    text("name"),
    text("description", null=True),
    time("created_at"),
    belongs_to("resources", "resource_id"),
    unique("scopes", "resource_id", "name"),
    index("scopes", "resource_id", "created_at", "id"),
)

roles = table(
    "roles",
    "role",
    key("id"),
    text("name"),
    text("description"),
    text("type"),
    flag("is_default"),
    time("created_at"),
    unique("roles", "name"),
    index("roles", "type", "created_at", "id"),
    index("roles", "created_at", "id"),
)

roles_scopes = link("roles_scopes", "role_scope", ("role_id", "roles"), ("scope_id", "scopes"))
users_roles = link("users_roles", "user_role", ("user_id", "users"), ("role_id", "roles"))
applications_roles = link(
    "applications_roles",
    "application_role",
    ("application_id", "applications"),
    ("role_id", "roles"),
)
