"""A link that follows the master of a Sentinel group."""

from __future__ import annotations

import pytest
import trio

from gatehouse.engine.errors import Unavailable
from tests.servers.running import running, until_served
from tests.servers.sentinel import SERVICE, SentinelGroup


async def test_the_master_serves(sentinel_group: SentinelGroup) -> None:
    async with running(sentinel_group.url) as redis:
        await redis.execute("SET", "a", "1")
        assert (await redis.execute("ROLE"))[0] == b"master"
    with sentinel_group.master.client() as client:
        assert client.get("a") == b"1"


async def test_the_database_of_the_url_is_selected(sentinel_group: SentinelGroup) -> None:
    async with running(f"{sentinel_group.url}?db=4") as redis:
        await redis.execute("SET", "a", "four")
    with sentinel_group.master.client(db=4) as client:
        assert client.get("a") == b"four"


async def test_an_unknown_service_is_unavailable_and_says_so(
    sentinel_group: SentinelGroup,
) -> None:
    async with running(sentinel_group.url.replace(SERVICE, "elsewhere")) as redis:
        with pytest.raises(Unavailable, match="No such master"):
            await redis.execute("PING")


async def test_dead_and_hanging_sentinels_are_done_without(sentinel_group: SentinelGroup) -> None:
    dead, hanging, _ = sentinel_group.sentinels
    dead.kill()
    hanging.pause()
    async with running(sentinel_group.url) as redis:
        assert await until_served(lambda: redis.execute("SET", "a", 1)) == b"OK"


async def test_a_planned_failover_is_followed(sentinel_group: SentinelGroup) -> None:
    before = sentinel_group.master
    async with running(sentinel_group.url) as redis:
        await redis.execute("SET", "a", "kept")
        await redis.execute("WAIT", 2, 5000)
        with sentinel_group.sentinels[0].client() as client:
            client.execute_command("SENTINEL", "FAILOVER", SERVICE)

        async def served_by_another() -> None:
            await redis.execute("SET", "b", "written")
            if f"tcp_port:{before.port}\r".encode() in await redis.execute("INFO", "server"):
                raise Unavailable("still the old master")

        await until_served(served_by_another)
        assert await redis.execute("GET", "a") == b"kept"


async def test_a_subscription_moves_to_the_new_master(sentinel_group: SentinelGroup) -> None:
    send, receive = trio.open_memory_channel[bytes | None](1000)
    async with running(sentinel_group.url) as redis:
        redis.subscribe("news", send.send_nowait)
        assert await receive.receive() is None
        sentinel_group.master.kill()
        with trio.fail_after(30):
            assert await receive.receive() is None  # subscribed again, at another server
        message = None
        while message is None:  # a promotion may cost it another connection
            await until_served(lambda: redis.execute("PUBLISH", "news", "moved"))
            with trio.move_on_after(1):
                message = await receive.receive()
        assert message == b"moved"
