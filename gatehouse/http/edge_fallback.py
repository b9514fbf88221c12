"""HTTP/2, h2c and WebSockets: Hypercorn's own protocols, continued from the bytes already read.

They are slower and rarer, and Hypercorn speaks them well. What it lacks is added around it: the
bounds on the size and the time of a body, which hold on every path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import trio
from hypercorn import Config
from hypercorn.events import RawData
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from gatehouse.http.edge_limits import EdgeLimits, EdgeStats
from gatehouse.http.edge_transport import Stream


class BoundedApp:
    """The application as Hypercorn's protocols call it, with bodies held to the limits."""

    def __init__(self, app: Any, limits: EdgeLimits, stats: EdgeStats) -> None:
        self._app = app
        self._limits = limits
        self._stats = stats

    async def __call__(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: Callable[..., Any],
        call_soon: Callable[..., Any],
    ) -> None:
        if scope["type"] == "http":
            self._stats.requests += 1
            await _BoundedRequest(self._limits, self._stats, receive, send).run(self._app, scope)
        else:
            await self._app(scope, receive, send)


class _BoundedRequest:
    def __init__(
        self,
        limits: EdgeLimits,
        stats: EdgeStats,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> None:
        self._limits = limits
        self._stats = stats
        self._receive = receive
        self._send = send
        self._received = 0
        self._waited = 0.0
        self._complete = False
        self._started = False
        self._refused: tuple[int, str] | None = None
        self._receiving = trio.Lock()

    async def run(self, app: Any, scope: Any) -> None:
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if any(not size.isdigit() or int(size) > self._limits.body_bytes for size in lengths):
            self._refused = (413, "body_bytes")
        else:
            try:
                await app(scope, self.receive, self.send)
            except Exception:
                if self._refused is None:
                    raise  # else it is about the disconnect that we feigned
        if self._refused is not None and not self._started:
            status, reason = self._refused
            self._stats.bad_requests[reason] += 1
            await self._discard_body()
            await self._send({"type": "http.response.start", "status": status, "headers": []})
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive(self) -> ASGIReceiveEvent:
        async with self._receiving:
            if self._refused is not None:
                return {"type": "http.disconnect"}
            if not self._complete:
                return await self._next_piece()
        return await self._receive()

    async def _next_piece(self) -> ASGIReceiveEvent:
        since = trio.current_time()
        message: Any = None
        with trio.move_on_after(self._limits.transfer_time(self._received) - self._waited):
            message = await self._receive()
        self._waited += trio.current_time() - since
        if message is None:
            self._refused = (408, "body_time")
        else:
            self._account(message)
            if self._received > self._limits.body_bytes:
                self._refused = (413, "body_bytes")
        disconnect: ASGIReceiveEvent = {"type": "http.disconnect"}
        return disconnect if self._refused is not None else message

    def _account(self, message: Any) -> None:
        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)

    async def send(self, message: ASGISendEvent) -> None:
        if self._refused is None:
            self._started = True
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._discard_body()
            await self._send(message)

    async def _discard_body(self) -> None:
        """Hypercorn drops the whole connection when a body outlives its response in HTTP/2."""
        with trio.move_on_after(self._limits.linger_seconds):
            while not self._complete and self._received < self._limits.linger_bytes:
                async with self._receiving:
                    if not self._complete:
                        self._account(await self._receive())


class FallbackServer(TCPServer):
    """Hypercorn's connection handler, beginning with what the edge has already read."""

    def __init__(
        self,
        app: BoundedApp,
        config: Config,
        context: WorkerContext,
        state: dict[str, Any],
        stream: Stream,
        *,
        already_read: bytes,
    ) -> None:
        # Hypercorn handles both kinds of stream, whatever its annotation says.
        super().__init__(app, config, context, state, cast("Any", stream))
        self._already_read = already_read

    async def _read_data(self) -> None:
        if self._already_read:
            await self.protocol.handle(RawData(self._already_read))
        await super()._read_data()
