"""What applications may ask people for, what people let them have, and who may use them."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import belongs_to, index, json, key, link, table, text

_APPLICATION = ("application_id", "applications")

consent_resource_scopes = link(
    "consent_resource_scopes",
    "consent_resource_scope",
    _APPLICATION,
    ("scope_id", "scopes"),
)
consent_organization_scopes = link(
    "consent_organization_scopes",
    "consent_organization_scope",
    _APPLICATION,
    ("organization_scope_id", "organization_scopes"),
)
consent_organization_resource_scopes = link(
    "consent_organization_resource_scopes",
    "consent_organization_resource_scope",
    _APPLICATION,
    ("scope_id", "scopes"),
)
consent_user_scopes = table(
    "consent_user_scopes",
    "consent_user_scope",
    key("application_id"),
    key("user_scope"),
    belongs_to("applications", "application_id"),
)
consented_organizations = table(
    "consented_organizations",
    "consented_organization",
    key("application_id"),
    key("user_id"),
    key("organization_id"),
    belongs_to("applications", "application_id"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "organization_id", "user_id"],
        [
            "organizations_users.tenant_id",
            "organizations_users.organization_id",
            "organizations_users.user_id",
        ],
        name="fk_consented_organizations_members",
        ondelete="CASCADE",
    ),
    index("consented_organizations", "organization_id", "user_id"),
)
"""The organizations of a user that an application may act in: it ends with the membership."""

application_access_users = link(
    "application_access_users", "application_access_user", _APPLICATION, ("user_id", "users")
)
application_access_roles = link(
    "application_access_roles", "application_access_role", _APPLICATION, ("role_id", "roles")
)
application_access_organizations = link(
    "application_access_organizations",
    "application_access_organization",
    _APPLICATION,
    ("organization_id", "organizations"),
)
application_access_organization_roles = table(
    "application_access_organization_roles",
    "application_access_organization_role",
    key("application_id"),
    key("organization_id"),
    key("organization_role_id"),
    belongs_to("applications", "application_id"),
    belongs_to("organizations", "organization_id"),
    belongs_to("organization_roles", "organization_role_id"),
    index("application_access_organization_roles", "organization_id"),
    index("application_access_organization_roles", "organization_role_id"),
)

application_sign_in_experiences = table(
    "application_sign_in_experiences",
    "application_sign_in_experience",
    key("application_id"),
    json("color"),
    json("branding"),
    text("custom_css", null=True),
    text("terms_of_use_url", null=True),
    text("privacy_policy_url", null=True),
    text("display_name", null=True),
    belongs_to("applications", "application_id"),
)

protected_hosts = table(
    "protected_hosts",
    "protected_host",
    key("host"),
    text("application_id"),
    belongs_to("applications", "application_id"),
    index("protected_hosts", "application_id"),
)
"""The names under which protected applications are reached: each belongs to one of them."""


def _ceiling(name: str, column: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """What any client with a metadata document may ask for."""
    return table(f"cimd_{name}s", f"cimd_{name}", key(column), *parts)


cimd_user_scopes = _ceiling("user_scope", "user_scope")
cimd_resource_scopes = _ceiling("resource_scope", "scope_id", belongs_to("scopes", "scope_id"))
cimd_organization_scopes = _ceiling(
    "organization_scope",
    "organization_scope_id",
    belongs_to("organization_scopes", "organization_scope_id"),
)
cimd_organization_resource_scopes = _ceiling(
    "organization_resource_scope", "scope_id", belongs_to("scopes", "scope_id")
)
