"""What holds for the whole API: it is what the contract says, says what it is, and is all or
nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import jsonschema_rs
import pytest
import sqlalchemy as sa

from gatehouse.http import coverage
from gatehouse.http.logto.management.store import Store
from gatehouse.http.logto.skin import api_operations
from gatehouse.storage.schema import metadata
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from tests.http.contract import CONTRACT, Api
from tests.http.running import BOTH_DATABASES, Server

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


@BOTH_DATABASES
async def test_a_change_that_fails_in_its_middle_leaves_nothing(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write of the API is made to fail after each of its statements in turn."""
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    role = (await api("CreateRole", json={"name": "r", "description": "d"}))["id"]
    shop = (await api("CreateResource", json={"name": "S", "indicator": "https://s.example"}))["id"]
    scope = (await api("CreateResourceScope", resourceId=shop, json={"name": "read"}))["id"]
    machine = (await api("CreateApplication", json={"name": "m", "type": "MachineToMachine"}))["id"]
    acme = (await api("CreateOrganization", json={"name": "Acme"}))["id"]
    template = (await api("CreateOrganizationScope", json={"name": "read"}))["id"]
    partner = {"name": "p", "type": "SPA", "isThirdParty": True}
    partner_id = (await api("CreateApplication", json=partner))["id"]
    site = {"subDomain": "a", "origin": "https://a.example"}
    saml = (await api("CreateSamlApplication", json={"name": "s"}))["id"]
    spare = await api("CreateSamlApplicationSecret", id=saml, json={"lifeSpanInYears": 1})
    rules = {
        "userIds": [user],
        "userRoleIds": [role],
        "organizationIds": [acme],
        "organizationRoleRules": [],
    }
    changes: list[tuple[str, dict[str, str], Any]] = [
        ("CreateRole", {}, {"name": "n", "description": "d", "scopeIds": [scope]}),
        ("CreateApplication", {}, {"name": "w", "type": "Traditional"}),
        ("CreateUser", {}, {"username": "bob"}),
        ("UpdateUser", {"userId": user}, {"name": "x"}),
        ("UpdateUserIsSuspended", {"userId": user}, {"isSuspended": True}),
        ("ReplaceUserRoles", {"userId": user}, {"roleIds": [role]}),
        ("CreateRoleScope", {"id": role}, {"scopeIds": [scope]}),
        ("UpdateResourceIsDefault", {"id": shop}, {"isDefault": True}),
        ("UpdateApplication", {"id": machine}, {"isAdmin": True, "name": "x"}),
        ("UpdateApplicationSecret", {"id": machine, "name": "Default secret"}, {"name": "x"}),
        ("UpdateSignInExp", {}, {"signInMode": "SignIn"}),
        ("RotateOidcKeys", {"keyType": "private-keys"}, {}),
        ("CreateOrganizationRole", {}, {"name": "o", "organizationScopeIds": [template]}),
        ("ReplaceOrganizationUsers", {"id": acme}, {"userIds": [user]}),
        ("ReplaceOrganizationJitEmailDomains", {"id": acme}, {"emailDomains": ["a.b", "c.d"]}),
        (
            "CreateOrganizationInvitation",
            {},
            {"invitee": "a@b.example", "organizationId": acme, "expiresAt": 2**50},
        ),
        (
            "CreateApplicationUserConsentScope",
            {"applicationId": partner_id},
            {"resourceScopes": [scope], "userScopes": ["email"]},
        ),
        ("ReplaceApplicationAccessControl", {"applicationId": machine}, rules),
        (
            "CreateApplication",
            {},
            {"name": "x", "type": "Protected", "protectedAppMetadata": site},
        ),
        ("CreateSamlApplication", {}, {"name": "t"}),
        (
            "UpdateSamlApplicationSecret",
            {"id": saml, "secretId": spare["id"]},
            {"active": True},
        ),
        (
            "ReplaceApplicationUserConsentOrganizations",
            {"id": partner_id, "userId": user},
            {"organizationIds": [acme]},
        ),
        ("DeleteResource", {"id": shop}, None),
        ("DeleteUser", {"userId": user}, None),
    ]
    before = await server.core.db.read(everything)
    for operation, path, body in changes:
        for fatal in range(1, 20):
            breaking = Breaking(fatal)
            monkeypatch.setattr(Store, "__init__", breaking.noting(Store.__init__))
            monkeypatch.setattr(Transaction, "_execute", breaking.failing(Transaction._execute))
            answer = await api.send(operation, json=body, **path)
            monkeypatch.undo()
            if not breaking.broke:
                break
            assert answer.status_code == 500, f"{operation} {fatal}: {answer.text}"
            after = await server.core.db.read(everything)
            news = after.pop("domain_events")
            assert set(news) <= set(before["domain_events"]), operation
            assert after == {name: before[name] for name in after}, operation
        assert fatal > 1, operation
        assert answer.status_code < 300, f"{operation}: {answer.text}"
        before = await server.core.db.read(everything)


class Breaking:
    """Fails a handler's unit of work after its n-th statement was executed."""

    def __init__(self, fatal: int) -> None:
        self.left = fatal
        self.broke = False
        self.unit: Transaction | None = None

    def noting(self, start: Any) -> Any:
        def note(store: Store, tx: Transaction, tenant_id: str) -> None:
            if not tx.read_only:
                self.unit = tx
            start(store, tx, tenant_id)

        return note

    def failing(self, execute: Any) -> Any:
        def fail(tx: Transaction, *args: Any) -> Any:
            result = execute(tx, *args)
            if tx is self.unit:
                self.left -= 1
                if self.left == 0:
                    self.broke = True
                    with suppress(Exception):
                        result.fetchall()  # an open cursor would be a failure of another kind
                    raise RuntimeError("broken on purpose")
            return result

        return fail


def everything(tx: Transaction) -> dict[str, list[Any]]:
    """All rows of all tables; others write the audit log and take events away meanwhile."""
    tables = [one for one in metadata.sorted_tables if one.name != "audit_logs"]
    rows = {table.name: sorted(map(repr, tx.rows(Stmt(sa.select(table))))) for table in tables}
    events = tx.rows(Stmt(sa.select(metadata.tables["domain_events"].c.id)))
    return rows | {"domain_events": [event[0] for event in events]}
