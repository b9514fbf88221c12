"""`/api/.well-known`: what a sign-in page has to know before anybody has signed in."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.operation import EVERY_ORIGIN, Operations
from gatehouse.http.wire import JsonObject, Query, record_json
from gatehouse.storage.records import SignInExperience

operations = Operations(tags=("Well-known",), cors=EVERY_ORIGIN)

INTERNAL = ("updated_at", "email_blocklist_policy", "forgot_password_methods")
"""Settings that are nobody's business before they have signed in."""


class Whose(Query):
    """For which application or organization; all share the tenant's settings."""

    organization_id: str | None = Field(None, alias="organizationId")
    app_id: str | None = Field(None, alias="appId")


@operations.get(
    "/api/.well-known/sign-in-exp",
    "GetSignInExperienceConfig",
    query=Whose,
    response=JsonObject,
    hot=True,
)
@operations.get(
    "/api/.well-known/experience",
    "GetWellKnownExperience",
    query=Whose,
    response=JsonObject,
    hot=True,
)
async def get_sign_in_experience(call: Call[None, Whose]) -> Reply:
    """Tell a sign-in page how people sign in here."""
    return Reply(200, public_settings(await call.core.directory.sign_in_experience()))


def public_settings(settings: SignInExperience) -> dict[str, Any]:
    """The settings with what a page needs besides: connectors, and what can be recovered."""
    methods = settings.forgot_password_methods or ()
    return {
        **record_json(settings, *INTERNAL),
        "socialConnectors": [],
        "ssoConnectors": [],
        "forgotPassword": {
            "email": "EmailVerificationCode" in methods,
            "phone": "PhoneVerificationCode" in methods,
        },
        "isDevelopmentTenant": False,
        "customProfileFields": [],
    }
