"""Domains that operators want the pages to be reached under."""

from __future__ import annotations

from gatehouse.storage.schema.base import json, key, table, text, time, unique

domains = table(
    "domains",
    "domain",
    key("id"),
    text("domain"),
    text("status"),
    text("error_message", null=True),
    json("dns_records"),
    json("verification_files"),
    time("created_at"),
    time("updated_at"),
    unique("domains", "domain"),
)
