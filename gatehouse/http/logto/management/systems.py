"""`/api/systems` and `/api/sentinel-activities`: the installation, and lifting its lockouts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.actors import lockout
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Wire

operations = Operations(tags=("Systems",), access=MANAGEMENT, cors=CONSOLE_ONLY)

MAX_TARGETS = 100
"""Names whose lockouts are lifted by one request."""


class ProtectedApps(Wire):
    """Where protected applications are reached."""

    default_domain: str


class ApplicationConfig(Wire):
    """What the installation says about its applications."""

    protected_apps: ProtectedApps


class Targets(Wire):
    """Whose lockouts to lift: usernames, addresses, phone numbers, ids of users."""

    target_type: Literal["User", "App"]
    targets: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=MAX_TARGETS)]


@operations.get(
    "/api/systems/application",
    "GetSystemApplicationConfig",
    response=ApplicationConfig,
    statuses=(501,),
)
async def get_application_config(call: Call) -> ApplicationConfig:
    """Tell under which domain protected applications are reached."""
    domain = call.core.protected_app_domain
    if domain is None:
        raise ApiError("application.protected_app_not_configured", status=501)
    return ApplicationConfig(protected_apps=ProtectedApps(default_domain=domain))


@operations.post(
    "/api/sentinel-activities/delete",
    "DeleteSentinelActivities",
    tags=("Sentinel activities",),
    body=Targets,
    status=204,
)
async def delete_activities(call: Call[Targets]) -> None:
    """Forget the failures of these names: those that are locked out may try again at once."""
    if call.body.target_type == "User":
        for target in call.body.targets:
            await lockout.lift(call.core, target)
