"""A verification for one's own account: whose it is, how long, and what it permits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatehouse.actors.account_verification import (
    AGE_MS,
    PERMISSION,
    Advance,
    Begin,
    OwnPassword,
    Verification,
    good,
)
from gatehouse.actors.factors.code import EmailVerificationCode, GiveCode, Pass
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import CodePolicy
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.actors.verification_code import CodeState, Try

NOW = 1_000_000
PASSWORD = OwnPassword(id="v1", account="ada")
ADDRESS = Identifier(IdentifierType.EMAIL, "ada@example.com")
WAITING = EmailVerificationCode(
    id="v2",
    identifier=ADDRESS,
    template_type=PERMISSION,
    code=CodeState(mac=b"m", issued_at=NOW),
)
WRONG = Advance("ada", GiveCode(ADDRESS, Try(b"m", right=False), CodePolicy()))
RIGHT = Advance("ada", GiveCode(ADDRESS, Try(b"m", right=True), CodePolicy()))
PASS = Advance("ada", Pass(b"m"))
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "account_verification.mmd"


def begun(record: OwnPassword | EmailVerificationCode = PASSWORD) -> Verification:
    state = Begin("ada", record).apply(None, NOW).state
    assert state is not None
    return state


def given() -> Verification:
    state = RIGHT.apply(begun(WAITING), NOW).state
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


def test_a_code_permits_changes_once_it_was_given() -> None:
    assert not begun(WAITING).permits_changes
    assert not given().permits_changes
    passed = PASS.apply(given(), NOW).state
    assert passed is not None
    assert passed.permits_changes


def test_a_code_for_something_else_permits_nothing() -> None:
    other = EmailVerificationCode(
        id="v3", identifier=ADDRESS, template_type="BindNewIdentifier", passed=True
    )
    assert not begun(other).permits_changes


def test_nobody_else_goes_on_with_it() -> None:
    step = GiveCode(ADDRESS, Try(b"m", right=True), CodePolicy())
    with pytest.raises(Refused) as refused:
        Advance("bob", step).apply(begun(WAITING), NOW)
    assert refused.value.reason is Reason.NO_SUCH_VERIFICATION


MOVES: list[tuple[str, Verification | None, Any]] = [
    ("Begin", None, Begin("ada", PASSWORD)),
    ("Begin", None, Begin("ada", WAITING)),
    ("Advance", begun(WAITING), WRONG),
    ("Advance", begun(WAITING), RIGHT),
    ("Advance", given(), PASS),
]


def phase(state: Verification | None) -> str:
    return "[*]" if state is None else state.phase.value


def test_the_diagram_is_true() -> None:
    seen = {
        f"{phase(before)} --> {phase(message.apply(before, NOW).state)} : {name}"
        for name, before, message in MOVES
    }
    drawn = {line.strip() for line in DIAGRAM.read_text().splitlines() if "-->" in line}
    assert seen == drawn
