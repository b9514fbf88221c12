"""The one way the rest of the engine reaches Redis, and the choice of what is behind it.

Whether a standalone server, a Sentinel group or a Cluster is on the other end is an operator's
matter and is said in a URL. Everything above sees this narrow interface.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

import trio

from gatehouse.engine.cluster import ClusterRedis
from gatehouse.engine.link import Link
from gatehouse.engine.observer import Observer
from gatehouse.engine.pubsub import OnMessage
from gatehouse.engine.sentinel_redis import SentinelRedis
from gatehouse.engine.wire import Argument, connect, parse_redis_url


class Script:
    """A Lua script, sent by its digest and in full only to a server that does not know it."""

    __slots__ = ("sha", "source")

    def __init__(self, source: str) -> None:
        self.source = source.encode()
        # SHA-1 is how EVALSHA names a script; nothing rests on its strength.
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()


Call = tuple[Sequence[str | bytes], Sequence[Argument]]
"""The keys and the arguments of a script."""


class Redis(Protocol):
    """A Redis, however it is deployed. `redis_from_url` makes one.

    Replies are what the RESP3 protocol says: `bytes`, `int`, `float`, `bool`, `None`, `list`,
    `dict`, `set`. Requests raise `Unavailable` (also its subclass `ConnectionLost`, where the
    request may have been executed), `Overloaded` (nothing was sent), or redis-py's `ResponseError`
    for what the command itself got wrong. A request that is cancelled may have been executed.
    Commands that block on the server (BLPOP, XREAD BLOCK) must not be used: they hold up all
    others.

    `key` (or the first of `keys`) says which Cluster node serves the request; without one any
    node does. Other deployments ignore it.
    """

    async def execute(self, *args: Argument, key: str | bytes | None = None) -> Any:
        """Send one command and return its reply."""

    async def eval(
        self, script: Script, keys: Sequence[str | bytes], args: Sequence[Argument] = ()
    ) -> Any:
        """Run a script in one round trip; all keys must be in one Cluster slot."""

    async def eval_each(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """Run a script for each of `calls`, sent together; the answer to each, errors in place.

        Each call runs by itself, in any order; the keys of one must be in one Cluster slot.
        """

    async def pipeline(
        self, commands: Sequence[Sequence[Argument]], key: str | bytes | None = None
    ) -> list[Any]:
        """Send several commands in one write; the reply to each, with errors in place.

        They run in order but not atomically: other commands may come between.
        """

    def subscribe(self, channel: str, callback: OnMessage) -> None:
        """Call `callback(message)` for each message published to `channel`, from now on.

        `callback(None)` says that the subscription was made, at first or again after a lost
        connection: messages may have been missed, so what was cached by them must be dropped.
        Synchronous, must not raise. May be called before `run`.
        """

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the connections until cancelled; started once the first attempt was made.

        An unreachable Redis does not fail this: requests raise `Unavailable` until it is back.
        """


def redis_from_url(url: str, *, observer: Observer | None = None) -> Redis:
    """The Redis that `url` names; nothing is connected before `run`.

    `redis://`, `rediss://` (TLS), `unix://`, `redis+sentinel://h:p,h:p/service`,
    `redis+cluster://h:p,h:p`, and `rediss+…` of the last two. User and password stand before `@`;
    see `gatehouse.engine.wire` for the query options. Raises ValueError, naming the option but
    never a secret.
    """
    target = parse_redis_url(url)
    if target.deployment == "sentinel":
        return SentinelRedis(target, observer)
    if target.deployment == "cluster":
        return ClusterRedis(target, observer)
    (address,) = target.addresses
    return Link(
        lambda: connect(target.options, address),
        name=str(address),
        reply_timeout=target.options.reply_timeout,
        observer=observer,
    )
