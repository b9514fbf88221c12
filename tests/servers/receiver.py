"""A receiver of webhooks: a small HTTP server on a port of this machine.

async with open_receiver() as receiver:
    receiver.answers.append(500)      # the first request fails, the others succeed
    ...
    request = await receiver.next()
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio

SILENCE = 0
"""As an answer: none at all."""


@dataclass(frozen=True)
class Received:
    """A request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What the next requests are answered with (then 200), and what was received."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    answer_body: bytes = b"taken"
    answer_headers: tuple[str, ...] = ()
    count: int = 0

    def __post_init__(self) -> None:
        self._put, self._take = trio.open_memory_channel[Received](1000)

    async def next(self) -> Received:
        """The next request that was not looked at; fails after a long while."""
        with trio.fail_after(60):
            return await self._take.receive()

    async def silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        with trio.move_on_after(seconds):
            await self._take.receive()
            return False
        return True

    async def serve(self, stream: trio.SocketStream) -> None:
        try:
            await self._exchange(stream)
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _exchange(self, stream: trio.SocketStream) -> None:
        raw = bytearray()
        while b"\r\n\r\n" not in raw:
            part = await stream.receive_some()
            if not part:
                return
            raw += part
        head, _, body = bytes(raw).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        while len(body) < int(headers.get("content-length", 0)):
            body += await stream.receive_some()
        self.count += 1
        method, target, _ = first.split(" ")
        self._put.send_nowait(Received(method, target, headers, body))
        status = self.answers.pop(0) if self.answers else 200
        if status == SILENCE:
            await trio.sleep_forever()
        answer = [f"HTTP/1.1 {status} Answer", *self.answer_headers]
        answer += [f"content-length: {len(self.answer_body)}", "connection: close", "", ""]
        await stream.send_all("\r\n".join(answer).encode() + self.answer_body)


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    """A receiver for the duration of the block."""
    receiver = Receiver()
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, receiver.serve, 0, host="127.0.0.1")
        listeners: list[trio.SocketListener] = await nursery.start(serve)
        receiver.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/hook"
        yield receiver
        nursery.cancel_scope.cancel()
