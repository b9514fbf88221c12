"""An actor to test the engine with: what it was told, in order, and what that earned.

Each entry names itself, so that a reply shows exactly which turns came before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatehouse.engine import CancelTimer, Effect, Kind, SetTimer, Turn, keep


class Book(msgspec.Struct, frozen=True):
    """How many entries there are, which was the last, and all of them if they are recorded."""

    entries: int
    last: str
    names: tuple[str, ...] = ()


LEDGER = Kind("ledger", Book)

AN_HOUR = 3_600_000


class Refused(Exception):
    """The message was not acceptable; carries the entries it was decided on."""


@dataclass(frozen=True)
class Enter:
    """Add an entry; the reply is its number and the name of the entry before it."""

    name: str
    effects: tuple[Effect, ...] = ()
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    lives: int = AN_HOUR
    record: bool = False

    def apply(self, state: Book | None, now: int) -> Turn[Book, tuple[int, str]]:
        before = state or Book(0, "")
        number = before.entries + 1
        names = (*before.names, self.name) if self.record else ()
        book = Book(number, self.name, names)
        reply = (number, before.last)
        return Turn(book, reply, now + self.lives, self.effects, self.timers)


@dataclass(frozen=True)
class Look:
    """Change nothing; the reply is the number of entries."""

    def apply(self, state: Book | None, now: int) -> Turn[Book, int]:
        return keep(state, state.entries if state else 0)


@dataclass(frozen=True)
class Refuse:
    """Be refused."""

    def apply(self, state: Book | None, now: int) -> Turn[Book, None]:
        raise Refused(state.entries if state else 0)


@dataclass(frozen=True)
class Touch:
    """Live on until another time, unchanged; the reply is the number of entries."""

    lives: int

    def apply(self, state: Book | None, now: int) -> Turn[Book, int]:
        if state is None:
            return keep(None, 0)
        return Turn(state, state.entries, now + self.lives)


@dataclass(frozen=True)
class Close:
    """End the ledger; the reply is the number of entries it had."""

    effects: tuple[Effect, ...] = ()

    def apply(self, state: Book | None, now: int) -> Turn[Book, int]:
        return Turn(None, state.entries if state else 0, effects=self.effects)
