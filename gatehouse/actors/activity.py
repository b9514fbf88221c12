"""Who was active today: noted while tokens are issued, each person once a day.

Whoever was in the last second of a process that died is noted with their next token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from gatehouse.actors.collector import Collector
from gatehouse.storage.census import Census, day_of

if TYPE_CHECKING:
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

MAX_KNOWN = 200_000
"""People of a day who are remembered, at some 100 bytes each. Of more, some are stored again,
which changes nothing; while the database is away, they are not noted."""


class Activity:
    """The notes of one tenant in one process."""

    def __init__(self, tenant_id: str, db: Database, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._day = 0
        self._known: set[str] = set()

        def store(tx: Transaction, batch: list[tuple[int, str]]) -> None:
            Census(tx, tenant_id).note_active(batch)

        self._notes: Collector[tuple[int, str]] = Collector(db, store, MAX_KNOWN)

    def saw(self, user_id: str) -> None:
        """Note that this person was active just now."""
        day = day_of(self._clock())
        if day != self._day or len(self._known) >= MAX_KNOWN:
            self._day = day
            self._known.clear()
        if user_id not in self._known and self._notes.note((day, user_id)):
            self._known.add(user_id)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Store what is noted until cancelled, and then what is left."""
        await self._notes.run(task_status=task_status)
