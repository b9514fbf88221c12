"""The turn against a simple model: any interleaving of two nodes, whatever the network loses.

The model is one variable. Every message is decided on it in the order in which the messages
reached Redis; the engine, with its memories on two nodes, its conflicts and lost answers, must be
indistinguishable from that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse.engine import Effect, Engine, Kind, Turn, keep
from gatehouse.engine import engine as engine_module
from gatehouse.engine.codec import actor_key, outbox_key, unpack_effect
from tests.engine.running import Meddling, link_to


class Words(msgspec.Struct, frozen=True):
    """Everything that was said."""

    said: tuple[int, ...]


TALK = Kind("talk", Words)


class Silenced(Exception):
    """A refusal, carrying what it was decided on."""


@dataclass(frozen=True)
class Say:
    """One message, of all the things a message can do."""

    what: str
    word: int
    lives: int

    def apply(self, state: Words | None, now: int) -> Turn[Words, tuple[int, ...] | None]:
        said = state.said if state else None
        heard = (Effect("heard", b"%d" % self.word),)
        match self.what:
            case "say":
                words = Words((*(said or ()), self.word))
                return Turn(words, said, now + self.lives, heard)
            case "whisper":
                return Turn(Words((*(said or ()), self.word)), said, now + self.lives)
            case "listen":
                return keep(state, said)
            case "shout":
                return Turn(state, said, effects=heard)
            case "stay":
                return Turn(state, said, now + self.lives) if state else keep(None, said)
            case "leave":
                return Turn(None, said, effects=heard)
            case _:
                raise Silenced(said)


@dataclass
class Model:
    """What an actor is, if nothing ever goes wrong."""

    state: Words | None = None
    expires_at: int = 0
    effects: list[bytes] = field(default_factory=list)

    def turn(self, message: Say, now: int) -> Any:
        state = self.state if now < self.expires_at else None
        try:
            turn = message.apply(state, now)
        except Silenced as refusal:
            return ("refused", *refusal.args)
        self.effects += [effect.body for effect in turn.effects]
        if turn.state is not state or turn.expires_at:
            self.expires_at = turn.expires_at
        self.state = turn.state
        return turn.reply


@dataclass(frozen=True)
class Step:
    """A message at a node; what comes between its decision and Redis; what the network loses."""

    node: int
    message: Say
    between: tuple[Say, ...]
    lose: tuple[str, ...]
    elapsed: int
    forget: bool


WORDS = count(1)

messages = st.builds(
    Say,
    what=st.sampled_from(["say", "whisper", "listen", "shout", "stay", "leave", "refuse"]),
    word=st.builds(lambda: next(WORDS)),
    lives=st.sampled_from([1, 50, 1000]),
)
steps = st.builds(
    Step,
    node=st.integers(0, 1),
    message=messages,
    between=st.lists(messages, max_size=3).map(tuple),
    lose=st.lists(st.sampled_from(["", "answer", "request"]), max_size=2).map(tuple),
    elapsed=st.sampled_from([0, 0, 0, 1, 49, 50, 1000]),
    forget=st.booleans(),
)
ACTORS = count(1)


@pytest.mark.parametrize("memory", [0, 1 << 20])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(script=st.lists(steps, max_size=12))
def test_two_nodes_are_indistinguishable_from_one_variable(
    redis_url: str, memory: int, script: list[Step]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "SETTLE_PAUSE", 0)
        trio.run(_play, redis_url, memory, script)


class Clock:
    """Stands still between steps."""

    now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


async def _play(url: str, memory: int, script: list[Step]) -> None:
    model, clock = Model(), Clock()
    address = TALK.at("default", str(next(ACTORS)))
    outbox = outbox_key(actor_key(address)[0])
    async with link_to(url) as redis:
        await redis.execute("DEL", outbox)
        links = [Meddling(redis), Meddling(redis)]
        engines = [
            Engine(link, node=str(number), clock=clock, cache_bytes=memory)
            for number, link in enumerate(links)
        ]

        async def tell(engine: Engine, message: Say) -> Any:
            try:
                return await engine.turn(address, message)
            except Silenced as refusal:
                return ("refused", *refusal.args)

        for step in script:
            clock.now += step.elapsed
            link, engine, other = links[step.node], engines[step.node], engines[1 - step.node]
            if step.forget:
                engine._residents.idle.clear()
                engine._residents.weight = 0

            async def meanwhile(step: Step = step, other: Engine = other) -> None:
                for message in step.between:
                    expected = model.turn(message, clock.now)
                    assert await tell(other, message) == expected

            link.before = meanwhile
            link.lose = list(step.lose)
            reply = await tell(engine, step.message)
            assert reply == model.turn(step.message, clock.now)
            assert not link.before
            link.lose = []

        living = model.state if clock.now < model.expires_at else None
        assert [await engine.read(address) for engine in engines] == [living, living]
        entries = await redis.execute("XRANGE", outbox, "-", "+")
        bodies = [unpack_effect(fields[1])[1] for _, fields in entries]
        assert bodies == model.effects
