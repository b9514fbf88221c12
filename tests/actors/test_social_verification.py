"""A social verification is moved on by pure steps, and says what it may be used for."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.connectors.social.provider import SocialUser
from gatehouse.actors.factors.password import PasswordVerification
from gatehouse.actors.factors.social import (
    Answered,
    SocialVerification,
    TakeHandshake,
    social_record,
)
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import (
    Identifier,
    IdentifierType,
    Profile,
    SealedTokens,
)

NOW = 1_800_000_000_000
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "social_verification.mmd"
ADA = SocialUser(
    id="1", email="ada@example.com", phone="49151", name="Ada", avatar="https://a.example/a"
)
TOKENS = SealedTokens(
    connector_id="acme", target="people", identity_id="1", place="p", value="v", metadata={}
)
WAITING = SocialVerification(
    id="v",
    connector_id="acme",
    target="people",
    handshake=Handshake(redirect_uri="https://gatehouse.example/callback/acme", state="s"),
)
LOOKING = msgspec.structs.replace(WAITING, handshake=None)
PASSED = msgspec.structs.replace(LOOKING, social_user_info=ADA, tokens=TOKENS)
STEPS = (TakeHandshake("acme"), Answered(PASSED))


def test_the_diagram_shows_every_way_it_can_move() -> None:
    moved: set[tuple[str | None, str, str]] = {(None, "Begin", WAITING.phase.value)}
    for record in (WAITING, LOOKING, PASSED):
        for step in STEPS:
            with suppress(Refused):
                after, _ = step.advance(record, NOW)
                moved.add((record.phase.value, type(step).__name__, after.phase.value))
    arrow = re.compile(r"^\s*(\S+) --> (\S+) : (\w+)$", re.MULTILINE)
    drawn = {
        (None if source == "[*]" else source, message, target)
        for source, target, message in arrow.findall(DIAGRAM.read_text())
    }
    assert moved == drawn


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    for record, step in ((LOOKING, STEPS[0]), (PASSED, STEPS[0]), (PASSED, STEPS[1])):
        with pytest.raises(Refused) as refused:
            step.advance(record, NOW)
        assert refused.value.reason is Reason.HANDSHAKE_GONE


def test_the_handshake_is_handed_out_once_and_kept_no_longer() -> None:
    after, before = TakeHandshake("acme").advance(WAITING, NOW)
    assert before.handshake == WAITING.handshake
    assert after.handshake is None


def test_an_answer_to_another_request_leaves_this_one_as_it_is() -> None:
    for state in ("another", "", 1, "\ud83d"):
        with pytest.raises(Refused) as refused:
            TakeHandshake("acme", state).advance(WAITING, NOW)
        assert refused.value.reason is Reason.VERIFICATION_FAILED
    assert TakeHandshake("acme", "s").advance(WAITING, NOW)[0] == LOOKING


def test_another_connector_or_another_factor_has_no_such_verification() -> None:
    name = Identifier(IdentifierType.USERNAME, "ada")
    password = PasswordVerification(id="v", identifier=name, account="user")
    for record, step in ((WAITING, TakeHandshake("other")), (password, TakeHandshake("acme"))):
        with pytest.raises(Refused) as refused:
            step.advance(record, NOW)
        assert refused.value.reason is Reason.VERIFICATION_NOT_FOUND
    assert social_record(PASSED) is PASSED


@pytest.mark.parametrize("record", [WAITING, LOOKING])
def test_what_has_not_passed_says_nothing(record: SocialVerification) -> None:
    assert not record.verified
    assert (record.identity, record.new_profile, record.email) == (None, None, None)
    assert record.added_profile == record.linked_profile == Profile()
    assert not record.vouched_for
    assert not msgspec.structs.replace(record, complete=True).completes_profile


def test_somebody_new_starts_with_what_is_nobody_elses() -> None:
    started = PASSED.new_profile
    assert started is not None
    assert (started.primary_email, started.primary_phone) == ("ada@example.com", "49151")
    taken = msgspec.structs.replace(PASSED, taken=("primary_email",)).new_profile
    assert taken is not None
    assert (taken.primary_email, taken.primary_phone) == (None, "49151")
    assert taken.social_identity is not None
    assert taken.social_identity.user_info["email"] == "ada@example.com"


def test_somebody_known_is_changed_only_where_that_is_set() -> None:
    assert PASSED.added_profile == Profile(social_tokens=TOKENS)
    synced = msgspec.structs.replace(PASSED, syncs_profile=True).added_profile
    assert (synced.name, synced.avatar) == ("Ada", "https://a.example/a")
    assert synced.social_identity is None
    assert PASSED.linked_profile.social_identity is not None
    assert PASSED.linked_profile.primary_email is None


def test_a_record_shows_no_secret() -> None:
    assert set(SocialVerification.shown) == {"id", "connector_id", "social_user_info"}
    assert "state" not in repr(WAITING.handshake).replace("https", "")
