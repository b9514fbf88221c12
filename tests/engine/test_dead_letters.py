"""Dead letters can be seen, delivered again under their id, and dropped, on every deployment."""

from __future__ import annotations

from typing import Any

import trio

from gatehouse.engine import DeadLetter, DeadLetters, Effect, Engine, Redis, wall_clock
from gatehouse.engine import dead_letters as module
from gatehouse.engine.codec import PARTITIONS, actor_key, dead_key, outbox_key
from tests.engine.ledger import LEDGER, Enter
from tests.engine.running import link_to
from tests.engine.test_outbox import (
    BOOK,
    PARTITION,
    Mailman,
    Tally,
    delivering,
    emptied,
    take_and_die,
)


async def _all(redis: Redis) -> list[DeadLetter]:
    return [letter async for letter in DeadLetters(redis).all()]


async def _bury(redis: Redis, partition: int, id: str) -> None:
    fields = ("e", b"mail\0body", "i", id, "n", 12, "error", "ValueError")
    key = dead_key(partition)
    await redis.execute("XADD", key, "*", *fields, key=key)


async def test_a_dead_letter_is_delivered_again_under_its_id(deployment: str) -> None:
    mailman = Mailman(failures=3)
    async with (
        link_to(deployment) as redis,
        delivering(redis, {"mail": mailman}) as engine,
    ):
        await engine.turn(BOOK, Enter("a", (Effect("mail", b"x\0y"),)))
        await mailman.received(3)
        await emptied(redis)
        (letter,) = await _all(redis)
        assert (letter.kind, letter.failures, letter.error) == ("mail", 3, "ValueError")
        assert (letter.size, letter.partition) == (3, PARTITION)
        assert await DeadLetters(redis).redeliver(letter)
        assert not await DeadLetters(redis).redeliver(letter)
        again = (await mailman.received(4))[3]
        await emptied(redis)
        assert await _all(redis) == []
    assert (again.id, again.body, again.attempt) == (letter.id, b"x\0y", 1)
    assert {each.id for each in mailman.deliveries} == {letter.id}


async def test_dead_letters_of_all_partitions_are_listed_page_by_page(redis_url: str) -> None:
    async with link_to(redis_url) as redis:
        for number in range(module.PAGE + 1):
            await _bury(redis, 0, f"00-{number}")
        await _bury(redis, PARTITIONS - 1, "63-0")
        ids = [letter.id for letter in await _all(redis)]
    assert ids == [*(f"00-{number}" for number in range(module.PAGE + 1)), "63-0"]


async def test_a_dropped_letter_is_gone(redis_url: str) -> None:
    async with link_to(redis_url) as redis:
        await _bury(redis, 5, "05-1")
        (letter,) = await _all(redis)
        assert await DeadLetters(redis).drop(letter)
        assert not await DeadLetters(redis).drop(letter)
        assert not await DeadLetters(redis).redeliver(letter)
        assert await _all(redis) == []
        assert await redis.execute("XLEN", outbox_key(5), key=outbox_key(5)) == 0


class Backlog(Tally):
    """Keeps the first measurement of what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.measured = trio.Event()

    def outbox_backlog(self, waiting: int, oldest_seconds: float, dead: int) -> None:
        if not self.measured.is_set():
            self.waiting, self.oldest, self.dead = waiting, oldest_seconds, dead
            self.measured.set()


async def test_a_backlog_that_nobody_consumes_is_measured(deployment: str) -> None:
    async with link_to(deployment) as redis:
        nothing = await _measured(redis)
        idle = Engine(redis, node="idle")
        for number in range(5):
            book = LEDGER.at("default", str(number))
            await idle.turn(book, Enter("a", (Effect("mail", b"x"),)))
            await take_and_die(redis, actor_key(book)[0])
        await _bury(redis, 5, "05-1")
        backlog = await _measured(redis, clock=lambda: wall_clock() + 60_000)
    assert (nothing.waiting, nothing.oldest, nothing.dead) == (0, 0, 0)
    assert (backlog.waiting, backlog.dead) == (5, 1)
    assert backlog.oldest >= 60


async def _measured(redis: Redis, **options: Any) -> Backlog:
    """What a node that starts finds waiting."""
    backlog = Backlog()
    async with delivering(redis, {}, observer=backlog, **options):
        with trio.fail_after(20):
            await backlog.measured.wait()
    return backlog
