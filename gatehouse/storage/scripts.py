"""Scripts of a tenant, each under the name of what it is for.

The configuration of a script is sealed as a whole: its environment variables are where operators
put the keys of the services that a script calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gatehouse.storage import schema
from gatehouse.storage.records import Record
from gatehouse.storage.repository import Repository, Rows


class Script(Record, frozen=True, kw_only=True):
    """A script under the name of its use. `config` is a JSON document, sealed."""

    tenant_id: str = ""
    id: str
    config: str
    created_at: int = 0
    updated_at: int = 0


class Scripts(Repository[Script]):
    """The scripts of a tenant."""

    rows = Rows(schema.scripts, Script)
    event = "Script"

    def config(self, name: str) -> dict[str, Any] | None:
        """The script of this name and what belongs to it, or None."""
        stored = self.find(name)
        return None if stored is None else msgspec.json.decode(stored.config)

    def put(self, name: str, config: Mapping[str, Any]) -> bool:
        """Store a script in the place of another; whether there was none."""
        text = msgspec.json.encode(config).decode()
        if self.find(name) is None:
            self.create(Script(id=name, config=text))
            return True
        self.update(name, config=text)
        return False

    def change(self, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change parts of a script's configuration; all of it then. Raises `NotFound`."""
        changed = {**msgspec.json.decode(self.get(name).config), **changes}
        self.update(name, config=msgspec.json.encode(changed).decode())
        return changed

    def delete(self, *key: str) -> None:
        """Delete a script. Raises `NotFound`."""
        self.get(*key)
        super().delete(*key)
