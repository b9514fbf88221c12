"""`/api/my-account`: what the owner sees of an account, and its plainer fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.actors import own_account
from gatehouse.actors.account_center import AccountCenter
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.account.access import (
    AnyCall,
    account_of,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified,
    check_verified_if_possible,
    person_of,
)
from gatehouse.http.logto.management.users import Name, Profile, Username
from gatehouse.http.wire import JsonObject, Maybe, Url, Wire, record_json
from gatehouse.storage.records import User

operations = account_operations()

_SHOWN: tuple[tuple[str, str, str | None], ...] = (
    ("username", "profile", "username"),
    ("name", "profile", "name"),
    ("avatar", "profile", "avatar"),
    ("primary_email", "email", "email"),
    ("primary_phone", "phone", "phone"),
    ("custom_data", "custom_data", "custom_data"),
    ("identities", "identities", "social"),
    ("last_sign_in_at", "profile", None),
    ("created_at", "profile", None),
    ("updated_at", "profile", None),
    ("application_id", "profile", None),
    ("cimd_client_id", "profile", None),
    ("is_suspended", "profile", None),
)
"""What is shown of a user: the column, the scope it takes, the control that may hide it."""


class AccountView(Wire):
    """An account as an application of its owner sees it: what scopes and tenant allow."""

    id: str
    username: str | None = None
    primary_email: str | None = None
    primary_phone: str | None = None
    name: str | None = None
    avatar: str | None = None
    custom_data: Maybe[JsonObject] = None
    identities: Maybe[JsonObject] = None
    last_sign_in_at: int | None = None
    created_at: Maybe[int] = None
    updated_at: Maybe[int] = None
    profile: Maybe[JsonObject] = None
    application_id: str | None = None
    cimd_client_id: str | None = None
    is_suspended: Maybe[bool] = None
    has_password: Maybe[bool] = None
    has_security_verification_method: Maybe[bool] = None
    sso_identities: Maybe[list[JsonObject]] = None


class AccountPatch(Wire):
    """What can be changed; null clears a field."""

    name: Name | None = None
    avatar: Url | None = None
    username: Username | None = None
    custom_data: Maybe[JsonObject] = None


class NewPassword(Wire):
    """A password in place of the present one."""

    password: Annotated[str, Field(min_length=1, max_length=4096)]


async def _view(call: AnyCall, user: User) -> AccountView:
    scopes, center = person_of(call).scopes, await center_of(call)
    shown: dict[str, Any] = {
        column: getattr(user, column)
        for column, scope, field in _SHOWN
        if scope in scopes and (field is None or center.shows(field))
    }
    if "profile" in scopes:
        shown |= _of_profile(user, scopes, center)
    if "identities" in scopes:
        identities = await own_account.sso_identities(call.core, user.id)
        shown["sso_identities"] = [record_json(identity) for identity in identities]
    shown["has_security_verification_method"] = own_account.can_verify(user)
    return AccountView.model_construct(id=user.id, **shown)


def _of_profile(user: User, scopes: frozenset[str], center: AccountCenter) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if center.shows("profile"):
        shown["profile"] = _claims(user, scopes)
    if center.shows("password"):
        shown["has_password"] = user.password_hash is not None
    return shown


def _claims(user: User, scopes: frozenset[str]) -> dict[str, Any]:
    """The profile; where somebody lives takes a scope of its own."""
    hidden = () if "address" in scopes else ("address",)
    return {name: value for name, value in user.profile.items() if name not in hidden}


@operations.get("/api/my-account", "GetProfile", response=AccountView, statuses=(400,))
async def get_account(call: Call) -> AccountView:
    """Read one's own account."""
    return await _view(call, await account_of(call))


@operations.patch(
    "/api/my-account", "UpdateProfile", body=AccountPatch, response=AccountView, statuses=(422,)
)
async def update_account(call: Call[AccountPatch]) -> AccountView:
    """Change name, avatar, username and custom data; custom data are replaced as a whole."""
    changes, center = call.body.given(), await center_of(call)
    for field in changes:
        center.check_editable(field)
    check_scope(call, "profile", 400)
    if "custom_data" in changes:
        check_scope(call, "custom_data", 400)
    await check_first_party(call)
    if "username" in changes:
        await check_verified(call)
    return await _view(call, await own_account.change(call.core, _who(call), changes))


@operations.patch(
    "/api/my-account/profile",
    "UpdateOtherProfile",
    body=Profile,
    response=Profile,
)
async def update_profile(call: Call[Profile]) -> Reply:
    """Set claims of one's profile; the others stay."""
    (await center_of(call)).check_editable("profile")
    check_scope(call, "profile", 400)
    if call.body.address is not None:
        check_scope(call, "address", 400)
    await check_first_party(call)
    user = await own_account.merge_profile(call.core, _who(call), call.body.as_json())
    return Reply(200, _claims(user, person_of(call).scopes))


@operations.post(
    "/api/my-account/password", "UpdatePassword", body=NewPassword, status=204, statuses=(422,)
)
async def update_password(call: Call[NewPassword]) -> None:
    """Choose a new password; whoever is signed in elsewhere under the old one is signed out."""
    await check_first_party(call)
    user = await account_of(call)
    await check_verified_if_possible(call, user)
    (await center_of(call)).check_editable("password")
    here = person_of(call).session_id
    await own_account.set_password(call.core, user, call.body.password, here)


def _who(call: AnyCall) -> str:
    return person_of(call).subject
