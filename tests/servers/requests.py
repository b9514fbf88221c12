"""What the tests' small HTTP servers share: where they listen, and how a request is read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import trio


@dataclass(frozen=True)
class Received:
    """A request, its headers by their names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def read_request(stream: trio.SocketStream) -> Received | None:
    """The next request of a connection, or None if there is none."""
    raw = bytearray()
    while b"\r\n\r\n" not in raw:
        part = await stream.receive_some()
        if not part:
            return None
        raw += part
    head, _, body = bytes(raw).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    while len(body) < int(headers.get("content-length", 0)):
        body += await stream.receive_some()
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


@asynccontextmanager
async def listening(
    serve: Callable[[trio.SocketStream], Awaitable[object]],
) -> AsyncIterator[int]:
    """Serve connections for the duration of the block; yields the port."""
    async with trio.open_nursery() as nursery:
        start = partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        listeners: list[trio.SocketListener] = await nursery.start(start)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()
