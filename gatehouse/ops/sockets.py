"""Listening sockets: bound once, by the supervisor, and inherited by every worker.

A socket that outlives its workers loses no connection when one of them crashes or is replaced.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatehouse.ops.settings import parse_address

if TYPE_CHECKING:
    from hypercorn.config import Config, Sockets

    from gatehouse.ops.settings import Settings

BACKLOG: Final = 1024
"""Connections that the kernel holds ready while every worker is busy."""

UNIX_MODE: Final = 0o660
"""A reverse proxy in the server's group may connect."""


class BindError(Exception):
    """An address cannot be listened on; the message names it and says why."""


def bind(addresses: Iterable[str]) -> list[socket.socket]:
    """Listen on each address. Raises BindError, and then listens on none."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_listen(address))  # noqa: PERF401  # those that are open must be closed
    except BaseException:
        close(sockets)
        raise
    return sockets


def close(sockets: Iterable[socket.socket]) -> None:
    """Close all of them."""
    for one in sockets:
        one.close()


def url_of(sock: socket.socket, *, tls: bool = False) -> str:
    """The URL under which this machine reaches a listening socket."""
    scheme = "https" if tls else "http"
    if sock.family == socket.AF_UNIX:
        return f"unix:{sock.getsockname()}"
    host, port = sock.getsockname()[:2]
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _listen(address: str) -> socket.socket:
    place = parse_address(address)
    if isinstance(place, Path):
        family: socket.AddressFamily = socket.AF_UNIX
    else:
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    sock = socket.socket(family)
    try:
        if isinstance(place, Path):
            if place.is_socket():
                place.unlink()  # left behind by an earlier start: the data directory is locked
            sock.bind(str(place))
            place.chmod(UNIX_MODE)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(place)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise BindError(f"cannot listen on {address}: {error.strerror or error}") from None
    return sock


def edge_config(settings: Settings) -> Config:
    """Hypercorn's configuration as the edge wants it."""
    import logging  # noqa: PLC0415

    from hypercorn.config import Config  # noqa: PLC0415

    config = Config()
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    config.include_server_header = False
    config.graceful_timeout = settings.drain_seconds
    config.backlog = BACKLOG
    if settings.tls_certificate and settings.tls_key:
        config.certfile = str(settings.tls_certificate)
        config.keyfile = str(settings.tls_key)
    return config


def edge_sockets(sockets: list[socket.socket], *, tls: bool) -> Sockets:
    """The sockets as Hypercorn sorts them."""
    from hypercorn.config import Sockets  # noqa: PLC0415

    return Sockets(sockets if tls else [], [] if tls else sockets, [])
