"""Who was active today: remembered while tokens are issued, stored a moment later.

A token must not wait for statistics, so who receives one is only noted, and what was noted is
stored about once a second, each person once a day. If the process dies, the last second is lost;
whoever was in it is noted with their next token.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from gatehouse.storage.census import Census, day_of
from gatehouse.storage.errors import StorageError

if TYPE_CHECKING:
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

PAUSE_S = 1.0
"""How long to collect before storing."""

BATCH = 1000
"""Rows stored at once; bounds how long others wait for the database."""

MAX_KNOWN = 200_000
"""People of a day who are remembered, at some 100 bytes each. Of more, some are stored again,
which changes nothing; while the database is away, they are not noted."""

FAREWELL_S = 2.0
"""What storing the last notes may take when the process stops."""

_logger = logging.getLogger(__name__)


class Activity:
    """The notes of one tenant in one process."""

    def __init__(self, tenant_id: str, db: Database, clock: Callable[[], int]) -> None:
        self._tenant_id = tenant_id
        self._db = db
        self._clock = clock
        self._day = 0
        self._known: set[str] = set()
        self._waiting: list[tuple[int, str]] = []
        self._stirred = trio.Event()

    def saw(self, user_id: str) -> None:
        """Note that this person was active just now."""
        day = day_of(self._clock())
        if day != self._day or len(self._known) >= MAX_KNOWN:
            self._day = day
            self._known.clear()
        if user_id not in self._known and len(self._waiting) < MAX_KNOWN:
            self._known.add(user_id)
            self._waiting.append((day, user_id))
            self._stirred.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Store what is noted until cancelled, and then what is left."""
        task_status.started()
        try:
            while True:
                await self._stirred.wait()
                self._stirred = trio.Event()
                await trio.sleep(PAUSE_S)
                await self._store()
        finally:
            with trio.move_on_after(FAREWELL_S, shield=True):
                await self._store()

    async def _store(self) -> None:
        while self._waiting:
            batch = self._waiting[:BATCH]
            try:
                await self._db.write(_note, self._tenant_id, batch)
            except StorageError as error:
                _logger.warning("who was active is stored later: %s", type(error).__name__)
                self._stirred.set()
                return
            del self._waiting[: len(batch)]


def _note(tx: Transaction, tenant_id: str, batch: list[tuple[int, str]]) -> None:
    Census(tx, tenant_id).note_active(batch)
