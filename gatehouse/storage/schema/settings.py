"""What operators set for a tenant."""

from __future__ import annotations

from gatehouse.storage.schema.base import (
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

sign_in_experiences = table(
    "sign_in_experiences",
    "sign_in_experience",
    key("id"),
    json("color"),
    json("branding"),
    flag("hide_logto_branding"),
    json("language_info"),
    text("terms_of_use_url", null=True),
    text("privacy_policy_url", null=True),
    text("agree_to_terms_policy"),
    json("sign_in"),
    json("sign_up"),
    json("social_sign_in"),
    json("social_sign_in_connector_targets"),
    text("sign_in_mode"),
    text("custom_css", null=True),
    json("custom_content"),
    json("custom_ui_assets", null=True),
    json("custom_ui_csp"),
    json("password_policy"),
    json("mfa"),
    json("adaptive_mfa"),
    flag("single_sign_on_enabled"),
    text("support_email", null=True),
    text("support_website_url", null=True),
    text("unknown_session_redirect_url", null=True),
    json("captcha_policy"),
    json("sentinel_policy"),
    json("email_blocklist_policy"),
    json("verification_code_policy"),
    json("forgot_password_methods", null=True),
    json("passkey_sign_in"),
    json("sign_up_profile_fields", null=True),
    json("password_expiration"),
    json("username_policy"),
    time("updated_at"),
)

signing_keys = table(
    "signing_keys",
    "signing_key",
    key("kid"),
    text("alg"),
    json("public_jwk"),
    sealed("private_key"),
    text("status"),
    time("effective_at", null=True),
    time("created_at"),
)

configs = table("configs", "config", key("key"), json("value"), time("updated_at"))

captcha_providers = table(
    "captcha_providers",
    "captcha_provider",
    key("id"),
    sealed("config"),
    time("created_at"),
    time("updated_at"),
)

email_templates = table(
    "email_templates",
    "email_template",
    key("id"),
    text("language_tag"),
    text("template_type"),
    json("details"),
    time("created_at"),
    unique("email_templates", "language_tag", "template_type"),
)

hooks = table(
    "hooks",
    "hook",
    key("id"),
    text("name"),
    text("event", null=True),
    json("events"),
    json("config"),
    sealed("signing_key"),
    flag("enabled"),
    time("created_at"),
    index("hooks", "created_at", "id"),
)

connectors = table(
    "connectors",
    "connector",
    key("id"),
    text("connector_id"),
    text("channel", null=True),
    sealed("config"),
    json("metadata"),
    flag("sync_profile"),
    flag("enable_token_storage"),
    time("created_at"),
    unique("connectors", "channel"),
    index("connectors", "created_at", "id"),
)
