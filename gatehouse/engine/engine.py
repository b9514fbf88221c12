"""The engine: it takes a message to an actor and brings the reply, and owns all that is between.

A turn is decided on the state this node remembers (or on none, if it remembers nothing) and then
proven against Redis in the same round trip: a commit compares the state's stamp, and a turn that
only answers or refuses reads the value. If Redis knows better, the turn is decided again on what
Redis answered. So a reply is never older than the moment it was asked for, memory of an actor is
only ever an optimisation, and the common turn costs one round trip.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final, TypeVar, cast

import msgspec
import trio

from gatehouse.engine.actor import Address, Message, Turn
from gatehouse.engine.codec import (
    LINGER,
    STAMP,
    STATE_BYTES,
    actor_key,
    encode_state,
    next_header,
)
from gatehouse.engine.commit import COMMIT, Verdict, judge, nonces, side_args, side_keys
from gatehouse.engine.errors import (
    ConnectionLost,
    Contended,
    EngineError,
    Indeterminate,
    Overloaded,
    Unavailable,
)
from gatehouse.engine.mailbox import OVERHEAD, Resident, Residents
from gatehouse.engine.observer import Observer
from gatehouse.engine.outbox import GroupHandler, Handler, Outbox, OutboxPolicy
from gatehouse.engine.redis import Redis
from gatehouse.engine.sentinel import Sentinels
from gatehouse.engine.wire import Argument

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R")

TURNS_IN_FLIGHT: Final = 4096
"""Turns this node works on or has queued; more are refused. A few hundred saturate a core."""

MAILBOX_DEPTH: Final = 256
"""Turns that may wait for one actor here; at a round trip each, the last waits well under 1 s."""

CACHE_BYTES: Final = 64 * 1024 * 1024
"""What remembered states may weigh."""

CONFLICTS: Final = 128
"""How often a turn may lose against other nodes. With eight nodes that do nothing but turns on
one actor, a turn loses this often once in 30 million."""

SETTLE_SECONDS: Final = 5.0
"""How long to go on asking after a commit whose answer was lost. Far below `codec.LINGER`."""

SETTLE_PAUSE: Final = 0.01
"""Seconds before the first time; doubles with each, up to half a second."""


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Engine:
    """Turns, timers, effects and sentinels over one Redis.

    `node` names this process among those that share the Redis: its effects are claimed under this
    name, so two live processes must not share one. `clock` tells milliseconds since the epoch; all
    nodes' clocks should agree to within a second.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        node: str,
        observer: Observer | None = None,
        clock: Callable[[], int] = wall_clock,
        cache_bytes: int = CACHE_BYTES,
        turns_in_flight: int = TURNS_IN_FLIGHT,
        mailbox_depth: int = MAILBOX_DEPTH,
        outbox: OutboxPolicy | None = None,
    ) -> None:
        observer = observer or Observer()
        self.node = node
        self.sentinel = Sentinels(redis)
        self._redis = redis
        self._observer = observer
        self._clock = clock
        self._nonces = nonces()
        self._residents = Residents(cache_bytes)
        self._in_flight = 0
        self._turns_in_flight = turns_in_flight
        self._mailbox_depth = mailbox_depth
        self._outbox = Outbox(
            redis, node=node, observer=observer, clock=clock, policy=outbox or OutboxPolicy()
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fire timers and deliver effects until cancelled; started once effects are being drained.

        When cancelled, deliveries in progress get a moment to finish, so the link to Redis
        should be closed after this has returned.
        """
        await self._outbox.run(task_status=task_status)

    def on_effect(self, kind: str, handler: Handler) -> None:
        """Deliver effects of this kind to `handler`. Register before `run` starts.

        An exception from the handler means "later": the effect is delivered again after a while,
        under the same id, and set aside as a dead letter after the last attempt.
        """
        self._outbox.on_effect(kind, handler)

    def on_effects(self, kind: str, handler: GroupHandler) -> None:
        """Like `on_effect`, for a handler to which several effects at once are less work.

        If it raises, each of them is delivered again by itself before that counts as a failure.
        """
        self._outbox.on_effects(kind, handler)

    async def read(self, address: Address[S]) -> S | None:
        """The actor's state at this moment; `None` if there is no such actor.

        Raises `Unavailable` if Redis cannot be reached.
        """
        partition, key = actor_key(address)
        value = await self._get(key)
        residents = self._residents
        actor = residents.active.get(key)
        if actor is None:
            actor = residents.claim(address.kind, partition, key)
            try:
                actor.load(value)
            finally:
                residents.rest(actor)
        elif not actor.matches(value):
            # A turn is being decided on what is remembered; leave it alone.
            actor = Resident(address.kind, partition, key)
            actor.load(value)
        return cast("S | None", actor.state if actor.expires_at > self._clock() else None)

    async def recall(self, address: Address[S]) -> S | None:
        """The actor's state as this node remembers it, else as it is.

        Another node may have moved on from it. Good for the facts of a turn, which is proven when
        it is committed, and for nothing that is believed without one.
        """
        _, key = actor_key(address)
        actor = self._residents.find(key)
        if actor is None or actor.expires_at <= self._clock():
            return await self.read(address)
        return cast("S | None", actor.state)

    async def turn(self, address: Address[S], message: Message[S, R]) -> R:
        """Tell the actor `message` and return its reply.

        Whatever `message.apply` raises comes through unchanged, decided on the current state.

        Raises
            `Overloaded` if too much is in flight here or waiting for this actor: nothing was done;
            `Contended` if other nodes were first too many times: nothing was done;
            `Unavailable` if Redis cannot be reached: nothing was done;
            `Indeterminate` if the connection broke and it cannot be told whether it was done.
        A caller whose time is up before the turn begins is cancelled, and nothing was done; one
        that is cancelled later does not learn whether it was.
        """
        kind = address.kind
        residents = self._residents
        outcome = "failed"
        self._in_flight += 1
        try:
            self._admit()
            await trio.lowlevel.checkpoint_if_cancelled()
            partition, key = actor_key(address)
            actor = residents.active.get(key)
            if actor is None:
                actor = residents.claim(kind, partition, key)
            else:
                await self._wait(actor)
            try:
                reply, outcome = await self._decide(actor, message)
            finally:
                residents.rest(actor)
        except EngineError:
            raise
        except Exception:
            outcome = "refused"
            raise
        finally:
            self._in_flight -= 1
            self._observer.turn_finished(kind.name, outcome)
        return reply

    def _admit(self) -> None:
        if self._in_flight > self._turns_in_flight:
            raise Overloaded("this node has too many turns in flight")

    async def _wait(self, actor: Resident) -> None:
        """Wait in the mailbox until the actor is ours."""
        kind, waiting = actor.kind.name, len(actor.waiting)
        if waiting >= self._mailbox_depth:
            self._observer.mailbox_refused(kind)
            raise Overloaded(f"too many messages wait for one {kind}")
        self._observer.mailbox_depth(kind, waiting + 1)
        await actor.wait()

    async def _decide(self, actor: Resident, message: Message[Any, R]) -> tuple[R, str]:
        """Apply the message until Redis agrees with the state it was applied to.

        An actor that is not remembered is taken to be absent: true of every new one, and if not,
        Redis answers with its state.
        """
        verified = False
        conflicts = 0
        while True:
            now = self._clock()
            state = actor.state if actor.expires_at > now else None
            refusal: Exception | None = None
            try:
                turn = message.apply(state, now)
            except Exception as error:
                if verified:
                    raise
                refusal = error
            else:
                if (
                    turn.state is not state
                    or turn.effects
                    or turn.timers
                    or (turn.expires_at and turn.expires_at != actor.expires_at)
                ):
                    answer = await self._commit(actor, turn, now)
                    if answer == 1:
                        return turn.reply, "committed"
                    if verified or actor.header:
                        conflicts += 1
                        self._observer.turn_conflicted(actor.kind.name)
                        if conflicts >= CONFLICTS:
                            raise Contended(
                                f"other nodes won every attempt at this {actor.kind.name}"
                            )
                    actor.load(answer)
                    verified = True
                    continue
                if verified:
                    return turn.reply, "kept"
            value = await self._get(actor.key)
            verified = True
            if actor.matches(value):
                if refusal is not None:
                    raise refusal
                return turn.reply, "kept"
            actor.load(value)

    async def _commit(self, actor: Resident, turn: Turn[Any, Any], now: int) -> Any:
        """Try to commit the turn on the actor as known; 1, or the stored value if it differs."""
        state, before = turn.state, actor.header
        if state is None:
            body, expires_at = b"", 0
        else:
            body = encode_state(state)
            expires_at = turn.expires_at or (actor.expires_at if state is actor.state else 0)
            if not expires_at:
                raise ValueError(f"a turn of {actor.kind.name} must say when its state expires")
            if len(body) > STATE_BYTES:
                raise ValueError(f"the state of {actor.kind.name} is larger than {STATE_BYTES}")
        version = actor.version + 1
        header = next_header(before, version, next(self._nonces), expires_at)
        to_live = expires_at - now + LINGER if expires_at > now else LINGER
        keys = [actor.key]
        args: list[Argument] = [before[:STAMP], header + body, to_live]
        if turn.effects or turn.timers:
            keys = side_keys(actor.key, actor.partition)
            args += side_args(actor.key, turn)
        sent = perf_counter()
        try:
            answer = await self._redis.eval(COMMIT, keys, args)
        except ConnectionLost:
            answer = await self._settle(keys, args, before)
        self._observer.commit_finished(perf_counter() - sent)
        if answer == 1:
            actor.header, actor.state = header, state
            actor.version, actor.expires_at = version, expires_at
            actor.weight = OVERHEAD + len(body)
            if turn.effects:
                self._outbox.wake(actor.partition)
        return answer

    async def _settle(self, keys: list[str], args: list[Argument], base: bytes) -> Any:
        """Send a commit again whose answer was lost, until it is known whether it was executed."""
        sent = cast(bytes, args[1])
        give_up = trio.current_time() + SETTLE_SECONDS
        pause = SETTLE_PAUSE
        while True:
            await trio.sleep(pause)
            pause = min(pause * 2, 0.5)
            try:
                answer = await self._redis.eval(COMMIT, keys, args)
            except (Unavailable, Overloaded) as again:
                if trio.current_time() >= give_up:
                    raise Indeterminate("Redis went away while it was told of a turn") from again
                continue
            verdict = Verdict.COMMITTED if answer == 1 else judge(answer, sent, base)
            if verdict is Verdict.UNKNOWN:
                raise Indeterminate("too much has happened since to tell whether a turn counted")
            return 1 if verdict is Verdict.COMMITTED else answer

    async def _get(self, key: str) -> bytes | None:
        """The stored value. Reading twice does no harm, so one lost connection is overlooked."""
        try:
            return cast("bytes | None", await self._redis.execute("GET", key, key=key))
        except ConnectionLost:
            await trio.sleep(SETTLE_PAUSE)
        try:
            return cast("bytes | None", await self._redis.execute("GET", key, key=key))
        except ConnectionLost as lost:
            raise Unavailable(str(lost), retry_after=lost.retry_after) from lost
