"""What a person types is read as the name it looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import IdentifierType
from gatehouse.http.pages.forms import identifier_label, read_identifier
from gatehouse.http.pages.messages import message_for
from gatehouse.http.pages.words import words_in

USERNAME, EMAIL, PHONE = IdentifierType


@pytest.mark.parametrize(
    ("text", "enabled", "kind", "value"),
    [
        (" ada ", (USERNAME, EMAIL, PHONE), USERNAME, "ada"),
        ("ada@example.com", (USERNAME, EMAIL, PHONE), EMAIL, "ada@example.com"),
        ("ada@example.com", (USERNAME,), USERNAME, "ada@example.com"),
        ("+49 (170) 12-34.567", (USERNAME, PHONE), PHONE, "491701234567"),
        ("12345678", (USERNAME,), USERNAME, "12345678"),
        ("ada", (EMAIL,), EMAIL, "ada"),
    ],
)
def test_reading(
    text: str, enabled: tuple[IdentifierType, ...], kind: IdentifierType, value: str
) -> None:
    identifier = read_identifier(text, enabled)
    assert (identifier.type, identifier.value) == (kind, value)


@given(st.text(), st.lists(st.sampled_from(IdentifierType), min_size=1))
def test_whatever_is_typed_is_some_name_that_is_enabled(
    text: str, enabled: list[IdentifierType]
) -> None:
    assert read_identifier(text, enabled).type in enabled


@pytest.mark.parametrize(
    ("enabled", "label"),
    [
        ((USERNAME,), "Username"),
        ((EMAIL, USERNAME), "Username or email address"),
        ((USERNAME, EMAIL, PHONE), "Username, email address or phone number"),
        ((), "Username"),
    ],
)
def test_the_label_says_what_may_be_typed(enabled: tuple[IdentifierType, ...], label: str) -> None:
    assert identifier_label(words_in("en"), enabled) == label


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_has_a_sentence(reason: Reason) -> None:
    said = message_for(Refused(reason, minutes=5, min=1, max=9)).said(words_in("en"))
    assert said.text
    assert "{" not in said.text
