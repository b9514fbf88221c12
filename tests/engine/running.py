"""Engines for tests, on real servers, and a Redis that loses answers on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
from redis.exceptions import RedisError

from gatehouse.engine import ConnectionLost, Engine, Redis, redis_from_url
from gatehouse.engine.errors import EngineError
from gatehouse.engine.redis import Call, Script
from gatehouse.engine.wire import Argument


@asynccontextmanager
async def link_to(url: str) -> AsyncIterator[Redis]:
    """A connected Redis."""
    async with trio.open_nursery() as nursery:
        redis = redis_from_url(url)
        await nursery.start(redis.run)
        yield redis
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def engine_at(url: str, **options: Any) -> AsyncIterator[Engine]:
    """An engine that takes turns; its background is not running."""
    async with link_to(url) as redis:
        yield Engine(redis, **{"node": "node", **options})


class Meddling:
    """A Redis between the engine and the real one, for a test to interfere.

    `before` runs before each request reaches Redis. `lose` is consumed one a script: "answer" runs
    it and loses the answer, "request" loses it unexecuted; both look the same to the caller.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.before: Callable[[], Awaitable[None]] | None = None
        self.lose: list[str] = []
        self.requests = 0

    async def _enter(self) -> None:
        self.requests += 1
        if self.before is not None:
            before, self.before = self.before, None
            await before()

    async def execute(self, *args: Argument, key: str | bytes | None = None) -> Any:
        await self._enter()
        return await self._redis.execute(*args, key=key)

    async def eval(
        self, script: Script, keys: Sequence[str | bytes], args: Sequence[Argument] = ()
    ) -> Any:
        await self._enter()
        lose = self.lose.pop(0) if self.lose else ""
        if lose == "request":
            raise ConnectionLost("lost before it was executed")
        answer = await self._redis.eval(script, keys, args)
        if lose == "answer":
            raise ConnectionLost("lost after it was executed")
        return answer

    async def eval_each(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        answers: list[Any] = []
        for keys, args in calls:
            try:
                answers.append(await self.eval(script, keys, args))
            except (EngineError, RedisError) as error:
                answers.append(error)
        return answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)
