"""One connection to one Redis server: where it is, how it is opened, what both sides agree on.

The rest of the link is handed a connection that is encrypted, authenticated, speaks RESP3, has
its database selected and was seen to answer, or an exception. What a URL may say is redis-py's
(parsed by its `parse_url`), with lists of hosts added for Sentinel and Cluster.

Query options: `db`, `socket_timeout` (s, how long a reply may be awaited while nothing at all
arrives), `socket_connect_timeout` (s), `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (PEM files),
`ssl_cert_reqs` (`required` or `none`), `ssl_check_hostname`, `username`, `password`, and for
Sentinel `sentinel_username` and `sentinel_password`.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urlsplit

import hiredis
import trio
from redis._parsers.base import BaseParser
from redis.connection import parse_url
from redis.exceptions import RedisError

Argument = str | bytes | int | float

pack = cast("Callable[[tuple[Argument, ...]], bytes]", hiredis.pack_command)
"""A command in bytes. hiredis says its stub takes tuples of one; it takes any."""

CONNECT_TIMEOUT = 2.0
"""Seconds for name, connection, TLS and greeting together; longer is as good as unreachable."""

REPLY_TIMEOUT = 2.0
"""Seconds without one byte while replies are awaited, after which a server is given up.

Longer than any command of ours or a fork takes, shorter than a person waits.
"""

CLIENT_NAME = "gatehouse"
READ_SIZE = 65536
"""Bytes a read may return: a full batch of replies, for one system call."""

UNREACHABLE = (
    OSError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
    hiredis.HiredisError,
    RedisError,
)
"""What opening or using a connection can raise; all of them mean: this connection is no use."""

NOT_YET: Any = object()
"""What a reader answers when the next reply has not arrived completely."""

_KNOWN_OPTIONS = frozenset(
    {"db", "socket_timeout", "socket_connect_timeout", "username", "password"}
    | {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
    | {"sentinel_username", "sentinel_password"}
    | {"host", "port", "path", "connection_class"}  # not options: what parse_url makes of the rest
)
_parse = cast("Callable[[str], dict[str, Any]]", parse_url)
_DEPLOYMENTS = ("", "sentinel", "cluster")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a TCP host and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path or f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Options:
    """How to greet a server, the same for every server of one deployment."""

    username: str = ""
    password: str = ""
    db: int = 0
    tls: ssl.SSLContext | None = None
    connect_timeout: float = CONNECT_TIMEOUT
    reply_timeout: float = REPLY_TIMEOUT

    def __repr__(self) -> str:
        return "Options(…)"  # holds a password


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed URL: what is deployed, where it may be asked for, and how to greet it.

    `deployment` is empty for one server, `sentinel` or `cluster`. `service` and
    `sentinel_options` are Sentinel's.
    """

    deployment: str
    addresses: tuple[Address, ...]
    options: Options
    service: str = ""
    sentinel_options: Options = Options()


def parse_redis_url(url: str) -> Target:
    """Read a URL; raises ValueError that names what is wrong and never quotes a secret."""
    scheme, deployment, authority, path, query = _split(url)
    userinfo, _, hosts = authority.rpartition("@")
    first, *others = hosts.split(",") if deployment else [hosts]
    prefix = f"{userinfo}@" if userinfo else ""
    # Sentinel's path is a service name, which redis-py would take for a database.
    plain_path = "" if deployment == "sentinel" else path
    try:
        parsed = _parse(f"{scheme}://{prefix}{first}{plain_path}?{query}")
        found = [_address(parsed), *(_address(_parse(f"redis://{host}")) for host in others)]
    except ValueError as error:
        if "Invalid value for" in str(error):
            raise
        raise ValueError("the Redis URL has a host or port that cannot be read") from None
    if unknown := set(parsed) - _KNOWN_OPTIONS:
        raise ValueError(f"the Redis URL has unknown options: {', '.join(sorted(unknown))}")
    if scheme != "unix" and deployment != "sentinel" and path.strip("/") and "db" not in parsed:
        raise ValueError("the path of a Redis URL must be a database number")
    service = path.strip("/")
    if deployment == "sentinel" and not service:
        raise ValueError("a redis+sentinel URL must name the service: redis+sentinel://h:p/service")
    options = _options(parsed, tls=scheme == "rediss")
    if deployment == "cluster" and options.db:
        raise ValueError("Redis Cluster has one database: leave out db")
    sentinel_options = replace(
        options,
        username=parsed.get("sentinel_username", ""),
        password=parsed.get("sentinel_password", ""),
        db=0,
    )
    return Target(deployment, tuple(found), options, service, sentinel_options)


def _split(url: str) -> tuple[str, str, str, str, str]:
    """(scheme, deployment, authority, path, query)"""
    parts = urlsplit(url)
    scheme, _, deployment = parts.scheme.partition("+")
    if (
        scheme not in {"redis", "rediss", "unix"}
        or deployment not in _DEPLOYMENTS
        or (scheme == "unix" and deployment)
    ):
        raise ValueError(
            "a Redis URL starts with redis://, rediss://, unix://, redis+sentinel://, "
            "rediss+sentinel://, redis+cluster:// or rediss+cluster://"
        )
    if scheme == "unix" and not parts.path:
        raise ValueError("a unix:// Redis URL must name the path of the socket")
    return scheme, deployment, parts.netloc, parts.path, parts.query


def _address(parsed: dict[str, Any]) -> Address:
    if "path" in parsed:
        return Address(path=parsed["path"])
    return Address(parsed.get("host", "127.0.0.1"), parsed.get("port", 6379))


def _options(parsed: dict[str, Any], *, tls: bool) -> Options:
    return Options(
        username=parsed.get("username", ""),
        password=parsed.get("password", ""),
        db=parsed.get("db", 0),
        tls=_tls_context(parsed) if tls else None,
        connect_timeout=parsed.get("socket_connect_timeout", CONNECT_TIMEOUT),
        reply_timeout=parsed.get("socket_timeout", REPLY_TIMEOUT),
    )


def _tls_context(parsed: dict[str, Any]) -> ssl.SSLContext:
    requirement = parsed.get("ssl_cert_reqs", "required")
    if requirement not in {"required", "none"}:
        raise ValueError("ssl_cert_reqs in the Redis URL must be required or none")
    try:
        context = ssl.create_default_context(cafile=parsed.get("ssl_ca_certs"))
        if "ssl_certfile" in parsed:
            context.load_cert_chain(parsed["ssl_certfile"], parsed.get("ssl_keyfile"))
    except OSError as error:
        raise ValueError(f"a TLS file named in the Redis URL cannot be used: {error}") from None
    if requirement == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.check_hostname = parsed.get("ssl_check_hostname", True)
    return context


class Connection:
    """An open stream and the parser of what it brings. Reading and writing are the user's."""

    __slots__ = ("address", "reader", "stream")

    def __init__(self, address: Address, stream: trio.abc.Stream) -> None:
        self.address = address
        self.stream = stream
        self.reader: Any = hiredis.Reader(
            notEnoughData=NOT_YET,
            # Only the table in redis-py's parser tells MOVED from READONLY from plain ERR.
            replyError=BaseParser.parse_error,
        )

    async def call(self, *args: Argument) -> Any:
        """Send one command and await its reply; only while nobody else uses the connection."""
        await self.stream.send_all(pack(args))
        return await self.receive()

    async def receive(self) -> Any:
        """The next reply; raises it when it is an error."""
        while (reply := self.reader.gets()) is NOT_YET:
            data = await self.stream.receive_some(READ_SIZE)
            if not data:
                raise trio.BrokenResourceError("the server closed the connection")
            self.reader.feed(data)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self) -> None:
        """Drop the connection at once, without the farewells that a dead peer never answers."""
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self.stream)


class PlainStream(trio.abc.Stream):
    """A socket without TLS, read and written by its file descriptor.

    Trio's own stream first tries a read that is sure to fail after every reply, and yields after a
    write that already succeeded. Both cost more than the system calls that are needed.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._arrivals = select.poll()
        self._arrivals.register(stream.socket.fileno(), select.POLLIN)

    def has_input(self) -> bool:
        """Whether something has arrived that was not read, be it the end."""
        return bool(self._arrivals.poll(0))

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What has arrived; empty when the other end is gone. Raises as trio's streams do."""
        while True:
            await trio.lowlevel.wait_readable(self._descriptor())
            try:
                return os.read(self._descriptor(), max_bytes or READ_SIZE)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError("the connection was lost") from error

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Write what fits; the number of bytes. Raises as trio's streams do."""
        try:
            return os.write(self._descriptor(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError("the connection was lost") from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write everything, at once where it fits. Raises as trio's streams do."""
        sent = self.send_now(data)
        if sent < len(data):
            await self._stream.send_all(memoryview(data)[sent:])

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket; whoever waits for it is told."""
        await self._stream.aclose()

    def _descriptor(self) -> int:
        descriptor = self._stream.socket.fileno()
        if descriptor < 0:
            raise trio.ClosedResourceError
        return descriptor


async def connect(options: Options, address: Address) -> Connection:
    """Open and greet. Raises one of `UNREACHABLE`."""
    with trio.fail_after(options.connect_timeout):
        stream = await _open_stream(options, address)
        connection = Connection(address, stream)
        try:
            await _greet(connection, options)
        except BaseException:
            await connection.close()
            raise
        return connection


async def _open_stream(options: Options, address: Address) -> trio.abc.Stream:
    if address.path:
        return PlainStream(await trio.open_unix_socket(address.path))
    plain = await trio.open_tcp_stream(address.host, address.port)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if options.tls is None:
        return PlainStream(plain)
    encrypted = trio.SSLStream(plain, options.tls, server_hostname=address.host)
    try:
        await encrypted.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(encrypted)
        raise
    return encrypted


async def _greet(connection: Connection, options: Options) -> None:
    hello: list[Argument] = ["HELLO", 3]
    if options.password:
        hello += ["AUTH", options.username or "default", options.password]
    await connection.call(*hello, "SETNAME", CLIENT_NAME)
    if options.db:
        await connection.call("SELECT", options.db)
    # A server that is loading its data answers everything above, and nothing that matters.
    await connection.call("PING")


def reason_of(error: BaseException) -> str:
    """Why a connection is no use, in words for an operator."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if text := str(error):
        return text
    # trio says that a stream broke; the cause says why, a certificate for example.
    return reason_of(error.__cause__) if error.__cause__ else type(error).__name__
