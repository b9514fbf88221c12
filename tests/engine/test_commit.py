"""What a stored value proves about a commit whose answer was lost, case by case."""

from __future__ import annotations

import pytest

from gatehouse.engine.codec import next_header
from gatehouse.engine.commit import Verdict, judge, nonces

NAMES = nonces()


def grow(before: bytes, turns: int) -> bytes:
    """A header, so many turns later."""
    for _ in range(turns):
        version = int.from_bytes(before[:8], "big") + 1
        before = next_header(before, version, next(NAMES), 0)
    return before


@pytest.mark.parametrize("base", [b"", grow(b"", 1), grow(b"", 20)], ids=["none", "young", "old"])
@pytest.mark.parametrize("others", range(8))
def test_a_commit_is_recognised_behind_up_to_seven_others(base: bytes, others: int) -> None:
    sent = grow(base, 1)
    assert judge(grow(sent, others), sent, base) is Verdict.COMMITTED


@pytest.mark.parametrize("base", [grow(b"", 1), grow(b"", 20)], ids=["young", "old"])
@pytest.mark.parametrize("others", range(1, 8))
def test_a_commit_is_missed_among_up_to_seven_others(base: bytes, others: int) -> None:
    assert judge(grow(base, others), grow(base, 1), base) is Verdict.NOT_COMMITTED


@pytest.mark.parametrize("others", [8, 100])
def test_behind_more_turns_nothing_can_be_told(others: int) -> None:
    base = grow(b"", 3)
    sent = grow(base, 1)
    assert judge(grow(sent, others), sent, base) is Verdict.UNKNOWN
    assert judge(grow(base, others), sent, base) is Verdict.UNKNOWN


@pytest.mark.parametrize("others", [0, 8, 100])
def test_the_turn_that_began_a_history_is_always_recognised(others: int) -> None:
    sent = grow(b"", 1)
    assert judge(grow(sent, others), sent, b"") is Verdict.COMMITTED
    assert judge(grow(b"", others + 1), sent, b"") is Verdict.NOT_COMMITTED


def test_a_history_that_ended_does_not_hold_the_commit() -> None:
    base = grow(b"", 3)
    assert judge(None, grow(base, 1), base) is Verdict.NOT_COMMITTED
    assert judge(grow(b"", 30), grow(base, 1), base) is Verdict.NOT_COMMITTED


def test_no_two_commits_share_a_name() -> None:
    names = [next(source) for source in (nonces(), nonces()) for _ in range(1000)]
    assert len(set(names)) == 2000
    assert {len(name) for name in names} == {8}
