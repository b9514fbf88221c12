"""The password policy: what it refuses, and properties it has for every password."""

from __future__ import annotations

import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse.actors.password_policy import (
    SYMBOLS,
    PasswordPolicy,
    PersonalFacts,
    Rejection,
    check_password,
)

NOBODY = PersonalFacts()
DEFAULT = PasswordPolicy()
ALLOWED = string.ascii_letters + string.digits + "".join(sorted(SYMBOLS))

passwords = st.text(ALLOWED, min_size=1, max_size=80)


def policy(**settings: object) -> PasswordPolicy:
    return msgspec.convert(settings, PasswordPolicy)


def rejections(
    password: str, with_policy: PasswordPolicy = DEFAULT, facts: PersonalFacts = NOBODY
) -> set[str]:
    return {issue.rejection.value for issue in check_password(with_policy, password, facts)}


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("wombat-9-hill", set()),
        ("short1x", {"too_short"}),
        ("w" * 257, {"too_long", "restricted.repetition"}),
        ("pässwörter-9", {"unsupported_characters"}),
        ("11111111", {"restricted.repetition"}),
        ("12345678", {"restricted.sequence"}),
        ("87654321", {"restricted.sequence"}),
        ("qwertyuiop", {"restricted.sequence"}),
        ("aaaa1234", {"restricted.repetition", "restricted.sequence"}),
        ("aaaa-x9-1234", set()),
    ],
)
def test_the_default_policy(password: str, expected: set[str]) -> None:
    assert rejections(password) == expected


@pytest.mark.parametrize(
    ("password", "kinds", "accepted"),
    [
        ("lowercase", 1, True),
        ("lowercase", 2, False),
        ("lower9case", 2, True),
        ("Lower9case", 4, False),
        ("Lower9 case", 4, True),
    ],
)
def test_character_types_are_counted(password: str, kinds: int, accepted: bool) -> None:
    wanted = policy(characterTypes={"min": kinds})
    assert (rejections(password, wanted) == set()) is accepted


def test_listed_words_are_refused_whatever_their_case() -> None:
    wanted = policy(rejects={"words": ["gatehouse"]})
    assert rejections("GateHouse1", wanted) == {"restricted.words"}
    assert rejections("GateHouse-wombat", wanted) == set()


@pytest.mark.parametrize(
    "facts",
    [
        PersonalFacts(username="lovelace"),
        PersonalFacts(name="Ada Lovelace"),
        PersonalFacts(email="lovelace@example.com"),
    ],
)
def test_a_password_is_not_made_of_the_person(facts: PersonalFacts) -> None:
    assert rejections("Lovelace1", facts=facts) == {"restricted.user_info"}
    relaxed = policy(rejects={"userInfo": False})
    assert rejections("Lovelace1", relaxed, facts) == set()


def test_an_issue_says_which_limit_was_missed() -> None:
    [issue] = check_password(DEFAULT, "wombat9", NOBODY)
    assert issue.as_json() == {
        "code": "password_rejected.too_short",
        "interpolation": {"min": 8},
    }


@given(passwords)
def test_length_alone_decides_without_other_rules(password: str) -> None:
    free = policy(
        length={"min": 10, "max": 20},
        rejects={"repetitionAndSequence": False, "userInfo": False, "words": []},
    )
    assert rejections(password, free) == (
        {"too_short"} if len(password) < 10 else {"too_long"} if len(password) > 20 else set()
    )


@given(passwords, st.text(ALLOWED, min_size=3, max_size=12))
def test_repeating_a_listed_word_never_helps(prefix: str, word: str) -> None:
    wanted = policy(rejects={"words": [word], "repetitionAndSequence": False})
    made = word * (len(prefix) // len(word) + 3)
    assert Rejection.WORDS.value in rejections(made, wanted)


@given(passwords)
def test_four_unguessable_characters_make_any_password_acceptable(password: str) -> None:
    """Only what is easy to guess is refused for it; the rest has to be long enough."""
    free = policy(length={"min": 1, "max": 300}, rejects={"repetitionAndSequence": True})
    assert rejections(f"{password}W?k!", free) <= {"too_long"}


@given(passwords, st.text(max_size=30), st.text(max_size=30))
def test_any_password_is_judged(password: str, name: str, username: str) -> None:
    found = rejections(password, facts=PersonalFacts(name=name, username=username))
    assert found <= {rejection.value for rejection in Rejection}
