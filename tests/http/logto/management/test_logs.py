"""The audit log as operators read it."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.http.logto.management import logs
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.records import AuditLog
from gatehouse.storage.transaction import Transaction
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server

SIGN_IN = "Interaction.SignIn.Submit"
REGISTER = "Interaction.Register.Submit"


async def keep(server: Server, number: int, key: str = SIGN_IN, **more: Any) -> None:
    """Have something in the log that happened at `number`."""
    payload = {"key": key, "result": "Success", **more}
    entry = AuditLog(
        id=f"log{number}",
        key=key,
        payload=payload,
        user_id=more.get("userId"),
        application_id=more.get("applicationId"),
        hook_id=more.get("hookId"),
        created_at=number,
    )

    def write(tx: Transaction) -> None:
        AuditLogs(tx, TENANT).record(entry)

    await server.core.db.write(write)


@BOTH_DATABASES
async def test_the_log_is_read_newest_first_and_narrowed(server: Server, api: Api) -> None:
    await keep(server, 1, userId="ada", applicationId="shop")
    await keep(server, 2, REGISTER, userId="ada")
    await keep(server, 3, userId="bob", applicationId="shop")

    async def ids(**query: str) -> list[str]:
        return [entry["id"] for entry in await api("ListLogs", query=query)]

    assert await ids() == ["log3", "log2", "log1"]
    assert await ids(userId="ada") == ["log2", "log1"]
    assert await ids(applicationId="shop", userId="ada") == ["log1"]
    assert await ids(logKey=REGISTER) == ["log2"]
    assert await ids(start_time="2") == ["log3", "log2"]
    assert await ids(end_time="2") == ["log2", "log1"]
    assert await ids(start_time="0", end_time="1e300") == ["log3", "log2", "log1"]
    assert await ids(page="2", page_size="2") == ["log1"]
    assert await ids(logKey="Unheard.Of") == []


async def test_one_entry_is_read(server: Server, api: Api) -> None:
    await keep(server, 1, userId="ada")
    entry = await api("GetLog", id="log1")
    assert entry["payload"] == {"key": SIGN_IN, "result": "Success", "userId": "ada"}
    assert (await api("GetLog", id="none", expect=404))["code"] == "entity.not_exists_with_id"


async def test_deliveries_of_webhooks_are_not_what_people_did(server: Server, api: Api) -> None:
    await keep(server, 1, "TriggerHook.PostSignIn", hookId="hook")
    assert await api("ListLogs") == []
    assert (await api("GetLog", id="log1"))["payload"]["hookId"] == "hook"


@BOTH_DATABASES
async def test_counting_stops_where_the_caller_is_content(
    server: Server, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "COUNTED", 2)
    for number in range(1, 6):
        await keep(server, number)
    capped = await api.send("ListLogs", query={"enableCap": "true", "page_size": "1"})
    assert capped.headers["total-number"] == "3"
    assert capped.headers["total-number-is-capped"] == "true"
    assert 'rel="last"' not in capped.headers["link"]
    whole = await api.send("ListLogs", query={"page_size": "1"})
    assert whole.headers["total-number"] == "5"
    assert "total-number-is-capped" not in whole.headers


@pytest.mark.parametrize("time", ["yesterday", "inf", ""])
async def test_a_time_is_a_number_of_milliseconds(api: Api, time: str) -> None:
    refused = await api("ListLogs", query={"start_time": time}, expect=400)
    assert refused["code"] == "guard.invalid_input"


async def test_a_time_window_ends_after_it_begins(api: Api) -> None:
    query = {"start_time": "2", "end_time": "1"}
    refused = await api("ListLogs", query=query, expect=400)
    assert refused["code"] == "log.invalid_time_window"
