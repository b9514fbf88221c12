"""Signing keys: what is published, what signs, what verifies."""

import json
from dataclasses import replace

import jwt
import pytest

from gatehouse.actors.keyring import (
    MAX_VERIFIED_TOKENS,
    InvalidTokenError,
    KeyMaterial,
    Keyring,
    KeyStatus,
    SigningAlgorithm,
    generate_key,
)

ISSUER, API, NOW = "https://id.example/oidc", "https://api.example", 1_700_000_000_000
CLAIMS = {"iss": ISSUER, "aud": API, "sub": "ada", "exp": NOW // 1000 + 60}


def key(status: KeyStatus, algorithm: SigningAlgorithm = SigningAlgorithm.ES256) -> KeyMaterial:
    return generate_key(algorithm, status)


CURRENT = key(KeyStatus.CURRENT)


def verify(ring: Keyring, token: str, now: int = NOW):
    return ring.verify_access_token(token, issuer=ISSUER, audience=API, now=now)


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
def test_tokens_verify_with_the_published_key_alone(algorithm: SigningAlgorithm):
    ring = Keyring([key(KeyStatus.CURRENT, algorithm)])
    token = ring.sign_access_token(CLAIMS)
    published = jwt.PyJWK(ring.jwks["keys"][0])
    claims = jwt.decode(
        token, published, audience=API, algorithms=[algorithm.value], options={"verify_exp": False}
    )
    assert claims == CLAIMS
    assert "d" not in ring.jwks["keys"][0]


def test_an_access_token_says_what_it_is_and_an_id_token_has_no_typ():
    ring = Keyring([CURRENT])
    access = jwt.get_unverified_header(ring.sign_access_token(CLAIMS))
    identity = jwt.get_unverified_header(ring.sign_id_token(CLAIMS))
    assert access == {"typ": "at+jwt", "alg": "ES256", "kid": CURRENT.kid}
    assert identity == {"alg": "ES256", "kid": CURRENT.kid}


def test_an_id_token_is_no_access_token_and_the_other_way_round():
    ring = Keyring([CURRENT])
    with pytest.raises(InvalidTokenError):
        verify(ring, ring.sign_id_token(CLAIMS))
    with pytest.raises(InvalidTokenError):
        ring.verify_id_token_hint(ring.sign_access_token(CLAIMS), issuer=ISSUER)


def test_the_next_key_is_published_and_the_previous_one_still_verifies():
    old = Keyring([CURRENT])
    token = old.sign_access_token(CLAIMS)
    coming = key(KeyStatus.NEXT, SigningAlgorithm.ES384)
    announced = Keyring([coming, CURRENT], reuse=old)
    assert announced.current.kid == CURRENT.kid
    assert {jwk["kid"] for jwk in announced.jwks["keys"]} == {coming.kid, CURRENT.kid}
    rotated = Keyring(
        [
            replace(coming, status=KeyStatus.CURRENT),
            replace(CURRENT, status=KeyStatus.PREVIOUS),
        ],
        reuse=announced,
    )
    assert rotated.current.kid == coming.kid
    assert verify(rotated, token) == CLAIMS
    assert verify(rotated, rotated.sign_access_token(CLAIMS)) == CLAIMS


def test_a_removed_key_verifies_nothing():
    token = Keyring([CURRENT]).sign_access_token(CLAIMS)
    with pytest.raises(InvalidTokenError):
        verify(Keyring([key(KeyStatus.CURRENT)]), token)


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other"}, {"iss": "https://evil"}, {"exp": NOW // 1000}, {"exp": "soon"}],
)
def test_a_token_for_elsewhere_or_of_yesterday_is_refused(changes: dict[str, object]):
    ring = Keyring([CURRENT])
    token = jwt.encode(
        {**CLAIMS, **changes},
        CURRENT.private_pem,
        "ES256",
        headers={"kid": CURRENT.kid, "typ": "at+jwt"},
    )
    for _ in range(2):  # the second time its signature is known
        with pytest.raises(InvalidTokenError):
            verify(ring, token)


def test_a_remembered_token_expires_all_the_same():
    ring = Keyring([CURRENT])
    token = ring.sign_access_token(CLAIMS)
    assert verify(ring, token) == CLAIMS
    with pytest.raises(InvalidTokenError):
        verify(ring, token, now=NOW + 61_000)


def test_what_is_remembered_is_bounded():
    ring = Keyring([CURRENT])
    ring._verified.update({str(n): {} for n in range(MAX_VERIFIED_TOKENS)})
    verify(ring, ring.sign_access_token(CLAIMS))
    assert len(ring._verified) == 1


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "ES384"}])
def test_the_algorithm_is_the_keys_not_the_tokens(header: dict[str, str]):
    ring = Keyring([CURRENT])
    head, body, signature = ring.sign_access_token(CLAIMS).split(".")
    forged = jwt.utils.base64url_encode(
        json.dumps({"typ": "at+jwt", "kid": CURRENT.kid, **header}).encode()
    ).decode()
    with pytest.raises(InvalidTokenError):
        verify(ring, f"{forged}.{body}.{signature}")
    assert head != forged


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 9000, "é.é.é", "..", "a.b"])
def test_garbage_is_refused(token: str):
    with pytest.raises(InvalidTokenError):
        verify(Keyring([CURRENT]), token)


def test_an_id_token_hint_may_have_expired():
    ring = Keyring([CURRENT])
    hint = ring.sign_id_token({**CLAIMS, "exp": 1})
    assert ring.verify_id_token_hint(hint, issuer=ISSUER)["sub"] == "ada"


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_key_signs(count: int):
    with pytest.raises(ValueError, match="exactly one current key"):
        Keyring([key(KeyStatus.CURRENT) for _ in range(count)])


def test_a_key_does_not_show_its_secret():
    assert "PRIVATE" not in repr(CURRENT)
