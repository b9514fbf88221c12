"""Opaque tokens: genuine ones lead to their actor, everything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse.actors.secret_ring import SecretRing
from gatehouse.actors.tokens import (
    TOKEN_LENGTH,
    Purpose,
    TokenCodec,
    TokenRef,
    is_uid,
    new_family_id,
    new_uid,
)

OLD, NEW = b"o" * 32, b"n" * 32
CODEC = TokenCodec(SecretRing([NEW]))


def test_a_token_is_43_characters_and_always_the_same():
    family = new_family_id()
    token = CODEC.encode(Purpose.REFRESH_TOKEN, family, 7)
    assert len(token) == TOKEN_LENGTH
    assert token == CODEC.encode(Purpose.REFRESH_TOKEN, family, 7)


def test_a_token_leads_to_its_family_and_number():
    family = new_family_id()
    token = CODEC.encode(Purpose.ACCESS_TOKEN, family, 2**32 - 1)
    assert CODEC.decode(token, *Purpose) == TokenRef(Purpose.ACCESS_TOKEN, family, 2**32 - 1)


def test_a_token_is_good_for_its_purpose_only():
    token = CODEC.encode(Purpose.ACCESS_TOKEN, new_family_id(), 1)
    assert CODEC.decode(token, Purpose.REFRESH_TOKEN, Purpose.AUTHORIZATION_CODE) is None


def test_tokens_of_the_old_secret_stay_good_until_it_is_removed():
    token = TokenCodec(SecretRing([OLD])).encode(Purpose.REFRESH_TOKEN, new_family_id(), 1)
    both = TokenCodec(SecretRing([NEW, OLD]))
    assert both.decode(token, Purpose.REFRESH_TOKEN) is not None
    assert CODEC.decode(token, Purpose.REFRESH_TOKEN) is None


@given(st.text(max_size=60) | st.text("abcXYZ019-_", min_size=43, max_size=43))
def test_no_text_from_outside_is_a_token(text: str):
    assert CODEC.decode(text, *Purpose) is None


@given(st.integers(0, 42), st.sampled_from("ABCDabcd0189-_"))
def test_a_changed_character_is_noticed(position: int, character: str):
    token = CODEC.encode(Purpose.REFRESH_TOKEN, "AAAAAAAAAAAAAAAA", 1)
    changed = token[:position] + character + token[position + 1 :]
    decoded = CODEC.decode(changed, Purpose.REFRESH_TOKEN)
    assert (decoded is not None) == (changed == token)


def test_uids_are_recognised_and_nothing_else():
    assert is_uid(new_uid())
    assert not is_uid("a" * 42)
    assert not is_uid("a" * 42 + "\n")
    assert not is_uid("a" * 42 + ":")


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b"short"]])
def test_a_ring_of_weak_secrets_is_refused(keys: list[bytes]):
    with pytest.raises(ValueError, match="at least 32 bytes"):
        SecretRing(keys)
