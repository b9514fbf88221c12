"""Every event that webhooks can listen to is told of, by whatever brings it about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
import trio

from gatehouse.http.logto.management.hooks import HookEvent
from gatehouse.storage.records import User
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.http.contract import Api
from tests.http.logto.account.people import PASSWORD, add_user, authorize, code_to
from tests.http.logto.experience.browsing import APPLICATION, Browser, credentials
from tests.http.logto.management.test_hooks import check_signature
from tests.http.running import TENANT, Server
from tests.servers.receiver import Receiver, open_receiver
from tests.servers.requests import Received

LONG_AGO_MS = 400 * 24 * 3600 * 1000
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass
class World:
    """A server, an operator, who listens, and the ids of what the operator made, by name."""

    server: Server
    api: Api
    receiver: Receiver
    ids: dict[str, str] = field(default_factory=dict)

    async def make(self, name: str, operation: str, body: dict[str, Any], **path: Any) -> None:
        """Make something and remember it by its name."""
        made = await self.api(operation, json=body, **path)
        self.ids[name] = made["id"]

    async def browser(self, event: str = "SignIn") -> Browser:
        """A browser in which somebody says what they came to do."""
        arrived = await Browser(self.server.core, self.server.client).arrive()
        return await arrived.start(event)

    async def settle(self, **settings: Any) -> None:
        """Change the sign-in experience."""
        await self.api("UpdateSignInExp", json=settings)


Trigger = Callable[[World], Awaitable[Any]]


def done(operation: str, *, json: Any = None, expect: int | None = None, **path: str) -> Trigger:
    """An operation of the Management API; path and body name things by what they are called."""

    async def trigger(world: World) -> None:
        given: dict[str, Any] = {name: world.ids[value] for name, value in path.items()}
        body = json(world.ids) if callable(json) else json
        await world.api(operation, json=body, expect=expect, **given)

    return trigger


def made(name: str, operation: str, body: dict[str, Any], **path: str) -> Trigger:
    """An operation that makes something."""

    async def trigger(world: World) -> None:
        given = {key: world.ids[value] for key, value in path.items()}
        await world.make(name, operation, body, **given)

    return trigger


async def sign_in(world: World) -> None:
    await (await world.browser()).sign_in("grace", PASSWORD)


async def register(world: World) -> None:
    browser = await world.browser("Register")
    body = credentials("newcomer", PASSWORD)
    verified = await browser("CreateNewPasswordIdentityVerification", json=body)
    await browser.identify(verified["verificationId"], expect=201)
    await browser.submit()


async def recover(world: World) -> None:
    browser = await world.browser("ForgotPassword")
    name = {"type": "email", "value": "grace@example.com"}
    asked = {"identifier": name, "interactionEvent": "ForgotPassword"}
    sent = await browser("CreateAndSendVerificationCode", json=asked)
    code = await code_to(world.server, name["value"])
    body = {"identifier": name, "verificationId": sent["verificationId"], "code": code}
    await browser("VerifyVerificationCodeVerification", json=body)
    await browser.identify(sent["verificationId"])
    await browser("ResetUserPassword", json={"password": "another-Wombat-7"}, expect=204)
    await browser.client.post("/api/experience/submit", headers=browser.headers)


async def look_suspicious(world: World) -> None:
    user = await add_user(world.server, "long-away")
    await world.api(
        "CreateUserMfaVerification", userId=user.id, json={"type": "Totp", "secret": KEY}
    )
    factors = {"factors": ["Totp"], "policy": "PromptOnlyAtSignInMandatory"}
    await world.settle(mfa=factors, adaptiveMfa={"enabled": True})

    def forget(tx: Transaction) -> None:
        Users(tx, TENANT).update(user.id, last_sign_in_at=tx.now - LONG_AGO_MS)

    await world.server.core.db.write(forget)
    browser = await world.browser()
    await browser.identify(await browser.verify_password("long-away", PASSWORD))
    assert (await browser.refused("SubmitInteraction"))[0] == 403


async def lock(world: World) -> None:
    await world.settle(sentinelPolicy={"maxAttempts": 2, "lockoutDuration": 5})
    browser = await world.browser()
    for _ in range(2):
        await browser.refused("CreatePasswordVerification", credentials("nobody", "wrong"))


async def send_too_much(world: World) -> None:
    browser = await world.browser("ForgotPassword")
    name = {"type": "email", "value": "flooded@example.com"}
    asked = {"identifier": name, "interactionEvent": "ForgotPassword"}
    for _ in range(10):
        await browser("CreateAndSendVerificationCode", json=asked)
    assert (await browser.refused("CreateAndSendVerificationCode", asked))[0] == 429


async def hold_too_much(world: World) -> None:
    metadata = {"customClientMetadata": {"maxAllowedGrants": 1}}
    await world.api("UpdateApplication", id=APPLICATION, json=metadata)
    user = await world.server.core.db.read(lambda tx: Users(tx, TENANT).find_by_username("grace"))
    assert isinstance(user, User)
    for _ in range(2):
        await authorize(world.server, user)


READER = {"name": "reader", "description": "Reads"}
EVENTS: dict[str, Trigger] = {
    "User.Created": made("user", "CreateUser", {"username": "ada"}),
    "User.Data.Updated": done("UpdateUser", json={"name": "Ada"}, userId="user"),
    "User.SuspensionStatus.Updated": done(
        "UpdateUserIsSuspended", json={"isSuspended": True}, userId="user"
    ),
    "Scope.Created": made("scope", "CreateResourceScope", {"name": "read"}, resourceId="shop"),
    "Scope.Data.Updated": done(
        "UpdateResourceScope", json={"description": "Reads"}, resourceId="shop", scopeId="scope"
    ),
    "Role.Created": made("role", "CreateRole", READER),
    "Role.Data.Updated": done("UpdateRole", json={"description": "Reads all"}, id="role"),
    "Role.Scopes.Updated": done(
        "CreateRoleScope", json=lambda ids: {"scopeIds": [ids["scope"]]}, id="role"
    ),
    "Role.Deleted": done("DeleteRole", id="role", expect=204),
    "Scope.Deleted": done("DeleteResourceScope", resourceId="shop", scopeId="scope", expect=204),
    "OrganizationScope.Created": made("may", "CreateOrganizationScope", {"name": "invite"}),
    "OrganizationScope.Data.Updated": done(
        "UpdateOrganizationScope", json={"description": "Invites"}, id="may"
    ),
    "OrganizationRole.Created": made(
        "member", "CreateOrganizationRole", {"name": "member", "organizationScopeIds": []}
    ),
    "OrganizationRole.Data.Updated": done(
        "UpdateOrganizationRole", json={"description": "Belongs"}, id="member"
    ),
    "OrganizationRole.Scopes.Updated": done(
        "CreateOrganizationRoleScope",
        json=lambda ids: {"organizationScopeIds": [ids["may"]]},
        id="member",
    ),
    "Organization.Created": made("acme", "CreateOrganization", {"name": "Acme"}),
    "Organization.Data.Updated": done("UpdateOrganization", json={"name": "Acme Inc"}, id="acme"),
    "Organization.Membership.Updated": done(
        "AddOrganizationUsers", json=lambda ids: {"userIds": [ids["user"]]}, id="acme"
    ),
    "Organization.Deleted": done("DeleteOrganization", id="acme", expect=204),
    "OrganizationRole.Deleted": done("DeleteOrganizationRole", id="member", expect=204),
    "OrganizationScope.Deleted": done("DeleteOrganizationScope", id="may", expect=204),
    "User.Deleted": done("DeleteUser", userId="user", expect=204),
    "PostSignIn": sign_in,
    "PostRegister": register,
    "Grant.LimitExceeded": hold_too_much,
    "PostResetPassword": recover,
    "PostSignInAdaptiveMfaTriggered": look_suspicious,
    "Message.RateLimited": send_too_much,
    "Identifier.Lockout": lock,
}
"""What brings each event about, in an order in which each finds what it needs."""

_NOUNS = {
    "User": ({"userId"}, "username"),
    "Role": ({"id"}, "description"),
    "Scope": ({"scopeId"}, "resourceId"),
    "Organization": ({"id"}, "name"),
    "OrganizationRole": ({"id"}, "name"),
    "OrganizationScope": ({"id"}, "name"),
}
"""What is told of a change of data: the parameters, and a member of the record."""


@pytest.fixture
async def world(server: Server, api: Api) -> AsyncIterator[World]:
    async with open_receiver() as receiver:
        world = World(server, api, receiver)
        await world.make(
            "shop", "CreateResource", {"name": "Shop", "indicator": "https://shop.example"}
        )
        await add_user(server, "grace", primary_email="grace@example.com")
        yield world


def test_the_table_has_every_event_there_is() -> None:
    assert set(EVENTS) == set(get_args(HookEvent))


async def test_every_event_is_told(world: World) -> None:
    body = {
        "name": "all",
        "events": list(EVENTS),
        "config": {"url": world.receiver.url},
    }
    hook = await world.api("CreateHook", json=body)
    for event, trigger in EVENTS.items():
        await trigger(world)
        told = await _told(world.receiver, event)
        check_signature(told, hook)
        _check(event, told.json)
        assert told.json["hookId"] == hook["id"]
    logged = await _logged(world.api, hook["id"])
    assert {f"TriggerHook.{event}" for event in EVENTS} == logged


async def _told(receiver: Receiver, event: str) -> Received:
    """The next that is told of this event; what else there is may come before."""
    with trio.fail_after(60):
        while True:
            received = await receiver.next()
            if received.json["event"] == event:
                return received


async def _logged(api: Api, hook_id: str) -> set[str]:
    """The keys in the log of a hook, once there are as many as there are events."""
    keys: set[str] = set()
    with trio.fail_after(60):
        while len(keys) < len(EVENTS):
            query = {"page_size": "100"}
            logs = await api("ListHookRecentLogs", id=hook_id, query=query)
            keys = {log["key"] for log in logs}
            await trio.sleep(0.05)
    return keys


def _check(event: str, body: dict[str, Any]) -> None:
    """Whether a body tells what Logto's does."""
    assert body["createdAt"].endswith("Z")
    noun, _, verb = event.partition(".")
    if noun not in _NOUNS:
        _check_person(event, body)
        return
    names, member = _NOUNS[noun]
    assert body["path"].startswith("/")
    assert body["matchedRoute"].count("/") == body["path"].count("/")
    assert {"ip", "userAgent", "method", "status"} <= body.keys()
    if event == "User.Data.Updated":
        request = (body["method"], body["path"], body["matchedRoute"], body["status"])
        id_ = body["params"]["userId"]
        assert request == ("PATCH", f"/users/{id_}", "/users/:userId", 200)
    assert names <= body["params"].keys()
    if verb == "Membership.Updated":
        assert body["organizationId"]
        assert body["addedUserIds"]
    elif verb == "Scopes.Updated":
        assert [one["name"] for one in body["data"]]
    elif verb == "Deleted":
        assert body["data"] == {"id": next(iter(body["params"].values()))}
    else:
        assert body["data"][member]
    if noun == "Scope":
        assert "resourceId" in body["params"]


def _check_person(event: str, body: dict[str, Any]) -> None:
    if event.startswith("Post"):
        assert body["user"]["id"] == body["userId"]
        assert {"interactionEvent", "sessionId", "userIp"} <= body.keys()
        assert body["application"]["id"] == APPLICATION
    else:
        assert body["ip"]
        expected = {
            "Identifier.Lockout": {"type", "value"},
            "Message.RateLimited": {"action", "recipient"},
            "Grant.LimitExceeded": {"userId", "revokedGrantIds", "maxAllowedGrants"},
        }
        assert expected[event] <= body.keys()
