"""What happened, what is to be delivered, and what the server itself keeps."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import index, json, key, metadata, sealed, table, text, time

tenants = sa.Table(
    "tenants", metadata, key("id"), text("name"), time("created_at"), info={"entity": "tenant"}
)

audit_logs = table(
    "audit_logs",
    "audit_log",
    key("id"),
    text("key"),
    json("payload"),
    text("user_id", null=True),
    text("application_id", null=True),
    text("hook_id", null=True),
    time("created_at"),
    index("audit_logs", "created_at", "id"),
    index("audit_logs", "key", "created_at", "id"),
    index("audit_logs", "user_id", "created_at", "id"),
    index("audit_logs", "application_id", "created_at", "id"),
    index("audit_logs", "hook_id", "created_at", "id"),
)
_PEOPLE = sa.text("hook_id IS NULL")
sa.Index(
    "ix_audit_logs_people",
    audit_logs.c.tenant_id,
    audit_logs.c.created_at,
    audit_logs.c.id,
    sqlite_where=_PEOPLE,
    postgresql_where=_PEOPLE,
)

daily_active_users = table(
    "daily_active_users",
    "daily_active_user",
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    key("user_id"),
)

domain_events = table(
    "domain_events",
    "domain_event",
    key("id"),
    text("type"),
    json("payload"),
    time("created_at"),
    time("claimed_until"),
    index("domain_events", "created_at", "id"),
)

messages = table(
    "messages",
    "message",
    key("id"),
    text("channel"),
    text("recipient"),
    text("subject", null=True),
    text("body"),
    json("payload"),
    time("created_at"),
    index("messages", "created_at", "id"),
)

system = sa.Table(
    "system", metadata, key("key"), sealed("value"), info={"entity": "system_setting"}
)
