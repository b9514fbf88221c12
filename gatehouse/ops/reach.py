"""The Redis of an installation, for a command that runs beside its server or without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from gatehouse.engine.redis import Redis, redis_from_url
from gatehouse.ops import datadir
from gatehouse.ops.embedded import private_valkey, running_valkey

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncIterator[Redis]:
    """A Redis that is connected, or was tried: the one of the settings, else the embedded one.

    The embedded one is started if no server runs it. Raises DataDirError, EmbeddedError.
    """
    async with _url(settings) as url, trio.open_nursery() as links:
        redis = redis_from_url(url)
        await links.start(redis.run)
        yield redis
        links.cancel_scope.cancel()


@asynccontextmanager
async def _url(settings: Settings) -> AsyncIterator[str]:
    given = settings.redis_url.get_secret_value()
    running = given or running_valkey(settings.data_dir)
    if running:
        yield running
        return
    with datadir.sole_owner(settings.data_dir):
        async with private_valkey(settings.data_dir) as url:
            yield url
