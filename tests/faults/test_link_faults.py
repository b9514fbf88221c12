"""What operators do to Redis, and what networks do: nothing hangs, and service resumes by itself.

Every test runs under a guard of a minute, so that "nothing hangs" is what a passing test says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
import trio
import trio.testing

import gatehouse.engine.link
from gatehouse.engine.errors import ConnectionLost, EngineError, Unavailable
from gatehouse.engine.redis import Redis
from tests.servers.cluster import Cluster
from tests.servers.proxy import proxy_to
from tests.servers.running import running, until_served
from tests.servers.sentinel import SentinelGroup
from tests.servers.valkey import Valkey

GUARD = 60.0
QUICK = "socket_timeout=0.4&socket_connect_timeout=0.4"
"""A shorter patience than operators want, to wait less for what is certain to happen."""


@contextmanager
def nothing_hangs() -> Iterator[None]:
    with trio.fail_after(GUARD):
        yield


class Load:
    """Clients that ask for what only they were promised, again and again."""

    def __init__(self, redis: Redis, keys: list[str]) -> None:
        self.redis = redis
        self.keys = keys
        self.served = 0
        self.refused: list[EngineError] = []

    async def prepare(self) -> None:
        for key in self.keys:
            await self.redis.execute("SET", key, f"value of {key}", key=key)

    async def ask(self, key: str) -> None:
        """A wrong reply, or an error of any other kind, fails the test."""
        while True:
            try:
                reply = await self.redis.execute("GET", key, key=key)
            except Unavailable as refusal:
                self.refused.append(refusal)
                await trio.sleep(0.01)
            else:
                assert reply == f"value of {key}".encode()
                self.served += 1

    async def serves_everybody(self) -> None:
        for key in self.keys:
            await until_served(lambda key=key: self.redis.execute("GET", key, key=key))


@asynccontextmanager
async def load(redis: Redis, keys: list[str] | None = None) -> AsyncIterator[Load]:
    """Load during the block; afterwards everybody must be served again."""
    clients = Load(redis, keys or [f"k{i}" for i in range(20)])
    await clients.prepare()
    async with trio.open_nursery() as nursery:
        for key in clients.keys:
            nursery.start_soon(clients.ask, key)
        yield clients
        await clients.serves_everybody()
        nursery.cancel_scope.cancel()


async def eventually(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - some are about servers, which set no events
        await trio.sleep(0.01)


async def test_a_restarted_server_is_found_again(valkey: Valkey) -> None:
    with nothing_hangs():
        async with running(valkey.url) as redis:
            await redis.execute("SET", "a", 1)
            valkey.stop()
            with pytest.raises(Unavailable):
                await redis.execute("GET", "a")
            valkey.start()
            assert await until_served(lambda: redis.execute("GET", "a")) is None


async def test_a_restart_shorter_than_patience_is_not_noticed(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatehouse.engine.link, "PATIENCE", 30.0)
    with nothing_hangs():
        async with running(valkey.url) as redis:
            await redis.execute("PING")
            valkey.kill()
            valkey.start()
            await trio.testing.wait_all_tasks_blocked()
            assert await redis.execute("PING") == b"PONG"


@pytest.mark.parametrize("kept", [0, 1, 3, 17, 100, 333, 1000])
async def test_a_connection_cut_within_a_reply_mixes_up_nothing(valkey: Valkey, kept: int) -> None:
    with nothing_hangs():
        async with (
            proxy_to(valkey.socket) as proxy,
            running(f"redis://127.0.0.1:{proxy.port}") as redis,
            load(redis) as clients,
        ):
            for _ in range(5):
                before = clients.served
                proxy.cut_after = kept
                await eventually(lambda: proxy.cut_after is None)
                await eventually(lambda before=before: clients.served > before + 100)
    assert any(refusal.maybe_executed for refusal in clients.refused)


async def test_a_cut_after_sending_says_that_the_command_may_have_been_executed(
    valkey: Valkey,
) -> None:
    with nothing_hangs():
        async with (
            proxy_to(valkey.socket) as proxy,
            running(f"redis://127.0.0.1:{proxy.port}") as redis,
        ):
            await redis.execute("SET", "n", 0)
            proxy.cut_after = 2
            with pytest.raises(ConnectionLost) as caught:
                await redis.execute("INCR", "n")
            assert caught.value.maybe_executed
            assert await until_served(lambda: redis.execute("GET", "n")) == b"1"


@pytest.mark.parametrize("reply", [b"?nonsense\r\n", b":1\r\n:2\r\n"], ids=["no RESP", "one more"])
async def test_a_reply_that_cannot_be_ends_the_connection(valkey: Valkey, reply: bytes) -> None:
    with nothing_hangs():
        async with (
            proxy_to(valkey.socket) as proxy,
            running(f"redis://127.0.0.1:{proxy.port}") as redis,
        ):
            await redis.execute("SET", "n", 0)
            proxy.reply_instead = reply
            with suppress(ConnectionLost):  # the first of two is taken for the answer
                assert await redis.execute("INCR", "n") == 1
            assert await until_served(lambda: redis.execute("GET", "n")) == b"1"
            assert proxy.connections >= 2


async def test_a_paused_server_is_given_up_and_taken_back(valkey: Valkey) -> None:
    with nothing_hangs():
        async with running(f"{valkey.url}?{QUICK}") as redis, load(redis) as clients:
            valkey.pause()
            await eventually(lambda: any(not r.maybe_executed for r in clients.refused))
            with pytest.raises(Unavailable):
                await redis.execute("PING")
            valkey.resume()
    assert any(refusal.maybe_executed for refusal in clients.refused)


async def test_a_silent_network_is_noticed_even_when_nobody_asks(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatehouse.engine.link, "LIFE_SIGN", 0.2)
    with nothing_hangs():
        async with (
            proxy_to(valkey.socket) as proxy,
            running(f"redis://127.0.0.1:{proxy.port}?{QUICK}") as redis,
        ):
            await redis.execute("PING")
            proxy.hold()
            await eventually(lambda: proxy.connections > 1)
            with pytest.raises(Unavailable):
                await redis.execute("PING")
            proxy.release()
            assert await until_served(lambda: redis.execute("PING")) == b"PONG"


async def test_a_healthy_idle_connection_is_kept(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatehouse.engine.link, "LIFE_SIGN", 0.1)
    with nothing_hangs(), valkey.client() as client:
        async with (
            proxy_to(valkey.socket) as proxy,
            running(f"redis://127.0.0.1:{proxy.port}?socket_timeout=0.2") as redis,
        ):
            await redis.execute("PING")
            pings = client.info("commandstats")["cmdstat_ping"]["calls"]
            await eventually(
                lambda: client.info("commandstats")["cmdstat_ping"]["calls"] >= pings + 3
            )
            assert proxy.connections == 1


async def test_a_server_that_loads_its_data_is_unavailable_until_it_has(valkey: Valkey) -> None:
    with valkey.client() as client:
        with client.pipeline() as pipeline:
            for i in range(3000):
                pipeline.set(f"k{i}", "x" * 1000)
            pipeline.execute()
        client.save()
    valkey.stop()
    slow = ["--key-load-delay", "400", "--loading-process-events-interval-bytes", "4096"]
    valkey.command += slow
    with nothing_hangs():
        async with running(valkey.url) as redis:
            valkey.start(wait=False)
            refused: list[Unavailable] = []

            async def ask() -> bytes:
                try:
                    return await redis.execute("GET", "k7")
                except Unavailable as refusal:
                    refused.append(refusal)
                    raise

            assert await until_served(ask) == b"x" * 1000
    assert any("loading" in str(refusal) for refusal in refused)
    assert not any(refusal.maybe_executed for refusal in refused)


async def test_a_demoted_server_refuses_writes_without_executing_them(valkey: Valkey) -> None:
    with nothing_hangs(), valkey.client() as client:
        async with running(valkey.url) as redis:
            await redis.execute("SET", "a", 1)
            client.replicaof("127.0.0.1", 1)
            with pytest.raises(Unavailable) as caught:
                await redis.execute("SET", "a", 2)
            assert not caught.value.maybe_executed
            client.replicaof("NO", "ONE")
            assert await until_served(lambda: redis.execute("SET", "a", 3)) == b"OK"


async def test_subscribers_learn_that_messages_may_have_been_missed(valkey: Valkey) -> None:
    send, receive = trio.open_memory_channel[bytes | None](10)
    with nothing_hangs():
        async with running(valkey.url) as redis:
            redis.subscribe("news", send.send_nowait)
            assert await receive.receive() is None
            valkey.kill()
            valkey.start()
            assert await receive.receive() is None
            await until_served(lambda: redis.execute("PUBLISH", "news", "again"))
            assert await receive.receive() == b"again"


async def test_a_killed_master_is_replaced_under_sentinel(sentinel_group: SentinelGroup) -> None:
    with nothing_hangs():
        async with running(sentinel_group.url) as redis, load(redis):
            await redis.execute("WAIT", 2, 5000)
            before = sentinel_group.master
            before.kill()
            await until_served(lambda: redis.execute("SET", "after", "written"))
        with sentinel_group.master.client() as client:
            assert client.get("after") == b"written"
        assert sentinel_group.master is not before


async def test_a_paused_master_is_replaced_under_sentinel_and_not_trusted_later(
    sentinel_group: SentinelGroup,
) -> None:
    with nothing_hangs():
        async with running(f"{sentinel_group.url}?{QUICK}") as redis, load(redis):
            await redis.execute("WAIT", 2, 5000)
            before = sentinel_group.master
            before.pause()
            await until_served(lambda: redis.execute("SET", "after", "written"))
            before.resume()
            with sentinel_group.master.client() as client:
                assert client.get("after") == b"written"
            for i in range(200):
                await until_served(lambda i=i: redis.execute("SET", f"later{i}", i))
            with sentinel_group.master.client() as client:
                assert len(client.keys("later*")) == 200


CLUSTER_KEYS = [f"{{p{i:02}}}:k" for i in range(24)]


@pytest.mark.parametrize("harm", [Valkey.kill, Valkey.pause], ids=["killed", "paused"])
async def test_a_lost_master_is_replaced_in_a_cluster(
    cluster: Cluster, harm: Callable[[Valkey], None]
) -> None:
    with nothing_hangs():
        async with running(f"{cluster.url}?{QUICK}") as redis, load(redis, CLUSTER_KEYS) as clients:
            for key in CLUSTER_KEYS:
                await redis.execute("WAIT", 1, 5000, key=key)
            lost = cluster.master_of(CLUSTER_KEYS[0])
            elsewhere = next(k for k in CLUSTER_KEYS if cluster.master_of(k) is not lost)
            harm(lost)
            await eventually(lambda: bool(clients.refused))
            # The other masters serve on meanwhile, or refuse at once.
            await until_served(lambda: redis.execute("GET", elsewhere, key=elsewhere))
            await clients.serves_everybody()
