"""`/api/account-center`: what people may see and change of their own accounts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatehouse.actors.account_center import (
    AccountCenter,
    change_account_center,
    stored_account_center,
)
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.sign_in_exp import existing_fields
from gatehouse.http.logto.management.store import Store, write
from gatehouse.http.operation import EVERY_ORIGIN, Operations
from gatehouse.http.wire import Maybe, Url, Wire, empty_is_null

operations = Operations(tags=("Account center",), access=MANAGEMENT, cors=CONSOLE_ONLY)
well_known = Operations(tags=("Well-known",), cors=EVERY_ORIGIN)

MAX_ORIGINS = 100
"""Origins that share passkeys; browsers stop reading long before (WebAuthn Level 3 §5.11)."""
MAX_PROFILE_FIELDS = 100
MAX_CSS = 128 * 1024
"""Characters of a style sheet."""

Control = Literal["Off", "ReadOnly", "Edit"]


def _web_page(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise PydanticCustomError("url_scheme", "Input should be a web page's URL")
    return url


WebPage = Annotated[Url, AfterValidator(_web_page)]


class Fields(Wire):
    """What the owner of an account may do with its fields."""

    name: Maybe[Control] = None
    avatar: Maybe[Control] = None
    profile: Maybe[Control] = None
    email: Maybe[Control] = None
    phone: Maybe[Control] = None
    password: Maybe[Control] = None
    username: Maybe[Control] = None
    social: Maybe[Control] = None
    custom_data: Maybe[Control] = None
    mfa: Maybe[Control] = None
    passkey: Maybe[Control] = None
    session: Maybe[Control] = None


class ProfileField(Wire):
    """A custom profile field to show."""

    name: Annotated[str, Field(max_length=128)]


class AccountCenterPatch(Wire):
    """What can be changed; `fields` are replaced as a whole."""

    enabled: Maybe[bool] = None
    fields: Maybe[Fields] = None
    webauthn_related_origins: Maybe[
        Annotated[list[Annotated[str, Field(max_length=2048)]], Field(max_length=MAX_ORIGINS)]
    ] = None
    delete_account_url: Annotated[WebPage | None, empty_is_null] = None
    custom_css: Annotated[str, Field(max_length=MAX_CSS)] | None = None
    profile_fields: Annotated[list[ProfileField], Field(max_length=MAX_PROFILE_FIELDS)] | None = (
        None
    )


class AccountCenterView(Wire):
    """The setting."""

    tenant_id: str
    id: str
    enabled: bool
    fields: Fields
    webauthn_related_origins: list[str]
    delete_account_url: str | None
    custom_css: str | None
    profile_fields: list[ProfileField] | None


def _view(call: Call[Any, Any], setting: AccountCenter) -> AccountCenterView:
    shown = msgspec.to_builtins(setting, builtin_types=())
    return AccountCenterView.model_validate(
        {"tenantId": call.core.tenant_id, "id": "default", **shown}, strict=False
    )


@operations.get("/api/account-center", "GetAccountCenterSettings", response=AccountCenterView)
async def get_settings(call: Call) -> AccountCenterView:
    """Read what people may do with their own accounts."""
    return _view(call, await call.core.db.read(stored_account_center, call.core.tenant_id))


@operations.patch(
    "/api/account-center",
    "UpdateAccountCenterSettings",
    body=AccountCenterPatch,
    response=AccountCenterView,
)
async def update_settings(call: Call[AccountCenterPatch]) -> AccountCenterView:
    """Change what people may do with their own accounts; of profile fields, those there are."""
    changes = call.body.as_json()
    if origins := changes.get("webauthnRelatedOrigins"):
        changes["webauthnRelatedOrigins"] = list(dict.fromkeys(origins))

    def change(store: Store) -> AccountCenter:
        if wanted := changes.get("profileFields"):
            changes["profileFields"] = existing_fields(store, wanted)
        return change_account_center(store.configs.tx, store.tenant_id, changes)

    return _view(call, await write(call, change))


@well_known.get(
    "/api/.well-known/account-center", "GetWellKnownAccountCenter", response=AccountCenterView
)
async def get_public_settings(call: Call) -> AccountCenterView:
    """Tell an account page what it may offer."""
    return _view(call, await call.core.directory.account_center())
