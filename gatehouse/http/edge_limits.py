"""What one client may ask of the edge, and what the edge counts about its clients.

Every byte and every second that a client can make the server spend is bounded by a field here, so
that one dataclass answers the question "what can a hostile connection cost?". An operator changes
them through settings; nothing else in the edge holds a number of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

READ_BYTES: Final = 65_536
"""Bytes asked of the kernel in one read: a whole sign-in request fits several times."""

SWEEP_SECONDS: Final = 0.25
"""How often deadlines are looked at; a connection may outlive its deadline by this much."""


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Bounds of one worker. Sizes are bytes, times are seconds.

    A body, and a response that a client reads slowly, may take ``transfer_seconds`` plus one
    second for each ``transfer_bytes_per_second`` bytes: slow phones pass, slow attackers do not.
    """

    connections: int = 10_000
    """Open connections of a worker; more are answered 503 and closed."""
    header_bytes: int = 32_768
    """Request line and header fields together (431)."""
    header_count: int = 100
    """Header fields of one request (431)."""
    url_bytes: int = 8_192
    """The request target (414)."""
    body_bytes: int = 1_048_576
    """A request body, whether announced or chunked (413)."""
    pipelined_bytes: int = 65_536
    """What is read ahead while a request is being answered; then reading stops."""
    requests: int = 10_000
    """Requests of one connection, so that load balancers can spread clients anew."""
    header_seconds: float = 10.0
    """From the first byte of a request (or from the connection's start) to the end of its head."""
    idle_seconds: float = 75.0
    """Keep-alive between requests; above the 60 s at which most proxies give up first."""
    transfer_seconds: float = 15.0
    """Waiting that a client may cause in one body, or in one write, whatever its size."""
    transfer_bytes_per_second: int = 1_024
    """The slowest client that is served beyond ``transfer_seconds``."""
    drain_seconds: float = 1.0
    """How long idle connections may still send a request after the server was told to stop."""
    linger_seconds: float = 1.0
    """How long input is thrown away after a refusal, so that its sender gets to read it."""
    linger_bytes: int = 4_194_304
    """How much input is thrown away after a refusal."""

    def transfer_time(self, size: int) -> float:
        """Seconds that moving `size` bytes may keep the server waiting."""
        return self.transfer_seconds + size / self.transfer_bytes_per_second


@dataclass(slots=True)
class EdgeStats:
    """Plain counts of one worker, read by the metrics exporter. Reasons are a closed set."""

    open_connections: int = 0
    connections: int = 0
    refused_connections: int = 0
    requests: int = 0
    application_errors: int = 0
    fallbacks: Counter[str] = field(default_factory=Counter)
    """Connections handed to Hypercorn's own protocols, by protocol: h2, h2c, websocket."""
    bad_requests: Counter[str] = field(default_factory=Counter)
    """Requests refused before the application saw them or while they were read, by reason."""


class RequestRefusedError(Exception):
    """The client broke the protocol or a limit: answer `status`, count `reason`, close."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
