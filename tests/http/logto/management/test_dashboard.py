"""The numbers of the dashboard."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import trio

from gatehouse.storage.census import DAY_MS, Census, day_of
from gatehouse.storage.records import User
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server


@BOTH_DATABASES
async def test_people_are_counted_by_when_they_came(server: Server, api: Api) -> None:
    now = server.core.clock()
    demo = (await api("GetTotalUserCount"))["totalUserCount"]

    def come(tx: Transaction) -> None:
        for number, age in enumerate((0, 1, 1, 6, 7, 13, 14)):
            user = User(username=f"u{number}", created_at=now - age * DAY_MS)
            Users(tx, TENANT).create(user)

    await server.core.db.write(come)
    assert await api("GetTotalUserCount") == {"totalUserCount": demo + 7}
    new = await api("GetNewUserCounts")
    assert new["today"] == {"count": demo + 1, "delta": demo + 1 - 2}
    assert new["last7Days"] == {"count": demo + 4, "delta": demo + 4 - 2}


@BOTH_DATABASES
async def test_people_are_active_once_a_day(server: Server, api: Api) -> None:
    last = day_of(server.core.clock())
    seen = [
        *((last, name) for name in ("ada", "bob", "ada")),
        *((last - age, "ada") for age in (1, 3, 7, 29, 30)),
        (last - 8, "eve"),
    ]

    def note(tx: Transaction) -> None:
        Census(tx, TENANT).note_active(seen)

    await server.core.db.write(note)
    counts = await api("GetActiveUserCounts")
    assert counts["dau"] == {"count": 2, "delta": 1}
    assert counts["wau"] == {"count": 2, "delta": 0}
    assert counts["mau"] == {"count": 3, "delta": 2}
    curve = counts["dauCurve"]
    assert len(curve) == 30
    today = date.fromisoformat(curve[-1]["date"])
    assert today.toordinal() - date(1970, 1, 1).toordinal() == last
    assert [day["count"] for day in curve[-4:]] == [1, 0, 1, 2]
    yesterday = (today - timedelta(days=1)).isoformat()
    assert (await api("GetActiveUserCounts", query={"date": yesterday}))["dau"]["count"] == 1


async def test_who_was_seen_is_counted_a_moment_later(server: Server, api: Api) -> None:
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    for _ in range(3):
        server.core.activity.saw(user)
    counted = 0
    with trio.fail_after(30):
        while not counted:
            await trio.sleep(0.1)
            counted = (await api("GetActiveUserCounts"))["dau"]["count"]
    assert counted == 1


@pytest.mark.parametrize("day", ["today", "2024-13-01", "2024-02-30", "0001-01-01", "20240101"])
async def test_a_day_is_a_date(api: Api, day: str) -> None:
    refused = await api("GetActiveUserCounts", query={"date": day}, expect=400)
    assert refused["code"] == "guard.invalid_input"
