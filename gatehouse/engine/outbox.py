"""Effects on their way into the world, and timers on their way to become effects.

A commit leaves effects in the outbox of its partition. Every node drains every partition: a moment
after it committed there itself, so that what comes together is taken together, and about once a
second otherwise, which also fires the timers that are due. It never blocks in Redis, so the shared
connection stays free and Cluster is no special case. A consumer group hands each effect to one
node; an effect whose node died is claimed by another. A handler that raises gets the effect again
later, under the same id, waiting as a timer meanwhile; after the last attempt it becomes a dead
letter for an operator to look at.

Delivery is at least once. A receiver that must act once drops the ids it has seen.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
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
from gatehouse.engine.redis import Call, Redis, Script
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
GroupHandler = Callable[[Sequence[Delivery]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """How hard to try. Times in ms.

    The pause after a failure doubles from `first_pause` up to `longest_pause`. With the default
    that is twelve attempts over about an hour. A handler is cancelled after `handler_time`; an
    effect that a node has held for `claim_after` is taken from it, so that must be longer. After a
    commit, a node waits for `linger` before it takes the effects.
    """

    attempts: int = 12
    first_pause: int = 1_000
    longest_pause: int = 900_000
    handler_time: int = 30_000
    claim_after: int = 45_000
    poll: int = 1_000
    linger: int = 50

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
    delivery: Delivery
    packed: bytes

    @property
    def failures(self) -> int:
        """How often it was delivered in vain before."""
        return self.delivery.attempt - 1


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
        self._handlers: dict[str, GroupHandler] = {}
        self._group_kinds: set[str] = set()
        self._stirred: set[int] = set()
        self._bell = trio.Event()
        self._at_work = 0
        self._finished = trio.lowlevel.ParkingLot()

    def on_effect(self, kind: str, handler: Handler) -> None:
        """See `Engine.on_effect`."""

        async def handle(group: Sequence[Delivery]) -> None:
            for delivery in group:
                await handler(delivery)

        self._register(kind, handle)

    def on_effects(self, kind: str, handler: GroupHandler) -> None:
        """See `Engine.on_effects`."""
        self._register(kind, handler)
        self._group_kinds.add(kind)

    def _register(self, kind: str, handler: GroupHandler) -> None:
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
            await trio.sleep(self._policy.linger / 1000)
            self._bell = trio.Event()
            partitions, self._stirred = list(self._stirred), set()
            await self._drain(partitions, deliveries)

    async def _drain(self, partitions: list[int], deliveries: trio.Nursery) -> None:
        """Fire the timers that are due and take all effects there are."""
        while partitions:
            now, share = await self._portion(partitions)
            partitions = partitions[len(now) :]
            args = (self._clock(), BATCH, GROUP, self._node, share)
            calls = [((due_key(one), timers_key(one), outbox_key(one)), args) for one in now]
            taken: list[_Held] = []
            for partition, (fired, entries) in await self._take(DRAIN, now, calls, share):
                if fired:
                    self._observer.timers_fired(fired)
                taken += (self._held(partition, entry, fields, 0) for entry, fields in entries)
                if fired == BATCH or len(entries) == share:
                    partitions.append(partition)
            self._hand_out(taken, deliveries)

    async def _claim_regularly(self, deliveries: trio.Nursery) -> None:
        pause = min(CLAIM_SECONDS, self._policy.claim_after / 1000)
        while True:
            await trio.sleep(pause)
            await self._claim(deliveries)

    async def _claim(self, deliveries: trio.Nursery) -> None:
        """Take over what nodes hold that died."""
        partitions = list(range(PARTITIONS))
        while partitions:
            now, share = await self._portion(partitions)
            partitions = partitions[len(now) :]
            args = (GROUP, self._node, self._policy.claim_after, share, FORGET_AFTER)
            calls = [((outbox_key(one),), args) for one in now]
            taken: list[_Held] = []
            for partition, entries in await self._take(CLAIM, now, calls, share):
                taken += (self._held(partition, *entry) for entry in entries)
            self._hand_out(taken, deliveries)

    async def _portion(self, partitions: list[int]) -> tuple[list[int], int]:
        """The first of these partitions, and how many effects each may give; waits for room."""
        while (room := DELIVERIES - self._at_work) < 1:
            await self._finished.park()
        portion = partitions[:room]
        return portion, min(room // len(portion), BATCH)

    async def _take(
        self, script: Script, partitions: Sequence[int], calls: Sequence[Call], share: int
    ) -> list[tuple[int, Any]]:
        """Run a script that takes effects; its answer in each partition where there is one.

        What an error leaves undone, the next poll finds. A node that stops still awaits the
        answers, and the caller hands out what was taken before it does anything else: it would
        otherwise lie with this node until `claim_after`.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        expected = share * len(partitions)
        self._at_work += expected
        try:
            with trio.CancelScope(shield=True):
                answers = await self._redis.eval_each(script, calls)
        except EngineError as error:
            answers = [error] * len(calls)
        finally:
            self._leave(expected)
        good = []
        away: EngineError | None = None
        for partition, answer in zip(partitions, answers, strict=True):
            if isinstance(answer, EngineError):
                away = answer
            elif isinstance(answer, Exception):
                name = type(answer).__name__
                _logger.error("the outbox of partition %d cannot be worked on: %s", partition, name)
            else:
                good.append((partition, answer))
        if away is not None:
            _logger.warning("the outbox waits for Redis: %s", type(away).__name__)
        return good

    async def _measure_regularly(self) -> None:
        while True:
            try:
                await self._measure()
            except (EngineError, RedisError) as error:
                _logger.debug("the backlog is not known: %s", type(error).__name__)
            await trio.sleep(MEASURE_SECONDS)

    async def _measure(self) -> None:
        """Tell the observer of what waits in all partitions: also what no node consumes."""
        calls = [((outbox_key(one), dead_key(one)), ()) for one in range(PARTITIONS)]
        waiting = dead = 0
        births = []
        for answer in await self._redis.eval_each(BACKLOG, calls):
            if isinstance(answer, Exception):
                raise answer
            count, oldest, letters = answer
            waiting += count
            dead += letters
            if oldest:
                births.append(_born_at(oldest))
        age = max(self._clock() - min(births), 0) / 1000 if births else 0.0
        self._observer.outbox_backlog(waiting, age, dead)

    def _held(
        self, partition: int, entry: bytes, fields: Sequence[bytes], deliveries_before: int
    ) -> _Held:
        """An effect that was just taken."""
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        id = named[b"i"].decode() if b"i" in named else f"{partition:02d}-{entry.decode()}"
        failures = int(named.get(b"n", 0)) + deliveries_before
        if failures == 0:
            self._observer.outbox_lag(max(self._clock() - _born_at(entry), 0) / 1000)
        packed = named[b"e"]
        kind, body = unpack_effect(packed)
        return _Held(partition, entry, Delivery(id, kind, body, failures + 1), packed)

    def _hand_out(self, taken: Sequence[_Held], deliveries: trio.Nursery) -> None:
        """Start the handlers."""
        self._at_work += len(taken)
        groups = defaultdict(list)
        for held in taken:
            kind = held.delivery.kind
            if kind in self._group_kinds and held.failures < self._policy.attempts:
                groups[kind].append(held)
            else:
                deliveries.start_soon(self._work_on, kind, [held])
        for kind, group in groups.items():
            deliveries.start_soon(self._work_on, kind, group)

    def _leave(self, count: int) -> None:
        self._at_work -= count
        self._finished.unpark_all()

    async def _work_on(self, kind: str, group: list[_Held]) -> None:
        try:
            await self._deliver(kind, group)
        finally:
            self._leave(len(group))

    async def _deliver(self, kind: str, group: list[_Held]) -> None:
        first = group[0]
        if first.failures >= self._policy.attempts:
            # Each time, the node that held it died.
            await self._bury(first, kind, first.failures, "abandoned")
            return
        try:
            handler = self._handlers[kind]
            with trio.fail_after(self._policy.handler_time / 1000):
                await handler([held.delivery for held in group])
        except Exception as error:
            if len(group) == 1:
                await self._fail(first, kind, error)
                return
            # One may be at fault: the others must not fail with it.
            async with trio.open_nursery() as nursery:
                for held in group:
                    nursery.start_soon(self._deliver, kind, [held])
            return
        entries: defaultdict[int, list[Argument]] = defaultdict(list)
        for held in group:
            self._observer.effect_delivered(kind)
            entries[held.partition].append(held.entry)
        await self._settle(
            DELIVERED,
            [((outbox_key(one),), (GROUP, *delivered)) for one, delivered in entries.items()],
        )

    async def _fail(self, held: _Held, kind: str, error: Exception) -> None:
        failures = held.failures + 1
        # The error's own words may quote the effect, and that may be a secret.
        reason = type(error).__name__
        _logger.warning(
            "effect %s (%s) failed %d times: %s", held.delivery.id, kind, failures, reason
        )
        if failures >= self._policy.attempts:
            await self._bury(held, kind, failures, reason)
            return
        self._observer.effect_failed(kind)
        keys = [outbox_key(held.partition), due_key(held.partition), timers_key(held.partition)]
        member = f"retry\0{held.delivery.id}\0{failures}"
        due_at = self._clock() + self._policy.pause(failures)
        args = (GROUP, held.entry, member, due_at, held.packed)
        await self._settle(POSTPONE, [(keys, args)])

    async def _bury(self, held: _Held, kind: str, failures: int, reason: str) -> None:
        self._observer.effect_dead(kind)
        _logger.error("effect %s (%s) is a dead letter: %s", held.delivery.id, kind, reason)
        keys = [outbox_key(held.partition), dead_key(held.partition)]
        id = held.delivery.id
        args = (GROUP, held.entry, DEAD_LETTERS, held.packed, id, failures, reason)
        await self._settle(BURY, [(keys, args)])

    async def _settle(self, script: Script, calls: Sequence[Call]) -> None:
        """Tell Redis what became of effects. All three scripts may be repeated harmlessly.

        If Redis stays away, the effects stay pending with this node and are claimed in time:
        delivered once more, never lost.
        """
        for pause in (0.05, 0.2, 1.0, 3.0):
            try:
                answers = await self._redis.eval_each(script, calls)
            except EngineError:
                await trio.sleep(pause)
                continue
            if not any(isinstance(answer, Exception) for answer in answers):
                return
            await trio.sleep(pause)
        _logger.warning("effects were handled, but Redis could not be told")


def _born_at(entry: bytes) -> int:
    """When an entry of a stream was added, by Redis' clock; ms since the epoch."""
    return int(entry.partition(b"-")[0])
