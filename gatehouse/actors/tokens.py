"""Opaque tokens that say which actor they belong to, and that only this server can make.

An authorization code, a refresh token and an opaque access token are each 32 bytes, written as 43
base64url characters: 12 bytes name the token family, 4 are a number within it, and 16 are a MAC
over both and the token's purpose. A forged token is refused without asking Redis, a real one leads
straight to its actor, and because the text follows from family and number, no token is ever stored:
reading Redis gives nobody a token, and the successor of a refresh token can be given out twice.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from enum import Enum

from gatehouse.actors.secret_ring import SecretRing

FAMILY_BYTES = 12
NUMBER_BYTES = 4
MAC_BYTES = 16
TOKEN_LENGTH = 43
"""Characters of a token: 32 bytes in base64url without padding."""

_UID = re.compile(r"[A-Za-z0-9_-]{43}")


class Purpose(Enum):
    """What a token may be used for; part of what its MAC covers."""

    AUTHORIZATION_CODE = b"code"
    REFRESH_TOKEN = b"refresh"
    ACCESS_TOKEN = b"access"
    DEVICE_CODE = b"device"


@dataclass(frozen=True, slots=True)
class TokenRef:
    """What a genuine token refers to."""

    purpose: Purpose
    family_id: str
    number: int


def new_family_id() -> str:
    """A random family id: 96 bits as 16 base64url characters."""
    return _text(secrets.token_bytes(FAMILY_BYTES))


def new_uid() -> str:
    """A random 256-bit identifier of 43 base64url characters, for interactions and sessions."""
    return secrets.token_urlsafe(32)


def is_uid(text: str) -> bool:
    """Whether the text has the shape of `new_uid`'s results, and is thus safe in an address."""
    return _UID.fullmatch(text) is not None


class TokenCodec:
    """Writes and reads opaque tokens under a ring of server secrets."""

    def __init__(self, ring: SecretRing) -> None:
        self._ring = ring.derive("opaque-token")

    def encode(self, purpose: Purpose, family_id: str, number: int) -> str:
        """The one text of this token. Always the same for the same arguments and secret."""
        body = _bytes(family_id) + number.to_bytes(NUMBER_BYTES, "big")
        return _text(body + self._ring.mac(purpose.value + body)[:MAC_BYTES])

    def decode(self, token: str, *purposes: Purpose) -> TokenRef | None:
        """What the token refers to, if it is genuine and made for one of the purposes."""
        if len(token) != TOKEN_LENGTH or not token.isascii():
            return None
        try:
            raw = _bytes(token)
        except Base64Error:
            return None
        if _text(raw) != token:  # one token has one spelling
            return None
        body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        for purpose in purposes:
            if self._ring.verify(purpose.value + body, mac):
                family, number = body[:FAMILY_BYTES], body[FAMILY_BYTES:]
                return TokenRef(purpose, _text(family), int.from_bytes(number, "big"))
        return None


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
