"""Redis behind Sentinel: a link whose other end is whatever server is the master now.

The sentinels are asked for the master whenever a connection is made, and the server they name must
itself say that it is one (https://redis.io/docs/latest/develop/reference/sentinel-clients/). They
are also asked every `FOLLOW` seconds, because the cut-off master of a split network keeps serving
those on its side of the cut, and loses all they write when it comes back.
"""

from __future__ import annotations

from typing import Any

import trio

from gatehouse.engine.errors import Unavailable
from gatehouse.engine.link import Link
from gatehouse.engine.observer import Observer
from gatehouse.engine.quorum import View, ask
from gatehouse.engine.wire import Address, Connection, Target, connect

FOLLOW = 2.0
"""Seconds between two looks at who is the master; what a cut-off master may take in meanwhile."""


class SentinelRedis(Link):
    """A `Redis` that follows the master of one service."""

    def __init__(self, target: Target, observer: Observer | None = None) -> None:
        self._target = target
        super().__init__(
            self._open_master,
            name=target.service,
            reply_timeout=target.options.reply_timeout,
            observer=observer,
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """See `Redis.run`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow)
            await super().run(task_status=task_status)

    async def _open_master(self) -> Connection:
        connection = await connect(self._target.options, await self._find())
        role: Any = None
        try:
            with trio.fail_after(self._target.options.connect_timeout):
                role = await connection.call("ROLE")
        finally:
            if not role or role[0] != b"master":
                await connection.close()
        if role[0] != b"master":
            raise Unavailable(f"{connection.address} is not the master yet")
        return connection

    async def _find(self) -> Address:
        return await ask(self._target.addresses, self._target.sentinel_options, self._ask_sentinel)

    async def _ask_sentinel(self, sentinel: Connection) -> View[Address]:
        known = await sentinel.call("SENTINEL", "MASTER", self._target.service)
        return View(
            int(known[b"config-epoch"]), Address(known[b"ip"].decode(), int(known[b"port"]))
        )

    async def _follow(self) -> None:
        while True:
            await trio.sleep(FOLLOW)
            try:
                master = await self._find()
            except Unavailable:
                continue  # sentinels that are gone are no reason to leave a master that serves
            if self.address not in (None, master):
                self.retire(f"{master} is the master now")
            if self._listener.address not in (None, master):
                self._listener.reconnect()
