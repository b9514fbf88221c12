"""Password digests that other systems made: verified once, then replaced by our own.

Three families: PHC argon2 strings (handled with our own), single digests and bcrypt, and Logto's
*legacy expression*, a JSON array `[algorithm, [argument, ...], digest]` whose arguments are joined
with the password in the place of `@`, or are salt, iterations, length and digest for PBKDF2.

Whatever cannot be read matches nothing: an import must not be able to make sign-in fail loudly.
Its cost is bounded, because it was chosen by whoever made the import.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

import bcrypt
import msgspec

MAX_PBKDF2_ITERATIONS = 2_000_000
"""Twice what is recommended today; an import that asks for more asks for hours of processor."""
MAX_PBKDF2_BYTES = 1024
MAX_BCRYPT_COST = 16
BCRYPT_MAX_BYTES = 72
"""bcrypt looks at no more of a password than this."""


def verify_imported(algorithm: str, digest: str, password: str) -> bool:
    """Whether the password matches a digest of an algorithm that is not ours."""
    verify = _ALGORITHMS.get(algorithm.lower())
    return verify is not None and verify(digest, password)


def _plain(name: str) -> Callable[[str, str], bool]:
    def verify(digest: str, password: str) -> bool:
        return _same(
            hashlib.new(name, password.encode(), usedforsecurity=False).hexdigest(), digest
        )

    return verify


def _bcrypt(digest: str, password: str) -> bool:
    try:
        cost = int(digest.split("$")[2])
        if cost > MAX_BCRYPT_COST:
            return False
        return bcrypt.checkpw(password.encode()[:BCRYPT_MAX_BYTES], digest.encode())
    except (ValueError, IndexError):
        return False


def _legacy(digest: str, password: str) -> bool:
    try:
        algorithm, arguments, expected = msgspec.json.decode(
            digest, type=tuple[str, tuple[str, ...], str]
        )
        if "@" not in arguments:
            return False
        if algorithm in ("pbkdf2", "pbkdf2Sync"):
            return _same(_pbkdf2(arguments, password), expected)
        joined = "".join(password if item == "@" else item for item in arguments)
        made = hashlib.new(_openssl_name(algorithm), joined.encode(), usedforsecurity=False)
        return _same(made.hexdigest(), expected)
    except (ValueError, TypeError, msgspec.MsgspecError):
        return False


def _pbkdf2(arguments: Sequence[str], password: str) -> str:
    salt, iterations, length, name = (
        arguments[0],
        int(arguments[1]),
        int(arguments[2]),
        arguments[3],
    )
    if not 0 < iterations <= MAX_PBKDF2_ITERATIONS or not 0 < length <= MAX_PBKDF2_BYTES:
        raise ValueError("unreasonable PBKDF2 parameters")
    raw = bytes.fromhex(salt[4:]) if salt.startswith("hex:") else salt.encode()
    return hashlib.pbkdf2_hmac(
        _openssl_name(name), password.encode(), raw, iterations, length
    ).hex()


def _openssl_name(name: str) -> str:
    """OpenSSL's spelling of a digest (`SHA-256`, `RSA-SHA256`) as hashlib's."""
    return name.lower().removeprefix("rsa-").replace("sha-", "sha")


def _same(made: str, expected: str) -> bool:
    return hmac.compare_digest(made.encode(), expected.lower().encode())


_ALGORITHMS: dict[str, Callable[[str, str], bool]] = {
    "md5": _plain("md5"),
    "sha1": _plain("sha1"),
    "sha256": _plain("sha256"),
    "sha384": _plain("sha384"),
    "sha512": _plain("sha512"),
    "bcrypt": _bcrypt,
    "legacy": _legacy,
}
