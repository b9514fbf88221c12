"""One-time tokens, sealed: whoever has one can sign in with it."""

from __future__ import annotations

from gatehouse.storage.schema.base import index, json, key, sealed, table, text, time, unique

one_time_tokens = table(
    "one_time_tokens",
    "one_time_token",
    key("id"),
    text("email"),
    sealed("token"),
    text("token_digest"),
    json("context"),
    text("status"),
    time("created_at"),
    time("expires_at"),
    unique("one_time_tokens", "token_digest"),
    index("one_time_tokens", "created_at", "id"),
    index("one_time_tokens", "email", "status"),
    index("one_time_tokens", "status", "created_at", "id"),
)
