"""Clients that authenticate with what they sign (RFC 7523 §3, OpenID Connect Core §9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gatehouse.actors.client_assertion import ALGORITHMS, ASSERTION_TYPE, CLOCK_SKEW_MS, MAX_LIFE_MS
from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.records import ApplicationSecret, OidcClientMetadata
from tests.http.oidc.house import ISSUER, ORIGIN, TENANT, House, Node
from tests.http.oidc.test_token import refused, together

LONG_SECRET = "a-secret-of-at-least-thirty-two-bytes"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = {**ECAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True), "kid": "one", "use": "sig"}
OTHER = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
RSA_PUBLIC = {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "two"}


@pytest.fixture
async def http(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """Where the machine has registered its keys, and has a secret long enough to sign with."""
    await node.change(
        lambda tx: Applications(tx, TENANT).update(
            "machine", oidc_client_metadata=OidcClientMetadata(jwks={"keys": [PUBLIC, RSA_PUBLIC]})
        )
    )
    await node.change(
        lambda tx: ApplicationSecrets(tx, TENANT).create(
            ApplicationSecret(application_id="machine", name="long", value=LONG_SECRET)
        )
    )
    async with node.client() as http:
        yield http


def assertion(
    house: House,
    key: Any = PRIVATE,
    algorithm: str = "ES256",
    kid: str | None = None,
    **changes: Any,
) -> str:
    """What the machine says of itself; a change to None leaves a claim out."""
    now = house.clock() // 1000
    said: dict[str, Any] = {
        "iss": "machine",
        "sub": "machine",
        "aud": ISSUER,
        "jti": "the-first",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    claims = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers=None if kid is None else {"kid": kid})


async def ask(http: httpx.AsyncClient, signed: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed,
        **more,
    }
    return await http.post("/oidc/token", data=form)


async def test_a_client_signs_with_its_key_or_its_secret(http: httpx.AsyncClient, house: House):
    for number, (key, algorithm, kid) in enumerate(
        [
            (PRIVATE, "ES256", None),
            (PRIVATE, "ES256", "one"),
            (RSA, "PS256", "two"),
            (RSA, "RS256", None),
            (LONG_SECRET, "HS256", None),
        ]
    ):
        signed = assertion(house, key, algorithm, kid, jti=str(number))
        answer = await ask(http, signed, client_id="machine")
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "audience",
    [ISSUER, f"{ISSUER}/token", [ISSUER, "https://elsewhere.example"], f"{ORIGIN}/oidc/token"],
)
async def test_the_server_is_named_by_issuer_or_endpoint(
    http: httpx.AsyncClient, house: House, audience: Any
):
    assert (await ask(http, assertion(house, aud=audience))).status_code == 200


async def test_it_works_wherever_clients_authenticate(http: httpx.AsyncClient, house: House):
    endpoint = "/oidc/token/introspection"
    signed = assertion(house, aud=ORIGIN + endpoint)
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed, "token": "x"}
    answer = await http.post(endpoint, data=form)
    assert answer.json() == {"active": False}


async def test_rfc7523_3_7_a_statement_is_good_once_on_all_nodes(
    http: httpx.AsyncClient, house: House
):
    async with house.node() as second, second.client() as other:
        signed = assertion(house)
        answers = await together(ask(http, signed), ask(other, signed), ask(http, signed))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    again = assertion(house, exp=house.clock() // 1000 + 100)
    assert (
        "used before" in refused(await ask(http, again), "invalid_client", 401)["error_description"]
    )
    assert (await ask(http, assertion(house, jti="the-second"))).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"aud": [{"x": 1}]},
        {"iss": "web"},
        {"iss": None},
        {"sub": "web"},
        {"sub": "nobody"},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 257},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1},
        {"exp": 10**30},
    ],
    ids=str,
)
async def test_what_is_said_has_to_fit(
    http: httpx.AsyncClient, house: House, changes: dict[str, Any]
):
    refused(await ask(http, assertion(house, **changes)), "invalid_client", 401)


async def test_it_ends_soon_and_does_not_begin_later(http: httpx.AsyncClient, house: House):
    now = house.clock() // 1000
    beyond = now + (MAX_LIFE_MS + CLOCK_SKEW_MS) // 1000 + 5
    refused(await ask(http, assertion(house, exp=beyond)), "invalid_client", 401)
    later = now + CLOCK_SKEW_MS // 1000 + 5
    refused(await ask(http, assertion(house, nbf=later)), "invalid_client", 401)
    refused(await ask(http, assertion(house, iat=later)), "invalid_client", 401)
    signed = assertion(house)
    house.clock.pass_ms(61_000)
    refused(await ask(http, signed), "invalid_client", 401)


async def test_only_the_clients_own_keys_and_the_listed_algorithms_count(
    http: httpx.AsyncClient, house: House
):
    public_text = PUBLIC["x"] + PUBLIC["y"]
    for signed in (
        assertion(house, OTHER),
        assertion(house, PRIVATE, kid="two"),
        assertion(house, "another-secret-of-at-least-32-bytes!", "HS256"),
        assertion(house, public_text, "HS256"),
        assertion(house, LONG_SECRET * 2, "HS512"),
        assertion(house, None, "none"),
        assertion(house)[:-6] + "AAAAAA",
        "a.b.c",
        "x" * 9000 + ".a.b",
    ):
        refused(await ask(http, signed), "invalid_client", 401)


async def test_a_short_secret_signs_nothing(http: httpx.AsyncClient, house: House, node: Node):
    short = "s" * 31
    await node.change(
        lambda tx: ApplicationSecrets(tx, TENANT).create(
            ApplicationSecret(application_id="machine", name="short", value=short)
        )
    )
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        signed = assertion(house, short, "HS256")
    refused(await ask(http, signed), "invalid_client", 401)


async def test_a_public_client_has_nothing_to_sign_with(http: httpx.AsyncClient, house: House):
    signed = assertion(house, iss="spa", sub="spa")
    refused(await ask(http, signed), "invalid_client", 401)


async def test_it_stands_alone(http: httpx.AsyncClient, house: House):
    signed = assertion(house)
    refused(await ask(http, signed, client_secret=LONG_SECRET), "invalid_request")
    refused(await ask(http, signed, client_id="web"), "invalid_client", 401)
    refused(await ask(http, signed, client_assertion_type="urn:other"), "invalid_request")
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    refused(await http.post("/oidc/token", data=form), "invalid_request")
    basic = {"authorization": "Basic bWFjaGluZTp4"}
    form["client_assertion"] = signed
    refused(await http.post("/oidc/token", data=form, headers=basic), "invalid_request")
    assert (await ask(http, signed)).status_code == 200  # none of these used it up


async def test_the_algorithms_are_announced(http: httpx.AsyncClient):
    document = (await http.get("/oidc/.well-known/openid-configuration")).json()
    announced = document["token_endpoint_auth_signing_alg_values_supported"]
    assert announced == list(ALGORITHMS)
    assert {"private_key_jwt", "client_secret_jwt"} <= set(
        document["token_endpoint_auth_methods_supported"]
    )
