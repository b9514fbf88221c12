"""Stopping: whatever the server has accepted is answered, and then it is gone."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from gatehouse.http.edge import EdgeLimits
from tests.http.edge.serving import CLOSE, get, read_all, read_until, respond, running, site

LIMITS = EdgeLimits(drain_seconds=0.3)


def waiting_for(event: trio.Event) -> Any:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await site(scope, receive, send)
        else:
            await event.wait()
            await respond(send, f"[{scope['path']}]".encode())

    return app


async def test_requests_in_flight_are_answered() -> None:
    go_on = trio.Event()
    async with running(waiting_for(go_on), LIMITS) as server, await server.connect() as stream:
        await stream.send_all(get("/one") + get("/two"))
        await wait_all_tasks_blocked(0.01)
        server.stop.set()
        await wait_all_tasks_blocked(0.01)
        go_on.set()
        answer = await read_all(stream)
        with trio.fail_after(5):
            await server.stopped.wait()
    assert b"[/one]" in answer
    assert answer.endswith(b"[/two]")
    assert answer.count(b"connection: close") == 1


async def test_a_request_on_an_idle_connection_is_answered_and_the_connection_closed() -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await stream.send_all(get())
        await read_until(stream, b"]")
        server.stop.set()
        await wait_all_tasks_blocked(0.01)
        await stream.send_all(get("/last"))
        answer = await read_all(stream)
        assert b"connection: close\r\n" in answer
        assert answer.endswith(b"[GET /last? ]")


async def test_idle_connections_are_closed_and_the_server_ends() -> None:
    async with running(limits=LIMITS) as server, await server.connect() as stream:
        await stream.send_all(get())
        await read_until(stream, b"]")
        server.stop.set()
        with trio.fail_after(5):
            await server.stopped.wait()
        assert await read_all(stream) == b""


async def test_nobody_is_accepted_any_more() -> None:
    async with running(limits=LIMITS) as server:
        server.stop.set()
        await wait_all_tasks_blocked(0.01)
        with pytest.raises(OSError, match="all attempts to connect"):
            await server.connect()


async def test_connections_in_the_kernels_queue_are_served() -> None:
    async with running(limits=LIMITS) as server:
        streams = [await server.connect() for _ in range(10)]
        server.stop.set()
        for stream in streams:
            await stream.send_all(get("/queued"))
        for stream in streams:
            assert (await read_all(stream)).endswith(b"[GET /queued? ]")


async def test_an_answer_that_never_comes_is_given_up() -> None:
    async with (
        running(
            waiting_for(trio.Event()), EdgeLimits(drain_seconds=0.1), graceful_timeout=0.1
        ) as server,
        await server.connect() as stream,
    ):
        await stream.send_all(get())
        await wait_all_tasks_blocked(0.01)
        server.stop.set()
        with trio.fail_after(5):
            await server.stopped.wait()


async def test_draining_under_load_loses_nothing() -> None:
    """Every request that was written before the connection's end was announced is answered."""
    answered = 0
    lost = 0

    async def client(port: int) -> None:
        nonlocal answered, lost
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                return  # stopped
            async with stream:
                more = True
                while more:
                    await stream.send_all(get())
                    answer = b""
                    while not answer.endswith(b"]"):
                        try:
                            data = await stream.receive_some()
                        except trio.BrokenResourceError:
                            data = b""
                        if not data:
                            lost += 1
                            return
                        answer += data
                    answered += 1
                    more = CLOSE.encode() not in answer

    async with running(limits=LIMITS) as server:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for _ in range(16):
                    nursery.start_soon(client, server.port)
                await trio.sleep(0.2)
                server.stop.set()
            await server.stopped.wait()
    assert lost == 0
    assert answered > 100
