"""`/api/logs`: what people did, who they were, and how it ended."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.store import read
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, View, is_yes
from gatehouse.storage.records import AuditLog
from gatehouse.storage.repository import Page as Found
from gatehouse.storage.statement import MAX_INTEGER

COUNTED = 10_000
"""Entries that are counted for a caller who is content with "more than that"."""

operations = Operations(tags=("Audit logs",), access=MANAGEMENT, cors=CONSOLE_ONLY)


def _milliseconds(text: object) -> int | None:
    """A point in time in milliseconds since the epoch; what no clock shows is brought in range."""
    try:
        number = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise PydanticCustomError("int_parsing", "Input should be milliseconds since the epoch")
    return max(-MAX_INTEGER, min(int(number), MAX_INTEGER))


Milliseconds = Annotated[
    int | None, BeforeValidator(_milliseconds), WithJsonSchema({"type": "string"})
]


class LogWindow(Page):
    """Which entries of a log; both times are included."""

    log_key: str | None = Field(None, alias="logKey")
    enable_cap: str | None = Field(None, alias="enableCap")
    start_time: Milliseconds = None
    end_time: Milliseconds = None

    def check(self) -> None:
        """Raises ApiError if the time window ends before it begins."""
        start, end = self.start_time, self.end_time
        if start is not None and end is not None and start > end:
            raise ApiError("log.invalid_time_window")

    @property
    def keys(self) -> list[str] | None:
        """The key that was asked for."""
        return [self.log_key] if self.log_key else None

    @property
    def count_limit(self) -> int | None:
        """How far to count."""
        return COUNTED + 1 if is_yes(self.enable_cap) else None


class LogList(LogWindow):
    """Which entries, of whom and of which application."""

    user_id: str | None = Field(None, alias="userId")
    application_id: str | None = Field(None, alias="applicationId")


class DeliveryView(View):
    """An entry of the log. `payload` has at least `key` and `result`."""

    id: str
    key: str
    payload: JsonObject
    created_at: int


class LogView(DeliveryView):
    """An entry of the audit log."""

    tenant_id: str


def log_page(call: Call[Any, Any], found: Found[AuditLog], view: type[DeliveryView]) -> Reply:
    """A page of entries; says so if there are more than were counted."""
    query: LogWindow = call.query
    capped = query.count_limit is not None and found.total >= query.count_limit
    views = [view.of(entry) for entry in found.items]
    return listed(call, views, found.total, query.window, capped=capped)


@operations.get("/api/logs", "ListLogs", query=LogList, response=list[LogView])
async def list_logs(call: Call[None, LogList]) -> Reply:
    """List the audit log, newest first."""
    query = call.query
    query.check()
    found = await read(
        call,
        lambda store: store.audit_logs.search(
            *bounds(query.window),
            keys=query.keys,
            user_id=query.user_id or None,
            application_id=query.application_id or None,
            since=query.start_time,
            until=query.end_time,
            count_limit=query.count_limit,
        ),
    )
    return log_page(call, found, LogView)


@operations.get("/api/logs/{id}", "GetLog", response=LogView, statuses=(404,))
async def get_log(call: Call) -> LogView:
    """Read one entry of the log."""
    return LogView.of(await read(call, lambda store: store.audit_logs.get(call.path["id"])))
