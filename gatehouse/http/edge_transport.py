"""The socket under a connection, as the few things that HTTP/1.1 needs of it.

Over plain sockets this goes straight to the file descriptor: trio's streams try a read that is
sure to fail between two requests, and reschedule the task after a write that already succeeded;
both cost as much as parsing a request. TLS keeps trio's own stream.
"""

from __future__ import annotations

import os
import select
import socket
from typing import Protocol

import trio

from gatehouse.http.edge_limits import READ_BYTES

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class Transport(Protocol):
    """Reading yields to other tasks; writing first tries to be done at once."""

    async def read(self) -> bytes:
        """What arrived, at most `READ_BYTES`; empty when the peer is gone."""

    def write_now(self, data: bytes) -> int:
        """Write what fits the kernel's buffer; the number of bytes. Raises `OSError`."""

    async def write(self, data: bytes | memoryview) -> None:
        """Write everything. Raises `OSError` or `trio.BrokenResourceError`."""

    def has_input(self) -> bool:
        """Whether something has arrived that was not read yet."""

    def stop_reading(self) -> None:
        """Let `read` return what has arrived and then the end, also where it waits already."""

    def stop_writing(self) -> None:
        """Tell the peer that nothing follows, where the protocol below can."""


class PlainTransport:
    """TCP or a Unix socket, by file descriptor."""

    __slots__ = ("_fd", "_stream")

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._fd = stream.socket.fileno()

    async def read(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._fd)
            try:
                return os.read(self._fd, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                return b""

    def write_now(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    async def write(self, data: bytes | memoryview) -> None:
        await self._stream.send_all(data)

    def has_input(self) -> bool:
        return _has_input(self._fd)

    def stop_reading(self) -> None:
        _shutdown(self._stream.socket, socket.SHUT_RD)

    def stop_writing(self) -> None:
        _shutdown(self._stream.socket, socket.SHUT_WR)


class TLSTransport:
    """A TLS connection whose handshake is done."""

    __slots__ = ("_stream",)

    def __init__(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        self._stream = stream

    async def read(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(READ_BYTES))
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    def write_now(self, data: bytes) -> int:
        return 0

    async def write(self, data: bytes | memoryview) -> None:
        await self._stream.send_all(data)

    def has_input(self) -> bool:
        return _has_input(self._stream.transport_stream.socket.fileno())

    def stop_reading(self) -> None:
        _shutdown(self._stream.transport_stream.socket, socket.SHUT_RD)

    def stop_writing(self) -> None:
        return


def _has_input(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _shutdown(sock: trio.socket.SocketType, how: int) -> None:
    try:
        sock.shutdown(how)
    except OSError:
        return  # the peer is gone, which is what was wanted
