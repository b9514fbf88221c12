"""A receiver of webhooks: a small HTTP server on a port of this machine.

async with open_receiver() as receiver:
    receiver.answers.append(500)      # the first request fails, the others succeed
    ...
    request = await receiver.next()
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from tests.servers.requests import Received, listening, read_request

SILENCE = 0
"""As an answer: none at all."""


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
        request = await read_request(stream)
        if request is None:
            return
        self.count += 1
        self._put.send_nowait(request)
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
    async with listening(receiver.serve) as port:
        receiver.url = f"http://127.0.0.1:{port}/hook"
        yield receiver
