"""What operators add to the pages: their own wording, and their own fields of a profile."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.schema.base import flag, json, key, table, text, time, unique

custom_phrases = table(
    "custom_phrases",
    "custom_phrase",
    key("id"),
    text("language_tag"),
    json("translation"),
    unique("custom_phrases", "language_tag"),
)

custom_profile_fields = table(
    "custom_profile_fields",
    "custom_profile_field",
    key("id"),
    text("name"),
    text("type"),
    text("label"),
    text("description", null=True),
    flag("required"),
    json("config"),
    sa.Column("sie_order", sa.Integer, nullable=False),
    time("created_at"),
    unique("custom_profile_fields", "name"),
)
