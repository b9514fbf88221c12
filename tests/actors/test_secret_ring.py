"""The vault of a ring: what waits in Redis opens until its secret is taken out of the ring."""

from __future__ import annotations

import pytest

from gatehouse.actors.secret_ring import SecretRing
from gatehouse.storage.vault import SealError

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_was_sealed_opens_as_long_as_its_secret_is_in_the_ring() -> None:
    sealed = SecretRing([OLD]).vault().seal("a key", "here")
    assert SecretRing([NEW, OLD]).vault().open(sealed, "here") == "a key"
    with pytest.raises(SealError):
        SecretRing([NEW]).vault().open(sealed, "here")


def test_the_newest_secret_seals() -> None:
    sealed = SecretRing([NEW, OLD]).vault().seal("a key", "here")
    assert SecretRing([NEW]).vault().open(sealed, "here") == "a key"


def test_a_seal_shows_neither_what_it_holds_nor_the_key() -> None:
    sealed = SecretRing([OLD]).vault().seal("a key", "here")
    assert "a key" not in sealed
    assert OLD.hex()[:8] not in sealed
