"""Where users signed in from, as far as a proxy told, for as long as adaptive MFA looks back."""

from __future__ import annotations

from gatehouse.storage.schema.base import belongs_to, json, key, table, time

sign_in_places = table(
    "sign_in_places",
    "sign_in_place",
    key("user_id"),
    key("country"),
    json("location", null=True),
    time("seen_at"),
    belongs_to("users", "user_id"),
)
