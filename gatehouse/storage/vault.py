"""Secrets at rest: encrypted under a ring of keys, so that a key can be replaced.

Some secrets have to be read again (a private key, an application's secret that the API shows, the
seed of a one-time password), so they cannot be hashed. They are sealed with AES-256-GCM. What is
sealed names its key, and is bound to the place it is stored at: copied into another row or column
it does not open. New seals use the ring's first key; the others only open, until `rewrap` has
moved everything to the first and the operator takes them away.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
"""The nonce size AES-GCM is made for (NIST SP 800-38D §5.2.1.1)."""
_PREFIX = "v1"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SealError(Exception):
    """What was sealed cannot be opened: unknown key, another place, or tampered with."""


class Vault:
    """Seals and opens short secrets."""

    __slots__ = ("_ciphers", "_current")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take the keys (32 bytes each) by id; the first of the mapping seals.

        Raises `ValueError` if there is no key, or a key or its id has the wrong form.
        """
        if not keys:
            raise ValueError("a vault needs a key")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise ValueError(f"vault key {key_id!r} is not {KEY_BYTES} bytes under a short id")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._current

    def seal(self, secret: str, place: str) -> str:
        """Encrypt for one place. The result is text, about 1.4 times as long and 60 more."""
        nonce = os.urandom(NONCE_BYTES)
        box = self._ciphers[self._current].encrypt(nonce, secret.encode(), place.encode())
        text = urlsafe_b64encode(nonce + box).rstrip(b"=").decode()
        return f"{_PREFIX}.{self._current}.{text}"

    def open(self, sealed: str, place: str) -> str:
        """Decrypt. Raises `SealError`, which names the key and never the content."""
        key_id = self.key_of(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealError(f"sealed under the vault key {key_id!r}, which is not in the ring")
        text = sealed.rpartition(".")[2]
        try:
            box = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError(f"does not open under the vault key {key_id!r}") from error

    def rewrap(self, sealed: str, place: str) -> str:
        """The same secret under the current key; the very same text if it already is."""
        if self.key_of(sealed) == self._current:
            return sealed
        return self.seal(self.open(sealed, place), place)

    @staticmethod
    def key_of(sealed: str) -> str:
        """The id of the key a seal was made with. Raises `SealError` if it is no seal."""
        parts = sealed.split(".")
        if len(parts) != 3 or parts[0] != _PREFIX:
            raise SealError("not a sealed secret")
        return parts[1]
