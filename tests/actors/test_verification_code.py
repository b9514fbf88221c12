"""A code is good for minutes, for a few tries and for one success. Pure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatehouse.actors.factors.code import EmailVerificationCode, GiveCode, Pass
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import CodePolicy
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.actors.verification_code import CodeState, KeepCode, Try, TryCode, tried
from gatehouse.engine.actor import Effect

NOW = 1_800_000_000_000
POLICY = CodePolicy(expiration_duration=600, max_retry_attempts=3)
CODE = CodeState(mac=b"mac", issued_at=NOW)
RIGHT, WRONG = Try(b"mac", right=True), Try(b"mac", right=False)
ADA = Identifier(IdentifierType.EMAIL, "ada@example.com")
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "verification_code.mmd"


def test_the_right_code_passes_once() -> None:
    used, objection = tried(CODE, RIGHT, POLICY, NOW)
    assert objection is None
    assert tried(used, RIGHT, POLICY, NOW) == (used, Reason.CODE_NOT_FOUND)


def test_a_wrong_code_is_counted_until_there_were_too_many() -> None:
    state: CodeState | None = CODE
    for _ in range(3):
        state, objection = tried(state, WRONG, POLICY, NOW)
        assert objection is Reason.CODE_MISMATCH
    assert tried(state, RIGHT, POLICY, NOW) == (state, Reason.CODE_EXHAUSTED)


def test_a_code_expires_to_the_millisecond() -> None:
    assert tried(CODE, RIGHT, POLICY, NOW + 600_000)[1] is None
    late = tried(CODE, RIGHT, POLICY, NOW + 600_001)
    assert late == (CODE, Reason.CODE_EXPIRED)


def test_what_was_found_out_for_another_code_says_nothing_of_this_one() -> None:
    other = Try(b"an older code's", right=True)
    assert tried(CODE, other, POLICY, NOW) == (CODE, Reason.CODE_NOT_FOUND)
    assert tried(None, RIGHT, POLICY, NOW) == (None, Reason.CODE_NOT_FOUND)


# Within an interaction


def waiting() -> EmailVerificationCode:
    return EmailVerificationCode(id="v", identifier=ADA, template_type="SignIn", code=CODE)


def test_a_record_passes_only_after_its_code_was_given() -> None:
    record = waiting()
    with pytest.raises(Refused) as refusal:
        Pass(b"mac").advance(record, NOW)
    assert refusal.value.reason is Reason.CODE_NOT_FOUND
    given, objection = GiveCode(ADA, RIGHT, POLICY).advance(record, NOW)
    assert objection is None
    assert not given.verified
    passed, _ = Pass(b"mac").advance(given, NOW)
    assert passed.verified
    assert passed.names == ADA
    again, objection = GiveCode(ADA, RIGHT, POLICY).advance(passed, NOW)
    assert (again, objection) == (passed, Reason.CODE_NOT_FOUND)


def test_a_code_for_one_address_is_no_code_for_another() -> None:
    bob = Identifier(IdentifierType.EMAIL, "bob@example.com")
    record = waiting()
    assert GiveCode(bob, RIGHT, POLICY).advance(record, NOW) == (
        record,
        Reason.CODE_EMAIL_MISMATCH,
    )


# By itself


def test_the_diagram_draws_what_the_code_does() -> None:
    messages = (
        KeepCode(CODE, (Effect("message", b""),)),
        TryCode(RIGHT, POLICY),
        TryCode(WRONG, POLICY),
    )
    moved = set()
    for state in (None, CODE):
        for message in messages:
            turn = message.apply(state, NOW)
            if (state, turn.state) != (None, None):
                ends = [one and "Waiting" for one in (state, turn.state)]
                moved.add((ends[0], type(message).__name__, ends[1]))
    arrow = re.compile(r"^\s*(\S+) --> (\S+) : (\w+)$", re.MULTILINE)
    drawn = {
        tuple(None if end == "[*]" else end for end in (source, message, target))
        for source, target, message in arrow.findall(DIAGRAM.read_text())
    }
    assert moved == drawn
