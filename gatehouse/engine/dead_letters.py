"""Dead letters: effects that were given up on, kept until an operator decides about them.

An effect that failed every attempt lies in the dead letters of its partition. Delivered again, it
goes back into the outbox under the id it always had, with all its attempts before it; a receiver
that had accepted it after all recognises the id. Moving and dropping are one script each, so two
operators at once do no harm.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, cast

from gatehouse.engine.codec import PARTITIONS, dead_key, outbox_key, unpack_effect
from gatehouse.engine.outbox_scripts import REDELIVER
from gatehouse.engine.redis import Redis

PAGE: Final = 100
"""Letters read in one command."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is known of a dead letter. Its body is not shown: it may hold a secret.

    `id` is the effect's, as logs have it; `died_at` is in ms since the epoch; `error` names the
    last failure's type; `size` is the body's, in bytes.
    """

    id: str
    kind: str
    died_at: int
    failures: int
    error: str
    size: int
    partition: int
    entry: str


class DeadLetters:
    """The dead letters in one Redis. Everything raises `Unavailable` if it cannot be reached."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def all(self) -> AsyncGenerator[DeadLetter, None]:
        """Every letter, of each partition the oldest first."""
        for partition in range(PARTITIONS):
            key, after = dead_key(partition), "-"
            while page := await self._redis.execute(
                "XRANGE", key, after, "+", "COUNT", PAGE, key=key
            ):
                for entry, fields in page:
                    yield _letter(partition, entry.decode(), fields)
                after = f"({page[-1][0].decode()}"

    async def _page(self, key: str, after: str) -> list[tuple[bytes, list[bytes]]]:
        page = await self._redis.execute("XRANGE", key, after, "+", "COUNT", PAGE, key=key)
        return cast("list[tuple[bytes, list[bytes]]]", page)

    async def redeliver(self, letter: DeadLetter) -> bool:
        """Put a letter back into the outbox; false if somebody else has dealt with it."""
        keys = [dead_key(letter.partition), outbox_key(letter.partition)]
        return bool(await self._redis.eval(REDELIVER, keys, [letter.entry]))

    async def drop(self, letter: DeadLetter) -> bool:
        """Delete a letter for good; false if somebody else has dealt with it."""
        key = dead_key(letter.partition)
        return bool(await self._redis.execute("XDEL", key, letter.entry, key=key))


def _letter(partition: int, entry: str, fields: list[bytes]) -> DeadLetter:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    kind, body = unpack_effect(named[b"e"])
    return DeadLetter(
        id=named[b"i"].decode(),
        kind=kind,
        died_at=int(entry.partition("-")[0]),
        failures=int(named[b"n"]),
        error=named[b"error"].decode(),
        size=len(body),
        partition=partition,
        entry=entry,
    )
