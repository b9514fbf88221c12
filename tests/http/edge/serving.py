"""A real edge on a loopback port, and a client that sends exactly the bytes it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio
from hypercorn import Config

from gatehouse.http.edge import EdgeLimits, EdgeStats, serve

Message = dict[str, Any]


@dataclass
class Running:
    """A server that is being tested."""

    address: str
    stats: EdgeStats
    stop: trio.Event = field(default_factory=trio.Event)
    stopped: trio.Event = field(default_factory=trio.Event)

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def exchange(self, *pieces: bytes, close: bool = False) -> bytes:
        """Send the pieces, each as soon as the server has nothing to do, and read to the end.

        `close` says that nothing follows; otherwise the server must end the connection.
        """
        async with await self.connect() as stream:
            for piece in pieces:
                await stream.send_all(piece)
                if len(pieces) > 1:
                    await trio.testing.wait_all_tasks_blocked()
            if close:
                await stream.send_eof()
            return await read_all(stream)


@asynccontextmanager
async def running(
    app: Any = None, limits: EdgeLimits | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """Serve `app` (the `site` below by default) and stop without a drain at the end."""
    config = Config.from_mapping(
        {"bind": ["127.0.0.1:0"], "errorlog": None, "graceful_timeout": 5.0} | settings
    )
    stats = EdgeStats()
    stop = trio.Event()
    stopped = trio.Event()

    async def run(task_status: trio.TaskStatus[list[str]]) -> None:
        await serve(
            app or site,
            config,
            limits=limits,
            stats=stats,
            shutdown_trigger=stop.wait,
            task_status=task_status,
        )
        stopped.set()

    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(run)
        yield Running(address, stats, stop, stopped)
        nursery.cancel_scope.cancel()


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Everything until the server ends the connection, also where it resets it."""
    received = b""
    try:
        async for data in stream:
            received += data
    except trio.BrokenResourceError:
        pass
    return received


async def read_until(stream: trio.abc.ReceiveStream, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        data = await stream.receive_some()
        assert data, f"the server closed after {received!r}"
        received += data
    return received


async def read_body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left")
        body += message["body"]
        if not message["more_body"]:
            return body


async def respond(send: Any, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def site(scope: Message, receive: Any, send: Any) -> None:
    """Says what it was asked: `METHOD path?query body`, in brackets so that answers count."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await echo_websocket(receive, send)
    else:
        body = await read_body(receive)
        query = scope["query_string"].decode()
        said = f"[{scope['method']} {scope['path']}?{query} ".encode() + body + b"]"
        await respond(send, said, (b"content-length", b"%d" % len(said)))


async def lifespan(receive: Any, send: Any) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def echo_websocket(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    await send({"type": "websocket.send", "text": f"echo {message['text']}"})
    await send({"type": "websocket.close", "code": 1000})


def get(path: str = "/", *fields: str) -> bytes:
    """A GET request with these further header fields."""
    lines = [f"GET {path} HTTP/1.1", "host: localhost", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


CLOSE = "connection: close"
