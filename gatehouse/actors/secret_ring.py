"""The server's own secrets: the newest makes, every one of them verifies.

Tokens, cookies and form tokens are authenticated with keys that never leave the server. Operators
replace the master secret by putting a new one in front of the old: what the old one made stays
good until the old one is removed. Each use derives its own keys, so that a value made for one use
can never be presented to another.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from gatehouse.storage.vault import Vault

MIN_SECRET_BYTES = 32
"""A master secret shorter than the output of SHA-256 would be the weakest link."""
MAC_BYTES = 32
_KEY_ID_DIGITS = 16
"""Hexadecimal digits by which a vault tells its keys apart."""


class SecretRing:
    """An ordered ring of secrets, newest first."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take the secrets, newest first. Raises `ValueError` if there is none or one is short."""
        if not keys or any(len(key) < MIN_SECRET_BYTES for key in keys):
            raise ValueError(f"a secret ring needs secrets of at least {MIN_SECRET_BYTES} bytes")
        self._keys = tuple(keys)

    def derive(self, use: str) -> SecretRing:
        """A ring of independent keys for one use, in the same order."""
        label = b"gatehouse:" + use.encode()
        return SecretRing([hmac.digest(key, label, "sha256") for key in self._keys])

    def vault(self) -> Vault:
        """What seals secrets that wait in Redis; they open as long as their key is in the ring."""
        keys = self.derive("vault")._keys
        return Vault(
            {hmac.digest(key, b"id", "sha256").hex()[:_KEY_ID_DIGITS]: key for key in keys}
        )

    def mac(self, message: bytes) -> bytes:
        """The keyed BLAKE2b of the message under the newest key (RFC 7693 §2.9; 32 bytes)."""
        return _mac(self._keys[0], message)

    def verify(self, message: bytes, mac: bytes) -> bool:
        """Whether `mac` begins the MAC of the message under any key, in constant time.

        A shorter `mac` is compared with as many leading bytes as it has; callers fix the length.
        """
        size = len(mac)
        return any(hmac.compare_digest(_mac(key, message)[:size], mac) for key in self._keys)


def _mac(key: bytes, message: bytes) -> bytes:
    """BLAKE2b takes a key by itself; an HMAC by OpenSSL costs more than twice as much to set up."""
    return hashlib.blake2b(message, key=key, digest_size=MAC_BYTES).digest()
