"""The engine's Redis, run for the length of a `with` block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import trio

from gatehouse.engine.errors import Unavailable
from gatehouse.engine.observer import Observer
from gatehouse.engine.redis import Redis, redis_from_url

T = TypeVar("T")


@asynccontextmanager
async def running(url: str, observer: Observer | None = None) -> AsyncIterator[Redis]:
    async with trio.open_nursery() as nursery:
        redis = redis_from_url(url, observer=observer)
        await nursery.start(redis.run)
        yield redis
        nursery.cancel_scope.cancel()


async def until_served(request: Callable[[], Awaitable[T]], *, within: float = 30.0) -> T:
    """Repeat a request while Redis is unavailable: what a client that heeds Retry-After does.

    Raises TooSlowError when service does not resume in time.
    """
    with trio.fail_after(within):
        while True:
            try:
                return await request()
            except Unavailable:
                await trio.sleep(0.02)
