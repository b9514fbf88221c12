"""`/api/configs/admin-console`: what a console remembers about having guided its operator."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Wire

operations = Operations(tags=("Configs",), access=MANAGEMENT, cors=CONSOLE_ONLY)

CONFIG = "adminConsole"
"""Under which name it is stored."""

_DEFAULTS: JsonObject = {"signInExperienceCustomized": False, "organizationCreated": False}


class MigrationNotification(Wire):
    """That a tenant came out of development. `readAt` is in milliseconds."""

    is_paid_tenant: bool
    tag: Annotated[str, Field(max_length=256)]
    read_at: Maybe[float] = None


class ChargeNotification(Wire):
    """Which notices about charges were read."""

    token: Maybe[bool] = None
    api_resource: Maybe[bool] = None
    machine_to_machine_app: Maybe[bool] = None
    tenant_member: Maybe[bool] = None


class ConsolePatch(Wire):
    """What is to be remembered."""

    sign_in_experience_customized: Maybe[bool] = None
    organization_created: Maybe[bool] = None
    development_tenant_migration_notification: Maybe[MigrationNotification] = None
    checked_charge_notification: Maybe[ChargeNotification] = None


@operations.get("/api/configs/admin-console", "GetAdminConsoleConfig", response=JsonObject)
async def get_console(call: Call) -> Reply:
    """Tell what the console remembers."""
    return Reply(200, await read(call, _remembered))


@operations.patch(
    "/api/configs/admin-console",
    "UpdateAdminConsoleConfig",
    body=ConsolePatch,
    response=JsonObject,
)
async def update_console(call: Call[ConsolePatch]) -> Reply:
    """Change what the console remembers; what is not sent stays."""
    changes = call.body.as_json()

    def change(store: Store) -> dict[str, Any]:
        store.configs.put(CONFIG, _remembered(store) | changes)
        return _remembered(store)

    return Reply(200, await write(call, change))


def _remembered(store: Store) -> dict[str, Any]:
    stored = store.configs.find(CONFIG)
    return _DEFAULTS | (stored.value if stored else {})
