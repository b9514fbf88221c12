"""Regular expressions that others write: matched in time linear in the text, or refused.

A backtracking engine lets `(a+)+$` run for years. RE2 never does; what it cannot promise that for
(look-around, back-references) it does not compile.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol, cast

import re2

MAX_PATTERN_LENGTH = 512
"""Characters of a pattern."""
MAX_PROGRAM_BYTES = 1024 * 1024
"""What RE2 may spend on one pattern, so that `(a{1000}){1000}` does not compile."""
KEPT_PATTERNS = 256
"""Patterns that are kept compiled."""


_SIMILAR = {"%": ".*", "_": ".", ".": r"\.", "^": r"\^", "$": r"\$"}
"""What means something else in `SIMILAR TO` than in a regular expression (SQL:2016, 8.6)."""


class PatternRefused(ValueError):  # noqa: N818 - it reads as what happened
    """A pattern that is not well-formed, too large, or not linear."""


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """What matches somewhere in the text, or None."""

    def fullmatch(self, text: str) -> object | None:
        """What matches the whole text, or None."""


def regular(pattern: str) -> str:
    """SQL's `SIMILAR TO` pattern as a regular expression for the whole text.

    Raises `PatternRefused` for one that ends in an escape.
    """
    written, literal, in_set = [], False, False
    for char in pattern:
        if literal:
            written.append(re.escape(char))
            literal = False
        elif char == "\\":
            literal = True
        elif in_set:
            in_set = char != "]"
            written.append(char)
        else:
            in_set = char == "["
            written.append(_SIMILAR.get(char, char))
    if literal:
        raise PatternRefused("ends in an escape")
    return f"^(?:{''.join(written)})$"


@lru_cache(maxsize=KEPT_PATTERNS)
def linear_pattern(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """The pattern, compiled. Raises `PatternRefused`."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise PatternRefused(f"longer than {MAX_PATTERN_LENGTH} characters")
    options: Any = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PROGRAM_BYTES
    options.case_sensitive = not ignore_case
    try:
        return cast(Pattern, re2.compile(pattern, options))
    except (re2.error, UnicodeError) as error:
        raise PatternRefused("not a pattern that can be matched in linear time") from error
