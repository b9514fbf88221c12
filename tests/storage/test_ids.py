"""Identifiers."""

from gatehouse.storage.ids import ALPHABET, new_id, new_user_id


def test_identifiers_have_the_length_that_clients_expect() -> None:
    assert len(new_id()) == 21
    assert len(new_user_id()) == 12


def test_identifiers_use_the_whole_alphabet_and_nothing_else() -> None:
    assert set("".join(new_id() for _ in range(500))) == set(ALPHABET)


def test_identifiers_do_not_repeat() -> None:
    assert len({new_user_id() for _ in range(5000)}) == 5000
