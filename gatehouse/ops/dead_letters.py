"""Dead letters by command: look at them, deliver them again, drop them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.engine.dead_letters import DeadLetter, DeadLetters
from gatehouse.ops import datadir
from gatehouse.ops.reach import open_redis

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant: those of these ids or of this kind; with `every`, all."""

    ids: frozenset[str] = frozenset()
    kind: str | None = None
    every: bool = False

    def holds(self, letter: DeadLetter) -> bool:
        """Whether the letter is meant."""
        return self.every or letter.id in self.ids or letter.kind == self.kind


async def list_letters(settings: Settings, selection: Selection) -> list[DeadLetter]:
    """The letters that are meant. Raises EngineError, DataDirError, EmbeddedError, as all do."""
    datadir.prepare_data_dir(settings)
    async with open_redis(settings) as redis:
        return await _chosen(DeadLetters(redis), selection)


async def redeliver(settings: Settings, selection: Selection) -> list[DeadLetter]:
    """Put letters back into the outbox; those that were."""
    return await _each(settings, selection, DeadLetters.redeliver)


async def drop(settings: Settings, selection: Selection) -> list[DeadLetter]:
    """Delete letters for good; those that were."""
    return await _each(settings, selection, DeadLetters.drop)


async def _each(
    settings: Settings,
    selection: Selection,
    act: Callable[[DeadLetters, DeadLetter], Awaitable[bool]],
) -> list[DeadLetter]:
    datadir.prepare_data_dir(settings)
    async with open_redis(settings) as redis:
        letters = DeadLetters(redis)
        return [
            letter for letter in await _chosen(letters, selection) if await act(letters, letter)
        ]


async def _chosen(letters: DeadLetters, selection: Selection) -> list[DeadLetter]:
    async with aclosing(letters.all()) as every:
        return [letter async for letter in every if selection.holds(letter)]
