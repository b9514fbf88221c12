"""Effects on their way into the world, and timers on their way to become effects.

A commit leaves effects in the outbox of its partition. Every node drains every partition: at once
where it committed itself, and about once a second otherwise, which also fires the timers that
are due. It never blocks in Redis, so the shared connection stays free and Cluster is no special
case. A consumer group hands each effect to one node; an effect whose node died is claimed by
another. A handler that raises gets the effect again later, under the same id, waiting as a timer
meanwhile; after the last attempt it becomes a dead letter for an operator to look at.

Delivery is at least once. A receiver that must act once drops the ids it has seen.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import trio
from redis.exceptions import RedisError

from gatehouse.engine.codec import (
    PARTITIONS,
    dead_key,
    due_key,
    outbox_key,
    timers_key,
    unpack_effect,
)
from gatehouse.engine.errors import EngineError
from gatehouse.engine.observer import Observer
from gatehouse.engine.outbox_scripts import (
    BACKLOG,
    BURY,
    CLAIM,
    DELIVERED,
    DRAIN,
    GROUP,
    POSTPONE,
)
from gatehouse.engine.redis import Redis, Script
from gatehouse.engine.wire import Argument

_logger = logging.getLogger(__name__)

DELIVERIES: Final = 256
"""Handlers at work at once in one node. No effect is taken from Redis before one can start on it,
so none waits here while another node is free."""

BATCH: Final = 64
"""Effects or timers moved by one script; bounds how long it holds up Redis."""

DEAD_LETTERS: Final = 10_000
"""Dead letters kept in each partition, newest first to stay; roughly."""

CLAIM_SECONDS: Final = 5.0
"""How often a node looks for effects of dead nodes."""

MEASURE_SECONDS: Final = 5.0
"""How often a node looks at how much waits, whoever is to deliver it."""

FORGET_AFTER: Final = 3_600_000
"""ms after which a consumer that holds nothing and was not heard of is removed from its group."""

FAREWELL_SECONDS: Final = 5.0
"""What handlers at work get to finish when the node stops."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An effect, as its handler gets it.

    `id` is the same each time the effect is delivered and never that of another. `attempt` counts
    from 1; an attempt may be skipped if a node died before it began.
    """

    id: str
    kind: str
    body: bytes
    attempt: int


Handler = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """How hard to try. Times in ms.

    The pause after a failure doubles from `first_pause` up to `longest_pause`. With the default
    that is twelve attempts over about an hour. A handler is cancelled after `handler_time`; an
    effect that a node has held for `claim_after` is taken from it, so that must be longer.
    """

    attempts: int = 12
    first_pause: int = 1_000
    longest_pause: int = 900_000
    handler_time: int = 30_000
    claim_after: int = 45_000
    poll: int = 1_000

    def __post_init__(self) -> None:
        if self.claim_after <= self.handler_time:
            raise ValueError("an effect must not be claimed while its handler may be at work")

    def pause(self, failures: int) -> int:
        """What to wait after so many failures; random by a quarter, so that they spread."""
        pause = min(self.first_pause << min(failures - 1, 32), self.longest_pause)
        return round(pause * random.uniform(0.75, 1))


@dataclass(frozen=True, slots=True)
class _Held:
    """An effect this node has taken from the outbox and must settle."""

    partition: int
    entry: bytes
    id: str
    packed: bytes
    failures: int


class Outbox:
    """What delivers effects in one node."""

    def __init__(
        self,
        redis: Redis,
        *,
        node: str,
        observer: Observer,
        clock: Callable[[], int],
        policy: OutboxPolicy,
    ) -> None:
        self._redis = redis
        self._node = node
        self._observer = observer
        self._clock = clock
        self._policy = policy
        self._handlers: dict[str, Handler] = {}
        self._stirred: set[int] = set()
        self._bell = trio.Event()
        self._at_work = 0
        self._finished = trio.lowlevel.ParkingLot()

    def on_effect(self, kind: str, handler: Handler) -> None:
        """See `Engine.on_effect`."""
        if kind in self._handlers:
            raise ValueError(f"effects of kind {kind} have a handler already")
        self._handlers[kind] = handler

    def wake(self, partition: int) -> None:
        """Something was committed to this partition's outbox."""
        self._stirred.add(partition)
        self._bell.set()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """See `Engine.run`."""
        async with trio.open_nursery() as nursery:
            stopping = trio.Event()
            deliveries = await nursery.start(self._hold_deliveries, stopping)
            try:
                async with trio.open_nursery() as loops:
                    loops.start_soon(self._drain_stirred, deliveries)
                    loops.start_soon(self._claim_regularly, deliveries)
                    loops.start_soon(self._measure_regularly)
                    task_status.started()
                    while True:
                        self._stirred.update(range(PARTITIONS))
                        self._bell.set()
                        await trio.sleep(self._policy.poll / 1000)
            finally:
                stopping.set()

    async def _hold_deliveries(
        self, stopping: trio.Event, task_status: trio.TaskStatus[trio.Nursery]
    ) -> None:
        """The nursery of handlers at work: it outlives the loops that feed it by a moment."""
        with trio.CancelScope(shield=True) as scope:
            async with trio.open_nursery() as deliveries:
                task_status.started(deliveries)
                await stopping.wait()
                scope.deadline = trio.current_time() + FAREWELL_SECONDS

    async def _drain_stirred(self, deliveries: trio.Nursery) -> None:
        while True:
            await self._bell.wait()
            self._bell = trio.Event()
            partitions, self._stirred = self._stirred, set()
            await self._each(partitions, self._drain, deliveries)

    async def _each(
        self,
        partitions: Iterable[int],
        work: Callable[[int, trio.Nursery], Awaitable[None]],
        deliveries: trio.Nursery,
    ) -> None:
        """Do `work` in each partition; what an error leaves undone is found by the next poll."""
        for partition in partitions:
            try:
                await work(partition, deliveries)
            except EngineError as error:
                _logger.warning("the outbox waits for Redis: %s", type(error).__name__)
                await trio.sleep(self._policy.poll / 1000)
                return
            except RedisError:
                _logger.exception("the outbox of partition %d cannot be worked on", partition)

    async def _drain(self, partition: int, deliveries: trio.Nursery) -> None:
        """Take all there is in one partition."""
        keys = [due_key(partition), timers_key(partition), outbox_key(partition)]
        while True:
            room = await self._room()
            args = (self._clock(), BATCH, GROUP, self._node, room)
            fired, entries = await self._take(DRAIN, keys, args)
            if fired:
                self._observer.timers_fired(fired)
            for entry, fields in entries:
                self._begin(partition, entry, fields, 0, deliveries)
            if fired < BATCH and len(entries) < room:
                return

    async def _claim_regularly(self, deliveries: trio.Nursery) -> None:
        pause = min(CLAIM_SECONDS, self._policy.claim_after / 1000)
        while True:
            await trio.sleep(pause)
            await self._each(range(PARTITIONS), self._claim, deliveries)

    async def _claim(self, partition: int, deliveries: trio.Nursery) -> None:
        args = (GROUP, self._node, self._policy.claim_after, await self._room(), FORGET_AFTER)
        for entry, fields, held in await self._take(CLAIM, [outbox_key(partition)], args):
            self._begin(partition, entry, fields, held, deliveries)

    async def _take(self, script: Script, keys: list[str], args: Sequence[Argument]) -> Any:
        """Run a script that takes effects.

        A node that stops still awaits the answer and starts the handlers: what it has taken would
        otherwise lie with it until `claim_after`.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):
            return await self._redis.eval(script, keys, args)

    async def _measure_regularly(self) -> None:
        while True:
            try:
                await self._measure()
            except (EngineError, RedisError) as error:
                _logger.debug("the backlog is not known: %s", type(error).__name__)
            await trio.sleep(MEASURE_SECONDS)

    async def _measure(self) -> None:
        """Tell the observer of what waits in all partitions: also what no node consumes."""
        waiting = dead = 0
        births = []
        for partition in range(PARTITIONS):
            keys = [outbox_key(partition), dead_key(partition)]
            count, oldest, letters = await self._redis.eval(BACKLOG, keys)
            waiting += count
            dead += letters
            if oldest:
                births.append(_born_at(oldest))
        age = max(self._clock() - min(births), 0) / 1000 if births else 0.0
        self._observer.outbox_backlog(waiting, age, dead)

    async def _room(self) -> int:
        """How many effects may be taken now; waits until it is one at least."""
        while self._at_work >= DELIVERIES:
            await self._finished.park()
        return min(DELIVERIES - self._at_work, BATCH)

    def _begin(
        self,
        partition: int,
        entry: bytes,
        fields: Sequence[bytes],
        deliveries_before: int,
        deliveries: trio.Nursery,
    ) -> None:
        """Start a handler for an effect that was just taken."""
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        id = named[b"i"].decode() if b"i" in named else f"{partition:02d}-{entry.decode()}"
        failures = int(named.get(b"n", 0)) + deliveries_before
        if failures == 0:
            self._observer.outbox_lag(max(self._clock() - _born_at(entry), 0) / 1000)
        self._at_work += 1
        held = _Held(partition, entry, id, named[b"e"], failures)
        deliveries.start_soon(self._work_on, held)

    async def _work_on(self, held: _Held) -> None:
        try:
            await self._deliver(held)
        finally:
            self._at_work -= 1
            self._finished.unpark()

    async def _deliver(self, held: _Held) -> None:
        kind, body = unpack_effect(held.packed)
        if held.failures >= self._policy.attempts:
            # Each time, the node that held it died.
            await self._bury(held, kind, held.failures, "abandoned")
            return
        try:
            handler = self._handlers[kind]
            with trio.fail_after(self._policy.handler_time / 1000):
                await handler(Delivery(held.id, kind, body, held.failures + 1))
        except Exception as error:
            await self._fail(held, kind, error)
            return
        self._observer.effect_delivered(kind)
        await self._settle(DELIVERED, [outbox_key(held.partition)], [GROUP, held.entry])

    async def _fail(self, held: _Held, kind: str, error: Exception) -> None:
        failures = held.failures + 1
        # The error's own words may quote the effect, and that may be a secret.
        reason = type(error).__name__
        _logger.warning("effect %s (%s) failed %d times: %s", held.id, kind, failures, reason)
        if failures >= self._policy.attempts:
            await self._bury(held, kind, failures, reason)
            return
        self._observer.effect_failed(kind)
        keys = [outbox_key(held.partition), due_key(held.partition), timers_key(held.partition)]
        member = f"retry\0{held.id}\0{failures}"
        due_at = self._clock() + self._policy.pause(failures)
        await self._settle(POSTPONE, keys, [GROUP, held.entry, member, due_at, held.packed])

    async def _bury(self, held: _Held, kind: str, failures: int, reason: str) -> None:
        self._observer.effect_dead(kind)
        _logger.error("effect %s (%s) is a dead letter: %s", held.id, kind, reason)
        await self._settle(
            BURY,
            [outbox_key(held.partition), dead_key(held.partition)],
            [GROUP, held.entry, DEAD_LETTERS, held.packed, held.id, failures, reason],
        )

    async def _settle(self, script: Script, keys: list[str], args: list[Argument]) -> None:
        """Tell Redis what became of an effect. All three scripts may be repeated harmlessly.

        If Redis stays away, the effect stays pending with this node and is claimed in time:
        delivered once more, never lost.
        """
        for pause in (0.05, 0.2, 1.0, 3.0):
            try:
                await self._redis.eval(script, keys, args)
            except (EngineError, RedisError):
                await trio.sleep(pause)
            else:
                return
        _logger.warning("an effect was handled, but Redis could not be told")


def _born_at(entry: bytes) -> int:
    """When an entry of a stream was added, by Redis' clock; ms since the epoch."""
    return int(entry.partition(b"-")[0])
