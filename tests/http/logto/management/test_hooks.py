"""Webhooks: how they are configured, and what arrives at a real receiver."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES
from tests.servers.receiver import Receiver, open_receiver
from tests.servers.requests import Received


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver


async def a_hook(api: Api, receiver: Receiver, *events: str, **more: Any) -> dict[str, Any]:
    body = {"name": "mine", "events": list(events), "config": {"url": receiver.url}, **more}
    made: dict[str, Any] = await api("CreateHook", json=body, expect=201)
    return made


async def logs_of(api: Api, hook: dict[str, Any], at_least: int) -> list[dict[str, Any]]:
    """The log of a hook once it has so many entries, oldest first."""
    found: list[dict[str, Any]] = []
    with trio.fail_after(60):
        while len(found) < at_least:
            await trio.sleep(0.05)
            found = await api("ListHookRecentLogs", id=hook["id"])
    return found[::-1]


def check_signature(request: Received, hook: dict[str, Any]) -> None:
    expected = hmac.new(hook["signingKey"].encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["logto-signature-sha-256"] == expected


@BOTH_DATABASES
async def test_a_hook_is_created_read_changed_and_deleted(api: Api, receiver: Receiver) -> None:
    hook = await a_hook(api, receiver, "PostSignIn", "User.Created", "PostSignIn")
    assert hook["events"] == ["PostSignIn", "User.Created"]
    assert (hook["enabled"], hook["event"]) == (True, None)
    assert await api("GetHook", id=hook["id"]) == hook
    assert await api("ListHooks") == [hook]
    config = {"url": "https://hooks.example", "headers": {"x-key": "k"}, "retries": 2}
    changes = {"name": "ours", "events": ["Role.Created"], "config": config, "enabled": False}
    changed = await api("UpdateHook", id=hook["id"], json=changes)
    assert changed == {**hook, **changes}
    rotated = await api("UpdateHookSigningKey", id=hook["id"])
    assert rotated["signingKey"] != hook["signingKey"]
    assert await api("GetHook", id=hook["id"]) == rotated
    await api("DeleteHook", id=hook["id"], expect=204)
    assert (await api("GetHook", id=hook["id"], expect=404))["code"] == "entity.not_exists_with_id"
    await api("DeleteHook", id=hook["id"], expect=404)
    await api("UpdateHook", id=hook["id"], json={}, expect=404)
    await api("UpdateHookSigningKey", id=hook["id"], expect=404)


async def test_hooks_are_listed_in_pages(api: Api, receiver: Receiver) -> None:
    for _ in range(3):
        await a_hook(api, receiver, "PostSignIn")
    page = await api.send("ListHooks", query={"page": "2", "page_size": "2"})
    assert len(page.json()) == 1
    assert page.headers["total-number"] == "3"


async def test_a_hook_listens_to_something(api: Api) -> None:
    config = {"url": "https://hooks.example"}
    refused = await api("CreateHook", json={"config": config}, expect=400)
    assert refused["code"] == "hook.missing_events"
    old = await api("CreateHook", json={"config": config, "event": "PostSignIn"}, expect=201)
    assert (old["event"], old["events"]) == ("PostSignIn", [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": []},
        {"events": ["User.Vanished"]},
        {"name": ""},
        {"config": {}},
        {"config": {"url": "https://a.example", "headers": {"bad name": "x"}}},
        {"config": {"url": "https://a.example", "headers": {"x": "a\r\nb: c"}}},
        {"config": {"url": "https://a.example", "retries": 4}},
    ],
)
async def test_a_hook_that_cannot_be_is_refused(
    api: Api, receiver: Receiver, wrong: dict[str, Any]
) -> None:
    body = {"events": ["PostSignIn"], "config": {"url": "https://a.example"}, **wrong}
    assert (await api("CreateHook", json=body, expect=400))["code"] == "guard.invalid_input"
    hook = await a_hook(api, receiver, "PostSignIn")
    refused = await api("UpdateHook", id=hook["id"], json=wrong, expect=400)
    assert refused["code"] == "guard.invalid_input"


@BOTH_DATABASES
async def test_a_change_of_data_reaches_who_listens(api: Api, receiver: Receiver) -> None:
    hook = await a_hook(
        api,
        receiver,
        "User.Created",
        "User.Deleted",
        config={
            "url": receiver.url,
            "headers": {"Authorization": "Bearer 1", "Content-Length": "1", "Host": "elsewhere"},
        },
    )
    silent = await a_hook(api, receiver, "User.Created", enabled=False)
    user = await api("CreateUser", json={"username": "ada", "password": "correct-9-horse"})
    request = await receiver.next()
    check_signature(request, hook)
    assert request.headers["authorization"] == "Bearer 1"
    assert request.headers["host"] in receiver.url
    told = request.json
    assert (told["event"], told["hookId"]) == ("User.Created", hook["id"])
    assert told["params"] == {"userId": user["id"]}
    assert told["data"]["username"] == "ada"
    assert not any("password" in name.lower() for name in told["data"])
    await api("UpdateUser", userId=user["id"], json={"name": "Ada"})
    await api("DeleteUser", userId=user["id"])
    gone = (await receiver.next()).json
    assert (gone["event"], gone["data"]) == ("User.Deleted", {"id": user["id"]})
    logs = await logs_of(api, hook, 2)
    assert [log["key"] for log in logs] == ["TriggerHook.User.Created", "TriggerHook.User.Deleted"]
    payload = logs[0]["payload"]
    assert payload["result"] == "Success"
    assert payload["hookRequest"]["body"] == told
    assert payload["response"] == {"statusCode": 200, "body": "taken"}
    stats = (await api("GetHook", id=hook["id"], query={"includeExecutionStats": "true"}))[
        "executionStats"
    ]
    assert stats == {"successCount": 2, "requestCount": 2}
    listed = await api("ListHooks", query={"includeExecutionStats": "true"})
    assert {one["id"]: one["executionStats"]["requestCount"] for one in listed} == {
        hook["id"]: 2,
        silent["id"]: 0,
    }


async def test_every_kind_of_data_is_told(api: Api, receiver: Receiver) -> None:
    await a_hook(
        api,
        receiver,
        "Role.Scopes.Updated",
        "Scope.Created",
        "User.SuspensionStatus.Updated",
        "User.Data.Updated",
    )
    shop = await api("CreateResource", json={"name": "Shop", "indicator": "https://shop.example"})
    scope = await api("CreateResourceScope", resourceId=shop["id"], json={"name": "read"})
    told = (await receiver.next()).json
    assert (told["event"], told["data"]["name"]) == ("Scope.Created", "read")
    role = await api("CreateRole", json={"name": "reader", "description": "Reads"})
    await api("CreateRoleScope", id=role["id"], json={"scopeIds": [scope["id"]]})
    told = (await receiver.next()).json
    assert told["params"] == {"id": role["id"]}
    assert [one["id"] for one in told["data"]] == [scope["id"]]
    user = await api("CreateUser", json={"username": "ada"})
    path = {"userId": user["id"]}
    await api("UpdateUserIsSuspended", **path, json={"isSuspended": True})
    told = (await receiver.next()).json
    assert told["event"] == "User.SuspensionStatus.Updated"
    assert told["data"]["isSuspended"] is True
    await api("UpdateUserPassword", **path, json={"password": "correct-9-horse"})
    assert (await receiver.next()).json["event"] == "User.Data.Updated"


async def test_what_fails_is_tried_again_unchanged(api: Api, receiver: Receiver) -> None:
    receiver.answers = [503]
    hook = await a_hook(api, receiver, "Role.Created")
    await api("CreateRole", json={"name": "reader", "description": "Reads"})
    first, second = await receiver.next(), await receiver.next()
    assert first.body == second.body
    assert first.headers["gatehouse-delivery"] == second.headers["gatehouse-delivery"]
    logs = await logs_of(api, hook, 2)
    assert [log["payload"]["result"] for log in logs] == ["Error", "Success"]
    assert logs[0]["payload"]["response"]["statusCode"] == 503
    since = str(logs[1]["createdAt"])
    later = await api("ListHookRecentLogs", id=hook["id"], query={"start_time": since})
    assert [log["id"] for log in later] == [logs[1]["id"]]


async def test_what_is_refused_for_good_is_not_tried_again(api: Api, receiver: Receiver) -> None:
    receiver.answers = [403]
    hook = await a_hook(api, receiver, "Role.Created")
    nowhere = await a_hook(api, receiver, "Role.Created", config={"url": "not a url"})
    await api("CreateRole", json={"name": "reader", "description": "Reads"})
    (log,) = await logs_of(api, hook, 1)
    assert log["payload"]["error"] == "the endpoint answered 403"
    (log,) = await logs_of(api, nowhere, 1)
    assert log["payload"]["error"] == "only http and https URLs are called"
    await receiver.next()
    assert await receiver.silent(2.5)


async def test_recent_logs_have_a_time_window(api: Api, receiver: Receiver) -> None:
    hook = await a_hook(api, receiver, "Role.Created")
    query = {"start_time": "2", "end_time": "1"}
    refused = await api("ListHookRecentLogs", id=hook["id"], query=query, expect=400)
    assert refused["code"] == "log.invalid_time_window"


async def test_an_example_of_each_event_is_sent(api: Api, receiver: Receiver) -> None:
    hook = await a_hook(api, receiver, "PostSignIn")
    events = ["PostSignIn", "User.Created", "Identifier.Lockout"]
    body = {"events": events, "config": {"url": receiver.url}}
    await api("CreateHookTest", id=hook["id"], json=body, expect=204)
    requests = [await receiver.next() for _ in events]
    assert sorted(request.json["event"] for request in requests) == sorted(events)
    for request in requests:
        check_signature(request, hook)
    assert await api("ListHookRecentLogs", id=hook["id"]) == []


async def test_a_test_says_what_went_wrong(api: Api, receiver: Receiver) -> None:
    hook = await a_hook(api, receiver, "PostSignIn")

    async def try_at(url: str, expect: int, id: str = hook["id"]) -> dict[str, Any]:
        body = {"events": ["PostSignIn"], "config": {"url": url}}
        answer: dict[str, Any] = await api("CreateHookTest", id=id, json=body, expect=expect)
        return answer

    receiver.answers = [500]
    refused = await try_at(receiver.url, 422)
    assert refused["code"] == "hook.endpoint_responded_with_error"
    assert refused["data"] == {"responseStatus": 500, "responseBody": "taken"}
    refused = await try_at("http://127.0.0.1:1/", 422)
    assert refused["code"] == "hook.send_test_payload_failed"
    assert (await try_at(receiver.url, 404, "none"))["code"] == "entity.not_exists_with_id"
    body = {"events": [], "config": {"url": receiver.url}}
    await api("CreateHookTest", id=hook["id"], json=body, expect=400)
