"""The keys that sign id tokens and access tokens: parsed once, published before they are used.

A key lives through three states. *next* is published in the key set but signs nothing, so that
clients that cache the set know it in time; *current* signs; *previous* signs no more but still
verifies what it signed. A keyring is an immutable snapshot: rotating makes another one.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

RSA_BITS = 3072
"""RSA strength comparable to P-256 (NIST SP 800-57 part 1, table 2)."""

MAX_VERIFIED_TOKENS = 4096
"""Access tokens whose signature one process remembers having checked."""

MAX_TOKEN_LENGTH = 8192
"""Characters of the longest JWT that is looked at."""


class SigningAlgorithm(StrEnum):
    """The signature algorithms a key may be for (RFC 7518 §3.1)."""

    ES384 = "ES384"
    ES256 = "ES256"
    RS256 = "RS256"


class KeyStatus(StrEnum):
    """Where a key is in its life."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"


_CURVES: Mapping[SigningAlgorithm, ec.EllipticCurve] = {
    SigningAlgorithm.ES384: ec.SECP384R1(),
    SigningAlgorithm.ES256: ec.SECP256R1(),
}
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}


class InvalidTokenError(Exception):
    """A JWT that this server did not sign, or that is not valid here and now."""


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A signing key as it is stored: PKCS #8 PEM, unencrypted once it is here."""

    kid: str
    algorithm: SigningAlgorithm
    private_pem: bytes
    public_jwk: Mapping[str, str]
    status: KeyStatus

    def __repr__(self) -> str:
        return f"KeyMaterial({self.kid!r}, {self.algorithm.value}, {self.status.value})"


def generate_key(algorithm: SigningAlgorithm, status: KeyStatus) -> KeyMaterial:
    """A new key. For RSA this takes up to a second of processor time: not for the event loop."""
    private: PrivateKey
    if algorithm is SigningAlgorithm.RS256:
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        private = ec.generate_private_key(_CURVES[algorithm])
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = _public_jwk(private.public_key())
    kid = thumbprint(public)
    jwk = {**public, "use": "sig", "kid": kid, "alg": algorithm.value}
    return KeyMaterial(kid, algorithm, pem, jwk, status)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The JWK thumbprint under SHA-256 (RFC 7638 §3), which is a key's id."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def key_id(token: str) -> str | None:
    """The key that a JWT says it was signed with; nothing is proven by it."""
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return None
    return kid if isinstance(kid, str) else None


@dataclass(frozen=True, slots=True)
class _ParsedKey:
    material: KeyMaterial
    private: PrivateKey
    public: PublicKey


class Keyring:
    """The signing keys of one tenant at one moment."""

    def __init__(self, keys: Iterable[KeyMaterial], reuse: Keyring | None = None) -> None:
        """Parse the keys, taking those that `reuse` has parsed already.

        Raises `ValueError` unless exactly one key is current.
        """
        self.materials = tuple(keys)
        parsed: dict[str, _ParsedKey] = {} if reuse is None else reuse._keys
        self._keys: dict[str, _ParsedKey] = {
            key.kid: _parse(key, parsed.get(key.kid)) for key in self.materials
        }
        current = [key for key in self._keys.values() if key.material.status is KeyStatus.CURRENT]
        if len(current) != 1:
            raise ValueError("a keyring needs exactly one current key")
        self._current = current[0]
        self._verified: dict[str, Mapping[str, Any]] = {}
        self.algorithms = tuple(
            dict.fromkeys(key.material.algorithm.value for key in self._keys.values())
        )
        self.jwks: dict[str, list[dict[str, str]]] = {
            "keys": [dict(key.material.public_jwk) for key in self._keys.values()]
        }

    def knows(self, kid: str) -> bool:
        """Whether there is a key of this id."""
        return kid in self._keys

    @property
    def current(self) -> KeyMaterial:
        """The key that signs."""
        return self._current.material

    def sign_id_token(self, claims: Mapping[str, Any]) -> str:
        """Sign an id token (OpenID Connect Core §2). Its header has no `typ`, as Logto's."""
        return self._sign(claims, None)

    def sign_access_token(self, claims: Mapping[str, Any]) -> str:
        """Sign an access token (RFC 9068 §2.1: the header's `typ` is `at+jwt`)."""
        return self._sign(claims, "at+jwt")

    def sign_logout_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a logout token (OpenID Connect Back-Channel Logout §2.4)."""
        return self._sign(claims, "logout+jwt")

    def verify_access_token(
        self, token: str, *, issuer: str, now: int, audience: str | None = None
    ) -> Mapping[str, Any]:
        """The claims of an access token for this audience, or for any (RFC 9068 §4).

        `now` is in milliseconds since the epoch. Raises `InvalidTokenError`.
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token, "at+jwt")
            if len(self._verified) >= MAX_VERIFIED_TOKENS:
                self._verified.clear()
            self._verified[token] = claims
        if claims.get("iss") != issuer or not (
            audience is None or _includes(claims.get("aud"), audience)
        ):
            raise InvalidTokenError("not issued for this audience")
        expires = claims.get("exp")
        if not isinstance(expires, int) or expires * 1000 <= now:
            raise InvalidTokenError("expired")
        return claims

    def verify_id_token_hint(self, token: str, *, issuer: str) -> Mapping[str, Any]:
        """The claims of an id token of ours, which may have expired.

        An expired id token is a valid hint (OpenID Connect RP-Initiated Logout §2).
        Raises `InvalidTokenError`.
        """
        claims = self._verify(token, None)
        if claims.get("iss") != issuer:
            raise InvalidTokenError("not issued here")
        return claims

    def _sign(self, claims: Mapping[str, Any], typ: str | None) -> str:
        key = self._current
        return jwt.encode(
            dict(claims),
            key.private,
            algorithm=key.material.algorithm.value,
            headers={"typ": typ, "kid": key.material.kid},
            sort_headers=False,
        )

    def _verify(self, token: str, typ: str | None) -> Mapping[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidTokenError("too long")
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            if key is None or header.get("typ") != typ:
                raise InvalidTokenError("unknown key or type")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=[key.material.algorithm.value],
                options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise InvalidTokenError("not a token of this server") from error
        return claims


def _parse(key: KeyMaterial, known: _ParsedKey | None) -> _ParsedKey:
    if known is not None:
        return _ParsedKey(key, known.private, known.public)
    private = serialization.load_pem_private_key(key.private_pem, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError(f"signing key {key.kid} is of an unsupported type")  # noqa: TRY004
    return _ParsedKey(key, private, private.public_key())


def _public_jwk(key: PublicKey) -> dict[str, str]:
    if isinstance(key, rsa.RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    return {name: str(jwk[name]) for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}


def _includes(audience: object, wanted: str) -> bool:
    return audience == wanted or (isinstance(audience, list) and wanted in audience)
