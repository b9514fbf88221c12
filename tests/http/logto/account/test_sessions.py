"""Where people are signed in and what applications have, shown and ended: by them, by operators."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from gatehouse.actors.grants import good_grants
from gatehouse.ops.seed import DEMO_PATH
from gatehouse.storage.applications import Applications
from gatehouse.storage.records import CustomClientMetadata
from gatehouse.storage.users import Users
from tests.http.contract import Api
from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    add_user,
    authorize,
    open_account_centre,
    person,
    stored,
)
from tests.http.oidc.house import HASH, Client, answer_experience
from tests.http.running import DEMO_APP, TENANT, Server
from tests.servers.receiver import open_receiver

PATHS = list[tuple[str, dict[str, Any]]]
READS: PATHS = [("GetSessions", {}), ("GetGrants", {})]
ENDS: PATHS = [("DeleteSessionById", {"sessionId": "any"}), ("DeleteGrantById", {"grantId": "any"})]


async def refreshes(server: Server, holder: Person, client: str = DEMO_APP) -> bool:
    """Whether the refresh token is still good."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": holder.refresh_token,
        "client_id": client,
    }
    answer = await server.client.post("/oidc/token", data=form)
    return answer.status_code == 200


async def another(server: Server, ada: Person, **options: Any) -> Person:
    """The same person at another browser."""
    return await person(server, await stored(server, ada.user_id), **options)


async def sessions_of(ada: Person) -> list[dict[str, Any]]:
    return list((await ada.api("GetSessions", headers=await ada.verified()))["sessions"])


async def grants_of(ada: Person, query: str | None = None) -> list[dict[str, Any]]:
    headers = await ada.verified()
    return list((await ada.api("GetGrants", headers=headers, query=query))["grants"])


async def test_people_see_where_they_are_signed_in(server: Server, ada: Person) -> None:
    await another(server, ada)
    await person(server, await add_user(server, "bob"))
    first, second = await sessions_of(ada)
    assert (first["isCurrent"], second["isCurrent"]) == (True, False)
    assert first["accountId"] == first["payload"]["accountId"] == ada.user_id
    assert first["expiresAt"] > server.core.clock()
    grants = {one["id"] for one in await grants_of(ada)}
    granted = {one["payload"]["authorizations"][DEMO_APP]["grantId"] for one in (first, second)}
    assert granted == grants


async def test_it_is_told_how_somebody_came_to_be_signed_in(server: Server, api: Api) -> None:
    await add_user(server, "ada", password_hash=HASH.digest, password_algorithm=HASH.algorithm)
    async with httpx.AsyncClient(base_url=server.url, headers={"user-agent": "Test/1.0"}) as http:
        client = Client(http, DEMO_APP)
        request = client.request(
            redirect_uri=server.url + DEMO_PATH, scope="openid profile", prompt="consent"
        )
        await http.get("/oidc/auth", params=request)
        await http.get(await answer_experience(http, DEMO_APP, "ada"))
    user = await server.core.db.read(lambda tx: Users(tx, TENANT).find_by_username("ada"))
    assert user is not None
    (session,) = (await api("ListUserSessions", userId=user.id))["sessions"]
    told = session["lastSubmission"]
    assert (session["clientId"], told["interactionEvent"]) == (DEMO_APP, "SignIn")
    assert [one["type"] for one in told["verificationRecords"]] == ["Password"]
    assert told["signInContext"] == {"ip": "127.0.0.1", "userAgent": "Test/1.0"}


async def test_a_sessions_own_id_is_shown_to_nobody(server: Server, api: Api, ada: Person) -> None:
    listed = await api.send("ListUserSessions", userId=ada.user_id)
    assert ada.session_id not in listed.text
    session_id = ada.session_id
    await api("GetUserSession", userId=ada.user_id, sessionId=session_id, expect=404)


async def test_signing_in_again_in_one_browser_is_one_session_and_one_grant(
    server: Server, ada: Person
) -> None:
    again = await another(server, ada, session_id=ada.session_id)
    assert len(await sessions_of(ada)) == len(await grants_of(ada)) == 1
    assert await refreshes(server, ada)
    assert await refreshes(server, again)


async def test_signing_out_somewhere_ends_that_session_alone(server: Server, ada: Person) -> None:
    other = await another(server, ada)
    uid = next(one["payload"]["uid"] for one in await sessions_of(ada) if not one["isCurrent"])
    headers = await ada.verified()
    await ada.api("DeleteSessionById", sessionId=uid, headers=headers, expect=204)
    assert [one["isCurrent"] for one in await sessions_of(ada)] == [True]
    assert await refreshes(server, other)  # offline_access outlives the session
    refused = await ada.api("DeleteSessionById", sessionId=uid, headers=headers, expect=404)
    assert refused["code"] == "oidc.session_not_found"


async def test_tokens_without_offline_access_end_with_their_session(
    server: Server, ada: Person
) -> None:
    other = await another(server, ada)
    bound = await person(
        server, await stored(server, ada.user_id), "openid", session_id=other.session_id
    )
    uid = next(one["payload"]["uid"] for one in await sessions_of(ada) if not one["isCurrent"])
    await ada.api("DeleteSessionById", sessionId=uid, headers=await ada.verified(), expect=204)
    await bound.api("GetProfile", expect=401)


@pytest.mark.parametrize(
    ("target", "own", "third"), [("all", False, False), ("firstParty", False, True)]
)
async def test_grants_end_with_a_session_if_that_is_wanted(
    server: Server, ada: Person, target: str, own: bool, third: bool
) -> None:
    await add_third_party(server)
    other = await another(server, ada)
    theirs = await another(server, ada, client=THIRD_PARTY, session_id=other.session_id)
    uid = next(one["payload"]["uid"] for one in await sessions_of(ada) if not one["isCurrent"])
    await ada.api(
        "DeleteSessionById",
        sessionId=uid,
        query={"revokeGrantsTarget": target},
        headers=await ada.verified(),
        expect=204,
    )
    assert await refreshes(server, ada)
    assert await refreshes(server, other) is own
    assert ((await theirs.api.send("GetProfile")).status_code == 200) is third
    assert len(await grants_of(ada)) == 1 + third


async def test_revoking_a_grant_ends_its_tokens_at_once(server: Server, ada: Person) -> None:
    other = await another(server, ada)
    first, second = (one["id"] for one in await grants_of(ada))
    headers = await ada.verified()
    await ada.api("DeleteGrantById", grantId=second, headers=headers, expect=204)
    assert not await refreshes(server, other)
    await other.api("GetProfile", expect=401)
    assert [one["id"] for one in await grants_of(ada)] == [first]
    sessions = await sessions_of(ada)
    assert [list(one["payload"]["authorizations"]) for one in sessions] == [[DEMO_APP], []]
    refused = await ada.api("DeleteGrantById", grantId=second, headers=headers, expect=404)
    assert refused["code"] == "oidc.invalid_grant"


async def test_grants_are_told_apart_by_whose_application_it_is(
    server: Server, ada: Person
) -> None:
    await add_third_party(server)
    await another(server, ada, client=THIRD_PARTY)
    seen = {
        query: [one["application"]["id"] for one in await grants_of(ada, query)]
        for query in (None, "appType=firstParty", "appType=thirdParty")
    }
    assert list(seen.values()) == [[DEMO_APP, THIRD_PARTY], [DEMO_APP], [THIRD_PARTY]]
    refused = await ada.api("GetGrants", query="appType=others", expect=400)
    assert refused["code"] == "guard.invalid_input"


async def test_nothing_is_listed_that_a_suspension_ended(
    server: Server, api: Api, ada: Person
) -> None:
    await trio.sleep(0.002)  # what begins in the same millisecond is not older
    await server.core.db.write(lambda tx: Users(tx, TENANT).set_suspended(ada.user_id, True))
    for operation, key in (("ListUserSessions", "sessions"), ("ListUserGrants", "grants")):
        assert await api(operation, userId=ada.user_id) == {key: []}
    await server.core.db.write(lambda tx: Users(tx, TENANT).set_suspended(ada.user_id, False))
    for operation, key in (("ListUserSessions", "sessions"), ("ListUserGrants", "grants")):
        assert await api(operation, userId=ada.user_id) == {key: []}


# Who may


@pytest.mark.parametrize(("operation", "path"), READS + ENDS)
async def test_sessions_take_a_verification_and_a_scope(
    server: Server, ada: Person, operation: str, path: dict[str, Any]
) -> None:
    refused = await ada.api(operation, **path, expect=401)
    assert refused["code"] == "verification_record.permission_denied"
    headers = await ada.verified()
    scopes = ("openid", "profile")
    other = await person(server, await stored(server, ada.user_id), *scopes)
    refused = await other.api(operation, **path, headers=headers, expect=401)
    assert refused["code"] == "auth.unauthorized"


@pytest.mark.parametrize(
    ("operations", "control", "code"),
    [
        (READS + ENDS, "Off", ("account_center.field_not_enabled", "not_editable")),
        (ENDS, "ReadOnly", ("account_center.field_not_editable", "not_editable")),
    ],
)
async def test_the_tenant_decides_about_sessions(
    server: Server,
    ada: Person,
    operations: PATHS,
    control: str,
    code: tuple[str, ...],
) -> None:
    headers = await ada.verified()
    await open_account_centre(server, session=control)
    for operation, path in operations:
        refused = await ada.api(operation, **path, headers=headers, expect=400)
        assert refused["code"].endswith(code)


@pytest.mark.parametrize(("operation", "path"), ENDS)
async def test_a_third_party_application_ends_nothing(
    server: Server, ada: Person, operation: str, path: dict[str, Any]
) -> None:
    await add_third_party(server)
    other = await another(server, ada, client=THIRD_PARTY)
    refused = await other.api(operation, **path, headers=await ada.verified(), expect=403)
    assert refused["code"] == "auth.third_party_application_forbidden"


# Operators


async def test_operators_see_and_end_the_same(server: Server, api: Api, ada: Person) -> None:
    user_id = ada.user_id
    (listed,) = (await api("ListUserSessions", userId=user_id))["sessions"]
    uid = listed["payload"]["uid"]
    assert await api("GetUserSession", userId=user_id, sessionId=uid) == listed
    (grant,) = (await api("ListUserGrants", userId=user_id))["grants"]
    await api("DeleteUserGrant", userId=user_id, grantId=grant["id"], expect=204)
    assert not await refreshes(server, ada)
    await api("DeleteUserSession", userId=user_id, sessionId=uid, expect=204)
    assert await api("ListUserSessions", userId=user_id) == {"sessions": []}


async def test_operators_end_nothing_of_another_user(server: Server, api: Api, ada: Person) -> None:
    bob = await add_user(server, "bob")
    (session,) = (await api("ListUserSessions", userId=ada.user_id))["sessions"]
    (grant,) = (await api("ListUserGrants", userId=ada.user_id))["grants"]
    uid = session["payload"]["uid"]
    for operation in ("GetUserSession", "DeleteUserSession"):
        refused = await api(operation, userId=bob.id, sessionId=uid, expect=404)
        assert refused["code"] == "oidc.session_not_found"
    await api("DeleteUserGrant", userId=bob.id, grantId=grant["id"], expect=404)
    assert await refreshes(server, ada)


@pytest.mark.parametrize("operation", ["ListUserSessions", "ListUserGrants"])
async def test_a_user_that_is_not_there_has_nothing_to_list(api: Api, operation: str) -> None:
    assert (await api(operation, userId="nobody", expect=404))["code"] == "entity.not_found"


async def test_operators_ask_for_targets_that_there_are(api: Api, ada: Person) -> None:
    (session,) = (await api("ListUserSessions", userId=ada.user_id))["sessions"]
    refused = await api(
        "DeleteUserSession",
        userId=ada.user_id,
        sessionId=session["payload"]["uid"],
        query={"revokeGrantsTarget": "some"},
        expect=400,
    )
    assert refused["code"] == "guard.invalid_input"


# The limit


async def limit(server: Server, most: int) -> None:
    """Let an application have so many grants of one user."""
    metadata = CustomClientMetadata(max_allowed_grants=most)
    await server.core.db.write(
        lambda tx: Applications(tx, TENANT).update(DEMO_APP, custom_client_metadata=metadata)
    )


async def test_more_grants_than_an_application_may_have_end_the_oldest(
    server: Server, ada: Person
) -> None:
    await limit(server, 2)
    second = await another(server, ada)
    again = await another(server, ada, session_id=second.session_id)
    assert await refreshes(server, ada)
    third = await another(server, ada)
    assert not await refreshes(server, ada)
    for kept in (second, again, third):
        assert await refreshes(server, kept)
    assert len(await grants_of(third)) == 2


async def test_many_at_once_leave_as_many_grants_as_are_allowed(
    server: Server, ada: Person
) -> None:
    await limit(server, 2)
    user = await stored(server, ada.user_id)
    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(authorize, server, user)
    assert len(await good_grants(server.core, user)) == 2


async def test_webhooks_hear_of_the_limit(server: Server, api: Api, ada: Person) -> None:
    await limit(server, 1)
    (grant,) = await grants_of(ada)
    async with open_receiver() as receiver:
        hook = {
            "name": "limits",
            "events": ["Grant.LimitExceeded"],
            "config": {"url": receiver.url},
        }
        await api("CreateHook", json=hook)
        await another(server, ada)
        body = (await receiver.next()).json
    assert body["event"] == "Grant.LimitExceeded"
    assert (body["userId"], body["application"]["id"]) == (ada.user_id, DEMO_APP)
    assert body["revokedGrantIds"] == [grant["id"]]
    assert (body["maxAllowedGrants"], body["preRevocationActiveGrantCount"]) == (1, 2)
