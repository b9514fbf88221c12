"""Who is at work on which actor in this node, and what the node remembers of the others.

Turns on one actor wait for each other in the order they came: they would only make each other
lose at the commit. An actor with a turn in flight is *active* and its mailbox is the queue of
tasks behind it. An actor at rest is *idle*: its last state is remembered, least recently used
first to be forgotten. Remembering is never trusted; every answer is checked against Redis.

There is no lock: trio runs one task at a time, and being in the table of active actors is the lock.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any, Final

import trio

from gatehouse.engine.codec import HEADER, STAMP, decoder_of, version_and_expiry
from gatehouse.engine.errors import EngineError

OVERHEAD: Final = 1000
"""What remembering an actor costs beside its encoded state, in bytes, roughly."""


class Resident:
    """What this node knows of one actor: its last state here and the tasks that wait for it."""

    __slots__ = (
        "expires_at",
        "header",
        "key",
        "kind",
        "partition",
        "state",
        "version",
        "waiting",
        "weight",
    )

    def __init__(self, kind: Any, partition: int, key: str) -> None:
        self.kind = kind
        self.partition = partition
        self.key = key
        self.waiting: deque[trio.lowlevel.Task] = deque()
        self._forget()

    def _forget(self) -> None:
        self.weight = OVERHEAD
        self.header = b""
        self.version = 0
        self.expires_at = 0
        self.state: Any = None

    def load(self, value: bytes | None) -> None:
        """Take over what Redis has stored; `None` where it has nothing.

        Raises `EngineError` if it is not a value of this kind of actor.
        """
        if value is None:
            self._forget()
            return
        if value[:STAMP] == self.header[:STAMP]:
            return
        try:
            version, expires_at = version_and_expiry(value)
            state = decoder_of(self.kind.state).decode(value[HEADER:]) if value[HEADER:] else None
        except Exception as error:
            self._forget()
            raise EngineError(f"the stored {self.kind.name} cannot be read") from error
        self.header = value[:HEADER]
        self.version, self.expires_at, self.state = version, expires_at, state
        self.weight = OVERHEAD + len(value)

    def matches(self, value: bytes | None) -> bool:
        """Whether this is the value the remembered state came from."""
        return (value or b"")[:STAMP] == self.header[:STAMP]

    async def wait(self) -> None:
        """Wait behind the turns in flight; whoever returns from here owns the actor."""
        task, waiting = trio.lowlevel.current_task(), self.waiting

        def leave(_: Any) -> trio.lowlevel.Abort:
            waiting.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        waiting.append(task)
        await trio.lowlevel.wait_task_rescheduled(leave)


class Residents:
    """All actors this node knows: `active` ones have a turn in flight, `idle` ones have none.

    `limit` bounds what idle actors may weigh, in bytes; 0 remembers none.
    """

    __slots__ = ("active", "idle", "limit", "weight")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.weight = 0
        self.active: dict[str, Resident] = {}
        self.idle: OrderedDict[str, Resident] = OrderedDict()

    def find(self, key: str) -> Resident | None:
        """The actor as it is remembered."""
        return self.active.get(key) or self.idle.get(key)

    def claim(self, kind: Any, partition: int, key: str) -> Resident:
        """The actor, which must not be active; it is from now on, until `rest`."""
        resident = self.idle.pop(key, None)
        if resident is None:
            resident = Resident(kind, partition, key)
        else:
            self.weight -= resident.weight
        self.active[key] = resident
        return resident

    def rest(self, resident: Resident) -> None:
        """The turn is over: the next task in the mailbox owns the actor, or it becomes idle."""
        if resident.waiting:
            trio.lowlevel.reschedule(resident.waiting.popleft())
            return
        del self.active[resident.key]
        if not resident.header:
            return  # absence is not worth remembering: it is what an unknown actor is taken for
        self.idle[resident.key] = resident
        self.weight += resident.weight
        while self.weight > self.limit:
            self.weight -= self.idle.popitem(last=False)[1].weight
