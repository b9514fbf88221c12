"""An exchange with an identity provider: one question, one answer, taken once by who asked."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from gatehouse.actors.refusal import Refused
from gatehouse.actors.sso.exchanges import (
    EXCHANGE_MS,
    TRANSITIONS,
    Answer,
    Ask,
    Exchange,
    Receive,
    Take,
)

DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "sso_exchange.mmd"
NOW = 1_700_000_000_000
ANSWER = Answer(issuer="https://corp", user_info={"id": "7"})
ASKED = Exchange(connector_id="corp", uid="tab", request_id="r", expires_at=NOW + EXCHANGE_MS)
ANSWERED = msgspec.structs.replace(ASKED, answer=ANSWER)
STATES = {"[*]": None, "Asked": ASKED, "Answered": ANSWERED}
MESSAGES = {
    "Ask": Ask(ASKED),
    "Ask, answered already": Ask(ANSWERED),
    "Receive": Receive("corp", ANSWER),
    "Take": Take("corp", "tab"),
}


def test_the_diagram_draws_every_transition() -> None:
    drawn = re.findall(r"^ +(\S+) --> (\S+) : (.+)$", DIAGRAM.read_text(), re.MULTILINE)
    assert {(before, message, after) for before, after, message in drawn} == set(TRANSITIONS)


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("before", STATES)
def test_an_exchange_moves_as_it_is_drawn(before: str, message: str) -> None:
    allowed = {after for start, how, after in TRANSITIONS if (start, how) == (before, message)}
    try:
        after = MESSAGES[message].apply(STATES[before], NOW).state
    except Refused:
        assert allowed == set()
    else:
        assert allowed == {"[*]" if after is None else after.phase.value}


@pytest.mark.parametrize(
    "message", [Take("corp", "other tab"), Take("corp", None), Take("x", "tab")]
)
def test_an_answer_is_for_who_asked(message: Take) -> None:
    with pytest.raises(Refused):
        message.apply(ANSWERED, NOW)


def test_an_answer_of_another_connector_is_refused() -> None:
    with pytest.raises(Refused):
        Receive("other", ANSWER).apply(ASKED, NOW)
