"""`/api/dashboard`: how many people there are, how many came, how many were active.

Days begin at midnight UTC. Somebody is active on a day on which they receive a token.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import Store, read
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Query, Wire
from gatehouse.storage.census import day_of

operations = Operations(tags=("Dashboard",), access=MANAGEMENT, cors=CONSOLE_ONLY)

WEEK = 7
MONTH = 30
EPOCH = date(1970, 1, 1).toordinal()


def _day(text: str) -> str:
    try:
        if date.fromisoformat(text).year > 1970:
            return text
    except ValueError:
        pass
    raise PydanticCustomError("date_parsing", "Input should be a date after 1970")


class ActiveUsers(Query):
    """Until which day; today unless it is given."""

    date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}){2}$"), AfterValidator(_day)] | None = None


class Total(Wire):
    """How many people there are."""

    total_user_count: int


class Count(Wire):
    """A number, and how much higher it is than that of the period before."""

    count: int
    delta: int


class NewUserCounts(Wire):
    """How many people came."""

    today: Count
    last_7_days: Count = Field(alias="last7Days")


class DayCount(Wire):
    """The number of a day."""

    date: str
    count: int


class ActiveUserCounts(Wire):
    """How many people were active: by day, and in the day, the week and the month that end then."""

    dau_curve: list[DayCount]
    dau: Count
    wau: Count
    mau: Count


@operations.get("/api/dashboard/users/total", "GetTotalUserCount", response=Total)
async def total_users(call: Call) -> Total:
    """Count the users."""
    return Total(total_user_count=await read(call, lambda store: store.census.total()))


@operations.get("/api/dashboard/users/new", "GetNewUserCounts", response=NewUserCounts)
async def new_users(call: Call) -> NewUserCounts:
    """Count the users who came today and in the last seven days."""
    today = day_of(call.core.clock())

    def count(store: Store) -> NewUserCounts:
        new = store.census.new
        return NewUserCounts(
            today=_compared(new(today, today), new(today - 1, today - 1)),
            last_7_days=_compared(
                new(today - WEEK + 1, today), new(today - 2 * WEEK + 1, today - WEEK)
            ),
        )

    return await read(call, count)


@operations.get(
    "/api/dashboard/users/active",
    "GetActiveUserCounts",
    query=ActiveUsers,
    response=ActiveUserCounts,
)
async def active_users(call: Call[None, ActiveUsers]) -> ActiveUserCounts:
    """Count the users who were active, by day, week and month."""
    asked = call.query.date
    last = day_of(call.core.clock()) if asked is None else _day_number(asked)

    def count(store: Store) -> ActiveUserCounts:
        active = store.census.active
        by_day = store.census.active_by_day(last - MONTH + 1, last)
        curve = [
            DayCount(date=_date(day), count=by_day.get(day, 0))
            for day in range(last - MONTH + 1, last + 1)
        ]
        return ActiveUserCounts(
            dau_curve=curve,
            dau=_compared(by_day.get(last, 0), by_day.get(last - 1, 0)),
            wau=_compared(active(last - WEEK + 1, last), active(last - 2 * WEEK + 1, last - WEEK)),
            mau=_compared(
                active(last - MONTH + 1, last), active(last - 2 * MONTH + 1, last - MONTH)
            ),
        )

    return await read(call, count)


def _compared(now: int, before: int) -> Count:
    return Count(count=now, delta=now - before)


def _day_number(text: str) -> int:
    return date.fromisoformat(text).toordinal() - EPOCH


def _date(day: int) -> str:
    return date.fromordinal(day + EPOCH).isoformat()
