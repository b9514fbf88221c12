"""The roles and scopes that all organizations share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES


async def a_scope(api: Api, name: str = "read") -> str:
    return str((await api("CreateOrganizationScope", json={"name": name}, expect=201))["id"])


async def a_resource_scope(api: Api, name: str = "pay") -> dict[str, Any]:
    shop = {"name": "Shop", "indicator": f"https://{name}.example"}
    resource = await api("CreateResource", json=shop)
    scope = await api("CreateResourceScope", resourceId=resource["id"], json={"name": name})
    return {**scope, "resource": {"id": resource["id"], "name": "Shop"}}


@BOTH_DATABASES
async def test_a_scope_is_created_read_changed_and_deleted(api: Api) -> None:
    body = {"name": "read", "description": "Read all"}
    made = await api("CreateOrganizationScope", json=body, expect=201)
    assert await api("GetOrganizationScope", id=made["id"]) == made
    changed = await api("UpdateOrganizationScope", id=made["id"], json={"description": None})
    assert changed == {**made, "description": None}
    other = await a_scope(api, "admin")
    assert [one["name"] for one in await api("ListOrganizationScopes")] == ["admin", "read"]
    assert [one["id"] for one in await api("ListOrganizationScopes", query={"q": "ad"})] == [
        other,
        made["id"],
    ]
    await api("DeleteOrganizationScope", id=made["id"], expect=204)
    gone = await api("GetOrganizationScope", id=made["id"], expect=404)
    assert gone["code"] == "entity.not_exists_with_id"


@BOTH_DATABASES
async def test_a_role_is_created_read_changed_and_deleted(api: Api) -> None:
    read, pay = await a_scope(api), await a_resource_scope(api)
    body = {
        "name": "editor",
        "organizationScopeIds": [read],
        "resourceScopeIds": [pay["id"]],
    }
    made = await api("CreateOrganizationRole", json=body, expect=201)
    assert (made["type"], made["description"]) == ("User", None)
    assert await api("GetOrganizationRole", id=made["id"]) == made
    (shown,) = await api("ListOrganizationRoles", query={"q": "EDIT"})
    assert shown["scopes"] == [{"id": read, "name": "read"}]
    assert shown["resourceScopes"] == [{name: pay[name] for name in ("id", "name", "resource")}]
    changes = {"name": "robot", "type": "MachineToMachine"}
    changed = await api("UpdateOrganizationRole", id=made["id"], json=changes)
    assert changed == {**made, **changes}
    await api("DeleteOrganizationRole", id=made["id"], expect=204)
    for operation, sent, code in (
        ("GetOrganizationRole", None, "entity.not_found"),
        ("UpdateOrganizationRole", {"name": "x"}, "entity.not_exists"),
        ("DeleteOrganizationRole", None, "entity.not_found"),
    ):
        assert (await api(operation, id=made["id"], json=sent, expect=404))["code"] == code


@BOTH_DATABASES
async def test_a_role_with_a_scope_that_there_is_not_is_not_created_at_all(api: Api) -> None:
    body = {"name": "editor", "organizationScopeIds": ["nothing"]}
    refused = await api("CreateOrganizationRole", json=body, expect=422)
    assert refused["code"] == "entity.relation_foreign_key_not_found"
    assert await api("ListOrganizationRoles") == []


@pytest.mark.parametrize("noun", ["OrganizationRole", "OrganizationScope"])
async def test_a_name_is_used_once(api: Api, noun: str) -> None:
    await api(f"Create{noun}", json={"name": "one"}, expect=201)
    other = (await api(f"Create{noun}", json={"name": "two"}, expect=201))["id"]
    for operation, path in ((f"Create{noun}", {}), (f"Update{noun}", {"id": other})):
        refused = await api(operation, **path, json={"name": "one"}, expect=422)
        assert refused["code"] == "entity.unique_integrity_violation"
    for wrong in ({"name": ""}, {"name": "x" * 129}, {"name": None}):
        assert (await api(f"Create{noun}", json=wrong, expect=400))["code"] == "guard.invalid_input"


async def test_the_type_of_a_role_stays_while_somebody_has_it(api: Api) -> None:
    acme = (await api("CreateOrganization", json={"name": "Acme"}))["id"]
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    role = (await api("CreateOrganizationRole", json={"name": "editor"}))["id"]
    await api("AddOrganizationUsers", id=acme, json={"userIds": [user]})
    ids = {"organizationRoleIds": [role]}
    await api("AssignOrganizationRolesToUser", id=acme, userId=user, json=ids)
    change = {"type": "MachineToMachine"}
    refused = await api("UpdateOrganizationRole", id=role, json=change, expect=422)
    assert refused["code"] == "entity.db_constraint_violated"


@BOTH_DATABASES
async def test_roles_are_granted_scopes_of_both_kinds(api: Api) -> None:
    role = (await api("CreateOrganizationRole", json={"name": "editor"}))["id"]
    scopes = [await a_scope(api, name) for name in ("invite", "read")]
    resource_scopes = [(await a_resource_scope(api, name))["id"] for name in ("pay", "see")]
    for field, member, ids, (listing, create, replace, delete) in (
        (
            "organizationScopeIds",
            "organizationScopeId",
            scopes,
            (
                "ListOrganizationRoleScopes",
                "CreateOrganizationRoleScope",
                "ReplaceOrganizationRoleScopes",
                "DeleteOrganizationRoleScope",
            ),
        ),
        (
            "scopeIds",
            "scopeId",
            resource_scopes,
            (
                "ListOrganizationRoleResourceScopes",
                "CreateOrganizationRoleResourceScope",
                "ReplaceOrganizationRoleResourceScopes",
                "DeleteOrganizationRoleResourceScope",
            ),
        ),
    ):
        await api(create, id=role, json={field: ids[:1]}, expect=201)
        await api(create, id=role, json={field: ids}, expect=201)
        assert {scope["id"] for scope in await api(listing, id=role)} == set(ids)
        await api(replace, id=role, json={field: ids[1:]}, expect=204)
        assert [scope["id"] for scope in await api(listing, id=role)] == ids[1:]
        await api(delete, id=role, **{member: ids[1]}, expect=204)
        await api(delete, id=role, **{member: ids[1]}, expect=404)
        for operation in (create, replace):
            refused = await api(operation, id=role, json={field: ["nothing"]}, expect=422)
            assert refused["code"] == "entity.relation_foreign_key_not_found"
        await api(create, id=role, json={field: []}, expect=400)
        assert (await api(listing, id="nothing", expect=404))["code"] == "entity.not_found"
