"""Enterprise single sign-on: who a company's people are asked to prove themselves to."""

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

sso_connectors = table(
    "sso_connectors",
    "sso_connector",
    key("id"),
    text("provider_name"),
    text("connector_name"),
    sealed("config"),
    json("domains"),
    json("branding"),
    flag("sync_profile"),
    flag("enable_token_storage"),
    time("created_at"),
    unique("sso_connectors", "connector_name"),
    index("sso_connectors", "created_at", "id"),
)

sso_connector_domains = table(
    "sso_connector_domains",
    "sso_connector_domain",
    key("sso_connector_id"),
    key("domain"),
    belongs_to("sso_connectors", "sso_connector_id"),
    index("sso_connector_domains", "domain", "sso_connector_id"),
)

sso_signing_keys = table(
    "sso_signing_keys",
    "sso_signing_key",
    key("sso_connector_id"),
    key("id"),
    sealed("private_key"),
    text("certificate"),
    flag("active"),
    time("expires_at"),
    time("created_at"),
    belongs_to("sso_connectors", "sso_connector_id"),
)
sa.Index(
    "uq_sso_signing_keys_active",
    sso_signing_keys.c.tenant_id,
    sso_signing_keys.c.sso_connector_id,
    unique=True,
    sqlite_where=sa.text("active"),
    postgresql_where=sa.text("active"),
    info={"field": "active"},
)

sso_idp_initiated_configs = table(
    "sso_idp_initiated_configs",
    "sso_idp_initiated_config",
    key("sso_connector_id"),
    text("default_application_id"),
    text("redirect_uri", null=True),
    json("auth_parameters"),
    flag("auto_send_authorization_request"),
    text("client_idp_initiated_auth_callback_uri", null=True),
    time("created_at"),
    belongs_to("sso_connectors", "sso_connector_id"),
    belongs_to("applications", "default_application_id"),
    index("sso_idp_initiated_configs", "default_application_id"),
)

organization_jit_sso_connectors = link(
    "organization_jit_sso_connectors",
    "organization_jit_sso_connector",
    ("organization_id", "organizations"),
    ("sso_connector_id", "sso_connectors"),
)
