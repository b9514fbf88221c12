"""Turns while Redis is hurt: none is lost that was answered, none counts that was refused or twice.

Every turn enters a name of its own into a ledger that keeps them all, so that the ledgers show in
the end which turns counted. A turn that was answered must be there, at its place; one that was
refused must not; of an indeterminate one either is true. A failover may lose what the new master
had not received yet, and that alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest
import trio

from gatehouse.engine import Engine, Indeterminate, Unavailable
from gatehouse.engine.codec import actor_key
from tests.engine.ledger import LEDGER, Enter
from tests.engine.running import link_to
from tests.servers.cluster import Cluster
from tests.servers.proxy import proxy_to
from tests.servers.sentinel import SentinelGroup
from tests.servers.valkey import Valkey

LEDGERS = 8
WRITERS = 3
BOOKS = [LEDGER.at("default", f"book {number}") for number in range(LEDGERS)]
GUARD = 60.0


class Writers:
    """Many tasks that enter names into the ledgers, some of them into the same one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.answered: list[dict[int, str]] = [{} for _ in BOOKS]
        self.refused: set[str] = set()
        self.indeterminate: set[str] = set()
        self._names = count()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for ledger in range(LEDGERS):
                for _ in range(WRITERS):
                    nursery.start_soon(self._write, ledger)

    async def _write(self, ledger: int) -> None:
        while True:
            await self.enter(ledger)

    async def enter(self, ledger: int) -> None:
        name = f"name {next(self._names)}"
        # Seen as indeterminate unless an answer comes, also by a writer that is cancelled.
        self.indeterminate.add(name)
        try:
            number, _ = await self.engine.turn(BOOKS[ledger], Enter(name, record=True))
        except Unavailable:
            self.refused.add(name)
            self.indeterminate.remove(name)
            await trio.sleep(0.02)
        except Indeterminate:
            pass
        else:
            self.answered[ledger][number] = name
            self.indeterminate.remove(name)

    def names(self) -> set[str]:
        return {name for answered in self.answered for name in answered.values()}

    async def goes_on(self) -> None:
        """Wait until every ledger has had a few more turns."""
        before = [len(answered) for answered in self.answered]
        pairs = list(zip(self.answered, before, strict=True))
        await eventually(lambda: all(len(now) >= then + 3 for now, then in pairs))

    async def entered(self) -> list[tuple[str, ...]]:
        """The names in each ledger, none of them twice and none that was refused."""
        books = [await self.engine.read(book) for book in BOOKS]
        entered = [book.names if book else () for book in books]
        names = [name for names in entered for name in names]
        assert len(set(names)) == len(names)
        assert not self.refused & set(names)
        assert set(names) <= self.names() | self.indeterminate
        return entered


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what servers bring about, and tell nobody."""
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.02)


@asynccontextmanager
async def writers_at(url: str) -> AsyncIterator[Writers]:
    """Writers at work during the block, and after it for a while."""
    with trio.fail_after(GUARD):
        async with link_to(url) as redis:
            writers = Writers(Engine(redis, node="node"))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writers.run)
                await writers.goes_on()
                yield writers
                await writers.goes_on()
                nursery.cancel_scope.cancel()
            await writers.entered()


@pytest.mark.parametrize("kept", [0, 1, 3, 17, 100, 333])
async def test_connections_cut_during_commits_lose_and_double_no_turn(
    valkey: Valkey, kept: int
) -> None:
    async with (
        proxy_to(valkey.socket) as proxy,
        writers_at(f"redis://127.0.0.1:{proxy.port}") as writers,
    ):
        for _ in range(5):
            proxy.cut_after = kept
            await eventually(lambda: proxy.cut_after is None)
            await writers.goes_on()
    async with link_to(valkey.url) as redis:
        writers.engine = Engine(redis, node="another")
        entered = await writers.entered()
    for names, answered in zip(entered, writers.answered, strict=True):
        assert {number: names[number - 1] for number in answered} == answered


async def test_turns_go_on_through_a_failover_of_sentinel(sentinel_group: SentinelGroup) -> None:
    async with writers_at(sentinel_group.url) as writers:
        kept = await _replicated(writers, sentinel_group.url)
        lost = sentinel_group.master
        lost.kill()
        await eventually(lambda: sentinel_group.master is not lost)
    await _holds(sentinel_group.url, writers, kept)


async def test_turns_go_on_through_a_failover_of_a_cluster(cluster: Cluster) -> None:
    async with writers_at(cluster.url) as writers:
        kept = await _replicated(writers, cluster.url)
        lost = cluster.master_of(actor_key(BOOKS[0])[1])
        heir = cluster.replica_of(lost)
        lost.kill()
        await eventually(lambda: heir.is_master)
    await _holds(cluster.url, writers, kept)


async def _replicated(writers: Writers, url: str) -> set[str]:
    """What has been answered, once a replica has it all."""
    answered = writers.names()
    async with link_to(url) as redis:
        for book in BOOKS:
            key = actor_key(book)[1]
            # WAIT speaks of what its own connection has written.
            await redis.pipeline([("APPEND", key + "-mark", "x"), ("WAIT", 1, 5000)], key=key)
    return answered


async def _holds(url: str, writers: Writers, kept: set[str]) -> None:
    """After a failover: what was replicated is there, and what is written now stays."""
    async with link_to(url) as redis:
        writers.engine = Engine(redis, node="another")
        before = writers.names()
        for ledger in range(LEDGERS):
            await writers.enter(ledger)
        new = writers.names() - before
        entered = {name for names in await writers.entered() for name in names}
    assert new
    assert kept | new <= entered
