"""One HTTP/1.1 connection: read a request, await the application in this very task, answer.

Hypercorn runs an application in a task of its own, moves its idle timer by cancelling and starting
another, and writes a response in three pieces. Here a connection is one task, its deadline is a
plain number that the worker's sweep compares with the clock, and a response that fits one piece
is one system call. While the application runs, nobody reads the socket unless the application
waits for the body or for the client's disappearance, which is all the backpressure there is to it.
"""

from __future__ import annotations

from math import inf
from time import time
from typing import TYPE_CHECKING

import trio

from gatehouse.http.edge_exchange import Exchange
from gatehouse.http.edge_limits import RequestRefusedError
from gatehouse.http.edge_parser import (
    HTTP2_PREFACE,
    Request,
    Upgrade,
    find_head,
    parse_head,
)
from gatehouse.http.edge_response import error_response
from gatehouse.http.edge_transport import Transport

if TYPE_CHECKING:
    from gatehouse.http.edge import Edge


class Connection:
    """An accepted connection until it is closed or handed to another protocol."""

    def __init__(
        self,
        edge: Edge,
        transport: Transport,
        scheme: str,
        client: tuple[str, int] | None,
        server: tuple[str, int] | None,
    ) -> None:
        self.edge = edge
        self.transport = transport
        self.scheme = scheme
        self.client = client
        self.server = server
        self.buffer = b""
        """Read from the socket and not yet consumed."""
        self.idle = True
        """Between requests, with nothing of the next one received."""
        self.deadline = inf
        """When the sweep stops this connection's reading (`trio.current_time`)."""
        self.requests = 0
        self.expired = False
        """Nothing more is read from this client."""
        self._input_left = False

    def expire(self) -> None:
        """Stop waiting for the client, unless its next request has arrived already."""
        if self.idle and self.transport.has_input():
            return
        self.deadline = inf
        self.expired = True
        self.transport.stop_reading()

    async def serve(self) -> tuple[str, bytes] | None:
        """Answer requests until the connection ends.

        Returns the protocol to continue with and the bytes already read, or None when it is over.
        """
        fallback = None
        try:
            keep_alive = True
            while keep_alive:
                head = await self._next_head()
                if not head:
                    break
                if head == HTTP2_PREFACE and self.requests == 0:
                    return "h2", head + self.buffer
                request = parse_head(head, self.edge.limits)
                fallback = self._fallback(request)
                if fallback is not None:
                    return fallback, head + self.buffer
                self.requests += 1
                keep_alive = await self._answer(request)
        except RequestRefusedError as refusal:
            self._input_left = True
            self.edge.stats.bad_requests[refusal.reason] += 1
            await self.write(error_response(refusal.status, self.edge.clock))
        if self._input_left or self.buffer:
            await self._discard_input()
        return None

    async def _next_head(self) -> bytes:
        """The next request's head, empty when the client is done. Moves the rest to `buffer`."""
        limits = self.edge.limits
        buffer = self.buffer
        searched = 0
        if buffer:  # pipelined: let other connections have their turn
            await trio.lowlevel.checkpoint()
        else:
            patience = limits.idle_seconds if self.requests else limits.header_seconds
            self.deadline = trio.current_time() + patience
            self.idle = True
            if self.edge.closing:
                self.expire()
            buffer = await self.transport.read()
            self.idle = False
            if not buffer:
                return b""
        while (end := find_head(buffer, searched, limits)) < 0:
            if searched == 0:
                self.deadline = trio.current_time() + limits.header_seconds
            searched = len(buffer)
            data = b"" if self.expired else await self.transport.read()
            if not data:
                if self.expired:
                    raise RequestRefusedError(408, "header_time")
                return b""
            buffer += data
        self.deadline = inf
        self.buffer = buffer[end:]
        return buffer[:end]

    def _fallback(self, request: Request) -> str | None:
        if request.upgrade is Upgrade.WEBSOCKET:
            return "websocket"
        if request.upgrade is Upgrade.H2C and self.scheme == "http":
            return "h2c"
        return None

    async def _answer(self, request: Request) -> bool:
        """Run the application; True when the connection may serve another request."""
        edge = self.edge
        edge.stats.requests += 1
        if request.length is not None and request.length > edge.limits.body_bytes:
            raise RequestRefusedError(413, "body_bytes")
        exchange = Exchange(self, request)
        scope = exchange.scope()
        started = time()
        try:
            await edge.app(scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.refusal is None and not exchange.gone:
                edge.stats.application_errors += 1
                await edge.config.log.exception("Error in ASGI Framework")
                exchange.failed = True
        keep_alive = await exchange.finish()
        if edge.config.accesslog is not None:
            await edge.log_access(scope, exchange.status, time() - started)
        if edge.config.max_requests is not None:
            await edge.context.mark_request()
        self._input_left = not exchange.body_received
        return keep_alive

    async def write(self, data: bytes) -> bool:
        """Send `data`; False when the client is gone or reads too slowly."""
        try:
            written = self.transport.write_now(data)
            if written == len(data):
                return True
            with trio.move_on_after(self.edge.limits.transfer_time(len(data))) as scope:
                await self.transport.write(memoryview(data)[written:])
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return not scope.cancelled_caught

    async def _discard_input(self) -> None:
        """Closing on unread input would reset the connection and take our answer with it."""
        limits = self.edge.limits
        self.transport.stop_writing()
        left = limits.linger_bytes
        with trio.move_on_after(limits.linger_seconds):
            while left > 0 and (data := await self.transport.read()):
                left -= len(data)
