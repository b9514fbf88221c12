"""What holds for the whole API: it is what the contract says, and says what it is."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from gatehouse.http import coverage
from gatehouse.http.logto.skin import api_operations
from tests.http.contract import CONTRACT, Api
from tests.http.running import Server

IN_THE_CONTRACT = [one for one in api_operations() if one.operation_id in CONTRACT]


def test_every_operation_is_where_the_contract_has_it() -> None:
    for operation in IN_THE_CONTRACT:
        expected = CONTRACT[operation.operation_id]
        assert (operation.method, operation.path) == (expected["method"], expected["path"])
        assert operation.tags[0] == expected["tag"]


def test_what_the_contract_leaves_out_is_in_nobodys_way() -> None:
    """Logto serves a few operations that its contract does not tell of."""
    taken = {(one["method"], one["path"]) for one in CONTRACT.values()}
    for operation in api_operations():
        if operation.operation_id not in CONTRACT:
            assert (operation.method, operation.path) not in taken, operation.operation_id


def test_every_success_is_one_that_the_contract_knows() -> None:
    for operation in IN_THE_CONTRACT:
        known = CONTRACT[operation.operation_id]["responses"]
        assert str(operation.status) in known or "204" in known, operation.operation_id


def test_the_coverage_table_is_up_to_date() -> None:
    assert coverage.TABLE.read_text() == coverage.current_table(), (
        "run python -m gatehouse.http.coverage"
    )


REFUSES_NOBODY = {
    "GetSignInExperienceConfig",
    "GetStatus",
    "GetSwaggerJson",
    "GetWellKnownAccountCenter",
    "GetWellKnownExperience",
    "GetWellKnownExperienceOpenapiJson",
    "GetWellKnownManagementOpenapiJson",
    "GetWellKnownUserOpenapiJson",
}
"""Operations that anybody may call in any way."""


def test_every_operation_is_proven_to_succeed_and_to_refuse() -> None:
    proof = json.loads(coverage.PROOF.read_text())
    for name, operation in CONTRACT.items():
        if operation["seed"]:
            wanted = {"success"} if name in REFUSES_NOBODY else {"success", "refusal"}
            assert wanted <= set(proof.get(name, ())), name


async def test_status_is_204_for_everyone(server: Server) -> None:
    answer = await server.api().send("GetStatus")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["logto-core-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_head_and_a_known_etag_bring_no_body(server: Server) -> None:
    path = "/api/.well-known/sign-in-exp"
    full = await server.client.get(path)
    head = await server.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(full.content))
    again = await server.client.get(path, headers={"if-none-match": full.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await server.client.get(path)).json() == full.json()


async def test_an_unknown_path_and_a_wrong_method_are_answered_in_plain_text(
    server: Server,
) -> None:
    unknown = await server.client.get("/api/unknown")
    assert (unknown.status_code, unknown.text) == (404, "Not Found")
    wrong = await server.client.delete("/api/status")
    assert (wrong.status_code, wrong.text) == (405, "Method Not Allowed")
    assert unknown.headers["content-type"] == wrong.headers["content-type"]
    assert wrong.headers["allow"] == "HEAD, GET"


async def test_a_body_that_is_not_json_is_400_with_a_message_alone(api: Api) -> None:
    answer = await api.client.post(
        "/api/users",
        content=b"{",
        headers={"authorization": f"Bearer {api.token}", "content-type": "application/json"},
    )
    assert answer.status_code == 400
    assert set(answer.json()) == {"message"}


async def test_another_origin_learns_only_which_methods_there_are(server: Server) -> None:
    answer = await server.client.options(
        "/api/users",
        headers={"origin": "https://evil.example", "access-control-request-method": "GET"},
    )
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    own = await server.client.options(
        "/api/users", headers={"origin": server.url, "access-control-request-method": "GET"}
    )
    assert own.headers["access-control-allow-origin"] == server.url
    assert own.headers["access-control-allow-methods"] == "GET,HEAD,PUT,POST,DELETE,PATCH"


@pytest.mark.parametrize(
    "operation",
    [
        "GetSwaggerJson",
        "GetWellKnownManagementOpenapiJson",
        "GetWellKnownExperienceOpenapiJson",
        "GetWellKnownUserOpenapiJson",
    ],
)
async def test_the_documents_describe_what_is_served(server: Server, operation: str) -> None:
    document = await server.api()(operation)
    assert document["openapi"] == "3.1.0"
    served = {(one.method.lower(), one.path) for one in api_operations()}
    described = {
        (method, path) for path, methods in document["paths"].items() for method in methods
    }
    assert described
    assert described <= served
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.validator_for({**schema, "components": document["components"]})
