"""Password digests that other systems made: verified once, then replaced by our own.

Three families: PHC argon2 strings (handled with our own), single digests and bcrypt, and Logto's
*legacy expression*, a JSON array `[algorithm, [argument, ...], digest]` whose arguments are joined
with the password in the place of `@`, or are salt, iterations, length and digest for PBKDF2, or
salt, signer key, separator, rounds and memory cost for Firebase's own use of scrypt.

Whatever cannot be read matches nothing: an import must not be able to make sign-in fail loudly.
Its cost is bounded, because it was chosen by whoever made the import.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

import bcrypt
import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MAX_PBKDF2_ITERATIONS = 2_000_000
"""Twice what is recommended today; an import that asks for more asks for hours of processor."""
MAX_PBKDF2_BYTES = 1024
MAX_SCRYPT_BYTES = 64 * 1024 * 1024
"""Memory for one Firebase hash: four times what its projects have by default."""
FIREBASE = "firebase-scrypt"
MAX_BCRYPT_COST = 16
BCRYPT_MAX_BYTES = 72
"""bcrypt looks at no more of a password than this."""


Derivation = Callable[[bytes], bytes]
"""What makes a password into what is compared."""


class UnknownDigest(Exception):  # noqa: N818 - it reads as what happened
    """A digest that could never verify. `rule` is a fixed word, safe to show."""

    def __init__(self, rule: str, algorithm: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.algorithm = algorithm


def check_importable(algorithm: str, digest: str) -> None:
    """Whether a legacy expression is one that can be computed, for who imports it.

    Raises `UnknownDigest`: `invalid_legacy_password_format`, `unsupported_legacy_hash_algorithm`.
    Other digests are taken as they are: one that is not well-formed matches nothing.
    """
    if algorithm.lower() != "legacy":
        return
    try:
        name, arguments, _ = _expression(digest)
    except (ValueError, msgspec.MsgspecError):
        raise UnknownDigest("invalid_legacy_password_format") from None
    if name not in _DERIVATIONS and _openssl_name(name) not in hashlib.algorithms_available:
        raise UnknownDigest("unsupported_legacy_hash_algorithm", name[:32])
    try:
        if name in _DERIVATIONS:
            _DERIVATIONS[name](arguments)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise UnknownDigest("invalid_legacy_password_format") from None


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
        algorithm, arguments, expected = _expression(digest)
        if algorithm in _DERIVATIONS:
            made = _DERIVATIONS[algorithm](arguments)(password.encode())
            return hmac.compare_digest(made, _decoded(algorithm, expected))
        joined = "".join(password if item == "@" else item for item in arguments)
        plain = hashlib.new(_openssl_name(algorithm), joined.encode(), usedforsecurity=False)
        return _same(plain.hexdigest(), expected)
    except (ValueError, TypeError, IndexError, OverflowError, msgspec.MsgspecError):
        return False


def _expression(digest: str) -> tuple[str, tuple[str, ...], str]:
    """A legacy expression in its parts. Raises ValueError, MsgspecError."""
    algorithm, arguments, expected = msgspec.json.decode(
        digest, type=tuple[str, tuple[str, ...], str]
    )
    if "@" not in arguments:
        raise ValueError("the password has no place")
    return algorithm, arguments, expected


def _decoded(algorithm: str, expected: str) -> bytes:
    if algorithm == FIREBASE:
        return _base64(expected)
    return bytes.fromhex(expected)


def _pbkdf2(arguments: Sequence[str]) -> Derivation:
    """PBKDF2 (RFC 8018, 5.2)."""
    salt, name = arguments[0], _openssl_name(arguments[3])
    iterations, length = int(arguments[1]), int(arguments[2])
    if not 0 < iterations <= MAX_PBKDF2_ITERATIONS or not 0 < length <= MAX_PBKDF2_BYTES:
        raise ValueError("unreasonable PBKDF2 parameters")
    raw = bytes.fromhex(salt[4:]) if salt.startswith("hex:") else salt.encode()
    return lambda password: hashlib.pbkdf2_hmac(name, password, raw, iterations, length)


def _firebase_scrypt(arguments: Sequence[str]) -> Derivation:
    """The project's signer key, encrypted under a key that scrypt (RFC 7914) derives.

    https://firebaseopensource.com/projects/firebase/scrypt
    """
    salt, signer_key, separator = (_base64(text) for text in arguments[:3])
    rounds, memory_cost = int(arguments[3]), int(arguments[4])
    memory = 128 * (1 << min(max(memory_cost, 1), 64)) * rounds
    if rounds < 1 or memory_cost < 1 or not salt or memory > MAX_SCRYPT_BYTES:
        raise ValueError("unreasonable scrypt parameters")

    def derive(password: bytes) -> bytes:
        key = hashlib.scrypt(
            password,
            salt=salt + separator,
            n=1 << memory_cost,
            r=rounds,
            p=1,
            maxmem=2 * MAX_SCRYPT_BYTES,
            dklen=32,
        )
        encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
        return encryptor.update(signer_key) + encryptor.finalize()

    return derive


def _base64(text: str) -> bytes:
    """Both alphabets of base64 (RFC 4648), with or without padding. Raises ValueError."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _openssl_name(name: str) -> str:
    """OpenSSL's spelling of a digest (`SHA-256`, `RSA-SHA256`) as hashlib's."""
    return name.lower().removeprefix("rsa-").replace("sha-", "sha")


def _same(made: str, expected: str) -> bool:
    return hmac.compare_digest(made.encode(), expected.lower().encode())


_DERIVATIONS: dict[str, Callable[[Sequence[str]], Derivation]] = {
    "pbkdf2": _pbkdf2,
    "pbkdf2Sync": _pbkdf2,
    FIREBASE: _firebase_scrypt,
}
"""Algorithms of legacy expressions that have parameters of their own."""

_ALGORITHMS: dict[str, Callable[[str, str], bool]] = {
    "md5": _plain("md5"),
    "sha1": _plain("sha1"),
    "sha256": _plain("sha256"),
    "sha384": _plain("sha384"),
    "sha512": _plain("sha512"),
    "bcrypt": _bcrypt,
    "legacy": _legacy,
}
