"""Organizations, their members, and who joins them by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.actors import accounts
from gatehouse.actors.verification import Profile
from gatehouse.actors.webhook_payloads import data_payload
from gatehouse.storage.records import DomainEvent
from gatehouse.storage.tenants import SignInExperiences
from gatehouse.storage.transaction import Transaction
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, CLIENT_ID, DEMO_APP, TENANT, Server

ACME = {
    "name": "Acme",
    "description": "Makes everything",
    "customData": {"plan": "gold"},
    "color": {"primaryColor": "#ff0000"},
    "branding": {"logoUrl": "https://acme.example/logo.png"},
}


async def an_organization(api: Api, name: str = "Acme") -> str:
    return str((await api("CreateOrganization", json={"name": name}, expect=201))["id"])


async def a_user(api: Api, name: str = "ada") -> str:
    return str((await api("CreateUser", json={"username": name, "name": name.title()}))["id"])


async def a_role(api: Api, name: str = "editor", **more: Any) -> str:
    return str((await api("CreateOrganizationRole", json={"name": name, **more}))["id"])


async def a_member(api: Api, organization: str, name: str = "ada") -> str:
    user = await a_user(api, name)
    await api("AddOrganizationUsers", id=organization, json={"userIds": [user]}, expect=201)
    return user


@BOTH_DATABASES
async def test_an_organization_is_created_read_changed_and_deleted(api: Api) -> None:
    made = await api("CreateOrganization", json=ACME, expect=201)
    assert {name: made[name] for name in ACME} == ACME
    assert made["isMfaRequired"] is False
    assert await api("GetOrganization", id=made["id"]) == made
    changes = {"customData": {"plan": "iron"}, "isMfaRequired": True, "description": None}
    changed = await api("UpdateOrganization", id=made["id"], json={**changes, "color": {}})
    assert changed == {**made, **changes, "color": {}}
    assert await api("ListOrganizations") == [changed]
    await api("DeleteOrganization", id=made["id"], expect=204)
    assert await api("ListOrganizations") == []


async def test_an_organization_that_there_is_not(api: Api) -> None:
    for operation, body, code in (
        ("GetOrganization", None, "entity.not_exists_with_id"),
        ("UpdateOrganization", {"name": "x"}, "entity.not_exists"),
        ("DeleteOrganization", None, "entity.not_found"),
    ):
        assert (await api(operation, id="nothing", json=body, expect=404))["code"] == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 129},
        {"color": {"primaryColor": "red"}},
        {"branding": {"favicon": "no url"}},
        {"customData": []},
        {"isMfaRequired": 1},
        {"description": "x" * 257},
    ],
)
async def test_an_organization_that_cannot_be_is_not_created(api: Api, wrong: Any) -> None:
    refused = await api("CreateOrganization", json={**ACME, **wrong}, expect=400)
    assert refused["code"] == "guard.invalid_input"


async def test_organizations_are_searched_and_paged_and_show_some_users(api: Api) -> None:
    ids = [await an_organization(api, name) for name in ("Acme", "Apex", "Zeta")]
    user = await a_member(api, ids[1])
    assert [one["id"] for one in await api("ListOrganizations", query={"q": "ap"})] == [ids[1]]
    answer = await api.send("ListOrganizations", query={"page_size": "2", "showFeatured": "true"})
    assert answer.headers["total-number"] == "3"
    zeta, apex = answer.json()
    assert (zeta["usersCount"], zeta["featuredUsers"]) == (0, [])
    assert apex["featuredUsers"] == [{"id": user, "avatar": None, "name": "Ada"}]


@BOTH_DATABASES
async def test_users_join_and_leave(api: Api) -> None:
    acme = await an_organization(api)
    ada, bob = await a_user(api), await a_user(api, "bob")
    body = {"userIds": [ada, ada]}
    assert await api("AddOrganizationUsers", id=acme, json=body, expect=201) == body
    await api("AddOrganizationUsers", id=acme, json={"userIds": [ada, bob]}, expect=201)
    assert len(await api("ListOrganizationUsers", id=acme)) == 2
    found = await api("ListOrganizationUsers", id=acme, query={"q": "BO"})
    assert [one["id"] for one in found] == [bob]
    await api("ReplaceOrganizationUsers", id=acme, json={"userIds": [bob]}, expect=204)
    await api("DeleteOrganizationUser", id=acme, userId=bob, expect=204)
    gone = await api("DeleteOrganizationUser", id=acme, userId=bob, expect=404)
    assert gone["code"] == "entity.not_found"
    assert await api("ListOrganizationUsers", id=acme) == []


@BOTH_DATABASES
async def test_who_does_not_exist_cannot_join_and_nobody_else_does(api: Api) -> None:
    acme, ada = await an_organization(api), await a_user(api)
    for organization, users in ((acme, [ada, "nobody"]), ("nothing", [ada])):
        for operation in ("AddOrganizationUsers", "ReplaceOrganizationUsers"):
            refused = await api(operation, id=organization, json={"userIds": users}, expect=422)
            assert refused["code"] == "entity.relation_foreign_key_not_found"
    assert await api("ListOrganizationUsers", id=acme) == []
    await api("AddOrganizationUsers", id=acme, json={"userIds": []}, expect=400)


@BOTH_DATABASES
async def test_members_receive_and_lose_roles(api: Api) -> None:
    acme = await an_organization(api)
    ada = await a_member(api, acme)
    editor, viewer = await a_role(api), await a_role(api, "viewer")
    here = {"id": acme, "userId": ada}
    body = {"organizationRoleIds": [editor], "organizationRoleNames": ["viewer", "editor"]}
    answer = await api("AssignOrganizationRolesToUser", **here, json=body, expect=201)
    assert sorted(answer["organizationRoleIds"]) == sorted([editor, viewer])
    listed = await api("ListOrganizationUserRoles", **here)
    assert [role["name"] for role in listed] == ["editor", "viewer"]
    (shown,) = await api("ListOrganizationUsers", id=acme, query={"organizationRoleId": viewer})
    assert [role["id"] for role in shown["organizationRoles"]] == [editor, viewer]
    (mine,) = await api("ListUserOrganizations", userId=ada)
    assert mine["organizationRoles"] == shown["organizationRoles"]
    names = {"organizationRoleNames": ["editor"]}
    await api("ReplaceOrganizationUserRoles", **here, json=names, expect=204)
    gone = {**here, "organizationRoleId": editor}
    await api("DeleteOrganizationUserRole", **gone, expect=204)
    await api("DeleteOrganizationUserRole", **gone, expect=404)
    assert await api("ListOrganizationUserRoles", **here) == []


async def test_a_role_must_exist_and_be_for_users(api: Api) -> None:
    acme = await an_organization(api)
    here = {"id": acme, "userId": await a_member(api, acme)}
    robot = await a_role(api, "robot", type="MachineToMachine")
    for body, code in (
        ({"organizationRoleIds": ["nothing"]}, "entity.relation_foreign_key_not_found"),
        ({"organizationRoleNames": ["nothing"]}, "organization.role_names_not_found"),
        ({"organizationRoleIds": [robot]}, "entity.db_constraint_violated"),
    ):
        for operation in ("AssignOrganizationRolesToUser", "ReplaceOrganizationUserRoles"):
            refused = await api(operation, **here, json=body, expect=422)
            assert refused["code"] == code


async def test_only_members_have_roles(api: Api) -> None:
    here = {"id": await an_organization(api), "userId": await a_user(api)}
    body = {"organizationRoleIds": [await a_role(api)]}
    for operation, sent in (
        ("ListOrganizationUserRoles", None),
        ("AssignOrganizationRolesToUser", body),
        ("ReplaceOrganizationUserRoles", body),
    ):
        refused = await api(operation, **here, json=sent, expect=422)
        assert refused["code"] == "organization.require_membership"
    both = {**body, "userIds": [here["userId"]]}
    refused = await api("AssignOrganizationRolesToUsers", id=here["id"], json=both, expect=422)
    assert refused["code"] == "entity.relation_foreign_key_not_found"


@BOTH_DATABASES
async def test_roles_are_given_to_many_at_once_and_tell_what_a_user_may_do(api: Api) -> None:
    acme = await an_organization(api)
    people = [await a_member(api, acme, name) for name in ("ada", "bob")]
    read = (await api("CreateOrganizationScope", json={"name": "read"}, expect=201))["id"]
    role = await a_role(api, organizationScopeIds=[read])
    body = {"userIds": people, "organizationRoleIds": [role]}
    await api("AssignOrganizationRolesToUsers", id=acme, json=body, expect=201)
    for user in people:
        scopes = await api("ListOrganizationUserScopes", id=acme, userId=user)
        assert [scope["id"] for scope in scopes] == [read]
    assert await api("ListOrganizationUserScopes", id=acme, userId="nobody") == []


@BOTH_DATABASES
async def test_applications_are_members_too(api: Api) -> None:
    acme = await an_organization(api)
    machine = await api("CreateApplication", json={"name": "m", "type": "MachineToMachine"})
    robot = await a_role(api, "robot", type="MachineToMachine")
    ids = {"applicationIds": [machine["id"]]}
    await api("AddOrganizationApplications", id=acme, json=ids, expect=201)
    here = {"id": acme, "applicationId": machine["id"]}
    roles = {"organizationRoleIds": [robot]}
    await api("AssignOrganizationRolesToApplication", **here, json=roles, expect=201)
    await api("ReplaceOrganizationApplicationRoles", **here, json=roles, expect=204)
    both = {**ids, **roles}
    await api("AssignOrganizationRolesToApplications", id=acme, json=both, expect=201)
    (shown,) = await api("ListOrganizationApplications", id=acme, query={"q": "m"})
    assert shown == {**machine, "organizationRoles": [{"id": robot, "name": "robot"}]}
    (mine,) = await api("ListApplicationOrganizations", id=machine["id"], query={"page": "1"})
    assert (mine["id"], mine["organizationRoles"]) == (acme, shown["organizationRoles"])
    assert [one["id"] for one in await api("ListOrganizationApplicationRoles", **here)] == [robot]
    await api("DeleteOrganizationApplicationRole", **here, organizationRoleId=robot, expect=204)
    await api("ReplaceOrganizationApplications", id=acme, json=ids, expect=204)
    await api("DeleteOrganizationApplication", **here, expect=204)
    await api("DeleteOrganizationApplication", **here, expect=404)
    refused = await api("ListOrganizationApplicationRoles", **here, expect=422)
    assert refused["code"] == "organization.require_membership"


async def test_only_machines_and_their_roles_are_for_applications(api: Api) -> None:
    acme, editor = await an_organization(api), await a_role(api)
    spa = {"applicationIds": [DEMO_APP]}
    refused = await api("AddOrganizationApplications", id=acme, json=spa, expect=422)
    assert refused["code"] == "entity.db_constraint_violated"
    await api("AddOrganizationApplications", id=acme, json={"applicationIds": [CLIENT_ID]})
    here = {"id": acme, "applicationId": CLIENT_ID}
    roles = {"organizationRoleIds": [editor]}
    refused = await api("AssignOrganizationRolesToApplication", **here, json=roles, expect=422)
    assert refused["code"] == "entity.db_constraint_violated"


@pytest.mark.one_node
async def test_webhooks_are_told_of_a_change_and_of_no_more(api: Api, server: Server) -> None:
    events: list[DomainEvent] = []
    server.core.db.listen(events.extend)
    acme = await an_organization(api)
    user = await a_member(api, acme)
    scopes = [
        (await api("CreateOrganizationScope", json={"name": name}, expect=201))["id"]
        for name in ("read", "write")
    ]
    role = await a_role(api, organizationScopeIds=scopes[:1])

    def told(tx: Transaction) -> dict[str, Any]:
        return {one.type: data_payload(tx, TENANT, one.type, one.payload) for one in events}

    payloads = await server.core.db.read(told)
    granted = payloads["OrganizationRole.Scopes.Updated"]
    assert granted["params"] == {"id": role}
    assert [scope["id"] for scope in granted["data"]] == scopes[:1]
    joined = {
        "method": "POST",
        "matchedRoute": "/organizations/:id/users",
        "params": {"id": acme},
        "data": None,
        "organizationId": acme,
        "addedUserIds": [user],
    }
    told_of = payloads["Organization.Membership.Updated"]
    assert {name: told_of[name] for name in joined} == joined
    assert "removedUserIds" not in told_of


async def test_applications_that_are_no_members_can_be_listed(api: Api) -> None:
    acme = await an_organization(api)
    await api("AddOrganizationApplications", id=acme, json={"applicationIds": [CLIENT_ID]})
    others = await api("ListApplications", query={"excludeOrganizationId": acme})
    assert DEMO_APP in {one["id"] for one in others}
    assert CLIENT_ID not in {one["id"] for one in others}


@pytest.mark.parametrize("verified", [True, False])
async def test_who_registers_with_a_verified_address_joins(
    api: Api, server: Server, verified: bool
) -> None:
    acme, role = await an_organization(api), await a_role(api)
    domain = {"emailDomain": "acme.example"}
    await api("CreateOrganizationJitEmailDomain", id=acme, json=domain)
    await api("CreateOrganizationJitRole", id=acme, json={"organizationRoleIds": [role]})
    sign_up = {"identifiers": ["email"], "password": True, "verify": verified}
    await server.core.db.write(lambda tx: SignInExperiences(tx, TENANT).change(sign_up=sign_up))
    profile = Profile(primary_email="new@acme.example")
    await accounts.create(server.core, "newuser00001", profile, DEMO_APP)
    joined = await api("ListUserOrganizations", userId="newuser00001")
    expected = [(acme, [{"id": role, "name": "editor"}])] if verified else []
    assert [(one["id"], one["organizationRoles"]) for one in joined] == expected


async def test_the_organizations_of_nobody(api: Api) -> None:
    assert await api("ListUserOrganizations", userId=await a_user(api)) == []
    await api("ListUserOrganizations", userId="nobody", expect=404)
    await api("ListApplicationOrganizations", id="nothing", expect=404)


@BOTH_DATABASES
async def test_email_domains_whose_people_join(api: Api) -> None:
    acme = await an_organization(api)
    body = {"emailDomain": "acme.example"}
    made = await api("CreateOrganizationJitEmailDomain", id=acme, json=body, expect=201)
    assert made == {"tenantId": "default", "organizationId": acme, **body}
    refused = await api("CreateOrganizationJitEmailDomain", id=acme, json=body, expect=422)
    assert refused["code"] == "entity.unique_integrity_violation"
    refused = await api("CreateOrganizationJitEmailDomain", id="none", json=body, expect=422)
    assert refused["code"] == "entity.relation_foreign_key_not_found"
    domains = {"emailDomains": ["b.example", "a.example"]}
    await api("ReplaceOrganizationJitEmailDomains", id=acme, json=domains, expect=204)
    answer = await api.send("ListOrganizationJitEmailDomains", id=acme, query={"page_size": "1"})
    assert [one["emailDomain"] for one in answer.json()] == ["a.example"]
    assert answer.headers["total-number"] == "2"
    gone = {"id": acme, "emailDomain": "a.example"}
    await api("DeleteOrganizationJitEmailDomain", **gone, expect=204)
    await api("DeleteOrganizationJitEmailDomain", **gone, expect=404)
    assert len(await api("ListOrganizationJitEmailDomains", id=acme)) == 1


@BOTH_DATABASES
async def test_roles_of_those_who_join_by_themselves(api: Api) -> None:
    acme, editor, viewer = (
        await an_organization(api),
        await a_role(api),
        await a_role(api, "viewer"),
    )
    ids = {"organizationRoleIds": [editor]}
    await api("CreateOrganizationJitRole", id=acme, json=ids, expect=201)
    both = {"organizationRoleIds": [viewer, editor]}
    await api("ReplaceOrganizationJitRoles", id=acme, json=both, expect=204)
    listed = await api("ListOrganizationJitRoles", id=acme)
    assert [role["id"] for role in listed] == [editor, viewer]
    gone = {"id": acme, "organizationRoleId": viewer}
    await api("DeleteOrganizationJitRole", **gone, expect=204)
    await api("DeleteOrganizationJitRole", **gone, expect=404)
    await api("ListOrganizationJitRoles", id="nothing", expect=404)
    unknown = {"organizationRoleIds": ["nothing"]}
    await api("CreateOrganizationJitRole", id=acme, json=unknown, expect=422)
