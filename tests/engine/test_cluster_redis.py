"""Requests find the server that has their key, also while slots are on the move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from redis.crc import key_slot
from redis.exceptions import ResponseError

from gatehouse.engine.errors import Unavailable
from gatehouse.engine.redis import Script
from tests.servers.cluster import Cluster, ClusterNode
from tests.servers.running import running, until_served

KEYS = [f"gh:{{p{i:02}}}:a" for i in range(64)]


async def test_every_key_is_served(cluster: Cluster) -> None:
    echo = Script("redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")
    async with running(cluster.url) as redis:
        for key in KEYS:
            assert await redis.eval(echo, [key], [key]) == key.encode()
            assert await redis.execute("GET", key, key=key) == key.encode()
            assert await redis.pipeline([("INCR", f"{key}:n"), ("GET", key)], key=key) == [
                1,
                key.encode(),
            ]
        assert await redis.execute("PING") == b"PONG"
    assert len({cluster.master_of(key).port for key in KEYS}) == 3


async def test_a_seed_may_be_any_node_and_may_be_dead(cluster: Cluster) -> None:
    replica = cluster.replica_of(cluster.master_of("a"))
    url = f"redis+cluster://127.0.0.1:1,127.0.0.1:{replica.port}"
    async with running(url) as redis:
        assert await until_served(lambda: redis.execute("SET", "a", 1, key="a")) == b"OK"


async def test_keys_of_different_slots_are_refused_as_a_mistake(cluster: Cluster) -> None:
    async with running(cluster.url) as redis:
        with pytest.raises(ResponseError, match="same slot"):
            await redis.execute("MGET", "a", "b", key="a")


async def test_a_key_that_moved_is_found(cluster: Cluster) -> None:
    async with running(cluster.url) as redis:
        await redis.execute("SET", "{moved}", "old", key="{moved}")
        source, target = _ends(cluster, "{moved}")
        with _migrating(source, target, "{moved}"):
            _migrate(source, target, "{moved}")
        assert await redis.execute("GET", "{moved}", key="{moved}") == b"old"
        assert await redis.execute("SET", "{moved}", "new", key="{moved}") == b"OK"
    assert cluster.master_of("{moved}") is target


async def test_a_key_on_the_move_is_asked_for(cluster: Cluster) -> None:
    write = Script("redis.call('SET', KEYS[1], ARGV[1]) return ARGV[1]")
    async with running(cluster.url) as redis:
        await redis.execute("SET", "{ask}:there", "1", key="{ask}")
        await redis.execute("SET", "{ask}:here", "1", key="{ask}")
        source, target = _ends(cluster, "{ask}")
        with _migrating(source, target, "{ask}"):
            _migrate(source, target, "{ask}:there")
            assert await redis.execute("GET", "{ask}:there", key="{ask}") == b"1"
            assert await redis.eval(write, ["{ask}:new"], ["by script"]) == b"by script"
            reads = [("GET", f"{{ask}}:{name}") for name in ("here", "there", "new")]
            assert await redis.pipeline(reads, key="{ask}") == [b"1", b"1", b"by script"]
            _migrate(source, target, "{ask}:here")
        assert await redis.execute("GET", "{ask}:new", key="{ask}") == b"by script"


async def test_keys_split_by_a_move_are_unavailable_until_it_ends(cluster: Cluster) -> None:
    async with running(cluster.url) as redis:
        await redis.execute("MSET", "{try}1", "1", "{try}2", "2", key="{try}")
        source, target = _ends(cluster, "{try}")
        with _migrating(source, target, "{try}"):
            _migrate(source, target, "{try}1")
            with pytest.raises(Unavailable, match="rearranged") as caught:
                await redis.execute("MGET", "{try}1", "{try}2", key="{try}")
            assert not caught.value.maybe_executed
            _migrate(source, target, "{try}2")
        assert await redis.execute("MGET", "{try}1", "{try}2", key="{try}") == [b"1", b"2"]


async def test_a_message_reaches_subscribers_at_any_node(cluster: Cluster) -> None:
    send, receive = trio.open_memory_channel[bytes | None](10)
    async with running(cluster.url) as redis, running(cluster.url) as other:
        redis.subscribe("news", send.send_nowait)
        assert await receive.receive() is None
        for key in KEYS[:3]:
            await other.execute("PUBLISH", "news", key, key=key)
            assert await receive.receive() == key.encode()


def _ends(cluster: Cluster, key: str) -> tuple[ClusterNode, ClusterNode]:
    """Who has the key's slot, and a master that does not."""
    source = cluster.master_of(key)
    return source, next(n for n in cluster.nodes if n.is_master and n is not source)


@contextmanager
def _migrating(source: ClusterNode, target: ClusterNode, key: str) -> Iterator[None]:
    slot = key_slot(key.encode())
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    yield
    target.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)
    source.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def _migrate(source: ClusterNode, target: ClusterNode, key: str) -> None:
    source.ask("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
