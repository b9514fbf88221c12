"""Two nodes, one account: what is given once is taken once, and what is taken back is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import trio

from gatehouse.actors.account_center import change_account_center
from tests.http.contract import Api
from tests.http.logto.account.people import FIELDS, PASSWORD, Person, person
from tests.http.logto.experience.house import House, open_house
from tests.http.running import TENANT, Server

MINE = {"type": "email", "value": "ada@example.com"}


@pytest.fixture
async def house(redis_url: str, database_url: str) -> AsyncIterator[House]:
    async with open_house(redis_url, database_url) as house:
        setting = {"enabled": True, "fields": dict.fromkeys(FIELDS, "Edit")}
        await house.core.db.write(change_account_center, TENANT, setting)
        for node in house.nodes:
            node.core.directory.forget()
        yield house


async def ada_at(house: House) -> tuple[Person, list[Api]]:
    """Somebody who is signed in, and the API of each node as they see it."""
    user = await house.add_user("ada", primary_email=MINE["value"])
    first = house.nodes[0]
    ada = await person(Server(str(first.client.base_url), first.core, first.client), user)
    return ada, [Api(node.client, ada.access_token) for node in house.nodes]


async def test_a_code_that_is_given_everywhere_at_once_counts_once(house: House) -> None:
    _, nodes = await ada_at(house)
    begun = await nodes[0]("CreateVerificationByVerificationCode", json={"identifier": MINE})
    given = {
        "identifier": MINE,
        "verificationId": begun["verificationRecordId"],
        "code": await house.code(MINE["value"]),
    }
    answers: list[httpx.Response] = []

    async def give(api: Api) -> None:
        answers.append(await api.send("VerifyVerificationByVerificationCode", json=given))

    async with trio.open_nursery() as nursery:
        for api in nodes * 3:
            nursery.start_soon(give, api)
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 5]


async def test_a_grant_that_was_taken_back_is_gone_on_every_node(house: House) -> None:
    ada, nodes = await ada_at(house)
    assert (await nodes[1]("GetProfile"))["id"] == ada.user_id
    made = await nodes[1]("CreateVerificationByPassword", json={"password": PASSWORD})
    headers = {"logto-verification-id": made["verificationRecordId"]}
    (grant,) = (await nodes[0]("GetGrants", headers=headers))["grants"]
    await nodes[0]("DeleteGrantById", grantId=grant["id"], headers=headers, expect=204)
    refused = await nodes[1]("GetProfile", expect=401)
    assert refused["code"] == "auth.unauthorized"


async def test_a_session_that_two_end_at_once_is_ended_once(house: House) -> None:
    _, nodes = await ada_at(house)
    made = await nodes[0]("CreateVerificationByPassword", json={"password": PASSWORD})
    headers = {"logto-verification-id": made["verificationRecordId"]}
    (session,) = (await nodes[0]("GetSessions", headers=headers))["sessions"]
    statuses: list[int] = []

    async def end(api: Api) -> None:
        uid = session["payload"]["uid"]
        answer = await api.send("DeleteSessionById", sessionId=uid, headers=headers)
        statuses.append(answer.status_code)

    async with trio.open_nursery() as nursery:
        for api in nodes * 2:
            nursery.start_soon(end, api)
    assert 204 in statuses
    assert set(statuses) <= {204, 404}
    assert (await nodes[1]("GetSessions", headers=headers)) == {"sessions": []}
