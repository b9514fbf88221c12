"""What every table has in common, and the words in which tables are declared.

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


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    """A text."""
    return sa.Column(name, sa.Text, nullable=null)


def time(name: str, *, null: bool = False) -> sa.Column[int]:
    """A time in milliseconds since the epoch."""
    return sa.Column(name, sa.BigInteger, nullable=null)


def flag(name: str) -> sa.Column[bool]:
    """Yes or no."""
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


def json(name: str, *, null: bool = False) -> sa.Column[object]:
    """A JSON value."""
    return sa.Column(name, Json, nullable=null)


def sealed(name: str, *, null: bool = False) -> sa.Column[str]:
    """A secret, encrypted at rest."""
    return sa.Column(name, Sealed, nullable=null)


def key(name: str) -> sa.Column[str]:
    """A part of the primary key."""
    return sa.Column(name, sa.Text, primary_key=True)


def belongs_to(table: str, column: str, key: str = "id") -> sa.ForeignKeyConstraint:
    """The row lives and dies with one row of another table of the same tenant."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.{key}"], ondelete="CASCADE"
    )


def table(name: str, entity: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table of a tenant's rows; `entity` is what errors call one of them."""
    return sa.Table(name, metadata, key("tenant_id"), *parts, info={"entity": entity})


def unique(table: str, *columns: str) -> sa.Index:
    """No two rows of a tenant have the same; the last column is what a `Conflict` names."""
    return sa.Index(f"uq_{table}_{columns[-1]}", "tenant_id", *columns, unique=True)


def index(table: str, *columns: str) -> sa.Index:
    """What a list is filtered or ordered by."""
    name = f"ix_{table}_{'_'.join(columns)}"[:MAX_NAME]
    return sa.Index(name, "tenant_id", *columns)


def link(name: str, entity: str, owner: tuple[str, str], member: tuple[str, str]) -> sa.Table:
    """A many-to-many relation, readable from both ends; it ends with either of them."""
    (owner_column, owner_table), (member_column, member_table) = owner, member
    return table(
        name,
        entity,
        key(owner_column),
        key(member_column),
        belongs_to(owner_table, owner_column),
        belongs_to(member_table, member_column),
        index(name, member_column, owner_column),
    )
