"""Invitations into organizations."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.storage.organizations_invitations import OrganizationInvitations
from gatehouse.storage.organizations_records import OrganizationInvitation
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server

LATER = 4_000_000_000_000
ADA = "ada@acme.example"


@pytest.fixture
async def acme(api: Api) -> str:
    """An organization."""
    return str((await api("CreateOrganization", json={"name": "Acme"}))["id"])


async def invite(api: Api, organization: str, **more: Any) -> Any:
    body = {"invitee": ADA, "organizationId": organization, "expiresAt": LATER, **more}
    return await api("CreateOrganizationInvitation", json=body, expect=201)


async def a_user(api: Api, name: str = "ada", email: str = "Ada@acme.example") -> str:
    body = {"username": name, "primaryEmail": email}
    return str((await api("CreateUser", json=body))["id"])


@BOTH_DATABASES
async def test_an_invitation_is_made_read_and_accepted(api: Api, acme: str) -> None:
    inviter = await a_user(api, "bob", "bob@acme.example")
    role = (await api("CreateOrganizationRole", json={"name": "editor"}))["id"]
    made = await invite(api, acme, inviterId=inviter, organizationRoleIds=[role])
    assert (made["status"], made["acceptedUserId"]) == ("Pending", None)
    assert made["organizationRoles"] == [{"id": role, "name": "editor"}]
    assert await api("GetOrganizationInvitation", id=made["id"]) == made
    user = await a_user(api)
    body = {"status": "Accepted", "acceptedUserId": user}
    ended = await api("ReplaceOrganizationInvitationStatus", id=made["id"], json=body, expect=200)
    assert (ended["status"], ended["acceptedUserId"]) == ("Accepted", user)
    (member,) = await api("ListOrganizationUsers", id=acme)
    assert (member["id"], member["organizationRoles"]) == (user, made["organizationRoles"])
    again = await api("ReplaceOrganizationInvitationStatus", id=made["id"], json=body, expect=422)
    assert again["code"] == "request.invalid_input"
    refused = {"invitee": ADA, "organizationId": acme, "expiresAt": LATER}
    await api("CreateOrganizationInvitation", json=refused, expect=422)


@BOTH_DATABASES
async def test_invitations_are_listed_revoked_and_deleted(api: Api, acme: str) -> None:
    first = await invite(api, acme)
    again = {"invitee": ADA, "organizationId": acme, "expiresAt": LATER}
    refused = await api("CreateOrganizationInvitation", json=again, expect=422)
    assert refused["code"] == "entity.unique_integrity_violation"
    body = {"status": "Revoked"}
    await api("ReplaceOrganizationInvitationStatus", id=first["id"], json=body, expect=200)
    second = await invite(api, acme)
    found = await api("ListOrganizationInvitations", query={"invitee": ADA.upper()})
    assert [one["status"] for one in found] == ["Pending", "Revoked"]
    for query, count in (({"organizationId": acme}, 2), ({"inviterId": "nobody"}, 0)):
        assert len(await api("ListOrganizationInvitations", query=query)) == count
    await api("DeleteOrganizationInvitation", id=second["id"], expect=204)
    for operation in ("GetOrganizationInvitation", "DeleteOrganizationInvitation"):
        gone = await api(operation, id=second["id"], expect=404)
        assert gone["code"] == "entity.not_found"


@BOTH_DATABASES
async def test_an_invitation_that_has_expired_is_over(api: Api, server: Server, acme: str) -> None:
    old = OrganizationInvitation(invitee=ADA, organization_id=acme, expires_at=1)
    made = await server.core.db.write(lambda tx: OrganizationInvitations(tx, TENANT).create(old))
    shown = await api("GetOrganizationInvitation", id=made.id)
    assert shown["status"] == "Expired"
    body = {"status": "Accepted", "acceptedUserId": await a_user(api)}
    refused = await api("ReplaceOrganizationInvitationStatus", id=made.id, json=body, expect=422)
    assert refused["code"] == "request.invalid_input"
    assert await api("ListOrganizationUsers", id=acme) == []
    await invite(api, acme)
    found = await api("ListOrganizationInvitations")
    assert sorted(one["status"] for one in found) == ["Expired", "Pending"]


async def test_only_who_was_invited_can_accept(api: Api, acme: str) -> None:
    made = (await invite(api, acme))["id"]
    other = await a_user(api, "eve", "eve@acme.example")
    for user, status in ((other, 422), (None, 422), ("nobody", 404)):
        body = {"status": "Accepted", "acceptedUserId": user}
        await api("ReplaceOrganizationInvitationStatus", id=made, json=body, expect=status)
    expired = {"status": "Expired"}
    await api("ReplaceOrganizationInvitationStatus", id=made, json=expired, expect=400)
    assert await api("ListOrganizationUsers", id=acme) == []


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"expiresAt": 1}, 400, "request.invalid_input"),
        ({"invitee": "nobody"}, 400, "guard.invalid_input"),
        ({"expiresAt": "soon"}, 400, "guard.invalid_input"),
        ({"messagePayload": True}, 400, "guard.invalid_input"),
        ({"organizationId": "nothing"}, 422, "entity.relation_foreign_key_not_found"),
        ({"inviterId": "nobody"}, 422, "entity.relation_foreign_key_not_found"),
        ({"organizationRoleIds": ["nothing"]}, 422, "entity.relation_foreign_key_not_found"),
        ({"messagePayload": {"link": "https://a.example"}}, 501, "connector.not_found"),
    ],
)
async def test_an_invitation_that_cannot_be_is_not_made(
    api: Api, acme: str, wrong: dict[str, Any], status: int, code: str
) -> None:
    body = {"invitee": ADA, "organizationId": acme, "expiresAt": LATER, **wrong}
    refused = await api("CreateOrganizationInvitation", json=body, expect=status)
    assert refused["code"] == code
    assert await api("ListOrganizationInvitations") == []
