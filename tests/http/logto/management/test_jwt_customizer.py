"""Scripts that add claims to access tokens: kept, tried, and run when a token is made."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from gatehouse.http.logto.access import MANAGEMENT_SCOPE, management_audience
from gatehouse.storage import schema
from gatehouse.storage.statement import Stmt
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, CLIENT_ID, CLIENT_SECRET, TENANT, Server

USERS = {"tokenTypePath": "access-token"}
RAW = Stmt(sa.select(schema.scripts.c.config))
CLIENTS = {"tokenTypePath": "client-credentials"}


def script(body: str) -> str:
    arguments = "{ token, context, environmentVariables, api }"
    return f"const getCustomJwtClaims = async ({arguments}) => {{ {body} }};"


TRIAL: dict[str, Any] = {
    "tokenType": "access-token",
    "script": script("return { shoe: context.user.customData.shoe, of: token.accountId };"),
    "token": {"accountId": "ada", "kind": "AccessToken"},
    "context": {"user": {"id": "ada", "customData": {"shoe": 43}}},
}


async def machine_token(server: Server) -> Any:
    return await server.client.post(
        "/oidc/token",
        data={
            "grant_type": "client_credentials",
            "resource": management_audience(TENANT),
            "scope": MANAGEMENT_SCOPE,
        },
        auth=(CLIENT_ID, CLIENT_SECRET),
    )


@BOTH_DATABASES
async def test_scripts_are_kept_changed_and_deleted(api: Api) -> None:
    assert await api("ListJwtCustomizers") == []
    missing = await api("GetJwtCustomizer", **USERS, expect=404)
    assert missing["code"] == "entity.not_exists_with_id"
    await api("UpdateJwtCustomizer", **USERS, json={"script": "x"}, expect=404)
    await api("DeleteJwtCustomizer", **USERS, expect=404)
    new = {
        "script": script("return {}"),
        "environmentVariables": {"KEY": "value"},
        "contextSample": TRIAL["context"],
        "tokenSample": TRIAL["token"],
        "blockIssuanceOnError": True,
    }
    assert await api("UpsertJwtCustomizer", **USERS, json=new, expect=201) == new
    assert await api("GetJwtCustomizer", **USERS) == new
    other = {"script": script("return { a: 1 }")}
    assert await api("UpsertJwtCustomizer", **CLIENTS, json=other, expect=201) == other
    listed = await api("ListJwtCustomizers")
    assert listed == [
        {"key": "jwt.accessToken", "value": new},
        {"key": "jwt.clientCredentials", "value": other},
    ]
    changed = await api("UpdateJwtCustomizer", **USERS, json={"environmentVariables": {}})
    assert changed == new | {"environmentVariables": {}}
    assert await api("UpsertJwtCustomizer", **USERS, json=other, expect=200) == other
    await api("DeleteJwtCustomizer", **USERS, expect=204)
    assert [one["key"] for one in await api("ListJwtCustomizers")] == ["jwt.clientCredentials"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"script": 1},
        {"script": "x", "stranger": 1},
        {"script": "x", "environmentVariables": {"a": 1}},
        {"script": "x", "contextSample": {}},
        {"script": "x", "tokenSample": {"kind": "ClientCredentials"}},
        {"script": None},
    ],
)
async def test_what_is_no_customizer_is_refused(api: Api, body: dict[str, Any]) -> None:
    refused = await api("UpsertJwtCustomizer", **USERS, json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert await api("ListJwtCustomizers") == []


async def test_there_are_two_types_of_token(api: Api) -> None:
    for operation in ("GetJwtCustomizer", "UpsertJwtCustomizer", "DeleteJwtCustomizer"):
        refused = await api(operation, tokenTypePath="id-token", json={"script": ""}, expect=400)
        assert refused["code"] == "guard.invalid_input"


async def test_a_script_is_sealed_in_the_database(api: Api, server: Server) -> None:
    variables = {"KEY": "a key of somebody"}
    body = {"script": script("return {}"), "environmentVariables": variables}
    await api("UpsertJwtCustomizer", **USERS, json=body)
    stored = await server.core.db.read(lambda tx: list(tx.rows(RAW, {})))
    assert stored
    assert "a key of somebody" not in repr(stored)


async def test_a_script_is_tried_on_a_sample(api: Api) -> None:
    assert await api("TestJwtCustomizer", json=TRIAL) == {"shoe": 43, "of": "ada"}
    clients = {
        "tokenType": "client-credentials",
        "script": script("return { name: context.application.name, a: environmentVariables.A }"),
        "environmentVariables": {"A": "1"},
        "token": {},
        "context": {"application": {"name": "App"}},
    }
    assert await api("TestJwtCustomizer", json=clients) == {"name": "App", "a": "1"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("throw new Error('bad luck')", "Error: bad luck"),
        ("return 7", "The script has to return an object."),
        ("return", "The script has to return an object."),
        ("return []", "The script has to return an object."),
        ("return { a: 'x'.repeat(5000) }", "The claims are larger than 4096 bytes."),
        (
            "let deep = 1; for (let i = 0; i < 32; i++) deep = [deep]; return { deep }",
            "The claims are nested deeper than 32 levels.",
        ),
        ("return fetch('http://127.0.0.1:1')", "TypeError: the connection failed"),
        ("syntax error", "SyntaxError"),
        ("for (;;);", "The script took too long."),
        ("const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)", "more memory than it may"),
    ],
)
async def test_a_failing_trial_says_why(api: Api, body: str, said: str) -> None:
    refused = await api("TestJwtCustomizer", json={**TRIAL, "script": script(body)}, expect=422)
    assert refused["code"] == "jwt_customizer.general"
    assert said in refused["data"]["message"]


async def test_a_trial_shows_that_access_was_denied(api: Api) -> None:
    trial = {**TRIAL, "script": script("api.denyAccess('not you')")}
    refused = await api("TestJwtCustomizer", json=trial, expect=403)
    assert refused["data"] == {
        "message": "not you",
        "error": {"code": "AccessDenied", "message": "not you"},
    }


async def test_a_trial_needs_a_type_a_token_and_a_context(api: Api) -> None:
    for left_out in TRIAL:
        body = {name: value for name, value in TRIAL.items() if name != left_out}
        refused = await api("TestJwtCustomizer", json=body, expect=400)
        assert refused["code"] == "guard.invalid_input"


async def test_a_script_adds_claims_and_changes_none(api: Api, server: Server) -> None:
    body = """
        return { iss: 'https://evil.example', aud: 'x', sub: 'x', exp: 9999999999, scope: 'x',
                 client_id: 'x', jti: 'x', act: { sub: 'x' }, nbf: 0,
                 app: context.application.name, asked: token.scope, secret: context.secret };
    """
    await api("UpsertJwtCustomizer", **CLIENTS, json={"script": script(body)})
    answer = await machine_token(server)
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["asked"] == MANAGEMENT_SCOPE
    assert claims["app"]
    assert claims["iss"] == server.core.issuer
    assert claims["aud"] == management_audience(TENANT)
    assert claims["sub"] == claims["client_id"] == CLIENT_ID
    assert claims["scope"] == MANAGEMENT_SCOPE
    assert claims["exp"] - claims["iat"] <= 3600
    assert {"act", "nbf", "secret"}.isdisjoint(claims)
    assert len(await api.with_token(answer.json()["access_token"])("ListUsers")) >= 1


async def test_a_failing_script_adds_nothing_and_is_logged(api: Api, server: Server) -> None:
    await api("UpsertJwtCustomizer", **CLIENTS, json={"script": script("throw new Error('x')")})
    assert (await machine_token(server)).status_code == 200
    logs = await api("ListLogs", query={"logKey": "JwtCustomizer.ClientCredentials"})
    assert logs[0]["payload"]["error"] == {"code": "runtime", "message": "Error: x"}


async def test_issuance_is_blocked_where_the_operator_wants_that(api: Api, server: Server) -> None:
    body = {"script": script("throw new Error('x')"), "blockIssuanceOnError": True}
    await api("UpsertJwtCustomizer", **CLIENTS, json=body)
    refused = await machine_token(server)
    assert refused.status_code == 400
    assert refused.json()["code"] == "oidc.invalid_request"
    assert "Error: x" in refused.json()["error_description"]


async def test_a_script_may_deny_a_token(api: Api, server: Server) -> None:
    await api("UpsertJwtCustomizer", **CLIENTS, json={"script": script("api.denyAccess('no')")})
    refused = await machine_token(server)
    assert refused.status_code == 400
    assert refused.json()["code"] == "oidc.access_denied"
    assert refused.json()["error_description"] == "no"
