"""Logto's search parameters: `search`, `search.<field>`, `mode`, `mode.<field>`, `joint`,
`isCaseSensitive`.

Every `search` adds a match, of one value or, where it is looked for exactly, of any of several.
Without a field it looks through all of them; how it compares is said by the mode of its field, else
by `mode`, else it is `like`, with SQL's wildcards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from gatehouse.http.call import Call
from gatehouse.http.logto.errors import StrangeInput
from gatehouse.http.wire import is_yes
from gatehouse.storage.patterns import PatternRefused, linear_pattern, regular
from gatehouse.storage.search import MAX_MATCHES, Match, Mode, Search

_MODES: dict[str, Mode] = {
    "like": "like",
    "exact": "exact",
    "similar_to": "similar_to",
    "posix": "posix",
}
_CAPITAL = re.compile(r"(?<!^)([A-Z])")


def search_of(call: Call[Any, Any], fields: Sequence[str]) -> Search | None:
    """What the query string looks for in these fields, if anything.

    Raises StrangeInput for what Logto refuses: a field or a mode that there is not, an empty
    value, several values that are not looked for exactly, `similar_to` without regard to case;
    and for a pattern that is not well-formed or could not be matched in linear time.
    """
    pairs = parse_qsl(call.raw_query.decode("utf-8"), keep_blank_values=True)
    modes: dict[str, Mode] = {}
    wanted: dict[str, list[str]] = {}
    joint = case_sensitive = False
    for name, value in pairs:
        kind, _, field = name.partition(".")
        if kind == "search":
            wanted.setdefault(_column(field, fields), []).append(value)
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
    if sum(map(len, wanted.values())) > MAX_MATCHES:
        raise StrangeInput(f"At most {MAX_MATCHES} values can be looked for at once.")
    matches = []
    for column, values in wanted.items():
        mode = modes.get(column) or modes.get("", "like")
        _check(values, mode, case_sensitive)
        columns = (column,) if column else tuple(fields)
        matches.append(Match(columns, values[0], mode, case_sensitive, tuple(values[1:])))
    return Search(tuple(matches), joint) if matches else None


def _check(values: Sequence[str], mode: Mode, case_sensitive: bool) -> None:
    if not all(values):
        raise StrangeInput("There is nothing to look for in an empty text.")
    if mode != "exact" and len(values) > 1:
        raise StrangeInput("Several values can be looked for exactly alone.")
    if mode == "similar_to" and not case_sensitive:
        raise StrangeInput("`similar_to` needs `isCaseSensitive`.")
    if mode in ("similar_to", "posix"):
        try:
            linear_pattern(regular(values[0]) if mode == "similar_to" else values[0])
        except PatternRefused as refusal:
            raise StrangeInput(f"The pattern cannot be used: it is {refusal}.") from None


def _column(field: str, fields: Sequence[str]) -> str:
    column = _CAPITAL.sub(r"_\1", field).lower()
    if column and column not in fields:
        raise StrangeInput(f"The field `{field[:64]}` cannot be searched.")
    return column
