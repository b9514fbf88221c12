"""Subscriptions that outlive their connection.

They have a connection of their own, opened with the first subscription: in RESP3 the answer to
SUBSCRIBE is a push or, when an ACL forbids the channel, an ordinary error, and on a shared
connection that error could not be told from the next command's reply. It also keeps a burst of
messages from standing in the way of turns.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import hiredis
import trio
from redis.backoff import EqualJitterBackoff

from gatehouse.engine.errors import Unavailable
from gatehouse.engine.wire import (
    NOT_YET,
    READ_SIZE,
    UNREACHABLE,
    Address,
    Connection,
    pack,
    reason_of,
)

OnMessage = Callable[[bytes | None], None]
"""Gets each message, and `None` when messages may have been missed."""

_logger = logging.getLogger(__name__)


class Listener:
    """All subscriptions of one Redis, kept alive on one connection."""

    def __init__(
        self, open_connection: Callable[[], Awaitable[Connection]], *, reply_timeout: float
    ) -> None:
        self._open = open_connection
        self._reply_timeout = reply_timeout
        self.address: Address | None = None
        """The server it listens to now."""
        self._callbacks: dict[bytes, list[OnMessage]] = {}
        self._established: set[bytes] = set()
        self._wanted = trio.Event()
        self._receiving = trio.CancelScope()
        self._poked = False
        self._leaving = False

    def subscribe(self, channel: str, callback: OnMessage) -> None:
        """See `Redis.subscribe`."""
        name = channel.encode()
        self._callbacks.setdefault(name, []).append(callback)
        if name in self._established:
            callback(None)
        self._wanted.set()
        self._poke()

    def reconnect(self) -> None:
        """Leave the server it listens to, because another one is the right one now."""
        self._leaving = True
        self._poke()

    def _poke(self) -> None:
        self._poked = True
        self._receiving.cancel()

    async def run(self) -> None:
        """Connect once there is something to listen to, and listen until cancelled."""
        await self._wanted.wait()
        backoff = EqualJitterBackoff(cap=1.0, base=0.02)
        failures = 0
        while True:
            self._leaving = False
            try:
                connection = await self._open()
                self.address = connection.address
                try:
                    await self._listen(connection)
                finally:
                    self.address = None
                    await connection.close()
            except (*UNREACHABLE, Unavailable) as error:
                if self._established:
                    _logger.warning("subscriptions interrupted: %s", reason_of(error))
            failures = 0 if self._established else min(failures + 1, 16)
            self._established.clear()
            await trio.sleep(backoff.compute(failures))

    async def _listen(self, connection: Connection) -> None:
        asked: set[bytes] = set()
        pinged = False
        while not self._leaving:
            self._poked = False
            if new := self._callbacks.keys() - asked:
                asked |= new
                await self._send(connection, "SUBSCRIBE", *new)
            data = None
            with trio.move_on_after(self._reply_timeout) as self._receiving:
                if not self._poked:
                    data = await connection.stream.receive_some(READ_SIZE)
            if data:
                connection.reader.feed(data)
                self._dispatch(connection)
                pinged = False
            elif data is not None:
                raise trio.BrokenResourceError("the server closed the connection")
            elif not self._poked:
                if pinged:
                    raise trio.BrokenResourceError("the server stopped answering")
                pinged = True
                await self._send(connection, "PING")

    async def _send(self, connection: Connection, *args: str | bytes) -> None:
        with trio.fail_after(self._reply_timeout):
            await connection.stream.send_all(pack(args))

    def _dispatch(self, connection: Connection) -> None:
        while (reply := connection.reader.gets()) is not NOT_YET:
            if isinstance(reply, Exception):
                raise reply
            if not isinstance(reply, hiredis.PushNotification):
                continue  # the answer to PING
            event, channel, content = reply
            if event == b"subscribe":
                self._established.add(channel)
                self._tell(channel, None)
            elif event == b"message":
                self._tell(channel, content)

    def _tell(self, channel: bytes, message: bytes | None) -> None:
        for callback in self._callbacks.get(channel, ()):
            callback(message)
