"""Secrets at rest."""

import pytest

from gatehouse.storage.vault import SealError, Vault

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}


def test_what_was_sealed_opens_at_its_place() -> None:
    vault = Vault(NEW)
    assert vault.open(vault.seal("s3cret é", "users/seed/1"), "users/seed/1") == "s3cret é"


def test_a_seal_says_nothing_about_its_content() -> None:
    vault = Vault(NEW)
    first, second = vault.seal("s3cret", "x"), vault.seal("s3cret", "x")
    assert first != second
    assert "s3cret" not in first


def test_a_seal_that_was_moved_to_another_place_does_not_open() -> None:
    vault = Vault(NEW)
    with pytest.raises(SealError):
        vault.open(vault.seal("s3cret", "users/seed/1"), "users/seed/2")


@pytest.mark.parametrize("position", [8, 30, -1])
def test_a_seal_that_was_tampered_with_does_not_open(position: int) -> None:
    vault = Vault(NEW)
    seal = vault.seal("a secret that is long enough", "x")
    position %= len(seal)
    forged = seal[:position] + ("A" if seal[position] != "A" else "g") + seal[position + 1 :]
    with pytest.raises(SealError):
        vault.open(forged, "x")


@pytest.mark.parametrize("text", ["", "plain", "v1.new.", "v1.new.AAAA", "v2.new.AAAA", "v1.new.é"])
def test_what_is_no_seal_does_not_open(text: str) -> None:
    with pytest.raises(SealError):
        Vault(NEW).open(text, "x")


def test_a_seal_under_a_key_that_is_gone_does_not_open() -> None:
    with pytest.raises(SealError, match="'old'"):
        Vault(NEW).open(Vault(OLD).seal("s3cret", "x"), "x")


def test_rewrapping_moves_a_seal_to_the_first_key() -> None:
    seal = Vault(OLD).seal("s3cret", "x")
    rewrapped = Vault(NEW | OLD).rewrap(seal, "x")
    assert Vault.key_of(rewrapped) == "new"
    assert Vault(NEW).open(rewrapped, "x") == "s3cret"


def test_rewrapping_leaves_alone_what_is_under_the_first_key() -> None:
    vault = Vault(NEW | OLD)
    seal = vault.seal("s3cret", "x")
    assert vault.rewrap(seal, "x") is seal


@pytest.mark.parametrize("keys", [{}, {"k": b"short"}, {"": b"n" * 32}, {"a.b": b"n" * 32}])
def test_a_ring_of_unusable_keys_is_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        Vault(keys)
