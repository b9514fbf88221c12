"""Service providers: SAML applications, and the keys with which assertions for them are signed."""

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
)

saml_application_configs = table(
    "saml_application_configs",
    "saml_application_config",
    key("application_id"),
    json("attribute_mapping"),
    text("entity_id", null=True),
    json("acs_url", null=True),
    json("encryption", null=True),
    text("name_id_format"),
    belongs_to("applications", "application_id"),
)

saml_application_secrets = table(
    "saml_application_secrets",
    "saml_application_secret",
    key("application_id"),
    key("id"),
    sealed("private_key"),
    text("certificate"),
    flag("active"),
    time("expires_at"),
    time("created_at"),
    belongs_to("applications", "application_id"),
    index("saml_application_secrets", "application_id", "created_at"),
)
sa.Index(
    "uq_saml_application_secrets_active",
    saml_application_secrets.c.tenant_id,
    saml_application_secrets.c.application_id,
    unique=True,
    sqlite_where=saml_application_secrets.c.active,
    postgresql_where=saml_application_secrets.c.active,
    info={"field": "active"},
)
