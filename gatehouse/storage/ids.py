"""Identifiers that cannot be guessed and are pleasant in a URL: lower-case letters and digits.

Logto's clients expect 12 characters for a user and 21 for everything else. 12 characters are 62
bits, which is enough for names that are not secrets; 21 are 108 bits.
"""

from __future__ import annotations

import os

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 21
USER_ID_LENGTH = 12
_CHARACTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNFAIR = bytes(range(256 - 256 % len(ALPHABET), 256))
"""Bytes that would favour some characters."""


def new_id(length: int = ID_LENGTH) -> str:
    """A random identifier."""
    characters = b""
    while len(characters) < length:
        characters += os.urandom(length + 8).translate(_CHARACTERS, _UNFAIR)
    return characters[:length].decode()


def new_user_id() -> str:
    """A random identifier of a user."""
    return new_id(USER_ID_LENGTH)
