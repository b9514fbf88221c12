"""What an operator programs: scripts that run when a token is made or somebody signs in."""

from __future__ import annotations

from gatehouse.storage.schema.base import key, sealed, table, time

scripts = table(
    "scripts",
    "script",
    key("id"),
    sealed("config"),
    time("created_at"),
    time("updated_at"),
)
