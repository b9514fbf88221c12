"""Totals of large lists, remembered for some seconds by each connection that reads.

To count a million rows takes a tenth of a second even in an index, and a page of a list says each
time how many there are. Nobody needs that to the last one: a total of many may be a little old.
What is less is always counted, and so it is by units that write.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

MANY = 10_000
"""From how many on a total is remembered."""
KEPT_MS = 5_000
"""For how long."""
MAX_KEPT = 64
"""How many are remembered."""


class Totals:
    """What one connection has counted."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[int, int]] = {}

    def get(self, what: Hashable, now: int, count: Callable[[], int]) -> int:
        """The total of a list, counted unless it is remembered. `now` is in milliseconds."""
        total, until = self._kept.get(what, (0, 0))
        if until > now:
            return total
        total = count()
        self._kept.pop(what, None)
        if total >= MANY:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[what] = (total, now + KEPT_MS)
        return total
