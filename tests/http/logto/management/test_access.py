"""Who is let in: the same for every operation of the Management API, read from the declarations."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gatehouse.http.logto.access import MANAGEMENT
from gatehouse.http.logto.skin import api_operations
from gatehouse.http.operation import Operation
from gatehouse.http.routes import parameter_names
from tests.http.contract import CONTRACT, Api, check_answer
from tests.http.running import DEMO_APP, Server

GUARDED = [one for one in api_operations() if one.access is MANAGEMENT]


async def check_all(api: Api, status: int, code: str) -> None:
    for operation in GUARDED:
        answer = await api.client.request(
            operation.method,
            url_of(operation),
            json={},
            headers={} if api.token is None else {"authorization": api.token},
        )
        assert answer.status_code == status, operation.operation_id
        if operation.operation_id in CONTRACT:
            check_answer(operation.operation_id, answer)
        assert answer.json()["code"] == code, operation.operation_id


def url_of(operation: Operation) -> str:
    path = operation.path
    for name in parameter_names(operation.path):
        path = path.replace(f"{{{name}}}", "anything")
    return path


def test_there_is_something_to_guard() -> None:
    assert len(GUARDED) > 50


async def test_nobody_is_let_in_without_a_token(server: Server) -> None:
    await check_all(server.api(), 401, "auth.authorization_header_missing")


async def test_only_bearer_tokens_are_looked_at(server: Server) -> None:
    await check_all(server.api("Basic abc"), 401, "auth.authorization_token_type_not_supported")


async def test_what_is_no_token_of_ours_is_refused(server: Server) -> None:
    await check_all(server.api("Bearer abc"), 401, "auth.unauthorized")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.logto.app/api"},
        {"aud": "https://shop.example"},
        {"iss": "https://elsewhere.example/oidc"},
        {"exp": 1},
    ],
    ids=["another tenant's", "another resource's", "another issuer's", "an expired one"],
)
async def test_a_token_for_something_else_is_refused(
    server: Server, claims: dict[str, object]
) -> None:
    token = await server.sign(**claims)
    await check_all(server.api(f"Bearer {token}"), 401, "auth.unauthorized")


async def test_a_wrongly_signed_token_is_refused(server: Server) -> None:
    good = await server.sign()
    header = jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    stranger = ec.generate_private_key(ec.SECP384R1())
    forged = jwt.encode(claims, stranger, algorithm="ES384", headers=header)
    await check_all(server.api(f"Bearer {forged}"), 401, "auth.unauthorized")


async def test_an_unsigned_token_is_refused(server: Server) -> None:
    good = await server.sign()
    claims = jwt.decode(good, options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"typ": "at+jwt"})
    await check_all(server.api(f"Bearer {unsigned}"), 401, "auth.unauthorized")


async def test_a_token_without_the_scope_is_forbidden(server: Server) -> None:
    token = await server.sign(scope="openid profile", sub="someone", client_id=DEMO_APP)
    await check_all(server.api(f"Bearer {token}"), 403, "auth.forbidden")


async def test_an_id_token_is_no_access_token(server: Server) -> None:
    keyring = await server.core.keyring()
    claims = jwt.decode(await server.sign(), options={"verify_signature": False})
    await check_all(server.api(f"Bearer {keyring.sign_id_token(claims)}"), 401, "auth.unauthorized")
