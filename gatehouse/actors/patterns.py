"""Regular expressions that operators write: matched in time linear in the text, or refused.

A backtracking engine lets `(a+)+$` run for years. RE2 never does; what it cannot promise that for
(look-around, back-references) it does not compile.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol, cast

import re2

MAX_PATTERN_LENGTH = 512
"""Characters of a pattern."""
MAX_PROGRAM_BYTES = 1024 * 1024
"""What RE2 may spend on one pattern, so that `(a{1000}){1000}` does not compile."""
KEPT_PATTERNS = 256
"""Patterns that are kept compiled."""


class PatternRefused(ValueError):  # noqa: N818 - it reads as what happened
    """A pattern that is not well-formed, too large, or not linear."""


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """What matches somewhere in the text, or None."""

    def fullmatch(self, text: str) -> object | None:
        """What matches the whole text, or None."""


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
