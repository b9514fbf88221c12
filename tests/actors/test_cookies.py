"""Signed cookies, and the cookie that maps applications to interactions."""

import json
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st

from gatehouse.actors.cookies import (
    MAX_INTERACTION_COOKIE_BYTES,
    MAX_INTERACTIONS,
    CookieSigner,
    add_interaction,
    find_interaction,
    read_interactions,
)
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.actors.tokens import new_uid

OLD, NEW = b"o" * 32, b"n" * 32
SIGNER = CookieSigner(SecretRing([NEW]))


def signed(name: str, value: str, signer: CookieSigner = SIGNER) -> dict[str, str]:
    return {name: value, f"{name}.sig": signer.signature(name, value)}


def test_a_signed_cookie_is_read():
    assert SIGNER.read(signed("_session", "abc"), "_session") == "abc"


def test_a_cookie_without_its_companion_is_nothing():
    assert SIGNER.read({"_session": "abc"}, "_session") is None


def test_a_signature_does_not_move_to_another_cookie_or_value():
    cookies = signed("_session", "abc")
    moved = {"_interaction": "abc", "_interaction.sig": cookies["_session.sig"]}
    assert SIGNER.read(moved, "_interaction") is None
    assert SIGNER.read({**cookies, "_session": "abd"}, "_session") is None


def test_a_cookie_signed_with_the_old_secret_is_read_until_it_is_removed():
    cookies = signed("_session", "abc", CookieSigner(SecretRing([OLD])))
    assert CookieSigner(SecretRing([NEW, OLD])).read(cookies, "_session") == "abc"
    assert SIGNER.read(cookies, "_session") is None


@given(st.text(max_size=40))
def test_no_text_is_a_signature(text: str):
    assert SIGNER.read({"_session": "abc", "_session.sig": text}, "_session") is None


def test_interactions_are_percent_encoded_json_with_the_newest_as_legacy():
    first, second = new_uid(), new_uid()
    value = add_interaction(add_interaction(None, "one", first), "two", second)
    assert json.loads(unquote(value)) == {"one": first, "two": second, "_legacy": second}
    assert find_interaction(value, "one") == ("one", first)
    assert find_interaction(value, None) == ("two", second)
    assert find_interaction(value, "three") is None


def test_a_client_named_legacy_does_not_confuse_the_cookie():
    uid = new_uid()
    value = add_interaction(None, "_legacy", uid)
    assert find_interaction(value, "_legacy") == ("_legacy", uid)


@given(st.lists(st.text("abcé%", min_size=1, max_size=128), max_size=30))
def test_the_cookie_stays_small_and_keeps_the_newest(clients: list[str]):
    value = None
    for client in clients:
        uid = new_uid()
        value = add_interaction(value, client, uid)
        assert len(value) <= MAX_INTERACTION_COOKIE_BYTES
        assert len(read_interactions(value)) <= MAX_INTERACTIONS + 1
        assert find_interaction(value, None) == (client, uid)
        assert find_interaction(value, client) == (client, uid)


@given(st.text(max_size=200))
@example("%7B%22%FF%22%3A%22a%22%7D")
def test_whatever_a_browser_sends_is_read_without_error(text: str):
    assert isinstance(read_interactions(text), dict)


def test_entries_that_are_no_uids_are_dropped():
    assert read_interactions(json.dumps({"a": "x:y", "b": 3})) == {}
