"""Logto's search parameters: `search`, `search.<field>`, `mode`, `mode.<field>`, `joint`,
`isCaseSensitive`.

Every `search` adds a match. Without a field it looks through all of them; how it compares is said
by the mode of its field, else by `mode`, else it is `like`, with SQL's wildcards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl

from gatehouse.http.call import Call
from gatehouse.http.logto.errors import StrangeInput
from gatehouse.http.wire import is_yes
from gatehouse.storage.search import MAX_MATCHES, Match, Search

_MODES: dict[str, Literal["like", "exact"]] = {"like": "like", "exact": "exact"}
_CAPITAL = re.compile(r"(?<!^)([A-Z])")


def search_of(call: Call[Any, Any], fields: Sequence[str]) -> Search | None:
    """What the query string looks for in these fields, if anything.

    Raises StrangeInput for a field or a mode that there is not, and for an empty value.
    """
    pairs = parse_qsl(call.raw_query.decode("utf-8"), keep_blank_values=True)
    modes: dict[str, Literal["like", "exact"]] = {}
    wanted: list[tuple[str, str]] = []
    joint = case_sensitive = False
    for name, value in pairs:
        kind, _, field = name.partition(".")
        if kind == "search":
            wanted.append((_column(field, fields), value))
        elif kind == "mode":
            if value not in _MODES:
                raise StrangeInput(f"The search mode `{value[:32]}` is not offered.")
            modes[_column(field, fields)] = _MODES[value]
        elif name in ("joint", "jointMode"):
            if value not in ("and", "or"):
                raise StrangeInput("Matches are joined by `and` or by `or`.")
            joint = value == "and"
        elif name == "isCaseSensitive":
            case_sensitive = is_yes(value)
    if len(wanted) > MAX_MATCHES:
        raise StrangeInput(f"At most {MAX_MATCHES} values can be looked for at once.")
    matches = []
    for column, value in wanted:
        mode = modes.get(column) or modes.get("", "like")
        if not value:
            raise StrangeInput("There is nothing to look for in an empty text.")
        columns = (column,) if column else tuple(fields)
        matches.append(Match(columns, value, mode, case_sensitive))
    return Search(tuple(matches), joint) if matches else None


def _column(field: str, fields: Sequence[str]) -> str:
    column = _CAPITAL.sub(r"_\1", field).lower()
    if column and column not in fields:
        raise StrangeInput(f"The field `{field[:64]}` cannot be searched.")
    return column
