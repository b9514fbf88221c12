"""From the name of a broken constraint to the field that a caller knows.

Made from the tables themselves: a unique index names its columns, the last of which is the field.
PostgreSQL reports the index by name, SQLite mostly by its columns.
"""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import Conflict


@cache
def _rules() -> dict[str, tuple[str, str]]:
    rules: dict[str, tuple[str, str]] = {}
    for table in schema.metadata.sorted_tables:
        entity = table.info["entity"]
        key = list(table.primary_key.columns)
        rules[f"pk_{table.name}"] = rules[_spelled(key)] = (entity, key[-1].name)
        for index in table.indexes:
            if index.unique:
                columns = list(index.columns)
                field = index.info.get("field", columns[-1].name)
                rules[str(index.name)] = rules[_spelled(columns)] = (entity, field)
    return rules


def _spelled(columns: list[sa.Column[object]]) -> str:
    return ", ".join(f"{column.table.name}.{column.name}" for column in columns)


def conflict_for_index(name: str) -> Conflict:
    """The conflict that a broken unique index or primary key of this name means."""
    return Conflict(*_rules().get(name, ("record", name)))


def conflict_for_columns(columns: str) -> Conflict:
    """The conflict for a rule on these columns, in SQLite's words (`users.tenant_id, users.id`)."""
    return Conflict(*_rules().get(columns, ("record", columns)))
