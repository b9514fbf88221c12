"""A client's signed statement of who it is, in the place of a secret (RFC 7523 §3).

The client signs a short-lived JWT, with its secret (`client_secret_jwt`) or with a private key
whose public half it registered (`private_key_jwt`; OpenID Connect Core §9). What it presents is of
no use to whoever reads it along the way: it names this server, ends within minutes, and is good
once, because an actor remembers each `jti` for as long as the statement would be accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from gatehouse.actors.keyring import MAX_TOKEN_LENGTH
from gatehouse.engine.actor import Address, Kind, Turn, keep

if TYPE_CHECKING:
    from jwt.types import Options

    from gatehouse.actors.clients import Client
    from gatehouse.actors.core import Core

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

MAX_LIFE_MS = 10 * 60 * 1000
"""How far in the future an assertion may end: the time for which its `jti` is remembered."""

CLOCK_SKEW_MS = 30_000
"""How much a client's clock may be ahead of ours."""

MAX_JTI = 256
MAX_KEYS = 16
MIN_RSA_BITS = 2048
MIN_HMAC_BYTES = 32
"""A secret shorter than its digest would be the weakest link (RFC 7518 §3.2)."""

SYMMETRIC = ("HS256",)
_KEY_TYPES: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
}
"""The key type and curve that an algorithm is for (RFC 7518 §3.1, RFC 8037 §3.1)."""
ALGORITHMS = (*SYMMETRIC, *_KEY_TYPES)

_SIGNATURE_ALONE: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
"""Claims are checked here, by the server's own clock."""

_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class InvalidAssertion(Exception):  # noqa: N818 - it reads as what was presented
    """The assertion proves nothing. The message is for the client's developer."""


class UsedAssertion(msgspec.Struct, frozen=True):
    """That an assertion was used; it may be forgotten when it has expired (ms)."""

    expires_at: int


USED = Kind("client_assertion", UsedAssertion)


@dataclass(frozen=True, slots=True)
class UseOnce:
    """An assertion is presented. The reply is whether it is for the first time."""

    expires_at: int

    def apply(self, state: UsedAssertion | None, now: int, /) -> Turn[UsedAssertion, bool]:
        """RFC 7523 §3, item 7: remembered until it would not be accepted anyway."""
        if state is not None:
            return keep(state, False)
        used = UsedAssertion(self.expires_at)
        return Turn(used, True, expires_at=self.expires_at)


def address(tenant: str, client_id: str, jti: str) -> Address[UsedAssertion]:
    """Where the use of an assertion is remembered; the client chose its `jti`, so it is hashed."""
    return USED.at(tenant, hashlib.sha256(f"{client_id}\0{jti}".encode()).hexdigest())


def claimed_client(assertion: str) -> str:
    """Whom the assertion says it is about. Raises `InvalidAssertion`; nothing is proven by it."""
    if len(assertion) > MAX_TOKEN_LENGTH:
        raise InvalidAssertion("the assertion is too long")
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise InvalidAssertion("the assertion cannot be read") from None
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise InvalidAssertion("the assertion has no subject")
    return subject


async def verify_assertion(
    core: Core, client: Client, assertion: str, audiences: Collection[str]
) -> None:
    """Check signature, claims and first use (RFC 7523 §3). Raises `InvalidAssertion`."""
    now = core.clock()
    claims = _verified(assertion, client, now)
    expires_at = _check_claims(claims, client.id, audiences, now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise InvalidAssertion("the assertion needs a jti")
    if not await core.engine.turn(address(core.tenant_id, client.id, jti), UseOnce(expires_at)):
        raise InvalidAssertion("the assertion was used before")


def check_keys(keys: Sequence[Mapping[str, Any]]) -> None:
    """Whether these are keys a client may register. Raises `ValueError` that says what is wrong."""
    if not 0 < len(keys) <= MAX_KEYS:
        raise ValueError(f"A key set has one to {MAX_KEYS} keys.")
    for key in keys:
        if _PRIVATE_MEMBERS & key.keys():
            raise ValueError("A key set has public keys alone.")
        if not any(_parsed(key, algorithm) for algorithm in _KEY_TYPES):
            raise ValueError("A key is of no type that is supported here.")


def _verified(assertion: str, client: Client, now: int) -> Mapping[str, Any]:
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError:
        raise InvalidAssertion("the assertion cannot be read") from None
    algorithm = str(header.get("alg"))
    if algorithm in SYMMETRIC:
        keys: Iterable[Any] = _secrets(client, now)
    elif algorithm in _KEY_TYPES:
        keys = _public_keys(client, algorithm, header.get("kid"))
    else:
        raise InvalidAssertion("the assertion's algorithm is not supported")
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                key,
                algorithms=[algorithm],
                options=_SIGNATURE_ALONE,
            )
        except jwt.PyJWTError:
            continue
        return claims
    raise InvalidAssertion("the assertion is not signed by the client")


def _secrets(client: Client, now: int) -> Iterator[bytes]:
    for secret in client.secrets:
        alive = secret.expires_at is None or now < secret.expires_at
        if alive and len(secret.value) >= MIN_HMAC_BYTES:
            yield secret.value


def _public_keys(client: Client, algorithm: str, kid: object) -> Iterator[jwt.PyJWK]:
    for key in client.keys:
        if kid is None or key.get("kid") in (None, kid):
            parsed = _parsed(key, algorithm)
            if parsed is not None:
                yield parsed


def _parsed(key: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """The key, if signatures of the algorithm may be checked with it."""
    kind, curve = _KEY_TYPES[algorithm]
    unfit = (
        key.get("kty") != kind
        or (curve is not None and key.get("crv") != curve)
        or key.get("use", "sig") != "sig"
        or key.get("alg", algorithm) != algorithm
    )
    if unfit:
        return None
    try:
        parsed = jwt.PyJWK(dict(key), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    weak = isinstance(parsed.key, rsa.RSAPublicKey) and parsed.key.key_size < MIN_RSA_BITS
    return None if weak else parsed


def _check_claims(
    claims: Mapping[str, Any], client_id: str, audiences: Collection[str], now: int
) -> int:
    """RFC 7523 §3, items 1 to 6; the time at which the assertion ends, in ms."""
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidAssertion("issuer and subject must be the client")
    named = claims.get("aud")
    if not any(one in audiences for one in (named if isinstance(named, list) else [named])):
        raise InvalidAssertion("the assertion is for another audience")
    expires_at = _time(claims, "exp")
    if expires_at is None or expires_at <= now:
        raise InvalidAssertion("the assertion has expired")
    if expires_at > now + MAX_LIFE_MS + CLOCK_SKEW_MS:
        raise InvalidAssertion("the assertion lives too long")
    for name in ("nbf", "iat"):
        if (_time(claims, name) or 0) > now + CLOCK_SKEW_MS:
            raise InvalidAssertion("the assertion is from the future")
    return expires_at


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    """A NumericDate (RFC 7519 §2) in milliseconds."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise InvalidAssertion(f"the assertion's {name} is not a time")
    return int(value * 1000)
