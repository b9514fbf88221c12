"""An HTTP client that is cheap enough to load a fast server from one core.

Plain sockets, one epoll loop, no objects a request beyond the answer. It speaks as much HTTP/1.1 as
the servers under test answer with, and fails loudly at anything else.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

READ_BYTES = 65_536
SO_TIMESTAMPNS = 35
"""Linux's socket option; the module `socket` has no name for it."""
TIMESPEC = struct.Struct("@qq")
TIMESPEC_SPACE = socket.CMSG_SPACE(TIMESPEC.size)


class Answer(NamedTuple):
    """An HTTP response."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> list[str]:
        """All values of a header field."""
        wanted = name.lower().encode()
        lines = self.head.split(b"\r\n")[1:]
        pairs = (line.partition(b":") for line in lines)
        return [value.strip().decode() for key, _, value in pairs if key.lower() == wanted]


Session = Generator[bytes, Answer, None]
"""Yields requests and receives their answers; ends when its work is done."""


@dataclass
class Load:
    """What a run of the client has done."""

    seconds: float = 0.0
    answers: int = 0
    sessions: int = 0
    latencies: list[float] = field(default_factory=list)
    """Seconds from sending a request to having its whole answer."""


class LoadError(Exception):
    """The server answered something that makes the measurement worthless."""


def address_of(url: str) -> tuple[str, int]:
    """Host and port of an http URL."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise LoadError(f"not a plain http URL: {url}")
    return parts.hostname, parts.port or 80


def connect(address: tuple[str, int]) -> socket.socket:
    """A connection that sends small requests at once."""
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def request(
    method: str, path: str, host: str, *fields: tuple[str, str], body: bytes | None = None
) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", "user-agent: gatehouse-bench"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def split_answer(buffer: bytes) -> tuple[Answer, int] | None:
    """The answer at the start of `buffer` and its length, None while it is incomplete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end]
    lower = head.lower()
    status = int(head[9:12])
    start = end + 4
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        size = int(lower[at + 17 :].partition(b"\r")[0])
        if len(buffer) < start + size:
            return None
        return Answer(status, head, buffer[start : start + size]), start + size
    if b"\r\ntransfer-encoding: chunked" in lower:
        return _split_chunked(status, head, buffer, start)
    return Answer(status, head, b""), start  # 204 and 304


def _split_chunked(
    status: int, head: bytes, buffer: bytes, start: int
) -> tuple[Answer, int] | None:
    body: list[bytes] = []
    while True:
        line = buffer.find(b"\r\n", start)
        if line < 0:
            return None
        size = int(buffer[start:line], 16)
        start = line + 2 + size + 2
        if len(buffer) < start:
            return None
        if size == 0:
            return Answer(status, head, b"".join(body)), start
        body.append(buffer[line + 2 : line + 2 + size])


def ask(url: str, data: bytes) -> Answer:
    """One request on a connection of its own."""
    with connect(address_of(url)) as connection:
        connection.sendall(data)
        buffer = b""
        while (found := split_answer(buffer)) is None:
            received = connection.recv(READ_BYTES)
            if not received:
                raise LoadError("the server closed the connection without an answer")
            buffer += received
        return found[0]


def hammer(url: str, data: bytes, connections: int, seconds: float) -> Load:
    """Send the same request again and again on every connection.

    The first answer says how long and of what status all of them are.
    """
    pattern = ask(url, data)
    if pattern.status >= 400:
        raise LoadError(f"the server answers {pattern.status} {pattern.body[:200]!r}")
    size = len(pattern.head) + 4 + len(pattern.body)
    status = pattern.head[:12]
    load = Load()
    with ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        for _ in range(connections):
            connection = stack.enter_context(connect(address_of(url)))
            poll.register(connection, select.EPOLLIN)
            connection.sendall(data)
        waiting: dict[int, int] = {}
        began = time.perf_counter()
        end = began + seconds
        while time.perf_counter() < end:
            for descriptor, _ in poll.poll(1.0):
                received = os.read(descriptor, READ_BYTES)
                got = waiting.pop(descriptor, 0) + len(received)
                if got == size:
                    if got == len(received) and not received.startswith(status):
                        raise LoadError(f"the server answered {received[:200]!r}")
                    load.answers += 1
                    os.write(descriptor, data)
                elif got < size and received:
                    waiting[descriptor] = got
                else:
                    raise LoadError(f"an answer unlike the first: {received[:200]!r}")
        load.seconds = time.perf_counter() - began
    return load


class _Client:
    """One connection that walks through sessions."""

    def __init__(self, address: tuple[str, int], make: Callable[[], Session | None]) -> None:
        self._address = address
        self._make = make
        self._buffer = b""
        self.done = False
        self.connection = connect(address)
        self._begin()

    def _begin(self) -> None:
        session = self._make()
        if session is None:
            self.done = True
        else:
            self._session = session
            self._send(next(session))

    def _send(self, data: bytes) -> None:
        self._request = data
        self._sent_at = time.perf_counter()
        self.connection.sendall(data)

    def receive(self, load: Load) -> bool:
        """Take what arrived; False when the server closed and the connection was replaced."""
        data = self.connection.recv(READ_BYTES)
        self._buffer += data
        found = split_answer(self._buffer)
        if found is None:
            if data:
                return True
            self._reconnect()
            self._send(self._request)
            return False
        answer, _ = found
        self._buffer = b""
        load.answers += 1
        load.latencies.append(time.perf_counter() - self._sent_at)
        closed = b"\r\nconnection: close" in answer.head.lower()
        if closed:
            self._reconnect()
        try:
            following = self._session.send(answer)
        except StopIteration:
            load.sessions += 1
            self._begin()
        else:
            self._send(following)
        return not closed

    def _reconnect(self) -> None:
        self.connection.close()
        self.connection = connect(self._address)
        self._buffer = b""


def drive(url: str, make: Callable[[], Session], connections: int, seconds: float) -> Load:
    """Keep `connections` sessions going for `seconds`, each followed by a new one from `make`.

    Those that have begun are finished, so that whole sessions are counted and nothing lingers.
    """
    load = Load()
    address = address_of(url)
    began = time.perf_counter()

    def next_session() -> Session | None:
        return make() if time.perf_counter() < began + seconds else None

    with select.epoll() as poll:
        clients: dict[int, _Client] = {}

        def add(client: _Client) -> None:
            descriptor = client.connection.fileno()
            clients[descriptor] = client
            poll.register(descriptor, select.EPOLLIN)

        for _ in range(connections):
            add(_Client(address, next_session))
        while clients:
            for descriptor, _ in poll.poll(1.0):
                client = clients.pop(descriptor)
                if client.receive(load) and not client.done:
                    clients[descriptor] = client
                elif client.done:
                    client.connection.close()
                else:
                    add(client)  # closing the old socket has unregistered it
    load.seconds = time.perf_counter() - began
    return load


def pace(url: str, data: bytes, seconds: float, pause: float) -> list[float]:
    """Send a request every `pause` seconds on one connection; the latencies, in seconds.

    An answer's time is when the kernel received it. On a machine that is also full of clients,
    when this one gets to read it says more about them than about the server.
    """
    latencies = []
    with connect(address_of(url)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            sent_ns = time.time_ns()
            connection.sendall(data)
            buffer = b""
            while split_answer(buffer) is None:
                received, ancillary, _, _ = connection.recvmsg(READ_BYTES, TIMESPEC_SPACE)
                if not received:
                    raise LoadError("the server closed the connection")
                buffer += received
            latencies.append((_received_ns(ancillary) - sent_ns) / 1e9)
            time.sleep(max(0.0, began + pause - time.perf_counter()))
    return latencies


def _received_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """When the kernel received what was read, in nanoseconds since the epoch."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = TIMESPEC.unpack(data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    raise LoadError("the kernel does not say when it received an answer")


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
