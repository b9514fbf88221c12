"""From the database to the engine: domain events become occurrences that webhooks hear of.

A change and its event are committed together; the relay takes the event from there. It claims a
few at a time, so that one relay is busy with an event, announces each, and deletes what was
announced. If it dies in between, its claim runs out and another relay begins again; announcing is
idempotent, so nothing is lost and nothing is posted twice. What no hook listens to is deleted as
it is claimed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from gatehouse.actors.webhooks import Occurrence, announce, hook_event
from gatehouse.engine.errors import EngineError
from gatehouse.storage.errors import StorageError
from gatehouse.storage.events import DomainEvents
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.records import DomainEvent

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

BATCH = 100
"""Events claimed at once; they are announced well before the claim runs out."""

LEASE_MS = 60_000
"""How long a claim lasts."""

POLL_S = 2.0
"""How often to look for events that another process has left behind."""

_logger = logging.getLogger(__name__)


class Relay:
    """What passes the events of one tenant on, in one process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stirred = trio.Event()
        core.db.listen(self._on_events)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Pass events on until cancelled."""
        task_status.started()
        core = self._core
        while True:
            try:
                if self._stirred.is_set() or await core.db.read(_any_waiting, core.tenant_id):
                    self._stirred = trio.Event()
                    while await self.pass_on():
                        pass
            except (StorageError, EngineError) as error:
                _logger.warning("events are passed on later: %s", type(error).__name__)
                await trio.sleep(POLL_S)
            with trio.move_on_after(POLL_S):
                await self._stirred.wait()

    async def pass_on(self) -> bool:
        """Pass on a batch; returns whether there may be more. Raises Storage-, EngineError."""
        core = self._core
        count, heard = await core.db.write(_claim, core.tenant_id)
        done: list[str] = []
        left = [event.id for event in heard]
        try:
            for event in heard:
                if await self._announce(event):
                    done.append(event.id)
                left.remove(event.id)
        finally:
            if heard:
                # Cancelled or not, what was announced is settled; failing that, it is announced
                # again, which changes nothing.
                with trio.CancelScope(shield=True):
                    await core.db.write(_settle, core.tenant_id, done, left)
        return count == BATCH

    async def _announce(self, event: DomainEvent) -> bool:
        """Announce one event. One that cannot be told of must not hold up the others: it stays
        claimed, so that it is tried again, and noticed, about once a minute."""
        try:
            await announce(self._core, _occurrence(event))
        except (StorageError, EngineError):
            raise
        except Exception:
            _logger.exception("event %s (%s) cannot be passed on", event.id, event.type)
            return False
        return True

    def _on_events(self, events: Sequence[DomainEvent]) -> None:
        self._stirred.set()


def _occurrence(event: DomainEvent) -> Occurrence:
    return Occurrence(
        id=event.id,
        tenant_id=event.tenant_id,
        event=hook_event(event.type),
        created_at=event.created_at,
        facts=event.payload,
    )


def _any_waiting(tx: Transaction, tenant_id: str) -> bool:
    return DomainEvents(tx, tenant_id).any_waiting()


def _claim(tx: Transaction, tenant_id: str) -> tuple[int, list[DomainEvent]]:
    """Claim a batch: how many there were, and those that somebody listens to."""
    events = DomainEvents(tx, tenant_id)
    claimed = events.claim(LEASE_MS, BATCH)
    wanted = Hooks(tx, tenant_id).events() if claimed else frozenset()
    heard = [event for event in claimed if hook_event(event.type) in wanted]
    events.settle([event.id for event in claimed if event not in heard])
    return len(claimed), heard


def _settle(tx: Transaction, tenant_id: str, done: list[str], left: list[str]) -> None:
    events = DomainEvents(tx, tenant_id)
    events.settle(done)
    events.release(left)
