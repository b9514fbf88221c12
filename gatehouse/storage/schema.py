"""The tables. One declaration feeds the statements, the migrations' check and the error messages.

Every row belongs to a tenant: `tenant_id` leads every key and every index, and foreign keys carry
it along, so that a row can never refer to another tenant's. What is deleted takes its dependants
along by `ON DELETE CASCADE`. Uniqueness is an index of its own, whose last column (or whose
`field`) is what a `Conflict` names.
"""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.columns import Json, Sealed

MAX_NAME = 63
"""Characters in a name that PostgreSQL keeps."""

metadata = sa.MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(referred_table_name)s"}
)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _time(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


def _json(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, Json, nullable=null)


def _sealed(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, Sealed, nullable=null)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _belongs_to(table: str, column: str, key: str = "id") -> sa.ForeignKeyConstraint:
    """The row lives and dies with one row of another table of the same tenant."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.{key}"], ondelete="CASCADE"
    )


def _table(name: str, entity: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table of a tenant's rows; `entity` is what errors call one of them."""
    return sa.Table(name, metadata, _key("tenant_id"), *parts, info={"entity": entity})


def _unique(table: str, *columns: str) -> sa.Index:
    return sa.Index(f"uq_{table}_{columns[-1]}", "tenant_id", *columns, unique=True)


def _index(table: str, *columns: str) -> sa.Index:
    name = f"ix_{table}_{'_'.join(columns)}"[:MAX_NAME]
    return sa.Index(name, "tenant_id", *columns)


tenants = sa.Table(
    "tenants", metadata, _key("id"), _text("name"), _time("created_at"), info={"entity": "tenant"}
)

users = _table(
    "users",
    "user",
    _key("id"),
    _text("username", null=True),
    _text("primary_email", null=True),
    _text("primary_phone", null=True),
    _text("password_hash", null=True),
    _text("password_algorithm", null=True),
    _time("password_changed_at", null=True),
    _flag("is_password_expired"),
    _text("name", null=True),
    _text("avatar", null=True),
    _json("profile"),
    _json("identities"),
    _json("custom_data"),
    _json("logto_config"),
    _json("mfa_verifications"),
    _text("application_id", null=True),
    _text("cimd_client_id", null=True),
    _flag("is_suspended"),
    _time("tokens_valid_after"),
    _time("last_sign_in_at", null=True),
    _time("created_at"),
    _time("updated_at"),
    _unique("users", "username"),
    _unique("users", "primary_phone"),
    _index("users", "created_at", "id"),
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

sso_identities = _table(
    "sso_identities",
    "sso_identity",
    _key("id"),
    _text("user_id"),
    _text("issuer"),
    _text("identity_id"),
    _text("sso_connector_id"),
    _json("detail"),
    _time("created_at"),
    _time("updated_at"),
    _belongs_to("users", "user_id"),
    _unique("sso_identities", "issuer", "identity_id"),
    _index("sso_identities", "user_id"),
)

applications = _table(
    "applications",
    "application",
    _key("id"),
    _text("name"),
    _sealed("secret", null=True),
    _text("description", null=True),
    _text("type"),
    _json("oidc_client_metadata"),
    _json("custom_client_metadata"),
    _json("protected_app_metadata", null=True),
    _json("custom_data"),
    _flag("is_third_party"),
    _flag("app_level_access_control_enabled"),
    _time("created_at"),
    _index("applications", "created_at", "id"),
    _index("applications", "type", "created_at", "id"),
)

application_secrets = _table(
    "application_secrets",
    "application_secret",
    _key("application_id"),
    _key("name"),
    _sealed("value"),
    _time("expires_at", null=True),
    _time("created_at"),
    _belongs_to("applications", "application_id"),
)

personal_access_tokens = _table(
    "personal_access_tokens",
    "personal_access_token",
    _key("user_id"),
    _key("name"),
    _sealed("value"),
    _text("value_digest"),
    _time("expires_at", null=True),
    _time("created_at"),
    _belongs_to("users", "user_id"),
    _unique("personal_access_tokens", "value_digest"),
)

resources = _table(
    "resources",
    "resource",
    _key("id"),
    _text("name"),
    _text("indicator"),
    _flag("is_default"),
    sa.Column("access_token_ttl", sa.Integer, nullable=False),
    _time("created_at"),
    _unique("resources", "indicator"),
    _index("resources", "created_at", "id"),
)
sa.Index(
    "uq_resources_is_default",
    resources.c.tenant_id,
    unique=True,
    sqlite_where=resources.c.is_default,
    postgresql_where=resources.c.is_default,
    info={"field": "is_default"},
)

scopes = _table(
    "scopes",
    "scope",
    _key("id"),
    _text("resource_id"),
    _text("name"),
    _text("description", null=True),
    _time("created_at"),
    _belongs_to("resources", "resource_id"),
    _unique("scopes", "resource_id", "name"),
    _index("scopes", "resource_id", "created_at", "id"),
)

roles = _table(
    "roles",
    "role",
    _key("id"),
    _text("name"),
    _text("description"),
    _text("type"),
    _flag("is_default"),
    _time("created_at"),
    _unique("roles", "name"),
    _index("roles", "type", "created_at", "id"),
    _index("roles", "created_at", "id"),
)


def _link(name: str, entity: str, owner: tuple[str, str], member: tuple[str, str]) -> sa.Table:
    """A many-to-many relation, readable from both ends; it ends with either of them."""
    (owner_column, owner_table), (member_column, member_table) = owner, member
    return _table(
        name,
        entity,
        _key(owner_column),
        _key(member_column),
        _belongs_to(owner_table, owner_column),
        _belongs_to(member_table, member_column),
        _index(name, member_column, owner_column),
    )


roles_scopes = _link("roles_scopes", "role_scope", ("role_id", "roles"), ("scope_id", "scopes"))
users_roles = _link("users_roles", "user_role", ("user_id", "users"), ("role_id", "roles"))
applications_roles = _link(
    "applications_roles",
    "application_role",
    ("application_id", "applications"),
    ("role_id", "roles"),
)

organizations = _table(
    "organizations",
    "organization",
    _key("id"),
    _text("name"),
    _text("description", null=True),
    _json("custom_data"),
    _flag("is_mfa_required"),
    _json("color"),
    _json("branding"),
    _text("custom_css", null=True),
    _time("created_at"),
    _index("organizations", "created_at", "id"),
)
sa.Index(
    "ix_organizations_lower_name", organizations.c.tenant_id, sa.func.lower(organizations.c.name)
)

organization_roles = _table(
    "organization_roles",
    "organization_role",
    _key("id"),
    _text("name"),
    _text("description", null=True),
    _text("type"),
    _unique("organization_roles", "name"),
)

organization_scopes = _table(
    "organization_scopes",
    "organization_scope",
    _key("id"),
    _text("name"),
    _text("description", null=True),
    _unique("organization_scopes", "name"),
)

_ORGANIZATION = ("organization_id", "organizations")
_ORGANIZATION_ROLE = ("organization_role_id", "organization_roles")
organization_roles_scopes = _link(
    "organization_roles_scopes",
    "organization_role_scope",
    _ORGANIZATION_ROLE,
    ("organization_scope_id", "organization_scopes"),
)
organization_roles_resource_scopes = _link(
    "organization_roles_resource_scopes",
    "organization_role_resource_scope",
    _ORGANIZATION_ROLE,
    ("scope_id", "scopes"),
)
organizations_users = _link(
    "organizations_users", "organization_user", _ORGANIZATION, ("user_id", "users")
)
organizations_applications = _link(
    "organizations_applications",
    "organization_application",
    _ORGANIZATION,
    ("application_id", "applications"),
)
organization_jit_roles = _link(
    "organization_jit_roles", "organization_jit_role", _ORGANIZATION, _ORGANIZATION_ROLE
)


def _member_roles(name: str, entity: str, members: str, member_column: str) -> sa.Table:
    """The roles that members have in an organization; they end with the membership."""
    return _table(
        name,
        entity,
        _key("organization_id"),
        _key(member_column),
        _key("organization_role_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "organization_id", member_column],
            [f"{members}.{key}" for key in ("tenant_id", "organization_id", member_column)],
            ondelete="CASCADE",
        ),
        _belongs_to("organization_roles", "organization_role_id"),
        _index(name, "organization_role_id"),
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

organization_jit_email_domains = _table(
    "organization_jit_email_domains",
    "organization_jit_email_domain",
    _key("organization_id"),
    _key("email_domain"),
    _belongs_to("organizations", "organization_id"),
    _index("organization_jit_email_domains", "email_domain", "organization_id"),
)

organization_invitations = _table(
    "organization_invitations",
    "organization_invitation",
    _key("id"),
    _text("inviter_id", null=True),
    _text("invitee"),
    _text("accepted_user_id", null=True),
    _text("organization_id"),
    _text("status"),
    _time("expires_at"),
    _time("created_at"),
    _time("updated_at"),
    _belongs_to("organizations", "organization_id"),
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
    _index("organization_invitations", "organization_id", "created_at", "id"),
    _index("organization_invitations", "inviter_id"),
    _index("organization_invitations", "accepted_user_id"),
    _index("organization_invitations", "created_at", "id"),
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

organization_invitations_roles = _link(
    "organization_invitations_roles",
    "organization_invitation_role",
    ("organization_invitation_id", "organization_invitations"),
    _ORGANIZATION_ROLE,
)

sign_in_experiences = _table(
    "sign_in_experiences",
    "sign_in_experience",
    _key("id"),
    _json("color"),
    _json("branding"),
    _flag("hide_logto_branding"),
    _json("language_info"),
    _text("terms_of_use_url", null=True),
    _text("privacy_policy_url", null=True),
    _text("agree_to_terms_policy"),
    _json("sign_in"),
    _json("sign_up"),
    _json("social_sign_in"),
    _json("social_sign_in_connector_targets"),
    _text("sign_in_mode"),
    _text("custom_css", null=True),
    _json("custom_content"),
    _json("custom_ui_assets", null=True),
    _json("custom_ui_csp"),
    _json("password_policy"),
    _json("mfa"),
    _json("adaptive_mfa"),
    _flag("single_sign_on_enabled"),
    _text("support_email", null=True),
    _text("support_website_url", null=True),
    _text("unknown_session_redirect_url", null=True),
    _json("captcha_policy"),
    _json("sentinel_policy"),
    _json("email_blocklist_policy"),
    _json("verification_code_policy"),
    _json("forgot_password_methods", null=True),
    _json("passkey_sign_in"),
    _json("sign_up_profile_fields", null=True),
    _json("password_expiration"),
    _json("username_policy"),
    _time("updated_at"),
)

signing_keys = _table(
    "signing_keys",
    "signing_key",
    _key("kid"),
    _text("alg"),
    _json("public_jwk"),
    _sealed("private_key"),
    _text("status"),
    _time("effective_at", null=True),
    _time("created_at"),
)

configs = _table("configs", "config", _key("key"), _json("value"), _time("updated_at"))

audit_logs = _table(
    "audit_logs",
    "audit_log",
    _key("id"),
    _text("key"),
    _json("payload"),
    _text("user_id", null=True),
    _text("application_id", null=True),
    _text("hook_id", null=True),
    _time("created_at"),
    _index("audit_logs", "created_at", "id"),
    _index("audit_logs", "key", "created_at", "id"),
    _index("audit_logs", "user_id", "created_at", "id"),
    _index("audit_logs", "application_id", "created_at", "id"),
    _index("audit_logs", "hook_id", "created_at", "id"),
)

daily_active_users = _table(
    "daily_active_users",
    "daily_active_user",
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    _key("user_id"),
)

domain_events = _table(
    "domain_events",
    "domain_event",
    _key("id"),
    _text("type"),
    _json("payload"),
    _time("created_at"),
    _time("claimed_until"),
    _index("domain_events", "created_at", "id"),
)

captcha_providers = _table(
    "captcha_providers",
    "captcha_provider",
    _key("id"),
    _sealed("config"),
    _time("created_at"),
    _time("updated_at"),
)

email_templates = _table(
    "email_templates",
    "email_template",
    _key("id"),
    _text("language_tag"),
    _text("template_type"),
    _json("details"),
    _time("created_at"),
    _unique("email_templates", "language_tag", "template_type"),
)

hooks = _table(
    "hooks",
    "hook",
    _key("id"),
    _text("name"),
    _text("event", null=True),
    _json("events"),
    _json("config"),
    _sealed("signing_key"),
    _flag("enabled"),
    _time("created_at"),
    _index("hooks", "created_at", "id"),
)

connectors = _table(
    "connectors",
    "connector",
    _key("id"),
    _text("connector_id"),
    _text("channel", null=True),
    _sealed("config"),
    _json("metadata"),
    _flag("sync_profile"),
    _flag("enable_token_storage"),
    _time("created_at"),
    _unique("connectors", "channel"),
    _index("connectors", "created_at", "id"),
)

messages = _table(
    "messages",
    "message",
    _key("id"),
    _text("channel"),
    _text("recipient"),
    _text("subject", null=True),
    _text("body"),
    _json("payload"),
    _time("created_at"),
    _index("messages", "created_at", "id"),
)

system = sa.Table(
    "system", metadata, _key("key"), _sealed("value"), info={"entity": "system_setting"}
)
