"""`kill -9` of nodes at random points: what was committed stays, and its effects happen.

Two nodes at a time work on the same ledgers and are killed while they do, each at a moment of its
own. One more node lives through it all, and delivers what the dead ones left. In the end the
ledgers tell which turns were committed, and the deliveries must be those of exactly these turns.
"""

from __future__ import annotations

import json
import random
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import trio

from gatehouse.engine import DeadLetters, Redis
from gatehouse.engine.codec import PARTITIONS, due_key, outbox_key, timers_key
from tests.engine.node import address, node
from tests.engine.running import engine_at, link_to
from tests.servers.cluster import Cluster
from tests.servers.valkey import Valkey

ACTORS = 6
OPTIONS = ["--workers", "12", "--turns", "40", "--actors", str(ACTORS)]
LIFE = 0.15
"""Seconds a node lives at most after it began; about what it needs for all its turns."""


async def test_killed_nodes_lose_nothing_and_invent_nothing(valkey: Valkey, tmp_path: Path) -> None:
    await _kill_nodes(valkey.url, tmp_path, runs=5)


@pytest.mark.slow
async def test_two_hundred_killed_pairs_of_nodes_lose_nothing(
    valkey: Valkey, tmp_path: Path
) -> None:
    await _kill_nodes(valkey.url, tmp_path, runs=200)


@pytest.mark.slow
async def test_forty_killed_pairs_of_nodes_on_a_cluster_lose_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    await _kill_nodes(cluster.url, tmp_path, runs=40)


async def _kill_nodes(url: str, tmp_path: Path, *, runs: int) -> None:
    seed = random.randrange(sys.maxsize)
    print(f"seed {seed}")
    chance = random.Random(seed)
    file = tmp_path / "deliveries"
    file.touch()
    deliver = ["--deliveries", str(file)]
    committed: set[str] = set()
    seen = 0
    with node(url, "survivor", *deliver, "--linger") as survivor:
        survivor.go()
        for run in range(runs):
            ledgers = f"run{run}"
            replies = await _one_run(url, ledgers, deliver, chance)
            entered = await _entries(url, ledgers)
            for actor, number, before, name in replies:
                assert entered[actor][number - 1] == name
                assert before == (entered[actor][number - 2] if number > 1 else "")
            seen += len(replies)
            names = [name for names in entered for name in names]
            assert len(set(names)) == len(names)
            committed.update(names)
        async with link_to(url) as redis:
            await _settled(redis)
            assert [letter async for letter in DeadLetters(redis).all()] == []
        assert survivor.process.poll() is None
    print(f"{runs} runs, {seen} replies seen, {len(committed)} turns committed")
    assert seen
    assert len(committed) < runs * 2 * 12 * 40, "no node was killed at work"
    _check_deliveries(file, committed)


async def _one_run(
    url: str, ledgers: str, deliver: list[str], chance: random.Random
) -> list[tuple[int, int, str, str]]:
    """Let two nodes work and kill both; the replies that were seen of them."""
    with ExitStack() as stack:
        victims = [
            stack.enter_context(
                node(url, f"{ledgers}{which}", *OPTIONS, "--ledgers", ledgers, *deliver, "--linger")
            )
            for which in "ab"
        ]
        for victim in victims:
            victim.go()
        lives = sorted(chance.uniform(0, LIFE) for _ in victims)
        await trio.sleep(lives[0])
        victims[0].process.kill()
        await trio.sleep(lives[1] - lives[0])
        victims[1].process.kill()
        return [reply for victim in victims for reply in victim.replies()]


async def _entries(url: str, ledgers: str) -> list[tuple[str, ...]]:
    """What was committed, by ledger."""
    async with engine_at(url) as engine:
        books = [await engine.read(address(ledgers, actor)) for actor in range(ACTORS)]
    return [book.names if book else () for book in books]


async def _settled(redis: Redis) -> None:
    """Wait until no effect and no timer is left anywhere."""
    lengths = (("XLEN", outbox_key), ("ZCARD", due_key), ("HLEN", timers_key))
    with trio.fail_after(60):
        for number in range(PARTITIONS):
            for command, key_of in lengths:
                key = key_of(number)
                while await redis.execute(command, key, key=key):  # noqa: ASYNC110
                    await trio.sleep(0.02)


def _check_deliveries(file: Path, committed: set[str]) -> None:
    delivered = [json.loads(line) for line in file.read_text().splitlines()]
    bodies = {body for _, body in delivered}
    assert bodies == committed | {f"{name} later" for name in committed}
    # One effect, one id, however often it was delivered.
    assert len({id for id, _ in delivered}) == len(bodies)
    assert len({(id, body) for id, body in delivered}) == len(bodies)
    print(f"{len(bodies)} effects, {len(delivered) - len(bodies)} delivered more than once")
