"""One-time tokens as operators see them: made, listed, used up, ended."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.storage.one_time_tokens import OneTimeTokens
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server

ADA = "ada@example.com"
CONTEXT = {"jitOrganizationIds": ["acme"], "interactionEvent": "SignIn"}


async def make(api: Api, email: str = ADA, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await api("AddOneTimeTokens", json={"email": email, **more}, expect=201)
    return made


async def expire(server: Server, token: dict[str, Any]) -> None:
    await server.core.db.write(
        lambda tx: OneTimeTokens(tx, TENANT).update(token["id"], expires_at=1)
    )


@BOTH_DATABASES
async def test_tokens_are_made_and_listed(server: Server, api: Api) -> None:
    first = await make(api, context=CONTEXT, expiresIn=60)
    assert first["context"] == CONTEXT
    assert first["expiresAt"] - first["createdAt"] == 60_000
    second = await make(api, "bob@example.com")
    assert second["expiresAt"] - second["createdAt"] == 600_000
    old = await make(api)
    await expire(server, old)
    assert await api("GetOneTimeToken", id=first["id"]) == first
    for query, count in (
        ({}, 3),
        ({"email": ADA}, 2),
        ({"status": "active"}, 2),
        ({"status": "expired"}, 1),
        ({"status": "consumed"}, 0),
        ({"email": ADA, "status": "active"}, 1),
        ({"page": "2", "page_size": "2"}, 1),
    ):
        answer = await api.send("ListOneTimeTokens", query=query)
        assert len(answer.json()) == count, query
    assert answer.headers["total-number"] == "3"
    await api("ListOneTimeTokens", query={"email": "nobody"}, expect=400)
    await api("ListOneTimeTokens", query={"status": "lost"}, expect=400)


@BOTH_DATABASES
async def test_a_token_is_used_once_at_the_same_instant(api: Api) -> None:
    token = await make(api)
    body = {"token": token["token"], "email": ADA}
    answers: list[int] = []

    async def use() -> None:
        answers.append((await api.send("VerifyOneTimeToken", json=body)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(use)
    assert sorted(answers) == [200, 400, 400, 400, 400, 400]
    assert (await api("GetOneTimeToken", id=token["id"]))["status"] == "consumed"
    refused = await api("VerifyOneTimeToken", json=body, expect=400)
    assert refused["code"] == "one_time_token.token_consumed"


async def test_a_token_that_is_not_good_is_refused(server: Server, api: Api) -> None:
    token, old, ended = await make(api), await make(api), await make(api)
    await expire(server, old)
    body = {"status": "revoked"}
    assert (await api("ReplaceOneTimeTokenStatus", id=ended["id"], json=body)) == {
        **ended,
        "status": "revoked",
    }
    for given, status, code in (
        ({"token": token["token"], "email": "eve@example.com"}, 400, "email_mismatch"),
        ({"token": old["token"], "email": ADA}, 400, "token_expired"),
        ({"token": ended["token"], "email": ADA}, 400, "token_revoked"),
        ({"token": "guessed", "email": ADA}, 404, None),
    ):
        refused = await api("VerifyOneTimeToken", json=given, expect=status)
        assert code is None or refused["code"] == f"one_time_token.{code}"
    await api("VerifyOneTimeToken", json={"token": "", "email": ADA}, expect=400)


async def test_an_ended_token_is_never_good_again(api: Api) -> None:
    token = await make(api)
    for status, expect in (("consumed", 200), ("active", 400), ("lost", 400), ("expired", 200)):
        answer = await api.send(
            "ReplaceOneTimeTokenStatus", id=token["id"], json={"status": status}
        )
        assert answer.status_code == expect, status
    await api("DeleteOneTimeToken", id=token["id"], expect=204)
    for operation in ("GetOneTimeToken", "DeleteOneTimeToken"):
        gone = await api(operation, id=token["id"], expect=404)
        assert gone["code"] == "entity.not_exists_with_id"
    body = {"status": "revoked"}
    await api("ReplaceOneTimeTokenStatus", id=token["id"], json=body, expect=404)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"email": ""},
        {"email": "x" * 129},
        {"email": ADA, "expiresIn": 0},
        {"email": ADA, "expiresIn": "soon"},
        {"email": ADA, "context": {"interactionEvent": "SignOut"}},
        {"email": ADA, "context": {"jitOrganizationIds": "acme"}},
        {"email": ADA, "context": {"jitOrganizationIds": ["x"] * 101}},
    ],
)
async def test_a_token_that_makes_no_sense_is_not_made(api: Api, wrong: dict[str, Any]) -> None:
    refused = await api("AddOneTimeTokens", json=wrong, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert await api("ListOneTimeTokens") == []
