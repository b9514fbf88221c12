"""A proxy between the link and a server: encrypts, counts, cuts and falsifies replies."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)


class Proxy:
    """Forwards each connection to a server's Unix socket. Runs in the test's own trio."""

    def __init__(
        self, upstream: Path, tls: ssl.SSLContext | None = None, *, also_plain: bool = False
    ) -> None:
        self.upstream = upstream
        self.port = 0
        self.connections = 0
        self.cut_after: int | None = None
        """Bytes of replies to let through before cutting the connection, once; None never cuts."""
        self.reply_instead: bytes | None = None
        """What is sent in the place of the next reply."""
        self._let_through = trio.Event()
        self._let_through.set()
        self._tls = tls
        self._also_plain = also_plain

    def hold(self) -> None:
        """Forward nothing in either direction from now on, and close nothing."""
        self._let_through = trio.Event()

    def release(self) -> None:
        """Forward again, also what was held."""
        self._let_through.set()

    async def _serve(self, plain: trio.SocketStream) -> None:
        client: trio.abc.Stream = plain
        if self._tls is not None and not (self._also_plain and await _is_plain(plain)):
            client = trio.SSLStream(plain, self._tls, server_side=True, https_compatible=True)
        self.connections += 1
        try:
            async with (
                client,
                await trio.open_unix_socket(self.upstream) as server,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(self._forward, client, server, nursery.cancel_scope)
                nursery.start_soon(self._return, server, client, nursery.cancel_scope)
        except* (*_BROKEN, OSError):
            pass

    async def _forward(
        self, source: trio.abc.Stream, sink: trio.abc.Stream, scope: trio.CancelScope
    ) -> None:
        while data := await source.receive_some(65536):
            await self._let_through.wait()
            await sink.send_all(data)
        scope.cancel()

    async def _return(
        self, source: trio.abc.Stream, sink: trio.abc.Stream, scope: trio.CancelScope
    ) -> None:
        while data := await source.receive_some(65536):
            await self._let_through.wait()
            if self.reply_instead is not None:
                data, self.reply_instead = self.reply_instead, None
            if self.cut_after is not None:
                if len(data) > self.cut_after:
                    await sink.send_all(data[: self.cut_after])
                    self.cut_after = None
                    break
                self.cut_after -= len(data)
            await sink.send_all(data)
        scope.cancel()


async def _is_plain(stream: trio.SocketStream) -> bool:
    """Whether the client speaks first of anything but a TLS handshake (RFC 8446 §5.1)."""
    return await stream.socket.recv(1, socket.MSG_PEEK) != b"\x16"


@asynccontextmanager
async def proxy_to(
    upstream: Path,
    tls: ssl.SSLContext | None = None,
    *,
    host: str = "127.0.0.1",
    also_plain: bool = False,
) -> AsyncIterator[Proxy]:
    """A running proxy on a port of its own; with `also_plain`, TLS is for those who want it."""
    proxy = Proxy(upstream, tls, also_plain=also_plain)
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host=host)
        proxy.port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, proxy._serve, [listener])
        yield proxy
        nursery.cancel_scope.cancel()
