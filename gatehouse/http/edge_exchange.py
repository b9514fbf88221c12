"""One request and its response, as an ASGI application sees them: `receive` and `send`.

The body is read from the socket only when the application asks for it, and the response leaves in
one write where it came in one piece. An exchange belongs to one request: what an application does
with it too late reaches nobody else's response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from gatehouse.http.edge_limits import RequestRefusedError
from gatehouse.http.edge_parser import Chunks, Request
from gatehouse.http.edge_response import ResponseError, ResponseHead, error_response

if TYPE_CHECKING:
    from gatehouse.http.edge_http1 import Connection

Message = dict[str, Any]
Application = Callable[
    [
        dict[str, Any],
        Callable[[], Awaitable[dict[str, Any]]],
        Callable[[dict[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
_DISCONNECT = "http.disconnect"


class Exchange:
    """One request and its response, as an application sees them: `receive` and `send`."""

    __slots__ = (
        "_chunks",
        "_connection",
        "_empty_due",
        "_finished",
        "_head",
        "_on_wire",
        "_received",
        "_request",
        "_sent",
        "_unread",
        "_waited",
        "_watching",
        "body_received",
        "failed",
        "gone",
        "refusal",
        "status",
    )

    def __init__(self, connection: Connection, request: Request) -> None:
        self._connection = connection
        self._request = request
        self._chunks = Chunks() if request.length is None else None
        self._unread = request.length or 0
        self._empty_due = request.length == 0  # without a body there is still one empty piece
        self._received = 0
        self._waited = 0.0
        self._head: ResponseHead | None = None
        self._on_wire = False
        self._sent = 0
        self._finished = False
        self._watching: trio.CancelScope | None = None
        self.body_received = request.length == 0
        self.status: int | None = None
        """The status that was answered."""
        self.failed = False
        """The application raised: what it left unfinished must not look finished."""
        self.gone = False
        """The client left, or was too slow to read."""
        self.refusal: RequestRefusedError | None = None
        """Why the body could not be read to its end."""

    def scope(self) -> dict[str, Any]:
        """The ASGI connection scope (specification 3.0, HTTP message format 2.3)."""
        request = self._request
        connection = self._connection
        edge = connection.edge
        return {
            "type": "http",
            "http_version": request.http_version,
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "method": request.method,
            "scheme": connection.scheme,
            "path": request.path,
            "raw_path": request.raw_path,
            "query_string": request.query,
            "root_path": edge.config.root_path,
            "headers": request.headers,
            "client": connection.client,
            "server": connection.server,
            "state": edge.state.copy(),
            "extensions": {},
        }

    # The request's body

    async def receive(self) -> Message:
        """ASGI `receive`: the body piece by piece, then the client's disappearance."""
        if not self._finished and not self.gone and self.refusal is None:
            if self._empty_due:
                self._empty_due = False
                return {"type": "http.request", "body": b"", "more_body": False}
            if self.body_received:
                await self._watch()
                return {"type": _DISCONNECT}
            try:
                body = await self._next_piece()
            except RequestRefusedError as refusal:
                self.refusal = refusal
            else:
                if body or self.body_received:
                    return {
                        "type": "http.request",
                        "body": body,
                        "more_body": not self.body_received,
                    }
        return {"type": _DISCONNECT}

    async def _next_piece(self) -> bytes:
        """Some of the body; empty at its end, or when the client is gone."""
        connection = self._connection
        if self._request.expects_continue and not connection.buffer and not self._on_wire:
            self._request.expects_continue = False
            self.gone = not await connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while True:
            body = self._take_buffered()
            if body or self.body_received:
                return body
            data = await self._read()
            if not data:
                self.gone = True
                return b""
            connection.buffer += data

    def _take_buffered(self) -> bytes:
        connection = self._connection
        if self._chunks is None:
            body = connection.buffer[: self._unread]
            connection.buffer = connection.buffer[self._unread :]
            self._unread -= len(body)
            self.body_received = self._unread == 0
        else:
            body, connection.buffer = self._chunks.feed(connection.buffer)
            self.body_received = self._chunks.done
        self._received += len(body)
        if self._received > connection.edge.limits.body_bytes:
            raise RequestRefusedError(413, "body_bytes")
        return body

    async def _read(self) -> bytes:
        """Read within the time that a body of this size may keep us waiting."""
        patience = self._connection.edge.limits.transfer_time(self._received) - self._waited
        since = trio.current_time()
        data = b""
        with trio.move_on_after(patience) as scope:
            data = await self._connection.transport.read()
        self._waited += trio.current_time() - since
        if scope.cancelled_caught:
            raise RequestRefusedError(408, "body_time")
        return data

    async def _watch(self) -> None:
        """Wait until the client leaves or the response is finished; keep what it pipelines."""
        connection = self._connection
        with trio.CancelScope() as self._watching:
            while len(connection.buffer) < connection.edge.limits.pipelined_bytes:
                data = await connection.transport.read()
                if not data:
                    self.gone = True
                    return
                connection.buffer += data
            await trio.sleep_forever()

    # The response

    async def send(self, message: Message) -> None:
        """ASGI `send`. After the client left, and after a refused body, it does nothing."""
        kind = message["type"]
        if kind == "http.response.start":
            if self._head is not None:
                raise ResponseError("a second http.response.start")
            self._head = ResponseHead(
                message["status"],
                message.get("headers", ()),
                self._request.method,
                self._may_keep_alive(),
            )
        elif kind == "http.response.body":
            if self._head is None or self._finished:
                raise ResponseError("http.response.body out of place")
            await self._send_body(
                self._head, message.get("body", b""), message.get("more_body", False)
            )
        else:
            raise ResponseError(f"a message of type {kind}")

    async def _send_body(self, head: ResponseHead, body: bytes, more: bool) -> None:
        connection = self._connection
        data = b""
        if not self._on_wire:
            if head.keep_alive and not self._skip_body():
                head.keep_alive = False
            data = head.rendered(body, more, self._request.http_version, connection.edge.clock)
        if head.has_body:
            self._sent += len(body)
            data += head.framed(body, more, self._sent)
        if self.refusal is None and not self.gone:
            self._on_wire = True
            self.status = head.status
            if data and not await connection.write(data):
                self.gone = True
        if more:
            await trio.lowlevel.checkpoint()
        else:
            self._finished = True
        if self._watching is not None and (self._finished or self.gone):
            self._watching.cancel()

    def _may_keep_alive(self) -> bool:
        connection = self._connection
        edge = connection.edge
        return (
            self._request.keep_alive
            and not connection.expired
            and connection.requests < edge.limits.requests
            and (not edge.draining or bool(connection.buffer))
        )

    def _skip_body(self) -> bool:
        """Throw away what the application did not read, if all of it is here already."""
        if not self.body_received:
            try:
                while self._take_buffered():
                    pass
            except RequestRefusedError:
                return False
        return self.body_received

    async def finish(self) -> bool:
        """The application returned: True when the response is whole and the connection reusable.

        Raises `RequestRefusedError` when the body was refused and nothing has been answered.
        """
        if self.refusal is not None and not self._on_wire:
            raise self.refusal
        if self.refusal is not None:
            self._connection.edge.stats.bad_requests[self.refusal.reason] += 1
            return False
        if self.gone:
            return False
        if self._finished and self._head is not None:
            return self._head.keep_alive and self.body_received and not self.failed
        if not self._on_wire:
            connection = self._connection
            self.status = 500
            response = error_response(500, connection.edge.clock)
            if self._request.method == "HEAD":
                response = response[: response.index(b"\r\n\r\n") + 4]
            await connection.write(response)
        return False
