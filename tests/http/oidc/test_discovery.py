"""What the server says about itself is what it does."""

from __future__ import annotations

from typing import Any

import httpx

from gatehouse.actors.keyring import KeyStatus, SigningAlgorithm, generate_key
from gatehouse.storage.records import SigningKey
from gatehouse.storage.tenants import SigningKeys
from tests.http.oidc.house import ISSUER, KEY, TENANT, Client, House, Node, claims

LOGTO_MEMBERS = {
    "authorization_endpoint",
    "claims_parameter_supported",
    "claims_supported",
    "code_challenge_methods_supported",
    "device_authorization_endpoint",
    "end_session_endpoint",
    "grant_types_supported",
    "issuer",
    "jwks_uri",
    "authorization_response_iss_parameter_supported",
    "pushed_authorization_request_endpoint",
    "response_modes_supported",
    "response_types_supported",
    "scopes_supported",
    "subject_types_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "token_endpoint",
    "id_token_signing_alg_values_supported",
    "request_uri_parameter_supported",
    "userinfo_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "claim_types_supported",
}


async def discover(http: httpx.AsyncClient) -> dict[str, Any]:
    answer = await http.get("/oidc/.well-known/openid-configuration")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    return dict(answer.json())


async def test_every_member_of_logtos_document_that_is_true_here_is_there(http: httpx.AsyncClient):
    document = await discover(http)
    assert set(document) >= LOGTO_MEMBERS
    assert document["issuer"] == ISSUER
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]


async def test_every_endpoint_that_is_announced_exists(http: httpx.AsyncClient):
    document = await discover(http)
    for name, url in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert url.startswith(ISSUER)
            statuses = {(await http.get(url)).status_code, (await http.post(url)).status_code}
            assert not statuses & {404, 500}, name


async def test_the_keys_are_published_without_their_secrets(http: httpx.AsyncClient):
    answer = await http.get("/oidc/jwks")
    assert answer.json() == {"keys": [KEY.public_jwk]}
    assert answer.headers["cache-control"] == "no-cache, max-age=0, must-revalidate"
    again = await http.get("/oidc/jwks", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert set(KEY.public_jwk) == {"kty", "crv", "x", "y", "use", "kid", "alg"}


async def test_a_rotated_key_signs_at_once_and_the_old_one_still_verifies(
    machine: Client, node: Node
):
    before = await machine.token(grant_type="client_credentials", resource="https://api.example")
    fresh = generate_key(SigningAlgorithm.ES384, KeyStatus.NEXT)

    def announce(tx: Any) -> None:
        SigningKeys(tx, TENANT).create(
            SigningKey(
                kid=fresh.kid,
                alg=fresh.algorithm.value,
                public_jwk=dict(fresh.public_jwk),
                private_key=fresh.private_pem.decode(),
                status="next",
            )
        )

    def rotate(tx: Any) -> None:
        SigningKeys(tx, TENANT).set_statuses([(KEY.kid, "previous"), (fresh.kid, "current")])

    await node.change(announce)
    assert (await discover(machine.http))["id_token_signing_alg_values_supported"] == ["ES256"]
    published = (await machine.http.get("/oidc/jwks")).json()["keys"]
    assert {key["kid"] for key in published} == {KEY.kid, fresh.kid}
    await node.change(rotate)
    assert (await discover(machine.http))["id_token_signing_alg_values_supported"] == ["ES384"]
    assert claims(before.json()["access_token"])["client_id"] == "machine"
    after = (
        await machine.token(grant_type="client_credentials", resource="https://api.example")
    ).json()["access_token"]
    assert (await machine.introspect(after))["active"] is True
    assert (await machine.introspect(before.json()["access_token"]))["active"] is True


async def test_a_staged_key_signs_when_its_time_has_come(machine: Client, node: Node, house: House):
    fresh = generate_key(SigningAlgorithm.ES384, KeyStatus.NEXT)
    effective_at = house.clock() + 3_600_000
    await node.change(
        lambda tx: SigningKeys(tx, TENANT).create(
            SigningKey(
                kid=fresh.kid,
                alg=fresh.algorithm.value,
                public_jwk=dict(fresh.public_jwk),
                private_key=fresh.private_pem.decode(),
                status="next",
                effective_at=effective_at,
            )
        )
    )
    assert (await discover(machine.http))["id_token_signing_alg_values_supported"] == ["ES256"]
    house.clock.pass_ms(3_600_000)
    node.core.directory.forget()  # as happens every few seconds
    assert (await discover(machine.http))["id_token_signing_alg_values_supported"] == ["ES384"]
