"""A verification for one's own account: whose it is, how long, and what it permits."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse.actors.account_verification import AGE_MS, Begin, OwnPassword, Verification, good
from gatehouse.actors.refusal import Reason, Refused

NOW = 1_000_000
PASSWORD = OwnPassword(id="v1", account="ada")
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "account_verification.mmd"


def begun() -> Verification:
    state = Begin("ada", PASSWORD).apply(None, NOW).state
    assert state is not None
    return state


def test_it_ends_by_itself() -> None:
    turn = Begin("ada", PASSWORD).apply(None, NOW)
    assert turn.expires_at == NOW + AGE_MS


@pytest.mark.parametrize(
    ("state", "owner", "now"),
    [(None, "ada", NOW), (begun(), "bob", NOW), (begun(), "ada", NOW + AGE_MS)],
)
def test_for_anybody_else_and_later_there_is_none(
    state: Verification | None, owner: str, now: int
) -> None:
    with pytest.raises(Refused) as refused:
        good(state, owner, now)
    assert refused.value.reason is Reason.NO_SUCH_VERIFICATION


def test_an_id_is_used_once() -> None:
    with pytest.raises(Refused):
        Begin("bob", PASSWORD).apply(begun(), NOW)


def test_the_password_permits_changes() -> None:
    assert begun().permits_changes


MOVES = [("Begin", None, Begin("ada", PASSWORD))]


def phase(state: Verification | None) -> str:
    return "[*]" if state is None else state.phase.value


def test_the_diagram_is_true() -> None:
    seen = {
        f"{phase(before)} --> {phase(message.apply(before, NOW).state)} : {name}"
        for name, before, message in MOVES
    }
    drawn = {line.strip() for line in DIAGRAM.read_text().splitlines() if "-->" in line}
    assert seen == drawn
