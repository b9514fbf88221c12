"""Time and room that a client may take. The clock is the test's: nothing here waits for real."""

from __future__ import annotations

import socket
from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from gatehouse.http.edge import EdgeLimits
from tests.http.edge.serving import CLOSE, get, read_all, read_until, respond, running, site

LIMITS = EdgeLimits(
    header_seconds=10,
    idle_seconds=60,
    transfer_seconds=5,
    transfer_bytes_per_second=100,
    requests=3,
    connections=2,
    pipelined_bytes=1000,
    linger_seconds=1,
)
POST = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n"


async def advance(clock: MockClock, seconds: float) -> None:
    """Let everything happen that happens within `seconds`."""
    for _ in range(int(seconds * 4)):
        await wait_all_tasks_blocked(0.001)
        clock.jump(0.25)
    await wait_all_tasks_blocked(0.001)


async def test_a_head_that_takes_too_long_is_answered_408(mock_clock: MockClock) -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\n")
        await advance(mock_clock, 9)
        await stream.send_all(b"host: localhost\r\n")  # a drip does not buy more time
        await advance(mock_clock, 2)
        assert (await read_all(stream)).startswith(b"HTTP/1.1 408 ")
        assert server.stats.bad_requests == {"header_time": 1}


async def test_a_silent_new_connection_is_closed(mock_clock: MockClock) -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await advance(mock_clock, 11)
        assert await read_all(stream) == b""
        assert not server.stats.bad_requests


async def test_an_idle_connection_is_closed_after_its_time(mock_clock: MockClock) -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await stream.send_all(get())
        await read_until(stream, b"]")
        await advance(mock_clock, 59)
        await stream.send_all(get("/again"))
        assert b"[GET /again? ]" in await read_until(stream, b"]")
        await advance(mock_clock, 61)
        assert await read_all(stream) == b""


async def test_a_slow_body_is_answered_408(mock_clock: MockClock) -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await stream.send_all(POST)
        await advance(mock_clock, 4)
        await stream.send_all(b"x" * 100)  # buys one second
        await advance(mock_clock, 1.5)
        assert server.stats.bad_requests == {}
        await advance(mock_clock, 1)
        assert (await read_all(stream)).startswith(b"HTTP/1.1 408 ")
        assert server.stats.bad_requests == {"body_time": 1}


async def test_a_body_at_the_slowest_rate_is_read(mock_clock: MockClock) -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await stream.send_all(POST)
        for _ in range(10):
            await stream.send_all(b"x" * 100)
            await advance(mock_clock, 1)
        assert b"x" * 1000 in await read_until(stream, b"]")


async def test_an_application_may_take_its_time(mock_clock: MockClock) -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        await trio.sleep(500)
        await respond(send, b"[late]")

    async with running(app, LIMITS) as server, await server.connect() as stream:
        await stream.send_all(get("/", CLOSE))
        await wait_all_tasks_blocked(0.001)
        mock_clock.jump(499)
        await advance(mock_clock, 1)
        assert (await read_all(stream)).endswith(b"[late]")


async def test_a_client_that_does_not_read_is_cut_off(mock_clock: MockClock) -> None:
    ended = trio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        await respond(send, b"x" * 20_000_000)
        ended.set()

    limits = EdgeLimits(transfer_seconds=5, transfer_bytes_per_second=20_000_000)
    async with running(app, limits) as server, await server.connect() as stream:
        await stream.send_all(get())
        await advance(mock_clock, 5)
        assert not ended.is_set()
        await advance(mock_clock, 2)
        assert ended.is_set()
        assert len(await read_all(stream)) < 20_000_000


async def test_a_connection_serves_so_many_requests() -> None:
    async with running(limits=LIMITS) as server:
        answer = await server.exchange(get() * 5)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"connection: close") == 1


async def test_connections_beyond_the_limit_are_answered_503() -> None:
    async with running(limits=LIMITS) as server:
        async with await server.connect(), await server.connect():
            await wait_all_tasks_blocked(0.001)
            assert server.stats.open_connections == 2
            assert (await server.exchange()).startswith(b"HTTP/1.1 503 ")
            assert server.stats.refused_connections == 1
        await wait_all_tasks_blocked(0.001)
        assert (await server.exchange(get("/", CLOSE))).startswith(b"HTTP/1.1 200 ")


async def test_what_is_pipelined_behind_a_slow_answer_stays_in_the_kernel() -> None:
    """A client cannot fill the server's memory: reading stops until the answer is out."""
    answer_now = trio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
            return
        await receive()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await answer_now.wait()
            await respond(send, b"[x]")

    async with running(app, LIMITS) as server, await server.connect() as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sent = 0
        with trio.move_on_after(0.3):
            while sent < 100_000_000:
                await stream.send_all(get() * 100)
                sent += len(get()) * 100
        assert sent < 50_000_000
        answer_now.set()
        assert (await read_all(stream)).count(b"[x]") == 3


async def test_a_refused_body_still_gets_its_answer_to_the_sender() -> None:
    """Closing with unread input would reset the connection before the client reads the 413."""
    async with (
        running(limits=EdgeLimits(body_bytes=1000)) as server,
        await server.connect() as stream,
    ):
        await stream.send_all(
            b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 300000\r\n\r\n"
        )
        await stream.send_all(b"x" * 300_000)
        assert (await read_all(stream)).startswith(b"HTTP/1.1 413 ")
