"""The client's side of OpenID Connect: an ID token is believed after every check of Core §3.1.3.7.

Keys are fetched from the provider and remembered. A token that names an unknown key has them
fetched again, but not more often than every half minute, so that forged tokens cost the provider
nothing.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.refusal import Reason, Refused

ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
"""Signatures that are accepted unless an operator names fewer; none of them is symmetric."""

LEEWAY_S = 60
"""How far the clocks of two servers may be apart."""

MAX_ID_TOKEN = 32 * 1024
"""Characters of an ID token; a person in hundreds of groups stays below."""

MAX_KEYS = 64
"""Keys of a set that are looked at."""

_KEY_TYPES = {"R": "RSA", "P": "RSA", "E": "EC"}
_TRUE = re.compile(r"true|1|yes|y", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IdTokenRules:
    """What an ID token has to be. No issuer accepts any; ages and leeway are in seconds."""

    jwks_uri: str
    audience: str
    issuers: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ALGORITHMS
    leeway: int = LEEWAY_S
    max_age: int | None = None
    subject: str | None = None
    type: str | None = None


async def verify_id_token(
    backchannel: Backchannel,
    rules: IdTokenRules,
    token: str | None,
    *,
    nonce: str | None = None,
    issuer: str | None = None,
) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core §3.1.3.7).

    `nonce` is the one that was sent; `issuer` is who gave the authorization response (RFC 9207), if
    it says so. Raises `Refused(ID_TOKEN_INVALID)`, or what fetching the keys raises.
    """
    if token is None or len(token) > MAX_ID_TOKEN:
        raise Refused(Reason.ID_TOKEN_INVALID)
    claims = await _signed_claims(backchannel, rules, token)
    now = backchannel.clock() / 1000
    checks = (
        isinstance(claims.get("sub"), str) and claims["sub"] != "",
        not rules.issuers or claims.get("iss") in rules.issuers,
        issuer is None or claims.get("iss") == issuer,
        rules.subject is None or claims.get("sub") == rules.subject,
        _is_for(rules.audience, claims),
        _is_current(rules, claims, now),
        nonce is None or _same(claims.get("nonce"), nonce),
    )
    if not all(checks):
        raise Refused(Reason.ID_TOKEN_INVALID)
    return claims


def is_true(value: object, *, also_text: bool = False) -> bool:
    """Whether a claim such as `email_verified` says yes; some providers write it as text."""
    if also_text and isinstance(value, str):
        return _TRUE.fullmatch(value) is not None
    return value is True


async def _signed_claims(
    backchannel: Backchannel, rules: IdTokenRules, token: str
) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Refused(Reason.ID_TOKEN_INVALID) from None
    algorithm, kid = header.get("alg"), header.get("kid")
    wrong_type = rules.type is not None and header.get("typ") != rules.type
    if algorithm not in rules.algorithms or algorithm not in ALGORITHMS or "crit" in header:
        raise Refused(Reason.ID_TOKEN_INVALID)
    if wrong_type:
        raise Refused(Reason.ID_TOKEN_INVALID)
    for renewed in (False, True):
        keys = await _keys(backchannel, rules.jwks_uri, algorithm, kid, renewed=renewed)
        for key in keys:
            claims = _claims(token, key, algorithm)
            if claims is not None:
                return claims
        if keys and kid is not None:
            break
    raise Refused(Reason.ID_TOKEN_INVALID)


async def _keys(
    backchannel: Backchannel, uri: str, algorithm: str, kid: object, *, renewed: bool
) -> list[jwt.PyJWK]:
    """The keys of the provider that may have made such a signature (RFC 7517 §4)."""
    document = await backchannel.document(uri, renewed=renewed)
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
    wanted = "OKP" if algorithm == "EdDSA" else _KEY_TYPES[algorithm[0]]
    found = []
    for key in listed[:MAX_KEYS]:
        if not isinstance(key, dict) or key.get("kty") != wanted or key.get("use") == "enc":
            continue
        if kid is not None and key.get("kid") != kid:
            continue
        try:
            found.append(jwt.PyJWK(key, algorithm))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return found


def _claims(token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any] | None:
    """The claims if the key made the signature. Times are compared with our own clock, later."""
    options = {
        f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    }
    try:
        return dict(jwt.decode(token, key, [algorithm], {"verify_signature": True, **options}))  # type: ignore[arg-type]
    except jwt.PyJWTError:
        return None


def _is_for(audience: str, claims: Mapping[str, Any]) -> bool:
    """Whether the token is for this client, and not made out to another (Core §3.1.3.7, 3 to 5)."""
    named = claims.get("aud")
    audiences = named if isinstance(named, list) else [named]
    party = claims.get("azp")
    return audience in audiences and (party == audience or (party is None and len(audiences) == 1))


def _is_current(rules: IdTokenRules, claims: Mapping[str, Any], now: float) -> bool:
    """Whether the token is good now (Core §3.1.3.7, 9 and 10). It must say until when."""
    times = [claims.get(name) for name in ("exp", "nbf", "iat")]
    if any(not isinstance(time, int | float) for time in times if time is not None):
        return False
    expires, begins, issued = times
    return (
        expires is not None
        and now < expires + rules.leeway
        and (begins is None or begins <= now + rules.leeway)
        and (issued is None or issued <= now + rules.leeway)
        and (
            rules.max_age is None
            or (issued is not None and now <= issued + rules.max_age + rules.leeway)
        )
    )


def _same(claimed: object, expected: str) -> bool:
    return isinstance(claimed, str) and hmac.compare_digest(claimed.encode(), expected.encode())
