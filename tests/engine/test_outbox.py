"""Effects are delivered at least once under one id, timers in their time, on every deployment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from gatehouse.engine import (
    CancelTimer,
    Delivery,
    Effect,
    Engine,
    Observer,
    OutboxPolicy,
    Redis,
    SetTimer,
    Unavailable,
    wall_clock,
)
from gatehouse.engine import outbox as outbox_module
from gatehouse.engine.codec import (
    PARTITIONS,
    actor_key,
    dead_key,
    due_key,
    outbox_key,
    partition_of,
    timers_key,
)
from gatehouse.engine.outbox_scripts import CLAIM, DELIVERED, DRAIN, GROUP
from gatehouse.engine.redis import Script
from tests.engine.ledger import LEDGER, Close, Enter, Look
from tests.engine.running import Meddling, link_to
from tests.servers.valkey import Valkey

EAGER = OutboxPolicy(attempts=3, first_pause=1, handler_time=5_000, claim_after=5_001, poll=20)
BOOK = LEDGER.at("default", "one")
PARTITION = actor_key(BOOK)[0]


class Tally(Observer):
    def __init__(self) -> None:
        self.told: list[str] = []
        self.lags: list[float] = []
        self.fired = 0

    def effect_delivered(self, kind: str) -> None:
        self.told.append(f"{kind} delivered")

    def effect_failed(self, kind: str) -> None:
        self.told.append(f"{kind} failed")

    def effect_dead(self, kind: str) -> None:
        self.told.append(f"{kind} dead")

    def outbox_lag(self, seconds: float) -> None:
        self.lags.append(seconds)

    def timers_fired(self, count: int) -> None:
        self.fired += count


class Mailman:
    """A handler that keeps what it was given and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.deliveries: list[Delivery] = []
        self._failures = failures
        self._arrival = trio.Event()

    async def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self._arrival.set()
        self._arrival = trio.Event()
        if len(self.deliveries) <= self._failures:
            raise ValueError("the secret is 1234")

    async def received(self, number: int) -> list[Delivery]:
        """The deliveries, once there are as many."""
        with trio.fail_after(20):
            while len(self.deliveries) < number:
                await self._arrival.wait()
        return self.deliveries


@asynccontextmanager
async def delivering(
    redis: Redis, handlers: dict[str, Mailman], **options: Any
) -> AsyncIterator[Engine]:
    """An engine with its background running."""
    async with trio.open_nursery() as nursery:
        engine = Engine(redis, **{"node": "node", "outbox": EAGER, **options})
        for kind, handler in handlers.items():
            engine.on_effect(kind, handler)
        await nursery.start(engine.run)
        yield engine
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what another task brings about."""
    with trio.fail_after(20):
        while not await condition():  # noqa: ASYNC110 - Redis tells nobody
            await trio.sleep(0.01)


async def emptied(redis: Redis) -> None:
    """Wait until no effect is on its way any more."""
    for number in range(PARTITIONS):
        stream, due, timers = outbox_key(number), due_key(number), timers_key(number)

        async def empty(stream: str = stream, due: str = due, timers: str = timers) -> bool:
            waiting = await redis.execute("XLEN", stream, key=stream)
            planned = await redis.execute("ZCARD", due, key=due)
            return not waiting + planned + await redis.execute("HLEN", timers, key=timers)

        await until(empty)


async def test_effects_of_a_turn_are_delivered_in_turn_and_then_gone(deployment: str) -> None:
    mailman, tally = Mailman(), Tally()
    async with (
        link_to(deployment) as redis,
        delivering(redis, {"mail": mailman}, observer=tally) as engine,
    ):
        for number in range(40):
            effects = tuple(Effect("mail", b"%d %d" % (number, part)) for part in range(3))
            await engine.turn(LEDGER.at("default", str(number)), Enter("a", effects))
        got = await mailman.received(120)
        await emptied(redis)
    assert {each.body for each in got} == {b"%d %d" % (n, p) for n in range(40) for p in range(3)}
    assert len({each.id for each in got}) == 120
    assert {(each.kind, each.attempt) for each in got} == {("mail", 1)}
    assert tally.told == ["mail delivered"] * 120
    assert len(tally.lags) == 120
    assert all(0 <= lag < 20 for lag in tally.lags)


async def test_effects_that_come_together_are_handled_together(deployment: str) -> None:
    groups: list[list[bytes]] = []

    async def handler(deliveries: Sequence[Delivery]) -> None:
        groups.append([each.body for each in deliveries])
        if len(groups[-1]) > 1 or groups[-1] == [b"1"]:
            raise ValueError

    async def all_tried() -> bool:
        return len(groups) >= 6

    tally = Tally()
    async with link_to(deployment) as redis, trio.open_nursery() as nursery:
        engine = Engine(redis, node="node", outbox=EAGER, observer=tally)
        engine.on_effects("entry", handler)
        effects = tuple(Effect("entry", b"%d" % number) for number in range(3))
        await engine.turn(BOOK, Enter("a", effects))
        await nursery.start(engine.run)
        await until(all_tried)
        await emptied(redis)
        nursery.cancel_scope.cancel()
    assert groups[0] == [b"0", b"1", b"2"]
    # Each is tried by itself then, and only the one at fault fails and dies.
    assert sorted(groups[1:]) == [[b"0"], [b"1"], [b"1"], [b"1"], [b"2"]]
    assert (
        sorted(tally.told)
        == ["entry dead", "entry delivered", "entry delivered"] + ["entry failed"] * 2
    )


async def test_an_effect_of_another_node_is_found_by_polling(deployment: str) -> None:
    mailman = Mailman()
    async with link_to(deployment) as redis:
        await Engine(redis, node="silent").turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        async with delivering(redis, {"mail": mailman}):
            await mailman.received(1)
            await emptied(redis)


async def test_each_effect_goes_to_one_of_many_nodes(redis_url: str) -> None:
    one, two = Mailman(), Mailman()
    async with (
        link_to(redis_url) as redis,
        delivering(redis, {"mail": one}, node="one") as engine,
        delivering(redis, {"mail": two}, node="two"),
    ):
        for number in range(300):
            effect = Effect("mail", b"%d" % number)
            await engine.turn(LEDGER.at("default", str(number % 7)), Enter("a", (effect,)))
        await emptied(redis)
    bodies = [each.body for each in one.deliveries + two.deliveries]
    assert sorted(bodies) == sorted(b"%d" % number for number in range(300))


async def test_a_failed_effect_is_delivered_again_under_the_same_id(deployment: str) -> None:
    mailman, tally = Mailman(failures=2), Tally()
    async with (
        link_to(deployment) as redis,
        delivering(redis, {"mail": mailman}, observer=tally) as engine,
    ):
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        got = await mailman.received(3)
        await emptied(redis)
    assert [each.attempt for each in got] == [1, 2, 3]
    assert len({each.id for each in got}) == 1
    assert {each.body for each in got} == {b"x"}
    assert tally.told == ["mail failed", "mail failed", "mail delivered"]


async def test_an_effect_that_always_fails_becomes_a_dead_letter(
    deployment: str, caplog: pytest.LogCaptureFixture
) -> None:
    mailman, tally = Mailman(failures=99), Tally()
    async with (
        link_to(deployment) as redis,
        delivering(redis, {"mail": mailman}, observer=tally) as engine,
    ):
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"x\0\xff"),)))
        await mailman.received(3)
        await emptied(redis)
        dead = dead_key(PARTITION)
        ((_, fields),) = await redis.execute("XRANGE", dead, "-", "+", key=dead)
    assert fields[:2] == [b"e", b"mail\0x\0\xff"]
    assert fields[2:4] == [b"i", mailman.deliveries[0].id.encode()]
    assert fields[4:] == [b"n", b"3", b"error", b"ValueError"]
    assert tally.told == ["mail failed", "mail failed", "mail dead"]
    assert "1234" not in caplog.text


async def test_an_effect_nobody_handles_is_kept_for_a_node_that_does(redis_url: str) -> None:
    mailman, tally = Mailman(), Tally()
    policy = OutboxPolicy(attempts=50, first_pause=1, longest_pause=20, poll=20)
    async with link_to(redis_url) as redis:
        async with delivering(redis, {}, observer=tally, outbox=policy) as engine:
            await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))

            async def failed() -> bool:
                return bool(tally.told)

            await until(failed)
        async with delivering(redis, {"mail": mailman}, node="new", outbox=policy):
            assert (await mailman.received(1))[0].body == b"x"


async def test_a_node_that_is_stopped_while_it_takes_an_effect_delivers_it(redis_url: str) -> None:
    mailman = Mailman()
    async with link_to(redis_url) as redis, trio.open_nursery() as nursery:

        class Stopping(Meddling):
            async def eval(self, script: Script, *rest: Any) -> Any:
                answer = await super().eval(script, *rest)
                if script is DRAIN and answer[1]:
                    nursery.cancel_scope.cancel()
                    await trio.lowlevel.checkpoint()
                return answer

        engine = Engine(Stopping(redis), node="node")
        engine.on_effect("mail", mailman)
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        await nursery.start(engine.run)
    assert [each.body for each in mailman.deliveries] == [b"x"]


async def test_a_handler_that_hangs_is_stopped_and_tried_again(redis_url: str) -> None:
    class Hanging(Mailman):
        async def __call__(self, delivery: Delivery) -> None:
            await super().__call__(delivery)
            if delivery.attempt == 1:
                await trio.sleep_forever()

    mailman = Hanging()
    policy = OutboxPolicy(first_pause=1, handler_time=10, claim_after=60_000, poll=20)
    async with (
        link_to(redis_url) as redis,
        delivering(redis, {"mail": mailman}, outbox=policy) as engine,
    ):
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        assert [each.attempt for each in await mailman.received(2)] == [1, 2]


async def take_and_die(redis: Redis, partition: int, times: int = 1) -> bytes:
    """Take an effect as a node would that dies before it is delivered; the entry taken."""
    stream = outbox_key(partition)
    await redis.execute("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM", key=stream)
    taken = await redis.execute(
        "XREADGROUP", "GROUP", GROUP, "dead", "COUNT", 1, "STREAMS", stream, ">", key=stream
    )
    entry: bytes = taken[stream.encode()][0][0]
    for _ in range(times - 1):
        await redis.execute("XCLAIM", stream, GROUP, "dead", 0, entry, key=stream)
    return entry


async def test_an_effect_is_claimed_from_a_dead_node_under_the_same_id(deployment: str) -> None:
    mailman = Mailman()
    policy = OutboxPolicy(handler_time=50, claim_after=60, poll=20)
    async with link_to(deployment) as redis:
        await Engine(redis, node="dead").turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        entry = await take_and_die(redis, PARTITION)
        async with delivering(redis, {"mail": mailman}, outbox=policy):
            (delivery,) = await mailman.received(1)
            await emptied(redis)
    assert delivery == Delivery(f"{PARTITION:02d}-{entry.decode()}", "mail", b"x", 2)


async def test_an_effect_that_kills_its_nodes_becomes_a_dead_letter(redis_url: str) -> None:
    mailman = Mailman()
    policy = OutboxPolicy(attempts=3, handler_time=50, claim_after=60, poll=20)
    async with link_to(redis_url) as redis:
        await Engine(redis, node="dead").turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        await take_and_die(redis, PARTITION, times=3)
        async with delivering(redis, {"mail": mailman}, outbox=policy):
            await emptied(redis)
            assert await redis.execute("XLEN", dead_key(PARTITION)) == 1
    assert mailman.deliveries == []


async def test_a_failure_counts_for_nothing_once_another_node_has_delivered(
    redis_url: str,
) -> None:
    mailman = Mailman()
    async with link_to(redis_url) as redis:

        async def overtaken(delivery: Delivery) -> None:
            await mailman(delivery)
            entry = delivery.id.partition("-")[2]
            await redis.eval(DELIVERED, [outbox_key(PARTITION)], (GROUP, entry))
            raise ValueError

        async with delivering(redis, {"mail": overtaken}) as engine:  # type: ignore[dict-item]
            await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
            await mailman.received(1)
            await trio.sleep(0.1)
    assert len(mailman.deliveries) == 1


async def test_a_consumer_that_went_away_is_forgotten_but_not_what_it_holds(
    redis_url: str,
) -> None:
    async with link_to(redis_url) as redis:
        engine = Engine(redis, node="dead")
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
        await take_and_die(redis, PARTITION)
        stream = outbox_key(PARTITION)

        async def consumers() -> set[bytes]:
            about = await redis.execute("XINFO", "CONSUMERS", stream, GROUP)
            return {each[b"name"] for each in about}

        await trio.sleep(0.002)
        assert await redis.eval(CLAIM, [stream], (GROUP, "me", 60_000, 10, 0)) == []
        assert await consumers() == {b"dead"}
        ((entry, _, deliveries),) = await redis.eval(CLAIM, [stream], (GROUP, "me", 0, 10, 60_000))
        assert deliveries == 1
        await redis.execute("XACK", stream, GROUP, entry)
        await trio.sleep(0.002)
        await redis.eval(CLAIM, [stream], (GROUP, "me", 60_000, 10, 0))
        assert await consumers() == set()


async def test_a_timer_becomes_an_effect_when_it_is_due(deployment: str) -> None:
    mailman, tally, now = Mailman(), Tally(), [wall_clock()]
    async with (
        link_to(deployment) as redis,
        delivering(redis, {"mail": mailman}, clock=lambda: now[0], observer=tally) as engine,
    ):
        timers = tuple(
            SetTimer(f"t{number}", now[0] + number * 1000, Effect("mail", b"%d" % number))
            for number in (1, 2, 3)
        )
        await engine.turn(BOOK, Enter("a", timers=timers))
        await trio.sleep(0.1)
        assert mailman.deliveries == []
        now[0] += 1999
        assert [each.body for each in await mailman.received(1)] == [b"1"]
        now[0] += 1
        await mailman.received(2)
        now[0] += 1_000_000
        got = await mailman.received(3)
        await emptied(redis)
    assert [each.body for each in got] == [b"1", b"2", b"3"]
    assert tally.fired == 3


async def test_a_timer_is_replaced_and_cancelled_by_its_name(redis_url: str) -> None:
    mailman, now = Mailman(), [wall_clock()]
    due = now[0] + 1000

    def timer(name: str, body: bytes) -> SetTimer:
        return SetTimer(name, due, Effect("mail", body))

    async with link_to(redis_url) as redis:
        engine = Engine(redis, node="n", clock=lambda: now[0])
        await engine.turn(BOOK, Enter("a", timers=(timer("x", b"old"), timer("y", b"gone"))))
        await engine.turn(BOOK, Enter("b", timers=(timer("x", b"new"), CancelTimer("y"))))
        await engine.turn(BOOK, Enter("c", timers=(CancelTimer("never set"),)))
        await engine.turn(LEDGER.at("default", "two"), Enter("a", timers=(timer("x", b"two"),)))
        await engine.turn(BOOK, Close())
        now[0] = due
        async with delivering(redis, {"mail": mailman}, clock=lambda: now[0]):
            await emptied(redis)
    assert sorted(each.body for each in mailman.deliveries) == [b"new", b"two"]


async def test_more_timers_and_effects_than_a_batch_are_all_delivered(redis_url: str) -> None:
    mailman, due = Mailman(), wall_clock()
    many = outbox_module.BATCH * 3 + 1
    async with link_to(redis_url) as redis:
        engine = Engine(redis, node="silent")
        timers = tuple(
            SetTimer(str(number), due, Effect("mail", b"%d" % number)) for number in range(many)
        )
        await engine.turn(BOOK, Enter("a", timers=timers))
        async with delivering(redis, {"mail": mailman}):
            await emptied(redis)
    assert {each.body for each in mailman.deliveries} == {b"%d" % number for number in range(many)}
    assert len(mailman.deliveries) == many


async def test_no_more_effects_are_taken_than_handlers_may_work(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "DELIVERIES", 3)
    most, at_work, done = 0, 0, 0

    async def slow(delivery: Delivery) -> None:
        nonlocal most, at_work, done
        at_work += 1
        most = max(most, at_work)
        await trio.sleep(0.005)
        at_work -= 1
        done += 1

    async with link_to(redis_url) as redis:
        effects = tuple(Effect("mail", b"") for _ in range(30))
        await Engine(redis, node="silent").turn(BOOK, Enter("a", effects))
        async with delivering(redis, {"mail": slow}):  # type: ignore[dict-item]
            await emptied(redis)
    assert most == 3
    assert done == 30


async def test_a_handler_at_work_may_finish_when_the_node_stops(redis_url: str) -> None:
    begun, finish, finished = trio.Event(), trio.Event(), trio.Event()

    async def handler(delivery: Delivery) -> None:
        begun.set()
        await finish.wait()
        finished.set()

    async with link_to(redis_url) as redis:
        async with delivering(redis, {"mail": handler}) as engine:  # type: ignore[dict-item]
            await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
            await begun.wait()
            finish.set()
        assert finished.is_set()
        await emptied(redis)


async def test_a_handler_that_does_not_finish_leaves_the_effect_to_others(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FAREWELL_SECONDS", 0.01)
    begun = trio.Event()

    async def handler(delivery: Delivery) -> None:
        begun.set()
        await trio.sleep_forever()

    mailman = Mailman()
    policy = OutboxPolicy(handler_time=50, claim_after=60, poll=20)
    async with link_to(redis_url) as redis:
        async with delivering(redis, {"mail": handler}) as engine:  # type: ignore[dict-item]
            await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
            await begun.wait()
        async with delivering(redis, {"mail": mailman}, node="other", outbox=policy):
            assert (await mailman.received(1))[0].attempt == 2


@pytest.mark.parametrize("lost", ["answer", "request"])
async def test_an_effect_is_settled_though_redis_could_not_be_told_at_first(
    redis_url: str, lost: str
) -> None:
    async with link_to(redis_url) as redis:
        meddling = Meddling(redis)

        class Disturbed(Mailman):
            async def __call__(self, delivery: Delivery) -> None:
                await super().__call__(delivery)
                meddling.lose = [lost]

        mailman = Disturbed()
        async with delivering(meddling, {"mail": mailman}) as engine:
            await engine.turn(BOOK, Enter("a", (Effect("mail", b"x"),)))
            await mailman.received(1)
            await emptied(redis)
    assert len(mailman.deliveries) == 1


async def test_delivery_resumes_after_redis_was_away(valkey: Valkey) -> None:
    mailman = Mailman()
    async with (
        link_to(valkey.url) as redis,
        delivering(redis, {"mail": mailman}) as engine,
    ):
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"before"),)))
        await mailman.received(1)
        valkey.kill()
        await trio.sleep(0.5)
        valkey.start()

        async def back() -> bool:
            try:
                return await engine.turn(BOOK, Look()) == 0
            except Unavailable:
                return False

        await until(back)
        await engine.turn(BOOK, Enter("b", (Effect("mail", b"after"),)))
        assert [each.body for each in await mailman.received(2)] == [b"before", b"after"]


async def test_one_broken_partition_does_not_stop_the_others(redis_url: str) -> None:
    mailman = Mailman()
    other = next(
        str(number)
        for number in range(1000)
        if partition_of(f"default:ledger:{number}") > PARTITION
    )
    async with link_to(redis_url) as redis:
        await redis.execute("SET", due_key(PARTITION), "not a sorted set")
        async with delivering(redis, {"mail": mailman}):
            silent = Engine(redis, node="silent")
            await silent.turn(LEDGER.at("default", other), Enter("a", (Effect("mail", b"x"),)))
            await mailman.received(1)


def test_the_pause_after_a_failure_doubles_up_to_a_limit() -> None:
    policy = OutboxPolicy(first_pause=1000, longest_pause=60_000)
    for failures, most in [(1, 1000), (2, 2000), (6, 32_000), (7, 60_000), (1000, 60_000)]:
        assert most * 0.75 <= policy.pause(failures) <= most


def test_an_effect_cannot_be_claimed_while_its_handler_may_work() -> None:
    with pytest.raises(ValueError, match="claimed"):
        OutboxPolicy(handler_time=10, claim_after=10)


async def test_a_kind_of_effect_has_one_handler(redis_url: str) -> None:
    async with link_to(redis_url) as redis:
        engine = Engine(redis, node="n")
        engine.on_effect("mail", Mailman())
        with pytest.raises(ValueError, match="handler already"):
            engine.on_effect("mail", Mailman())
