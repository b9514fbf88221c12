"""Invitations into organizations."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.storage.audit import Messages
from gatehouse.storage.organizations_invitations import OrganizationInvitations
from gatehouse.storage.organizations_records import OrganizationInvitation
from gatehouse.storage.records import Message
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


async def mails(server: Server, at_least: int) -> list[Message]:
    """What the development inbox has, once it has so many."""
    with trio.fail_after(30):
        while True:
            kept = await server.core.db.read(lambda tx: Messages(tx, TENANT).search(100).items)
            if len(kept) >= at_least:
                return list(kept)
            await trio.sleep(0.01)


@BOTH_DATABASES
async def test_an_invitation_is_mailed_and_mailed_again(
    server: Server, api: Api, acme: str
) -> None:
    inviter = await a_user(api, "bob", "bob@acme.example")
    link = {"link": "https://app.example/join"}
    made = await invite(api, acme, inviterId=inviter, messagePayload=link)
    await api("CreateOrganizationInvitationMessage", id=made["id"], json={"code": "7"}, expect=204)
    second, first = sorted(await mails(server, 2), key=lambda mail: "link" in mail.payload)
    assert (first.recipient, first.subject) == (ADA, "You are invited to Acme")
    assert "https://app.example/join" in first.body
    assert first.payload["template"] == "OrganizationInvitation"
    assert first.payload["inviter.name"] == "bob"
    assert second.payload["code"] == "7"


async def test_a_recipient_is_mailed_ten_times_and_no_more(api: Api, acme: str) -> None:
    made = await invite(api, acme)
    for _ in range(10):
        await api("CreateOrganizationInvitationMessage", id=made["id"], json={}, expect=204)
    limited = await api("CreateOrganizationInvitationMessage", id=made["id"], json={}, expect=429)
    assert limited["code"] == "request.message_rate_limited"
    await api("DeleteOrganizationInvitation", id=made["id"])
    body = {"invitee": ADA, "organizationId": acme, "expiresAt": LATER, "messagePayload": {}}
    refused = await api("CreateOrganizationInvitation", json=body, expect=429)
    assert refused["code"] == "request.message_rate_limited"


async def test_without_a_connector_nothing_is_made_that_was_to_be_mailed(
    api: Api, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Messengers, "inbox", False)
    body = {"invitee": ADA, "organizationId": acme, "expiresAt": LATER}
    mailed = {**body, "messagePayload": {"link": "https://a.example"}}
    refused = await api("CreateOrganizationInvitation", json=mailed, expect=501)
    assert refused["code"] == "connector.not_found"
    assert await api("ListOrganizationInvitations") == []
    made = await api("CreateOrganizationInvitation", json=body, expect=201)
    await api("CreateOrganizationInvitationMessage", id=made["id"], json={}, expect=501)
    await api("CreateOrganizationInvitationMessage", id="nothing", json={}, expect=404)
    await api("CreateOrganizationInvitationMessage", id=made["id"], json={"link": 5}, expect=400)


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
    ],
)
async def test_an_invitation_that_cannot_be_is_not_made(
    api: Api, acme: str, wrong: dict[str, Any], status: int, code: str
) -> None:
    body = {"invitee": ADA, "organizationId": acme, "expiresAt": LATER, **wrong}
    refused = await api("CreateOrganizationInvitation", json=body, expect=status)
    assert refused["code"] == code
    assert await api("ListOrganizationInvitations") == []
