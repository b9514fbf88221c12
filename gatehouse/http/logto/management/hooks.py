"""`/api/hooks`: webhooks, the keys of their signatures, and how their deliveries went."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec
import trio
from pydantic import AfterValidator, Field

from gatehouse.actors.outbound import Answer, OutboundError
from gatehouse.actors.webhooks import send
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.hook_samples import sample_payload
from gatehouse.http.logto.management.logs import DeliveryView, LogWindow, log_page
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, View, Wire, is_yes
from gatehouse.storage.census import DAY_MS
from gatehouse.storage.hooks import new_signing_key
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import Hook

operations = Operations(tags=("Hooks",), access=MANAGEMENT, cors=CONSOLE_ONLY)

MAX_HEADERS = 32
TESTS_AT_ONCE = 8
TEST_DEADLINE = 60.0
"""Seconds for a test: every event one after the other, each within the bounds of a request."""

HookEvent = Literal[
    "PostRegister",
    "PostSignIn",
    "PostSignInAdaptiveMfaTriggered",
    "PostResetPassword",
    "User.Created",
    "User.Deleted",
    "User.Data.Updated",
    "User.SuspensionStatus.Updated",
    "Role.Created",
    "Role.Deleted",
    "Role.Data.Updated",
    "Role.Scopes.Updated",
    "Scope.Created",
    "Scope.Deleted",
    "Scope.Data.Updated",
    "Organization.Created",
    "Organization.Deleted",
    "Organization.Data.Updated",
    "Organization.Membership.Updated",
    "OrganizationRole.Created",
    "OrganizationRole.Deleted",
    "OrganizationRole.Data.Updated",
    "OrganizationRole.Scopes.Updated",
    "OrganizationScope.Created",
    "OrganizationScope.Deleted",
    "OrganizationScope.Data.Updated",
    "Identifier.Lockout",
    "Message.RateLimited",
    "Grant.LimitExceeded",
]

Name = Annotated[str, Field(min_length=1, max_length=256)]
Events = Annotated[
    list[HookEvent],
    Field(min_length=1, max_length=4 * len(get_args(HookEvent))),
    AfterValidator(lambda events: list(dict.fromkeys(events))),
]
HeaderName = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
]
HeaderValue = Annotated[str, Field(max_length=2048, pattern=r"^[\x20-\x7e]*$")]


class HookConfig(Wire):
    """Where a webhook goes, and with which headers (RFC 9110, 5.1 and 5.5)."""

    url: Annotated[str, Field(max_length=2048)]
    headers: Maybe[Annotated[dict[HeaderName, HeaderValue], Field(max_length=MAX_HEADERS)]] = None
    retries: Maybe[Annotated[float, Field(ge=0, le=3)]] = None


class NewHook(Wire):
    """A webhook to create."""

    name: Maybe[Name] = None
    event: Maybe[HookEvent] = None
    events: Maybe[Events] = None
    config: HookConfig
    enabled: Maybe[bool] = None


class HookPatch(Wire):
    """What can be changed of a webhook."""

    name: Maybe[Name] = None
    event: HookEvent | None = None
    events: Maybe[Events] = None
    config: Maybe[HookConfig] = None
    enabled: Maybe[bool] = None


class HookTest(Wire):
    """Which events to try, and where."""

    events: Events
    config: HookConfig


class ExecutionStats(Wire):
    """Requests of the last 24 hours, and how many of them succeeded."""

    success_count: int
    request_count: int


class HookView(View):
    """A webhook. `executionStats` is there if it was asked for."""

    tenant_id: str
    id: str
    name: str
    event: HookEvent | None
    events: list[HookEvent]
    config: JsonObject
    signing_key: str
    enabled: bool
    created_at: int
    execution_stats: ExecutionStats | None = None


class HookQuery(Page):
    """What to tell of each webhook."""

    include_execution_stats: str | None = Field(None, alias="includeExecutionStats")

    def view(self, store: Store, hook: Hook) -> HookView:
        """A webhook with what was asked for."""
        if not is_yes(self.include_execution_stats):
            return hook_view(hook)
        succeeded, sent = store.hooks.stats(hook.id, store.now - DAY_MS)
        stats = ExecutionStats(success_count=succeeded, request_count=sent)
        return hook_view(hook, execution_stats=stats)


def hook_view(hook: Hook, **more: Any) -> HookView:
    """A webhook as this API shows it."""
    return HookView.of(hook, **more)


@operations.get("/api/hooks", "ListHooks", query=HookQuery, response=list[HookView])
async def list_hooks(call: Call[None, HookQuery]) -> Reply:
    """List webhooks, newest first."""
    window = call.query.asked

    def look(store: Store) -> tuple[list[HookView], int]:
        page = store.hooks.page(*bounds(window))
        return [call.query.view(store, hook) for hook in page.items], page.total

    views, total = await read(call, look)
    return listed(call, views, total, window)


@operations.post("/api/hooks", "CreateHook", body=NewHook, response=HookView, status=201)
async def create_hook(call: Call[NewHook]) -> Reply:
    """Create a webhook, with a key for its signatures."""
    given = _columns(call.body)
    if not (given.get("events") or given.get("event")):
        raise ApiError("hook.missing_events")
    hook = Hook(signing_key=new_signing_key(), **given)
    return Reply(201, hook_view(await write(call, lambda store: store.hooks.create(hook))))


@operations.get("/api/hooks/{id}", "GetHook", query=HookQuery, response=HookView, statuses=(404,))
async def get_hook(call: Call[None, HookQuery]) -> HookView:
    """Read a webhook."""
    return await read(call, lambda store: call.query.view(store, store.hooks.get(call.path["id"])))


@operations.patch(
    "/api/hooks/{id}", "UpdateHook", body=HookPatch, response=HookView, statuses=(404,)
)
async def update_hook(call: Call[HookPatch]) -> HookView:
    """Change a webhook; a new `config` replaces the old one as a whole."""
    changes = _columns(call.body)
    return hook_view(
        await write(call, lambda store: store.hooks.update(call.path["id"], **changes))
    )


@operations.delete("/api/hooks/{id}", "DeleteHook", statuses=(404,))
async def delete_hook(call: Call) -> None:
    """Delete a webhook; what is still on its way to it is dropped."""
    await write(call, lambda store: store.hooks.delete(call.path["id"]))


@operations.patch(
    "/api/hooks/{id}/signing-key", "UpdateHookSigningKey", response=HookView, statuses=(404,)
)
async def rotate_signing_key(call: Call) -> HookView:
    """Sign with a new key from now on, also what is tried again."""
    key = new_signing_key()
    return hook_view(
        await write(call, lambda store: store.hooks.update(call.path["id"], signing_key=key))
    )


@operations.get(
    "/api/hooks/{id}/recent-logs",
    "ListHookRecentLogs",
    query=LogWindow,
    response=list[DeliveryView],
)
async def list_recent_logs(call: Call[None, LogWindow]) -> Reply:
    """List the deliveries of a webhook, newest first: of 24 hours, unless a time is given."""
    query = call.query
    query.check()
    since = query.start_time
    if since is None and query.end_time is None:
        since = call.core.clock() - DAY_MS
    found = await read(
        call,
        lambda store: store.audit_logs.search(
            *bounds(query.window),
            keys=query.keys,
            hook_id=call.path["id"],
            since=since,
            until=query.end_time,
            count_limit=query.count_limit,
        ),
    )
    return log_page(call, found, DeliveryView)


@operations.post(
    "/api/hooks/{id}/test",
    "CreateHookTest",
    body=HookTest,
    statuses=(404, 422),
    deadline=TEST_DEADLINE,
)
async def test_hook(call: Call[HookTest]) -> None:
    """Send an example of each event to an address, signed with the webhook's key."""
    hook = await read(call, lambda store: store.hooks.get(call.path["id"]))
    config = call.body.config.as_json()
    limit = trio.CapacityLimiter(TESTS_AT_ONCE)
    outcomes: list[Answer | OutboundError] = []

    async def try_one(event: str) -> None:
        body = msgspec.json.encode(sample_payload(hook.id, event, call.core.clock()))
        async with limit:
            try:
                outcomes.append(
                    await send(call.core, config, hook.signing_key, body, f"test-{new_id()}")
                )
            except OutboundError as error:
                outcomes.append(error)

    async with trio.open_nursery() as nursery:
        for event in call.body.events:
            nursery.start_soon(try_one, event)
    for outcome in outcomes:
        if isinstance(outcome, OutboundError):
            raise ApiError("hook.send_test_payload_failed", params={"reason": outcome})
        if not outcome.succeeded:
            raise ApiError(
                "hook.endpoint_responded_with_error",
                data={"responseStatus": outcome.status, "responseBody": outcome.text},
            )


def _columns(body: NewHook | HookPatch) -> dict[str, Any]:
    """What was sent, as fields of the record."""
    given = body.given()
    if body.config is not None:
        given["config"] = body.config.as_json()
    return given
