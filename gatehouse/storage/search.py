"""Searching and filtering lists, for every table that offers it.

A `Search` is a set of matches, each a value looked for in some fields; a list may also have
filters, which its repository declares. The statement depends on their shape alone, never on the
values, and is kept compiled for the shapes that come up most.

What is looked for exactly (also a pattern without wildcards) goes through the index of each field,
whatever else the planner may think of. Case is folded for ASCII alone in SQLite.

Regular expressions look at everything. One that cannot be matched in linear time is refused on
both databases; SQLite matches by RE2 (`sqlite_matching`), PostgreSQL by itself, within the time
that any statement has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from gatehouse.storage.errors import InvalidValue
from gatehouse.storage.matching import matches
from gatehouse.storage.patterns import PatternRefused, linear_pattern, regular
from gatehouse.storage.repository import Listing

SHAPES = 256
"""Shapes of a search that are kept compiled, for each table."""
MAX_MATCHES = 32
"""Matches in one search: more than the API has fields."""

_WILDCARD = re.compile(r"(?<!\\)(?:\\\\)*[%_]")
_ESCAPE = re.compile(r"\\(.)")

Mode = Literal["like", "exact", "similar_to", "posix"]


class Match(msgspec.Struct, frozen=True):
    """One of the fields has this value. `like` is SQL's pattern, with a backslash to escape.

    `similar_to` is SQL's other kind of pattern, `posix` a regular expression. `others` are values
    that will do as well, where they are looked for exactly.
    """

    fields: tuple[str, ...]
    value: str
    mode: Mode = "like"
    case_sensitive: bool = False
    others: tuple[str, ...] = ()


class Search(msgspec.Struct, frozen=True):
    """What to look for: all of the matches (`joint`), or any of them."""

    matches: tuple[Match, ...]
    joint: bool = False


class _Shape(NamedTuple):
    fields: tuple[str, ...]
    how: Literal["exact", "like", "regular"]
    folded: bool
    values: int = 1


class Finder:
    """The lists of one table: searched, filtered, newest first unless it is said otherwise."""

    def __init__(
        self,
        table: sa.Table,
        fields: Sequence[str],
        *,
        lower_case: Sequence[str] = (),
        filters: Mapping[str, sa.ColumnElement[bool]] | None = None,
        by: str | None = None,
    ) -> None:
        """`fields` may be searched; those in `lower_case` never hold an upper-case letter.

        `filters` are conditions by name, with parameters of their own. `by` is the column that
        sorts the lists, where it is not the time of creation.
        """
        self._by = by
        self._table = table
        self._fields = tuple(fields)
        self._lower_case = frozenset(lower_case)
        self._filters = dict(filters or {})
        self._listing = lru_cache(maxsize=SHAPES)(self._build)

    def everywhere(self, pattern: str) -> Search:
        """Look for a pattern in every field that may be searched."""
        return Search((Match(self._fields, pattern),))

    def listing(
        self,
        search: Search | str | None = None,
        filters: Sequence[str] = (),
        *,
        few: bool = False,
    ) -> tuple[Listing, dict[str, Any]]:
        """The list, and the parameters of the search. Raises `InvalidValue` for a bad search.

        `few`: the filters, which must look at relations, are known to leave few.
        """
        if isinstance(search, str):
            search = self.everywhere(search)
        matches = () if search is None else search.matches
        if len(matches) > MAX_MATCHES:
            raise InvalidValue("too many matches in one search")
        shapes: list[_Shape] = []
        params: dict[str, Any] = {}
        for index, match in enumerate(matches):
            if not match.fields or not set(match.fields) <= set(self._fields):
                raise InvalidValue("a field that cannot be searched")
            shape, values = _shape(match)
            shapes.append(shape)
            for number, value in enumerate(values):
                params[_name(index, number)] = value
        joint = search is not None and search.joint
        return self._listing(tuple(shapes), joint, tuple(filters), few), params

    def _build(
        self, shapes: tuple[_Shape, ...], joint: bool, filters: tuple[str, ...], few: bool
    ) -> Listing:
        conditions = [self._filters[name] for name in filters]
        if shapes:
            found = [self._condition(shape, index) for index, shape in enumerate(shapes)]
            conditions.append(sa.and_(*found) if joint else sa.or_(*found))
        exact = [shape.how == "exact" for shape in shapes]
        keyed = few or (any(exact) if joint else bool(shapes) and all(exact))
        return Listing(self._table, *conditions, keyed=keyed, by=self._by)

    def _condition(self, shape: _Shape, index: int) -> sa.ColumnElement[bool]:
        given = [
            sa.bindparam(_name(index, number), type_=sa.Text) for number in range(shape.values)
        ]
        if shape.how == "exact":
            return self._one_of(shape, given)
        columns = [self._table.c[name] for name in shape.fields]
        return sa.or_(*(_pattern(column, given[0], shape) for column in columns))

    def _one_of(
        self, shape: _Shape, given: Sequence[sa.BindParameter[str]]
    ) -> sa.ColumnElement[bool]:
        inner = self._table.alias()
        here = inner.c.tenant_id == sa.bindparam("tenant_id")
        found = [
            sa.select(inner.c.tenant_id, inner.c.id).where(
                here, self._equal(inner.c[name], value, shape)
            )
            for name in shape.fields
            for value in given
        ]
        key = sa.tuple_(self._table.c.tenant_id, self._table.c.id)
        # Selected once more: SQLite looks nothing up by the whole key for a bare union.
        return key.in_(sa.select(sa.union(*found).subquery()) if len(found) > 1 else found[0])

    def _equal(
        self, column: sa.ColumnElement[Any], value: sa.BindParameter[str], shape: _Shape
    ) -> sa.ColumnElement[bool]:
        if not shape.folded:
            return column == value
        if column.key in self._lower_case:
            return column == sa.func.lower(value)
        return sa.func.lower(column) == sa.func.lower(value)


def _pattern(
    column: sa.ColumnElement[Any], value: sa.BindParameter[str], shape: _Shape
) -> sa.ColumnElement[bool]:
    if shape.how == "regular":
        return matches(column, value, folded=shape.folded)
    if shape.folded:
        return column.ilike(value, escape="\\")
    return column.like(value, escape="\\")


def _name(index: int, number: int) -> str:
    return f"match_{index}" if number == 0 else f"match_{index}_{number}"


def _shape(match: Match) -> tuple[_Shape, tuple[str, ...]]:
    """The shape of a match, and the values that belong to it. Raises `InvalidValue`."""
    folded = not match.case_sensitive
    if match.mode == "exact":
        values = (match.value, *match.others)
        if len(values) > MAX_MATCHES:
            raise InvalidValue("too many values in one search")
        return _Shape(match.fields, "exact", folded, len(values)), values
    if match.mode in ("similar_to", "posix"):
        return _Shape(match.fields, "regular", folded), (_regular(match),)
    trailing = len(match.value) - len(match.value.rstrip("\\"))
    if trailing % 2:
        raise InvalidValue("a pattern that ends in an escape")
    if _WILDCARD.search(match.value):
        return _Shape(match.fields, "like", folded), (match.value,)
    return _Shape(match.fields, "exact", folded), (_ESCAPE.sub(r"\1", match.value),)


def _regular(match: Match) -> str:
    """The regular expression of a match, if it can be matched in linear time."""
    try:
        pattern = regular(match.value) if match.mode == "similar_to" else match.value
        linear_pattern(pattern, ignore_case=not match.case_sensitive)
    except PatternRefused:
        raise InvalidValue("a pattern that cannot be matched in linear time") from None
    return pattern
