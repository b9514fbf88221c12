"""Asking several servers the same question at once, and believing the one that knows most.

After a failover some servers still believe the old order: the master that was cut off, a sentinel
on its side. Both Sentinel and Cluster number their decisions with an epoch that only grows, and
take a majority to make one. So: ask all, wait for a majority (a dead server must not hold up the
others), and follow the highest epoch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

from gatehouse.engine.errors import Unavailable
from gatehouse.engine.wire import UNREACHABLE, Address, Connection, Options, connect, reason_of

T = TypeVar("T")

TIMEOUT = 1.0
"""Seconds a question to servers may take, when no majority of them answers."""


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """What one server believes, and the epoch of that belief."""

    epoch: int
    belief: T


async def ask(
    servers: Sequence[Address],
    options: Options,
    question: Callable[[Connection], Awaitable[View[T] | None]],
) -> T:
    """The most recent belief among a majority of `servers`, or of those that answer in time.

    A server with no opinion answers None. Raises `Unavailable` when nobody has one.
    """
    views: list[View[T]] = []
    problems: list[str] = []

    async def ask_one(address: Address, scope: trio.CancelScope) -> None:
        try:
            connection = await connect(options, address)
            try:
                view = await question(connection)
            finally:
                await connection.close()
        except UNREACHABLE as error:
            problems.append(f"{address}: {reason_of(error)}")
            return
        if view is None:
            problems.append(f"{address}: does not know")
            return
        views.append(view)
        if len(views) * 2 > len(servers):
            scope.cancel()

    with trio.move_on_after(TIMEOUT):
        async with trio.open_nursery() as nursery:
            for address in servers:
                nursery.start_soon(ask_one, address, nursery.cancel_scope)
    if not views:
        raise Unavailable("; ".join(problems) or "no answer in time")
    return max(views, key=lambda view: view.epoch).belief
