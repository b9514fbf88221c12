"""What somebody holds: listed in order, bounded, and dropped once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gatehouse.actors.holdings import (
    MAX_FAMILIES,
    MAX_GRANTS,
    MAX_SESSIONS,
    Drop,
    HoldFamily,
    Holdings,
    HoldSession,
)
from gatehouse.engine.actor import Effect

NOW = 1_000_000
DAY = 24 * 60 * 60 * 1000
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "holdings.mmd"
EFFECT = (Effect("told", b""),)


def family(name: str, grant: str = "g", lasts: int = DAY, **more: Any) -> HoldFamily:
    return HoldFamily(grant, "app", "s", name, lasts, **more)


def held(*messages: Any, state: Holdings | None = None) -> Holdings:
    for message in messages:
        state = message.apply(state, NOW).state
    assert state is not None
    return state


def test_a_session_is_listed_once_with_the_time_it_began() -> None:
    state = HoldSession("s", DAY).apply(held(HoldSession("s", DAY)), NOW + 5).state
    assert state is not None
    assert state.sessions == {"s": NOW}


def test_a_session_that_is_used_is_not_the_one_that_goes() -> None:
    state = held(*(HoldSession(f"s{number}", DAY) for number in range(MAX_SESSIONS)))
    state = held(HoldSession("s0", DAY), state=state)
    assert HoldSession("last", DAY).apply(state, NOW).reply.sessions == ("s1",)


def test_a_grant_gathers_its_families() -> None:
    state = held(family("f1"), family("f2"), family("f3", "h"))
    assert {key: one.families for key, one in state.grants.items()} == {
        "g": ("f1", "f2"),
        "h": ("f3",),
    }


def test_the_list_lasts_as_long_as_the_longest_of_what_it_lists() -> None:
    state = held(family("f1", lasts=9 * DAY))
    assert HoldSession("s", DAY).apply(state, NOW).expires_at == NOW + 9 * DAY


def test_what_is_more_than_is_listed_has_to_end() -> None:
    state = held(*(HoldSession(f"s{number}", DAY) for number in range(MAX_SESSIONS)))
    assert HoldSession("last", DAY).apply(state, NOW).reply.sessions == ("s0",)
    state = held(*(family(f"f{number}", f"g{number}") for number in range(MAX_GRANTS)))
    assert family("last", "last").apply(state, NOW).reply.families == ("f0",)
    state = held(*(family(f"f{number}") for number in range(MAX_FAMILIES)))
    assert family("last").apply(state, NOW).reply.families == ("f0",)


def test_families_that_have_ended_make_room() -> None:
    state = held(*(family(f"f{number}") for number in range(MAX_FAMILIES)), family("x", "other"))
    turn = family("last", gone=frozenset({"f1", "x"})).apply(state, NOW)
    assert turn.reply.families == ()
    assert turn.state is not None
    assert list(turn.state.grants) == ["g"]


def test_who_drops_is_told_of_families_that_came_meanwhile() -> None:
    state = held(family("f1"), family("f2"))
    turn = Drop(grants=frozenset({"g"}), families=frozenset({"f1"})).apply(state, NOW)
    assert turn.reply == ("f2",)


def test_of_two_who_drop_the_same_one_has_the_effects() -> None:
    drop = Drop(grants=frozenset({"g"}), effects=EFFECT)
    first = drop.apply(held(family("f1"), family("f2", "h")), NOW)
    assert first.effects == EFFECT
    assert drop.apply(first.state, NOW).effects == ()
    assert drop.apply(None, NOW).effects == ()


def test_the_state_survives_the_wire() -> None:
    state = held(HoldSession("s", DAY), family("f1"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Holdings) == state


TWO = held(HoldSession("s", DAY), family("f1"))
MOVES: list[tuple[str, Holdings | None, Any]] = [
    ("HoldSession", None, HoldSession("s", DAY)),
    ("HoldFamily", None, family("f")),
    ("HoldSession", TWO, HoldSession("t", DAY)),
    ("HoldFamily", TWO, family("f2")),
    ("Drop some", TWO, Drop(sessions=frozenset({"s"}))),
    ("Drop all", TWO, Drop(sessions=frozenset({"s"}), grants=frozenset({"g"}))),
]


def phase(state: Holdings | None) -> str:
    return "[*]" if state is None else "Listed"


def test_the_diagram_is_true() -> None:
    seen = {
        f"{phase(before)} --> {phase(message.apply(before, NOW).state)} : {name}"
        for name, before, message in MOVES
    }
    drawn = {line.strip() for line in DIAGRAM.read_text().splitlines() if "-->" in line}
    assert seen == drawn
