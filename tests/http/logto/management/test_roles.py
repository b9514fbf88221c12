"""Roles, their scopes, and who has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, CLIENT_ID

EDITOR = {"name": "editor", "description": "Edits"}
ROBOT = {"name": "robot", "description": "Works", "type": "MachineToMachine"}


async def a_scope(api: Api, name: str = "read:books") -> dict[str, Any]:
    found = await api("ListResources", query={"includeScopes": "true"})
    shop = next((one for one in found if one["name"] == "Shop"), None)
    if shop is None:
        shop = await api(
            "CreateResource", json={"name": "Shop", "indicator": "https://shop.example"}
        )
    made: dict[str, Any] = await api(
        "CreateResourceScope", resourceId=shop["id"], json={"name": name}
    )
    return made


async def the_management_scope(api: Api) -> str:
    resources = await api("ListResources", query={"includeScopes": "yes"})
    scopes = next(one for one in resources if one["indicator"].endswith(".logto.app/api"))["scopes"]
    return next(str(scope["id"]) for scope in scopes if scope["name"] == "all")


@BOTH_DATABASES
async def test_a_role_is_created_read_changed_and_deleted(api: Api) -> None:
    scope = await a_scope(api)
    made = await api("CreateRole", json={**EDITOR, "scopeIds": [scope["id"]]})
    assert (made["type"], made["isDefault"]) == ("User", False)
    assert await api("GetRole", id=made["id"]) == made
    changed = await api("UpdateRole", id=made["id"], json={"description": "Edits texts"})
    assert changed == {**made, "description": "Edits texts"}
    listed = await api("ListRoleScopes", id=made["id"])
    assert [one["id"] for one in listed] == [scope["id"]]
    assert listed[0]["resource"]["indicator"] == "https://shop.example"
    await api("DeleteRole", id=made["id"], expect=204)
    assert (await api("GetRole", id=made["id"], expect=404))["code"] == "entity.not_found"


@BOTH_DATABASES
async def test_a_role_with_a_scope_that_does_not_exist_is_not_created_at_all(api: Api) -> None:
    await api("CreateRole", json={**EDITOR, "scopeIds": ["nothing"]}, expect=404)
    assert [role["name"] for role in await api("ListRoles")] == ["Management API access"]


async def test_a_name_is_used_once(api: Api) -> None:
    await api("CreateRole", json=EDITOR)
    other = await api("CreateRole", json={**EDITOR, "name": "writer"})
    refused = await api("CreateRole", json=EDITOR, expect=422)
    assert refused["code"] == "role.name_in_use"
    refused = await api("UpdateRole", id=other["id"], json={"name": "editor"}, expect=422)
    assert refused["code"] == "role.name_in_use"


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x"}, {**EDITOR, "type": "Ghost"}, {**EDITOR, "name": 3}]
)
async def test_a_role_that_cannot_be_is_not_created(api: Api, body: dict[str, Any]) -> None:
    assert (await api("CreateRole", json=body, expect=400))["code"] == "guard.invalid_input"


@BOTH_DATABASES
async def test_users_receive_and_lose_roles(api: Api) -> None:
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    first = (await api("CreateRole", json=EDITOR))["id"]
    second = (await api("CreateRole", json={**EDITOR, "name": "writer"}))["id"]
    answer = await api("AssignUserRoles", userId=user, json={"roleIds": [first]}, expect=201)
    assert answer == {"roleIds": [first], "addedRoleIds": [first]}
    answer = await api("AssignUserRoles", userId=user, json={"roleIds": [first, second]})
    assert answer["addedRoleIds"] == [second]
    assert len(await api("ListUserRoles", userId=user)) == 2
    await api("ReplaceUserRoles", userId=user, json={"roleIds": [second]})
    assert [role["id"] for role in await api("ListUserRoles", userId=user)] == [second]
    await api("DeleteUserRole", userId=user, roleId=second, expect=204)
    await api("DeleteUserRole", userId=user, roleId=second, expect=404)
    assert await api("ListUserRoles", userId=user) == []


async def test_the_same_relation_is_seen_from_the_role(api: Api) -> None:
    user = (await api("CreateUser", json={"username": "ada", "name": "Ada"}))["id"]
    role = (await api("CreateRole", json=EDITOR))["id"]
    await api("CreateRoleUser", id=role, json={"userIds": [user]}, expect=201)
    assert [one["id"] for one in await api("ListRoleUsers", id=role)] == [user]
    refused = await api("CreateRoleUser", id=role, json={"userIds": [user]}, expect=422)
    assert refused["code"] == "role.user_exists"
    shown = next(one for one in await api("ListRoles") if one["id"] == role)
    assert shown["usersCount"] == 1
    assert shown["featuredUsers"] == [{"id": user, "avatar": None, "name": "Ada"}]
    assert await api("ListRoles", query={"excludeUserId": user, "type": "User"}) == []
    await api("DeleteRoleUser", id=role, userId=user, expect=204)
    assert await api("ListRoleUsers", id=role) == []


@BOTH_DATABASES
async def test_giving_a_role_to_many_is_all_or_nothing(api: Api) -> None:
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    role = (await api("CreateRole", json=EDITOR))["id"]
    await api("CreateRoleUser", id=role, json={"userIds": [user, "nobody"]}, expect=404)
    assert await api("ListRoleUsers", id=role) == []
    await api("ReplaceUserRoles", userId=user, json={"roleIds": [role]})
    await api("ReplaceUserRoles", userId=user, json={"roleIds": ["nothing"]}, expect=404)
    assert [one["id"] for one in await api("ListUserRoles", userId=user)] == [role]


async def test_applications_receive_and_lose_roles(api: Api) -> None:
    robot = (await api("CreateRole", json=ROBOT))["id"]
    application = (await api("CreateApplication", json={"name": "a", "type": "MachineToMachine"}))[
        "id"
    ]
    answer = await api(
        "AssignApplicationRoles", applicationId=application, json={"roleIds": [robot]}, expect=201
    )
    assert answer["addedRoleIds"] == [robot]
    assert len(await api("ListApplicationRoles", applicationId=application)) == 1
    assert [one["id"] for one in await api("ListRoleApplications", id=robot)] == [application]
    refused = await api(
        "CreateRoleApplication", id=robot, json={"applicationIds": [application]}, expect=422
    )
    assert refused["code"] == "role.application_exists"
    await api("DeleteRoleApplication", id=robot, applicationId=application, expect=204)
    await api("CreateRoleApplication", id=robot, json={"applicationIds": [application]})
    await api("DeleteApplicationRole", applicationId=application, roleId=robot, expect=204)
    await api("ReplaceApplicationRoles", applicationId=application, json={"roleIds": []})
    await api("DeleteApplicationRole", applicationId=application, roleId=robot, expect=404)


async def test_roles_are_for_people_or_for_programs(api: Api) -> None:
    robot = (await api("CreateRole", json=ROBOT))["id"]
    editor = (await api("CreateRole", json=EDITOR))["id"]
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    refused = await api("AssignUserRoles", userId=user, json={"roleIds": [robot]}, expect=422)
    assert refused["code"] == "user.invalid_role_type"
    refused = await api(
        "AssignApplicationRoles", applicationId=CLIENT_ID, json={"roleIds": [editor]}, expect=422
    )
    assert refused["code"] == "application.invalid_role_type"
    refused = await api("ListApplicationRoles", applicationId="demo-app", expect=422)
    assert refused["code"] == "application.invalid_type"


async def test_scopes_are_added_and_taken_away(api: Api) -> None:
    role = (await api("CreateRole", json=EDITOR))["id"]
    one, two = await a_scope(api, "a"), await a_scope(api, "b")
    answer = await api("CreateRoleScope", id=role, json={"scopeIds": [one["id"]]}, expect=201)
    assert [scope["id"] for scope in answer] == [one["id"]]
    refused = await api(
        "CreateRoleScope", id=role, json={"scopeIds": [two["id"], one["id"]]}, expect=422
    )
    assert refused["code"] == "role.scope_exists"
    assert len(await api("ListRoleScopes", id=role)) == 1
    await api("DeleteRoleScope", id=role, scopeId=one["id"], expect=204)
    await api("DeleteRoleScope", id=role, scopeId=one["id"], expect=404)


async def test_people_cannot_be_given_the_management_api(api: Api) -> None:
    scope = await the_management_scope(api)
    role = (await api("CreateRole", json=EDITOR))["id"]
    refused = await api("CreateRoleScope", id=role, json={"scopeIds": [scope]}, expect=400)
    assert refused["code"] == "role.management_api_scopes_not_assignable_to_user_role"
    assert (await api("CreateRole", json={**ROBOT, "scopeIds": [scope]}))["name"] == "robot"


async def test_newcomers_receive_default_roles(api: Api) -> None:
    role = await api("CreateRole", json={**EDITOR, "isDefault": True})
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    assert await api("ListUserRoles", userId=user) == [role]
