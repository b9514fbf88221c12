"""The link to one server: what it carries, in which order, and what it refuses."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from redis.exceptions import ResponseError

from gatehouse.engine.errors import Overloaded, Unavailable
from gatehouse.engine.observer import Observer
from gatehouse.engine.redis import Redis, Script
from tests.servers.running import running
from tests.servers.valkey import Valkey


async def test_replies_have_the_types_of_resp3(redis_url: str) -> None:
    async with running(redis_url) as redis:
        assert await redis.execute("SET", "a", b"\x00\xff") == b"OK"
        assert await redis.execute("GET", "a") == b"\x00\xff"
        assert await redis.execute("GET", "absent") is None
        assert await redis.execute("HSET", "h", "x", 1) == 1
        assert await redis.execute("HGETALL", "h") == {b"x": b"1"}


async def test_a_wrong_command_raises_redis_pys_error_and_harms_nobody(redis_url: str) -> None:
    async with running(redis_url) as redis:
        with pytest.raises(ResponseError):
            await redis.execute("INCR")
        assert await redis.execute("PING") == b"PONG"


async def test_a_large_value_passes_both_ways(redis_url: str) -> None:
    large = bytes(range(256)) * 40_000
    async with running(redis_url) as redis:
        await redis.execute("SET", "large", large)
        assert await redis.execute("GET", "large") == large


async def test_a_pipeline_answers_each_command_in_place(redis_url: str) -> None:
    async with running(redis_url) as redis:
        replies = await redis.pipeline([("SET", "a", 5), ("INCR", "a"), ("INCR",), ("GET", "a")])
        assert replies[:2] == [b"OK", 6]
        assert isinstance(replies[2], ResponseError)
        assert replies[3] == b"6"
        assert isinstance((await redis.pipeline([("INCR",)]))[0], ResponseError)
        assert await redis.pipeline([("LRANGE", "none", 0, -1)]) == [[]]
        assert await redis.pipeline([]) == []


async def test_a_script_is_loaded_where_it_is_unknown(redis_url: str) -> None:
    script = Script("return {KEYS[1], ARGV[1]}")
    async with running(redis_url) as redis:
        for argument in (b"first", b"second"):
            assert await redis.eval(script, ["k"], [argument]) == [b"k", argument]
        await redis.execute("SCRIPT", "FLUSH")
        assert await redis.eval(script, ["k"], ["third"]) == [b"k", b"third"]


async def test_cancelled_callers_leave_the_order_of_replies_alone(redis_url: str) -> None:
    async with running(redis_url) as redis:
        await redis.pipeline([("SET", f"c{i}", i) for i in range(100)])

        async def ask(i: int) -> None:
            with trio.CancelScope() as scope:
                if i % 3 == 0:
                    nursery.start_soon(cancel_soon, scope)
                assert await redis.execute("GET", f"c{i}") == str(i).encode()

        async def cancel_soon(scope: trio.CancelScope) -> None:
            await trio.lowlevel.checkpoint()
            scope.cancel()

        for _ in range(20):
            async with trio.open_nursery() as nursery:
                for i in range(100):
                    nursery.start_soon(ask, i)


async def test_what_waits_together_is_written_together(redis_url: str) -> None:
    class Batches(Observer):
        largest = 0

        def link_batch(self, commands: int, in_flight: int) -> None:
            self.largest = max(self.largest, commands)

    batches = Batches()
    async with running(redis_url, batches) as redis, trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(redis.execute, "PING")
    assert batches.largest == 49  # the first found the server idle, and was sent at once


@pytest.mark.parametrize("cancelled", [False, True])
async def test_who_waits_alone_reads_for_those_who_come_later(
    redis_url: str, cancelled: bool
) -> None:
    slow = "local i = 0 while i < 3000000 do i = i + 1 end return 'slow'"
    replies: list[bytes] = []
    async with running(redis_url) as redis:
        for _ in range(3):
            replies.clear()

            async def ask(*command: str | int) -> None:
                replies.append(await redis.execute(*command))

            async with trio.open_nursery() as nursery:
                first = trio.CancelScope()

                async def lead(scope: trio.CancelScope = first) -> None:
                    with scope:
                        await ask("EVAL", slow, 0)

                nursery.start_soon(lead)
                await trio.testing.wait_all_tasks_blocked()
                for word in ("a", "b"):
                    nursery.start_soon(ask, "ECHO", word)
                    await trio.testing.wait_all_tasks_blocked()
                if cancelled:
                    first.cancel()
            assert sorted(replies[-2:]) == [b"a", b"b"]
            assert replies[:-2] == ([] if cancelled else [b"slow"])
            assert await redis.execute("ECHO", "after") == b"after"


async def test_more_than_the_bound_in_flight_is_refused_at_once(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[str] = []

    async def ask(redis: Redis) -> None:
        try:
            await redis.execute("PING")
        except Overloaded:
            outcomes.append("refused")
        else:
            outcomes.append("answered")

    async with running(redis_url) as redis:
        monkeypatch.setattr(redis, "_max_in_flight", 10)
        async with trio.open_nursery() as nursery:
            for _ in range(15):
                nursery.start_soon(ask, redis)
        assert sorted(outcomes) == ["answered"] * 10 + ["refused"] * 5
        assert await redis.execute("PING") == b"PONG"


async def test_without_a_server_requests_are_refused_with_the_reason() -> None:
    async with running("unix:///nonexistent/valkey.sock") as redis:
        with pytest.raises(Unavailable, match="No such file") as caught:
            await redis.execute("PING")
        assert not caught.value.maybe_executed
        assert caught.value.retry_after > 0


async def test_the_database_of_the_url_is_selected(redis_url: str, shared_valkey: Valkey) -> None:
    async with running(f"{redis_url}?db=3") as redis:
        await redis.execute("SET", "here", "yes")
    with shared_valkey.client(db=3) as client:
        assert client.get("here") == b"yes"


async def test_pushes_between_replies_are_not_taken_for_replies(redis_url: str) -> None:
    async with running(redis_url) as redis:
        await redis.execute("CLIENT", "TRACKING", "ON", "BCAST")

        async def write(key: str) -> None:
            for i in range(20):  # each write makes the server push an invalidation
                assert await redis.execute("SET", key, i, "GET") == (
                    str(i - 1).encode() if i else None
                )

        async with trio.open_nursery() as nursery:
            for n in range(20):
                nursery.start_soon(write, f"k{n}")


async def test_a_subscriber_is_told_of_its_subscription_and_of_messages(redis_url: str) -> None:
    send, receive = trio.open_memory_channel[bytes | None](10)
    later_send, later_receive = trio.open_memory_channel[bytes | None](10)
    async with running(redis_url) as redis:
        redis.subscribe("news", send.send_nowait)
        assert await receive.receive() is None
        await redis.execute("PUBLISH", "news", "hello")
        assert await receive.receive() == b"hello"

        redis.subscribe("later", later_send.send_nowait)
        assert await later_receive.receive() is None
        await redis.execute("PUBLISH", "later", "there")
        assert await later_receive.receive() == b"there"


async def test_a_subscription_survives_its_connection(redis_url: str) -> None:
    send, receive = trio.open_memory_channel[bytes | None](10)
    async with running(redis_url) as redis:
        redis.subscribe("news", send.send_nowait)
        assert await receive.receive() is None
        await redis.execute("CLIENT", "KILL", "TYPE", "pubsub")
        assert await receive.receive() is None
        await redis.execute("PUBLISH", "news", "again")
        assert await receive.receive() == b"again"
