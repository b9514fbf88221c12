"""Redis Cluster: a link to each master, and a map that says which one serves a key.

The map is learned from the servers and mended by them: MOVED says where a slot went for good (the
whole map is then fetched again), ASK where to go this once, TRYAGAIN and CLUSTERDOWN that it takes
a moment. Only a request that was certainly not executed is sent again, for `PATIENCE` seconds at
the most; then the caller hears `Unavailable`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import trio
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, MovedError, RedisError, TryAgainError

from gatehouse.engine.errors import EngineError, Overloaded, Unavailable
from gatehouse.engine.link import MAX_IN_FLIGHT, PATIENCE, Link
from gatehouse.engine.observer import Observer
from gatehouse.engine.pubsub import Listener, OnMessage
from gatehouse.engine.quorum import View, ask
from gatehouse.engine.wire import Address, Argument, Connection, Target, connect

if TYPE_CHECKING:
    from gatehouse.engine.redis import Call, Script

MAX_HOPS: Final = 8
"""Times one request may be redirected; more is a cluster that disagrees with itself."""

MAP_AGE: Final = 15.0
"""Seconds after which the map is fetched again though nothing went wrong."""

MAP_PAUSE: Final = 0.1
"""Seconds between two fetches of the map, whatever happens."""

ASKED: Final = 5
"""Servers asked for the map at once; a majority of these is waited for."""

SETTLE: Final = 0.02
"""Seconds before a request is repeated that a slot's migration held up."""

FAREWELL: Final = 5.0
"""Seconds a link to a server that left the map may use to receive what it is owed."""

_TRANSIENT = (AskError, TryAgainError, Unavailable)  # MovedError is an AskError

_logger = logging.getLogger(__name__)

_Map = tuple[list[Address | None], set[Address]]
"""Master by slot, and every server that was mentioned."""


class ClusterRedis:
    """A `Redis` of many servers."""

    def __init__(self, target: Target, observer: Observer | None = None) -> None:
        self._target = target
        self._observer = observer
        self._masters: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._servers = set(target.addresses)
        self._links: dict[Address, Link] = {}
        self._scopes: dict[Address, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None
        self._settling = 0
        self._why_no_map = "not connected yet"
        self._map_wanted = trio.Event()
        self._map_tried = trio.Event()
        self._listener = Listener(self._open_any, reply_timeout=target.options.reply_timeout)

    # What callers use

    async def execute(self, *args: Argument, key: str | bytes | None = None) -> Any:
        """See `Redis.execute`."""
        slot = _slot(key)
        try:
            return await self._link(slot).execute(*args)
        except _TRANSIENT as error:
            return await self._again(args, slot, error)

    async def eval(
        self, script: Script, keys: Sequence[str | bytes], args: Sequence[Argument] = ()
    ) -> Any:
        """See `Redis.eval`."""
        slot = _slot(keys[0] if keys else None)
        try:
            return await self._link(slot).eval(script, keys, args)
        except _TRANSIENT as error:
            command = (b"EVAL", script.source, len(keys), *keys, *args)
            return await self._again(command, slot, error)

    async def eval_each(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """See `Redis.eval_each`. Each call finds its own way; those to one node go together."""
        answers: list[Any] = [None] * len(calls)

        async def run(number: int) -> None:
            try:
                answers[number] = await self.eval(script, *calls[number])
            except (EngineError, RedisError) as error:
                answers[number] = error

        async with trio.open_nursery() as nursery:
            for number in range(len(calls)):
                nursery.start_soon(run, number)
        return answers

    async def pipeline(
        self, commands: Sequence[Sequence[Argument]], key: str | bytes | None = None
    ) -> list[Any]:
        """See `Redis.pipeline`. All commands must be served by the node of `key`."""
        slot = _slot(key)
        try:
            replies = await self._link(slot).pipeline(commands)
        except Unavailable as error:
            replies = [error] * len(commands)
        if any(isinstance(reply, _TRANSIENT) for reply in replies):
            replies = await self._settle(commands, slot, replies)
        if replies and all(isinstance(reply, Unavailable) for reply in replies):
            raise replies[0]
        return replies

    def subscribe(self, channel: str, callback: OnMessage) -> None:
        """See `Redis.subscribe`. The cluster carries every message to every server."""
        self._listener.subscribe(channel, callback)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """See `Redis.run`."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._keep_map)
                self._nursery.start_soon(self._listener.run)
                await self._map_tried.wait()
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    # Sending again what was not executed

    async def _again(self, command: Sequence[Argument], slot: int | None, error: Exception) -> Any:
        (reply,) = await self._settle([command], slot, [error])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def _settle(
        self, commands: Sequence[Sequence[Argument]], slot: int | None, replies: list[Any]
    ) -> list[Any]:
        """Send again the commands whose reply says to, until none does or patience ends."""
        if self._settling >= MAX_IN_FLIGHT:
            raise Overloaded("too many requests wait for the Redis Cluster to settle")
        self._settling += 1
        try:
            return await self._settle_some(commands, slot, replies)
        finally:
            self._settling -= 1

    async def _settle_some(
        self, commands: Sequence[Sequence[Argument]], slot: int | None, replies: list[Any]
    ) -> list[Any]:
        give_up = trio.current_time() + PATIENCE
        for _ in range(MAX_HOPS):
            pending = [i for i, reply in enumerate(replies) if isinstance(reply, _TRANSIENT)]
            if not pending:
                return replies
            first = replies[pending[0]]
            if isinstance(first, Unavailable) and first.maybe_executed:
                self._map_wanted.set()
                return replies
            if trio.current_time() > give_up:
                break
            answers = await self._send_again([commands[i] for i in pending], slot, first)
            for i, answer in zip(pending, answers, strict=True):
                replies[i] = answer
        return [_as_unavailable(reply) for reply in replies]

    async def _send_again(
        self, commands: list[Sequence[Argument]], slot: int | None, error: Exception
    ) -> list[Any]:
        asking = False
        try:
            if isinstance(error, AskError):
                server = self._redirected(error, slot)
                link = self._link_to(server)
                asking = not isinstance(error, MovedError)
                if not asking and slot is not None:
                    self._masters[slot] = server
                    self._map_wanted.set()
            else:
                if isinstance(error, TryAgainError):
                    await trio.sleep(SETTLE)
                else:
                    await self._new_map()
                link = self._link(slot)
            if not asking:
                return await link.pipeline(commands)
            # ASKING opens the door for the very next command only.
            paired = [part for command in commands for part in (("ASKING",), command)]
            return (await link.pipeline(paired))[1::2]
        except Unavailable as lost:
            return [lost] * len(commands)

    def _redirected(self, error: AskError, slot: int | None) -> Address:
        """Where a redirection leads. An empty host means: the one you are talking to."""
        before = None if slot is None else self._masters[slot]
        return Address(error.host or (before.host if before else ""), error.port)

    # Links

    def _link(self, slot: int | None) -> Link:
        server = self._any_master() if slot is None else self._masters[slot]
        if server is None:
            self._map_wanted.set()
            raise Unavailable(f"no Redis Cluster node is known for the key: {self._why_no_map}")
        return self._link_to(server)

    def _any_master(self) -> Address | None:
        connected = [server for server, link in self._links.items() if link.address is not None]
        return random.choice(connected or [*self._links] or [None])

    def _link_to(self, server: Address) -> Link:
        link = self._links.get(server)
        if link is None:
            if self._nursery is None:
                raise Unavailable("the connections to Redis Cluster are not running")
            link = self._links[server] = Link(
                lambda: connect(self._target.options, server),
                name=str(server),
                reply_timeout=self._target.options.reply_timeout,
                observer=self._observer,
            )
            self._scopes[server] = trio.CancelScope()
            self._nursery.start_soon(self._run_link, link, self._scopes[server])
        return link

    async def _run_link(self, link: Link, scope: trio.CancelScope) -> None:
        with scope:
            await link.run()

    async def _open_any(self) -> Connection:
        return await connect(self._target.options, random.choice([*self._servers]))

    # The map

    async def _new_map(self) -> None:
        """Ask for a new map and wait for it, though not for long."""
        self._map_wanted.set()
        with trio.move_on_after(PATIENCE):
            await self._map_tried.wait()

    async def _keep_map(self) -> None:
        while True:
            self._map_wanted = trio.Event()
            await self._fetch_map()
            self._map_tried.set()
            self._map_tried = trio.Event()
            await trio.sleep(MAP_PAUSE)
            with trio.move_on_after(MAP_AGE):
                await self._map_wanted.wait()

    async def _fetch_map(self) -> None:
        servers = random.sample([*self._servers], min(ASKED, len(self._servers)))
        try:
            masters, mentioned = await ask(servers, self._target.options, _read_map)
        except Unavailable as error:
            if str(error) != self._why_no_map:
                _logger.warning("no map of the Redis Cluster: %s", error)
            self._why_no_map = str(error)
            return
        self._why_no_map = "no server has the slot"
        self._masters = masters
        # Those given by the operator stay, for the day when all others are gone.
        self._servers = mentioned | set(self._target.addresses)
        if self._listener.address not in (None, *self._servers):
            self._listener.reconnect()
        serving = {server for server in masters if server is not None}
        for server in serving:
            self._link_to(server)
        for server in self._links.keys() - serving:
            del self._links[server]
            self._scopes.pop(server).deadline = trio.current_time() + FAREWELL


def _slot(key: str | bytes | None) -> int | None:
    if key is None:
        return None
    return key_slot(key.encode() if isinstance(key, str) else key)


def _as_unavailable(reply: Any) -> Any:
    """A redirection that never ended is, for the caller, a cluster that cannot serve now."""
    if isinstance(reply, (AskError, TryAgainError)):
        return Unavailable(f"the Redis Cluster is being rearranged: {reply}")
    return reply


async def _read_map(server: Connection) -> View[_Map]:
    """What one server believes (https://redis.io/docs/latest/commands/cluster-slots/)."""
    ranges = await server.call("CLUSTER", "SLOTS")
    info = dict(
        line.split(":", 1) for line in (await server.call("CLUSTER", "INFO")).decode().split()
    )
    masters: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
    mentioned: set[Address] = set()
    for first, last, *servers in ranges:
        # A server that does not know its own name leaves it to us, who have just found it.
        found = [
            Address(host.decode() if host else server.address.host, port)
            for host, port, *_ in servers
        ]
        mentioned.update(found)
        masters[first : last + 1] = [found[0]] * (last - first + 1)
    return View(int(info["cluster_current_epoch"]), (masters, mentioned))
