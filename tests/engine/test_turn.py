"""What a turn promises: decided on the current state, committed once or not at all, in order."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
import trio
import trio.testing

from gatehouse.engine import (
    Contended,
    Effect,
    Engine,
    EngineError,
    Indeterminate,
    Kind,
    Observer,
    Overloaded,
    Redis,
    Turn,
    Unavailable,
)
from gatehouse.engine import engine as engine_module
from gatehouse.engine.codec import HEADER, LINGER, STATE_BYTES, actor_key, outbox_key
from tests.engine.ledger import AN_HOUR, LEDGER, Book, Close, Enter, Look, Refuse, Refused, Touch
from tests.engine.running import Meddling, engine_at, link_to

BOOK = LEDGER.at("default", "one")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


class Journal(Observer):
    """Remembers what it was told of turns."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.conflicts = 0
        self.depths: list[int] = []
        self.refused = 0

    def turn_finished(self, kind: str, outcome: str) -> None:
        self.outcomes.append(outcome)

    def turn_conflicted(self, kind: str) -> None:
        self.conflicts += 1

    def mailbox_depth(self, kind: str, depth: int) -> None:
        self.depths.append(depth)

    def mailbox_refused(self, kind: str) -> None:
        self.refused += 1


async def test_a_turn_changes_the_state_and_returns_the_reply(redis_url: str) -> None:
    async with engine_at(redis_url) as engine:
        assert await engine.read(BOOK) is None
        assert await engine.turn(BOOK, Enter("a")) == (1, "")
        assert await engine.turn(BOOK, Enter("b")) == (2, "a")
        assert await engine.read(BOOK) == Book(2, "b")


async def test_actors_are_kept_apart_by_tenant_kind_and_key(redis_url: str) -> None:
    other_kind = Kind("journal", Book)
    async with engine_at(redis_url) as engine:
        await engine.turn(BOOK, Enter("a"))
        assert await engine.read(LEDGER.at("other", "one")) is None
        assert await engine.read(LEDGER.at("default", "two")) is None
        assert await engine.read(other_kind.at("default", "one")) is None


async def test_a_turn_with_a_remembered_state_is_one_round_trip(redis_url: str) -> None:
    async with link_to(redis_url) as redis:
        meddling = Meddling(redis)
        engine = Engine(meddling, node="n")
        for message in (Enter("a"), Enter("b"), Look(), Touch(AN_HOUR), Close(), Enter("c")):
            meddling.requests = 0
            await engine.turn(BOOK, message)
            assert meddling.requests == 1, message
        meddling.requests = 0
        await engine.read(BOOK)
        assert meddling.requests == 1


async def test_a_turn_without_a_remembered_state_is_two_round_trips(redis_url: str) -> None:
    async with engine_at(redis_url) as other, link_to(redis_url) as redis:
        await other.turn(BOOK, Enter("a"))
        meddling = Meddling(redis)
        engine = Engine(meddling, node="n", cache_bytes=0)
        assert await engine.turn(BOOK, Enter("b")) == (2, "a")
        assert meddling.requests == 2


async def test_every_answer_is_decided_on_the_current_state(redis_url: str) -> None:
    async with engine_at(redis_url) as one, engine_at(redis_url) as two:
        await one.turn(BOOK, Enter("a"))
        await two.turn(BOOK, Enter("b"))
        assert await one.turn(BOOK, Look()) == 2
        await two.turn(BOOK, Enter("c"))
        with pytest.raises(Refused, match="3"):
            await one.turn(BOOK, Refuse())
        await two.turn(BOOK, Enter("d"))
        assert await one.read(BOOK) == Book(4, "d")
        await two.turn(BOOK, Enter("e"))
        assert await one.turn(BOOK, Enter("f")) == (6, "e")


async def test_a_refused_turn_commits_nothing(redis_url: str) -> None:
    async with engine_at(redis_url) as engine, link_to(redis_url) as redis:
        with pytest.raises(Refused, match="0"):
            await engine.turn(BOOK, Refuse())
        assert await redis.execute("KEYS", "*") == []


async def test_a_message_that_turns_acceptable_meanwhile_is_accepted(redis_url: str) -> None:
    @dataclass(frozen=True)
    class OnlyThird:
        def apply(self, state: Book | None, now: int) -> Turn[Book, str]:
            if state is None or state.entries != 2:
                raise Refused
            return Turn(Book(3, "third"), "accepted", now + AN_HOUR)

    async with engine_at(redis_url) as one, engine_at(redis_url) as two:
        await one.turn(BOOK, Enter("a"))
        await two.turn(BOOK, Enter("b"))
        assert await one.turn(BOOK, OnlyThird()) == "accepted"


async def test_an_actor_ends_at_its_time_on_the_clock_of_the_turn(redis_url: str) -> None:
    clock = Clock()
    async with (
        engine_at(redis_url, clock=clock) as one,
        engine_at(redis_url, clock=clock) as two,
        link_to(redis_url) as redis,
    ):
        await one.turn(BOOK, Enter("a", lives=1000))
        remaining = await redis.execute("PTTL", actor_key(BOOK)[1])
        assert LINGER < remaining <= LINGER + 1000
        clock.now += 999
        assert await one.turn(BOOK, Look()) == await two.turn(BOOK, Look()) == 1
        clock.now += 1
        assert await one.turn(BOOK, Look()) == await two.turn(BOOK, Look()) == 0
        assert await one.read(BOOK) is None
        assert await one.turn(BOOK, Enter("b")) == (1, "")


async def test_the_same_state_with_another_time_lives_on(redis_url: str) -> None:
    clock = Clock()
    async with engine_at(redis_url, clock=clock) as engine:
        await engine.turn(BOOK, Enter("a", lives=1000))
        assert await engine.turn(BOOK, Touch(5000)) == 1
        clock.now += 4999
        assert await engine.read(BOOK) == Book(1, "a")
        clock.now += 1
        assert await engine.read(BOOK) is None


async def test_the_same_state_with_effects_keeps_its_time(redis_url: str) -> None:
    @dataclass(frozen=True)
    class Shout:
        def apply(self, state: Book | None, now: int) -> Turn[Book, None]:
            return Turn(state, None, effects=(Effect("shout", b"!"),))

    clock = Clock()
    async with engine_at(redis_url, clock=clock) as engine, link_to(redis_url) as redis:
        await engine.turn(BOOK, Shout())
        await engine.turn(BOOK, Enter("a", lives=1000))
        await engine.turn(BOOK, Shout())
        clock.now += 999
        assert await engine.read(BOOK) == Book(1, "a")
        clock.now += 1
        assert await engine.read(BOOK) is None
        assert await redis.execute("XLEN", outbox_key(actor_key(BOOK)[0])) == 2


async def test_a_deleted_and_recreated_actor_is_not_mistaken_for_the_old_one(
    redis_url: str,
) -> None:
    async with engine_at(redis_url) as one, engine_at(redis_url) as two, link_to(redis_url) as r:
        await one.turn(BOOK, Enter("a"))
        await two.turn(BOOK, Close())
        assert await two.turn(BOOK, Enter("b")) == (1, "")
        assert await one.turn(BOOK, Enter("c")) == (2, "b")
        # The same with the history gone: the version is what it was, the nonce is not.
        other = LEDGER.at("default", "two")
        await one.turn(other, Enter("x"))
        await r.execute("DEL", actor_key(other)[1])
        assert await two.turn(other, Enter("y")) == (1, "")
        assert await one.turn(other, Look()) == 1
        assert await one.read(other) == Book(1, "y")
        await r.execute("DEL", actor_key(other)[1])
        await two.turn(other, Enter("z"))
        assert await one.turn(other, Enter("last")) == (2, "z")


async def test_a_deleted_actor_leaves_no_state_behind_and_soon_nothing(redis_url: str) -> None:
    async with engine_at(redis_url) as engine, link_to(redis_url) as redis:
        await engine.turn(BOOK, Enter("secret"))
        assert await engine.turn(BOOK, Close()) == 1
        key = actor_key(BOOK)[1]
        assert b"secret" not in await redis.execute("GET", key)
        assert 0 < await redis.execute("PTTL", key) <= LINGER
        assert await engine.read(BOOK) is None


@pytest.mark.parametrize("lost", [["answer"], ["request"], ["answer", "answer"], ["request"] * 3])
async def test_a_turn_whose_answer_is_lost_is_committed_once(
    redis_url: str, lost: list[str]
) -> None:
    effect = Effect("mail", b"")
    async with link_to(redis_url) as redis:
        meddling = Meddling(redis)
        engine = Engine(meddling, node="n")
        for number in range(1, 5):
            meddling.lose = lost.copy()
            reply = await engine.turn(BOOK, Enter(str(number), (effect,)))
            assert reply == (number, str(number - 1) if number > 1 else "")
        assert await redis.execute("XLEN", outbox_key(actor_key(BOOK)[0])) == 4


async def test_a_lost_answer_is_recognised_behind_the_turns_of_others(redis_url: str) -> None:
    async with link_to(redis_url) as redis, engine_at(redis_url) as other:
        meddling = Meddling(redis)
        engine = Engine(meddling, node="n")
        await engine.turn(BOOK, Enter("a"))

        async def others() -> None:
            async def once_more() -> None:
                for number in range(7):
                    await other.turn(BOOK, Enter(f"other {number}"))

            meddling.before = once_more

        meddling.lose = ["answer"]
        meddling.before = others
        assert await engine.turn(BOOK, Enter("b")) == (2, "a")
        assert await engine.read(BOOK) == Book(9, "other 6")


async def test_a_lost_request_is_decided_again_behind_the_turns_of_others(redis_url: str) -> None:
    async with link_to(redis_url) as redis, engine_at(redis_url) as other:
        meddling = Meddling(redis)
        engine = Engine(meddling, node="n")
        await engine.turn(BOOK, Enter("a"))

        async def others() -> None:
            await other.turn(BOOK, Enter("other"))

        meddling.lose = ["request"]
        meddling.before = others
        assert await engine.turn(BOOK, Enter("b")) == (3, "other")


async def test_what_cannot_be_told_is_indeterminate(redis_url: str) -> None:
    async with link_to(redis_url) as redis, engine_at(redis_url) as other:
        meddling = Meddling(redis)
        engine = Engine(meddling, node="n")
        await engine.turn(BOOK, Enter("a"))

        async def others() -> None:
            for number in range(9):
                await other.turn(BOOK, Enter(f"other {number}"))

        meddling.lose = ["request"]
        meddling.before = others
        with pytest.raises(Indeterminate):
            await engine.turn(BOOK, Enter("b"))


async def test_a_redis_that_stays_away_leaves_a_sent_turn_indeterminate(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SETTLE_SECONDS", 0.05)
    async with link_to(redis_url) as redis:
        meddling = Meddling(redis)
        meddling.lose = ["request"] * 100
        with pytest.raises(Indeterminate):
            await Engine(meddling, node="n").turn(BOOK, Enter("a"))


async def test_an_unreachable_redis_is_unavailable_and_nothing_stays_behind() -> None:
    async with engine_at("unix:///nonexistent/socket") as engine:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await engine.turn(BOOK, Enter("a"))
        with pytest.raises(Unavailable):
            await engine.read(BOOK)


async def test_turns_on_one_actor_are_taken_in_the_order_they_came(redis_url: str) -> None:
    async with engine_at(redis_url) as engine:
        replies: dict[str, tuple[int, str]] = {}

        async def enter(name: str, *, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            replies[name] = await engine.turn(BOOK, Enter(name))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                await nursery.start(enter, str(number))
                await trio.testing.wait_all_tasks_blocked()
        assert [replies[str(number)][0] for number in range(20)] == list(range(1, 21))


class Gate:
    """Holds up the next request to Redis until it is opened."""

    def __init__(self, redis: Redis) -> None:
        self.meddling = Meddling(redis)
        self._opened = trio.Event()
        self.meddling.before = self._opened.wait

    def open(self) -> None:
        self._opened.set()


async def test_a_cancelled_message_leaves_the_mailbox(redis_url: str) -> None:
    async with link_to(redis_url) as redis:
        gate = Gate(redis)
        engine = Engine(gate.meddling, node="n")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.turn, BOOK, Enter("a"))
            await trio.testing.wait_all_tasks_blocked()
            waiting = trio.CancelScope()
            nursery.start_soon(_cancelled_turn, engine, waiting)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(engine.turn, BOOK, Enter("c"))
            await trio.testing.wait_all_tasks_blocked()
            waiting.cancel()
            await trio.testing.wait_all_tasks_blocked()
            gate.open()
        assert await engine.read(BOOK) == Book(2, "c")


async def _cancelled_turn(engine: Engine, scope: trio.CancelScope) -> None:
    with scope:
        await engine.turn(BOOK, Enter("b"))


async def test_a_full_mailbox_refuses_at_once(redis_url: str) -> None:
    journal = Journal()
    async with link_to(redis_url) as redis:
        gate = Gate(redis)
        engine = Engine(gate.meddling, node="n", mailbox_depth=2, observer=journal)
        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(engine.turn, BOOK, Enter(name))
                await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(Overloaded) as refused:
                await engine.turn(BOOK, Enter("d"))
            assert refused.value.retry_after > 0
            gate.open()
        assert await engine.turn(BOOK, Look()) == 3
    assert journal.depths == [1, 2]
    assert journal.refused == 1
    assert sorted(journal.outcomes) == ["committed"] * 3 + ["failed", "kept"]


async def test_a_node_with_too_many_turns_refuses_at_once(redis_url: str) -> None:
    async with link_to(redis_url) as redis:
        gate = Gate(redis)
        engine = Engine(gate.meddling, node="n", turns_in_flight=1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.turn, BOOK, Enter("a"))
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(Overloaded):
                await engine.turn(LEDGER.at("default", "two"), Enter("b"))
            gate.open()
        assert await engine.turn(LEDGER.at("default", "two"), Enter("b")) == (1, "")


async def test_a_message_past_its_deadline_is_not_sent(redis_url: str) -> None:
    async with engine_at(redis_url) as engine:
        with trio.move_on_after(0) as scope:
            await trio.lowlevel.cancel_shielded_checkpoint()
            await engine.turn(BOOK, Enter("a"))
        assert scope.cancelled_caught
        assert await engine.read(BOOK) is None


async def test_a_turn_that_always_loses_gives_up(redis_url: str) -> None:
    journal = Journal()
    async with link_to(redis_url) as redis, engine_at(redis_url) as other:
        meddling = Meddling(redis)

        async def first() -> None:
            await other.turn(BOOK, Enter("other"))
            meddling.before = first

        meddling.before = first
        engine = Engine(meddling, node="n", observer=journal)
        with pytest.raises(Contended):
            await engine.turn(BOOK, Enter("a"))
    assert journal.conflicts == engine_module.CONFLICTS


@pytest.mark.parametrize("address", [("", "k"), ("a:b", "k"), ("t", ""), ("t", "k" * 513)])
async def test_what_is_no_address_is_refused(redis_url: str, address: tuple[str, str]) -> None:
    async with engine_at(redis_url) as engine:
        with pytest.raises(ValueError, match="address"):
            await engine.turn(LEDGER.at(*address), Enter("a"))


async def test_a_state_too_large_or_without_end_is_refused(redis_url: str) -> None:
    @dataclass(frozen=True)
    class Endless:
        def apply(self, state: Book | None, now: int) -> Turn[Book, None]:
            return Turn(Book(1, ""), None)

    async with engine_at(redis_url) as engine:
        with pytest.raises(ValueError, match="larger"):
            await engine.turn(BOOK, Enter("x" * STATE_BYTES))
        with pytest.raises(ValueError, match="expires"):
            await engine.turn(BOOK, Endless())
        assert await engine.turn(BOOK, Enter("a")) == (1, "")


async def test_a_value_of_another_make_is_an_error_that_does_not_stick(redis_url: str) -> None:
    async with engine_at(redis_url) as engine, link_to(redis_url) as redis:
        key = actor_key(BOOK)[1]
        for broken in (b"short", bytes(HEADER) + b"\xc1"):
            await redis.execute("SET", key, broken)
            with pytest.raises(EngineError, match="cannot be read"):
                await engine.turn(BOOK, Enter("a"))
            with pytest.raises(EngineError, match="cannot be read"):
                await engine.read(BOOK)
        await redis.execute("DEL", key)
        assert await engine.turn(BOOK, Enter("a")) == (1, "")


async def test_what_is_remembered_is_bounded(redis_url: str) -> None:
    async with engine_at(redis_url, cache_bytes=20_000) as engine:
        for number in range(200):
            await engine.turn(LEDGER.at("default", str(number)), Enter("x" * 500))
        assert engine._residents.weight <= 20_000
        assert 5 < len(engine._residents.idle) < 20
        assert not engine._residents.active


async def test_actors_that_do_not_exist_are_not_remembered(redis_url: str) -> None:
    async with engine_at(redis_url) as engine:
        for number in range(20):
            await engine.read(LEDGER.at("default", str(number)))
            await engine.turn(LEDGER.at("default", str(number)), Look())
        assert not engine._residents.idle
        assert not engine._residents.active


def test_a_state_that_could_be_changed_in_place_is_no_state() -> None:
    class Loose(msgspec.Struct):
        n: int

    with pytest.raises(TypeError, match="frozen"):
        Kind("loose", Loose)


async def test_what_is_recalled_may_be_old_and_is_read_where_nothing_is_remembered(
    redis_url: str,
) -> None:
    async with engine_at(redis_url) as here, engine_at(redis_url, node="there") as there:
        assert await here.recall(BOOK) is None
        await here.turn(BOOK, Enter("a"))
        await there.turn(BOOK, Enter("b"))
        remembered, current = await here.recall(BOOK), await there.recall(BOOK)
        assert (remembered, current) == (Book(1, "a"), Book(2, "b"))
        assert await here.read(BOOK) == current
        assert await here.recall(BOOK) == current


async def test_what_has_expired_is_not_recalled(redis_url: str) -> None:
    clock = Clock()
    async with engine_at(redis_url, clock=clock) as engine:
        await engine.turn(BOOK, Enter("a", lives=1000))
        clock.now += 1000
        assert await engine.recall(BOOK) is None
