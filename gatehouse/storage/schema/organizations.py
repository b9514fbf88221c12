"""Organizations, their template, members and invitations."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import (
    belongs_to,
    flag,
    index,
    json,
    key,
    link,
    table,
    text,
    time,
    unique,
)

organizations = table(
    "organizations",
    "organization",
    key("id"),
    text("name"),
    text("description", null=True),
    json("custom_data"),
    flag("is_mfa_required"),
    json("color"),
    json("branding"),
    text("custom_css", null=True),
    time("created_at"),
    index("organizations", "created_at", "id"),
)
sa.Index(
    "ix_organizations_lower_name", organizations.c.tenant_id, sa.func.lower(organizations.c.name)
)

organization_roles = table(
    "organization_roles",
    "organization_role",
    key("id"),
    text("name"),
    text("description", null=True),
    text("type"),
    unique("organization_roles", "name"),
)

organization_scopes = table(
    "organization_scopes",
    "organization_scope",
    key("id"),
    text("name"),
    text("description", null=True),
    unique("organization_scopes", "name"),
)

_ORGANIZATION = ("organization_id", "organizations")
_ORGANIZATION_ROLE = ("organization_role_id", "organization_roles")
organization_roles_scopes = link(
    "organization_roles_scopes",
    "organization_role_scope",
    _ORGANIZATION_ROLE,
    ("organization_scope_id", "organization_scopes"),
)
organization_roles_resource_scopes = link(
    "organization_roles_resource_scopes",
    "organization_role_resource_scope",
    _ORGANIZATION_ROLE,
    ("scope_id", "scopes"),
)
organizations_users = link(
    "organizations_users", "organization_user", _ORGANIZATION, ("user_id", "users")
)
organizations_applications = link(
    "organizations_applications",
    "organization_application",
    _ORGANIZATION,
    ("application_id", "applications"),
)
organization_jit_roles = link(
    "organization_jit_roles", "organization_jit_role", _ORGANIZATION, _ORGANIZATION_ROLE
)


def _member_roles(name: str, entity: str, members: str, member_column: str) -> sa.Table:
    """The roles that members have in an organization; they end with the membership."""
    return table(
        name,
        entity,
        key("organization_id"),
        key(member_column),
        key("organization_role_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id", member_column],
            [f"{members}.{key}" for key in ("tenant_id", "organization_id", member_column)],
            ondelete="CASCADE",
        ),
        belongs_to("organization_roles", "organization_role_id"),
        index(name, "organization_role_id"),
        index(name, "organization_id", "organization_role_id", member_column),
    )


organizations_users_roles = _member_roles(
    "organizations_users_roles", "organization_user_role", "organizations_users", "user_id"
)
organizations_applications_roles = _member_roles(
    "organizations_applications_roles",
    "organization_application_role",
    "organizations_applications",
    "application_id",
)

organization_jit_email_domains = table(
    "organization_jit_email_domains",
    "organization_jit_email_domain",
    key("organization_id"),
    key("email_domain"),
    belongs_to("organizations", "organization_id"),
    index("organization_jit_email_domains", "email_domain", "organization_id"),
)

organization_invitations = table(
    "organization_invitations",
    "organization_invitation",
    key("id"),
    text("inviter_id", null=True),
    text("invitee"),
    text("accepted_user_id", null=True),
    text("organization_id"),
    text("status"),
    time("expires_at"),
    time("created_at"),
    time("updated_at"),
    belongs_to("organizations", "organization_id"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "inviter_id"],
        ["users.tenant_id", "users.id"],
        name="fk_organization_invitations_inviter",
        ondelete="CASCADE",
    ),
    sa.ForeignKeyConstraint(
        ["tenant_id", "accepted_user_id"],
        ["users.tenant_id", "users.id"],
        name="fk_organization_invitations_accepted_user",
        ondelete="CASCADE",
    ),
    index("organization_invitations", "organization_id", "created_at", "id"),
    index("organization_invitations", "inviter_id"),
    index("organization_invitations", "accepted_user_id"),
    index("organization_invitations", "created_at", "id"),
)
sa.Index(
    "ix_organization_invitations_lower_invitee",
    organization_invitations.c.tenant_id,
    sa.func.lower(organization_invitations.c.invitee),
)
_PENDING = sa.text("status = 'Pending'")
sa.Index(
    "uq_organization_invitations_invitee",
    organization_invitations.c.tenant_id,
    organization_invitations.c.organization_id,
    organization_invitations.c.invitee,
    unique=True,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)

organization_invitations_roles = link(
    "organization_invitations_roles",
    "organization_invitation_role",
    ("organization_invitation_id", "organization_invitations"),
    _ORGANIZATION_ROLE,
)
