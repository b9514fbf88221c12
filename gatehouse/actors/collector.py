"""Notes that nobody waits for: collected while requests are answered, stored a moment later.

A token must not wait for statistics, nor for the line in the log that says it was given out. What
is noted is stored about once a second, many at a time. If the process dies, the last second is
lost: whatever must not be lost leaves with a turn instead, as an effect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from gatehouse.storage.errors import Busy, Unavailable

if TYPE_CHECKING:
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

T = TypeVar("T")

PAUSE_S = 1.0
"""How long to collect before storing."""

BATCH = 1000
"""Notes stored at once; bounds how long others wait for the database."""

FAREWELL_S = 2.0
"""What storing the last notes may take when the process stops."""

_logger = logging.getLogger(__name__)


class Collector(Generic[T]):
    """The notes of one kind in one process, `most` of them while the database is away."""

    def __init__(
        self, db: Database, store: Callable[[Transaction, list[T]], None], most: int
    ) -> None:
        self._db = db
        self._write = store
        self._most = most
        self._waiting: list[T] = []
        self._lost = 0
        self._stirred = trio.Event()

    def note(self, item: T) -> bool:
        """Have this stored soon. False, and it is not noted, if too much waits already."""
        if len(self._waiting) >= self._most:
            self._lost += 1
            return False
        self._waiting.append(item)
        self._stirred.set()
        return True

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
        size = BATCH
        while self._waiting:
            batch = self._waiting[:size]
            try:
                await self._db.write(self._write, batch)
            except (Busy, Unavailable) as error:
                _logger.warning("notes are stored later: %s", type(error).__name__)
                self._stirred.set()
                return
            except Exception:
                if size > 1:  # which of them it is, shows one by one
                    size = 1
                    continue
                _logger.exception("a note cannot be stored")
            del self._waiting[: len(batch)]
        if self._lost:
            _logger.warning("%d notes were lost while the database was away", self._lost)
            self._lost = 0
