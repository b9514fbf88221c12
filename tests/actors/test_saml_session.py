"""A service provider's request that waits for its user."""

from __future__ import annotations

from pathlib import Path

from gatehouse.actors.saml.session import SAML_SESSION_AGE_MS, Answer, NoAnswer, SamlSession, Wait

NOW = 1_700_000_000_000
WAIT = Wait("app", "_request", "state", "relay")
WAITING = WAIT.apply(None, NOW).state
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "saml_session.mmd"
MOVES = {
    "Wait": (None, WAIT),
    "Wait again": (WAITING, Wait("other", "_other", "other")),
    "Answer with another state": (WAITING, Answer("app", "other")),
    "Answer for another application": (WAITING, Answer("other", "state")),
    "Answer": (WAITING, Answer("app", "state")),
}


def _phase(state: SamlSession | None) -> str:
    return "[*]" if state is None else "Waiting"


def test_the_diagram_is_true() -> None:
    seen = {
        f"{_phase(before)} --> {_phase(message.apply(before, NOW).state)} : {name}"
        for name, (before, message) in MOVES.items()
    }
    drawn = {line.strip() for line in DIAGRAM.read_text().splitlines() if "-->" in line}
    assert seen == drawn


def test_a_request_waits_no_longer_than_a_person_may_take() -> None:
    answer = Answer("app", "state")
    assert answer.apply(WAITING, NOW + SAML_SESSION_AGE_MS - 1).reply == WAITING
    assert answer.apply(WAITING, NOW + SAML_SESSION_AGE_MS).reply is NoAnswer.GONE
    assert answer.apply(None, NOW).reply is NoAnswer.GONE


def test_a_waiting_request_is_not_replaced() -> None:
    assert Wait("other", "_other", "other").apply(WAITING, NOW).state == WAITING
    assert Answer("app", "other").apply(WAITING, NOW).reply is NoAnswer.STATE
