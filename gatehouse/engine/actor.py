"""The vocabulary of an actor: where it is, what it is told, and what a turn decides.

An actor is a value in Redis with an address. It has no thread, no lock and no home: it exists
on every node and on none. The only way to change it is a *turn*: a message is applied to the
current state and says what the next state is, what the sender is told and what the world must
hear of it (effects) or be reminded of (timers). `apply` is pure and synchronous, so the engine
may run it again on fresher state whenever another node was first.

What a turn needs to know of the world (a password that was checked, a record that was read, a
random identifier) is gathered before the turn and travels in the message as plain fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import msgspec

KEY_BYTES: Final = 512
"""The longest key of an actor. Keys are often made of hostile input; Redis keeps each in memory."""

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """A kind of actor: its name in keys and metrics, and the type of its state.

    `name` is part of every key and a metric label, so it is short, lower-case and fixed.
    `state` is a frozen `msgspec.Struct`; adding a field with a default keeps old values readable.
    """

    name: str
    state: type[S]

    def __post_init__(self) -> None:
        if not self.name or ":" in self.name:
            raise ValueError(f"not a name for a kind of actor: {self.name!r}")
        if not self.state.__struct_config__.frozen:
            raise TypeError(f"{self.state.__name__} must be frozen: states are cached and shared")

    def at(self, tenant: str, key: str) -> Address[S]:
        """The address of one actor of this kind."""
        return Address(tenant, self, key)


@dataclass(frozen=True, slots=True)
class Address(Generic[S]):
    """Where an actor is: tenant, kind and key.

    The tenant must not contain `:` or be empty; the key is any text of 1 to `KEY_BYTES` bytes.
    The engine raises `ValueError` for anything else.
    """

    tenant: str
    kind: Kind[S]
    key: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Something the world must hear of if, and only if, the turn is committed.

    `kind` picks the handler; `body` is the handler's to read. Delivered at least once, each time
    with the same id.
    """

    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Deliver `effect` once `due_at` (ms since the epoch) has passed; replaces the same name."""

    name: str
    due_at: int
    effect: Effect


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget the actor's timer of this name; no error if there is none."""

    name: str


@dataclass(frozen=True, slots=True)
class Turn(Generic[S, R_co]):
    """What a turn decided.

    `state` is the next state; `None` ends the actor. `expires_at` (ms since the epoch) is when the
    actor ends by itself: from then on `apply` is given `None`. It is required with a new state;
    with the state object that came in, 0 leaves it as it was and another time moves it. A turn
    that changes neither, without effects or timers, writes nothing (see `keep`).
    """

    state: S | None
    reply: R_co
    expires_at: int = 0
    effects: tuple[Effect, ...] = ()
    timers: tuple[SetTimer | CancelTimer, ...] = ()


def keep(state: S | None, reply: R) -> Turn[S, R]:
    """A turn that only answers: nothing is written."""
    return Turn(state, reply)


class Message(Protocol[S, R_co]):
    """What an actor can be told. Implementations are frozen dataclasses."""

    def apply(self, state: S | None, now: int, /) -> Turn[S, R_co]:
        """Decide the turn. Pure: no I/O, no clock, no randomness; may run more than once.

        `now` is in milliseconds since the epoch. An exception refuses the message: nothing is
        committed and the sender receives it unchanged.
        """
        ...
