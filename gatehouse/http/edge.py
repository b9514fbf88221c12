"""The edge: a Hypercorn trio worker whose HTTP/1.1 path costs an eighth of Hypercorn's.

`serve` is Hypercorn's `worker_serve` with three differences. HTTP/1.1 is spoken by
`edge_http1.Connection`; HTTP/2 and WebSockets stay Hypercorn's (`edge_fallback`). Every bound on
what a client may do is in `EdgeLimits`. And stopping is a drain: what the kernel has accepted is
served, requests in flight are finished, idle connections get a moment in which a request that is
already on its way still gets its answer.

Hypercorn is pinned; the tests of this module hold the fallback to that release.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import trio
from hypercorn import Config
from hypercorn.config import Sockets
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.utils import parse_socket_addr, repr_socket_addr

from gatehouse.http.edge_exchange import Application
from gatehouse.http.edge_fallback import BoundedApp, FallbackServer
from gatehouse.http.edge_http1 import Connection
from gatehouse.http.edge_limits import SWEEP_SECONDS, EdgeLimits, EdgeStats
from gatehouse.http.edge_response import Clock, error_response
from gatehouse.http.edge_transport import PlainTransport, Stream, TLSTransport

__all__ = ["Edge", "EdgeLimits", "EdgeStats", "serve"]

Listener = trio.SocketListener | trio.SSLListener[trio.SocketStream]


class Edge:
    """What the connections of one worker share."""

    def __init__(
        self,
        app: Application,
        config: Config,
        limits: EdgeLimits,
        stats: EdgeStats,
        state: dict[str, Any],
    ) -> None:
        self.app = app
        self.config = config
        self.limits = limits
        self.stats = stats
        self.state = state
        self.clock = Clock(config)
        self.context = WorkerContext(config.max_requests)
        self.draining = False
        """Told to stop: responses say `connection: close`."""
        self.closing = False
        """The drain's moment for idle connections is over."""
        self._connections: set[Connection] = set()
        self.bounded_app = BoundedApp(app, limits, stats)

    async def handle(self, stream: Stream) -> None:
        """Serve one accepted connection to its end. No error of one reaches the others."""
        stats = self.stats
        stats.connections += 1
        stats.open_connections += 1
        try:
            await self._handle(stream)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the peer vanished
        except Exception:
            await self.config.log.exception("Error in a connection")
        except BaseExceptionGroup as group:  # cancelled while something else went wrong as well
            cancelled, errors = group.split(trio.Cancelled)
            if not isinstance(errors, ExceptionGroup) or cancelled is None:
                raise
            await self.config.log.exception("Error in a connection")
            raise cancelled from None
        finally:
            stats.open_connections -= 1
            with trio.move_on_after(self.limits.linger_seconds):
                await stream.aclose()

    async def _handle(self, stream: Stream) -> None:
        if self.stats.open_connections > self.limits.connections:
            self.stats.refused_connections += 1
            if isinstance(stream, trio.SocketStream):
                PlainTransport(stream).write_now(error_response(503, self.clock))
            return
        if isinstance(stream, trio.SSLStream):
            with trio.move_on_after(self.config.ssl_handshake_timeout) as handshake:
                await stream.do_handshake()
            if handshake.cancelled_caught:
                return
            if stream.selected_alpn_protocol() == "h2":
                await self._fall_back(stream, "h2", b"")
                return
            sock = stream.transport_stream.socket
            transport: PlainTransport | TLSTransport = TLSTransport(stream)
        else:
            sock = stream.socket
            transport = PlainTransport(stream)
        connection = Connection(
            self,
            transport,
            "https" if isinstance(transport, TLSTransport) else "http",
            parse_socket_addr(sock.family, sock.getpeername()),
            parse_socket_addr(sock.family, sock.getsockname()),
        )
        self._connections.add(connection)
        try:
            fallback = await connection.serve()
        finally:
            self._connections.discard(connection)
        if fallback is not None:
            await self._fall_back(stream, *fallback)

    async def _fall_back(self, stream: Stream, protocol: str, already_read: bytes) -> None:
        self.stats.fallbacks[protocol] += 1
        await FallbackServer(
            self.bounded_app,
            self.config,
            self.context,
            self.state,
            stream,
            already_read=already_read,
        ).run()

    async def sweep(self) -> None:
        """Enforce the deadlines of all connections, for as long as the worker lives."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            now = trio.current_time()
            for connection in self._connections:
                if connection.deadline <= now:
                    connection.expire()

    async def drain(self) -> None:
        """Let idle connections go, after the moment in which they may still send a request."""
        await trio.sleep(self.limits.drain_seconds)
        self.closing = True
        for connection in self._connections:
            if connection.idle:
                connection.expire()
        await self.context.terminated.set()  # the same, to Hypercorn's protocols

    async def log_access(self, scope: Any, status: int | None, seconds: float) -> None:
        """Hypercorn's access log, where the configuration asks for one."""
        summary = None if status is None else {"status": status, "headers": []}
        await self.config.log.access(scope, summary, seconds)  # type: ignore[arg-type]


async def serve(
    app: Application,
    config: Config,
    *,
    limits: EdgeLimits | None = None,
    stats: EdgeStats | None = None,
    sockets: Sockets | None = None,
    shutdown_trigger: Callable[[], Awaitable[object]] | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` until `shutdown_trigger` returns, then drain, then return.

    `sockets` are bound listening sockets, for example inherited from a parent process; without
    them `config.bind` is bound. The addresses are passed to `task_status` once clients can connect.
    Requests in flight have `config.graceful_timeout` seconds (beyond `limits.drain_seconds`) to
    finish. QUIC and `config.server_names` are not served: a proxy in front is the place for both.

    Raises what Hypercorn raises when the application fails to start
    (`LifespanFailureError`, `LifespanTimeoutError`).
    """
    limits = limits or EdgeLimits()
    _align(config, limits)
    state: dict[str, Any] = {}
    edge = Edge(app, config, limits, stats or EdgeStats(), state)
    lifespan = Lifespan(edge.bounded_app, config, state)
    async with trio.open_nursery() as background:
        await background.start(lifespan.handle_lifespan)
        await lifespan.wait_for_startup()
        background.start_soon(edge.sweep)
        async with trio.open_nursery() as handlers:
            sockets = sockets or config.create_sockets()
            tls = config.create_ssl_context()
            listening = [(sock, tls) for sock in sockets.secure_sockets]
            listening += [(sock, None) for sock in sockets.insecure_sockets]
            for sock, _ in listening:
                sock.listen(config.backlog)
            task_status.started([_address(sock, secure) for sock, secure in listening])
            await _accept_until_told(edge, listening, handlers, shutdown_trigger)
            edge.draining = True
            grace = limits.drain_seconds + config.graceful_timeout
            handlers.cancel_scope.deadline = trio.current_time() + grace
            handlers.start_soon(edge.drain)
        await lifespan.wait_for_shutdown()
        background.cancel_scope.cancel()


async def _accept_until_told(
    edge: Edge,
    listening: list[tuple[socket.socket, ssl.SSLContext | None]],
    handlers: trio.Nursery,
    shutdown_trigger: Callable[[], Awaitable[object]] | None,
) -> None:
    """Accept connections until told to stop, and then those that the kernel has completed."""
    with ExitStack() as closing:
        # trio closes the sockets that it serves, with whoever waits in their backlogs.
        spare = [(closing.enter_context(sock.dup()), tls) for sock, tls in listening]
        await _serve_listeners(edge, listening, handlers, shutdown_trigger)
        for sock, tls in spare:
            while (stream := _waiting(sock, tls)) is not None:
                handlers.start_soon(edge.handle, stream)


def _waiting(sock: socket.socket, tls: ssl.SSLContext | None) -> Stream | None:
    """A connection that the kernel has completed, None where nobody waits any more."""
    sock.setblocking(False)
    try:
        accepted, _ = sock.accept()
    except OSError:
        return None
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(accepted))
    if tls is None:
        return stream
    return trio.SSLStream(stream, tls, server_side=True, https_compatible=True)


async def _serve_listeners(
    edge: Edge,
    listening: list[tuple[socket.socket, ssl.SSLContext | None]],
    handlers: trio.Nursery,
    shutdown_trigger: Callable[[], Awaitable[object]] | None,
) -> None:
    async with trio.open_nursery() as accepting:

        async def stop_after(event: Callable[[], Awaitable[object]]) -> None:
            await event()
            accepting.cancel_scope.cancel()

        if shutdown_trigger is not None:
            accepting.start_soon(stop_after, shutdown_trigger)
        accepting.start_soon(stop_after, edge.context.terminate.wait)
        listeners = [_listener(sock, tls) for sock, tls in listening]
        await trio.serve_listeners(edge.handle, listeners, handler_nursery=handlers)


def _listener(sock: socket.socket, tls: ssl.SSLContext | None) -> Listener:
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
    return trio.SSLListener(listener, tls, https_compatible=True) if tls else listener


def _address(sock: socket.socket, tls: ssl.SSLContext | None) -> str:
    scheme = "https" if tls else "http"
    return f"{scheme}://{repr_socket_addr(sock.family, sock.getsockname())}"


def _align(config: Config, limits: EdgeLimits) -> None:
    """Hold Hypercorn's own protocols to the same limits."""
    config.keep_alive_timeout = limits.idle_seconds
    config.keep_alive_max_requests = limits.requests
    config.h11_max_incomplete_size = limits.header_bytes
    config.h2_max_header_list_size = limits.header_bytes
    config.ssl_handshake_timeout = limits.header_seconds
