"""`/api/users`: people's accounts."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import Field

from gatehouse.actors import whereabouts
from gatehouse.actors.hashing import StoredPassword
from gatehouse.actors.imported_hashes import check_importable
from gatehouse.actors.sign_in_rules import SignInRules, view_settings
from gatehouse.engine.errors import EngineError
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.paging import SearchedPage, bounds, listed
from gatehouse.http.logto.management.search import search_of
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import (
    Email,
    JsonObject,
    Maybe,
    Phone,
    Query,
    Url,
    View,
    Wire,
    empty_is_null,
    is_yes,
    record_json,
)
from gatehouse.storage.errors import Conflict
from gatehouse.storage.records import SsoIdentity, User
from gatehouse.storage.users import SEARCH_FIELDS

operations = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Username = Annotated[str, Field(pattern=r"^[A-Z_a-z][0-9A-Z_a-z]*$", max_length=128)]
Name = Annotated[str, Field(max_length=128)]
Password = Annotated[str, Field(min_length=1, max_length=4096)]
Algorithm = Literal["Argon2i", "Argon2id", "Argon2d", "SHA1", "SHA256", "MD5", "Bcrypt", "Legacy"]
AvatarOrNothing = Annotated[Url | None, empty_is_null]


class Address(Wire):
    """A postal address (OpenID Connect Core, 5.1.1)."""

    formatted: Maybe[str] = None
    street_address: Maybe[str] = None
    locality: Maybe[str] = None
    region: Maybe[str] = None
    postal_code: Maybe[str] = None
    country: Maybe[str] = None


class Profile(Wire):
    """The standard claims that are not columns of their own (OpenID Connect Core, 5.1)."""

    family_name: Maybe[str] = None
    given_name: Maybe[str] = None
    middle_name: Maybe[str] = None
    nickname: Maybe[str] = None
    preferred_username: Maybe[str] = None
    profile: Maybe[str] = None
    website: Maybe[str] = None
    gender: Maybe[str] = None
    birthdate: Maybe[str] = None
    zoneinfo: Maybe[str] = None
    locale: Maybe[str] = None
    address: Maybe[Address] = None


class UserView(View):
    """A user as operators see it."""

    id: str
    username: str | None
    primary_email: str | None
    primary_phone: str | None
    name: str | None
    avatar: str | None
    custom_data: JsonObject
    identities: JsonObject
    last_sign_in_at: int | None
    created_at: int
    updated_at: int
    profile: JsonObject
    application_id: str | None
    cimd_client_id: str | None
    is_suspended: bool
    has_password: bool


class UserDetails(UserView):
    """A user with what was asked for besides."""

    sso_identities: list[JsonObject]
    password_digest: str | None
    password_algorithm: str | None


class NewUser(Wire):
    """A user to create. A digest from elsewhere is taken instead of a password."""

    primary_phone: Maybe[Phone] = None
    primary_email: Maybe[Email] = None
    username: Maybe[Username] = None
    password: Maybe[Password] = None
    password_digest: Maybe[Annotated[str, Field(max_length=1024)]] = None
    password_algorithm: Maybe[Algorithm] = None
    name: Maybe[Name] = None
    avatar: AvatarOrNothing = None
    custom_data: Maybe[JsonObject] = None
    profile: Maybe[Profile] = None


class UserPatch(Wire):
    """What can be changed of a user; null or an empty string clears a field."""

    username: Annotated[Username | None, empty_is_null] = None
    primary_email: Annotated[Email | None, empty_is_null] = None
    primary_phone: Annotated[Phone | None, empty_is_null] = None
    name: Annotated[Name | None, empty_is_null] = None
    avatar: AvatarOrNothing = None
    custom_data: Maybe[JsonObject] = None
    profile: Maybe[Profile] = None


class CustomDataPatch(Wire):
    """Keys to set in a user's custom data."""

    custom_data: JsonObject


class ProfilePatch(Wire):
    """Claims to set in a user's profile."""

    profile: Profile


class PasswordBody(Wire):
    """A password."""

    password: Password


class HasPassword(Wire):
    """Whether a user can sign in with a password."""

    has_password: bool


class Expiration(Wire):
    """Whether a user has to choose a new password."""

    is_expired: bool


class Suspension(Wire):
    """Whether a user may sign in."""

    is_suspended: bool


class Including(Query):
    """What is to be shown besides."""

    include_sso_identities: str | None = Field(None, alias="includeSsoIdentities")
    include_password_hash: str | None = Field(None, alias="includePasswordHash")


def user_view(user: User) -> UserView:
    """A user as this API shows it."""
    return UserView.of(user, has_password=user.password_hash is not None)


@operations.get("/api/users", "ListUsers", query=SearchedPage, response=list[UserView])
async def list_users(call: Call[None, SearchedPage]) -> Reply:
    """List users, newest first, or those that a search finds."""
    window = call.query.window
    search = search_of(call, SEARCH_FIELDS)
    page = await read(call, lambda store: store.users.search(search, *bounds(window)))
    return listed(call, [user_view(user) for user in page.items], page.total, window)


@operations.post("/api/users", "CreateUser", body=NewUser, response=UserView, statuses=(422,))
async def create_user(call: Call[NewUser]) -> UserView:
    """Create a user with the names and the password given."""
    new = call.body
    if new.password is not None and new.password_digest is not None:
        raise ApiError("user.password_and_digest")
    if new.password_digest is not None and new.password_algorithm is None:
        raise ApiError("user.password_algorithm_required")
    stored: StoredPassword | None = None
    if new.password is not None:
        stored = await call.core.hasher.hash(new.password)
    elif new.password_digest is not None and new.password_algorithm is not None:
        check_importable(new.password_algorithm, new.password_digest)
        stored = StoredPassword(new.password_digest, new.password_algorithm)
    user = User(
        username=new.username,
        primary_email=new.primary_email,
        primary_phone=new.primary_phone,
        name=new.name,
        avatar=new.avatar,
        custom_data=new.custom_data or {},
        profile={} if new.profile is None else new.profile.as_json(),
        password_hash=None if stored is None else stored.digest,
        password_algorithm=None if stored is None else stored.algorithm,
    )

    def change(store: Store) -> User:
        _check_name(store, user.username)
        return store.users.create(user)

    return user_view(await write(call, change))


@operations.get(
    "/api/users/{userId}", "GetUser", query=Including, response=UserDetails, statuses=(404,)
)
async def get_user(call: Call[None, Including]) -> UserView:
    """Read a user."""
    with_identities = is_yes(call.query.include_sso_identities)

    def details(store: Store) -> tuple[User, list[SsoIdentity]]:
        user = store.users.get(call.path["userId"])
        return user, store.users.sso_identities(user.id) if with_identities else []

    user, identities = await read(call, details)
    shown = user_view(user).given()
    if with_identities:
        shown["sso_identities"] = [record_json(identity) for identity in identities]
    if is_yes(call.query.include_password_hash):
        shown["password_digest"] = user.password_hash
        shown["password_algorithm"] = user.password_algorithm
    return UserDetails.model_construct(**shown)


@operations.patch(
    "/api/users/{userId}", "UpdateUser", body=UserPatch, response=UserView, statuses=(404, 422)
)
async def update_user(call: Call[UserPatch]) -> UserView:
    """Change a user: `customData` and `profile` are replaced as a whole."""
    changes = call.body.given()
    if call.body.profile is not None:
        changes["profile"] = call.body.profile.as_json()
    user_id = call.path["userId"]

    def change(store: Store) -> User:
        _check_name(store, changes.get("username"), but=user_id)
        return store.users.update(user_id, **changes)

    return user_view(await write(call, change))


@operations.delete("/api/users/{userId}", "DeleteUser", statuses=(400, 404))
async def delete_user(call: Call) -> None:
    """Delete a user and all that is theirs; their sessions and tokens end with them."""
    user_id = call.path["userId"]
    if call.principal is not None and call.principal.subject == user_id:
        raise ApiError("user.cannot_delete_self")
    await write(call, lambda store: store.users.delete(user_id))
    await _sign_out(call, user_id)


@operations.get("/api/users/{userId}/custom-data", "ListUserCustomData", response=JsonObject)
async def get_custom_data(call: Call) -> Reply:
    """Read what a program keeps about a user."""
    return Reply(200, (await _user(call)).custom_data)


@operations.patch(
    "/api/users/{userId}/custom-data",
    "UpdateUserCustomData",
    body=CustomDataPatch,
    response=JsonObject,
    statuses=(404,),
)
async def update_custom_data(call: Call[CustomDataPatch]) -> Reply:
    """Set keys of a user's custom data; the others stay."""

    def change(store: Store) -> User:
        user = store.users.get(call.path["userId"])
        return store.users.update(user.id, custom_data=user.custom_data | call.body.custom_data)

    return Reply(200, (await write(call, change)).custom_data)


@operations.patch(
    "/api/users/{userId}/profile",
    "UpdateUserProfile",
    body=ProfilePatch,
    response=Profile,
    statuses=(404,),
)
async def update_profile(call: Call[ProfilePatch]) -> Reply:
    """Set claims of a user's profile; the others stay."""

    def change(store: Store) -> User:
        user = store.users.get(call.path["userId"])
        return store.users.update(user.id, profile=user.profile | call.body.profile.as_json())

    return Reply(200, (await write(call, change)).profile)


@operations.patch(
    "/api/users/{userId}/password",
    "UpdateUserPassword",
    body=PasswordBody,
    response=UserView,
    statuses=(404, 422),
)
async def update_password(call: Call[PasswordBody]) -> UserView:
    """Set a user's password, whatever the policy for people says; what they hold ends."""
    user = await _user(call)
    new = await call.core.hasher.hash(call.body.password)
    return user_view(
        await write(
            call, lambda store: store.users.set_password(user.id, new.digest, new.algorithm)
        )
    )


@operations.patch(
    "/api/users/{userId}/password/expiration",
    "UpdateUserPasswordExpiration",
    body=Expiration,
    response=UserView,
    statuses=(404,),
)
async def update_password_expiration(call: Call[Expiration]) -> UserView:
    """Have a user choose a new password at the next sign-in, or not; for where passwords expire."""
    expired = call.body.is_expired

    def change(store: Store) -> User:
        user = store.users.get(call.path["userId"])
        rules = view_settings(store.sign_in_experience.current(), SignInRules)
        if expired and not rules.password_expiration.applies:
            raise ApiError("sign_in_experiences.password_expiration_not_enabled")
        return store.users.update(user.id, is_password_expired=expired)

    return user_view(await write(call, change))


@operations.post(
    "/api/users/{userId}/password/verify",
    "VerifyUserPassword",
    body=PasswordBody,
    statuses=(404, 422),
)
async def verify_password(call: Call[PasswordBody]) -> None:
    """Find out whether this is the user's password."""
    user = await _user(call)
    stored = None
    if user.password_hash is not None:
        stored = StoredPassword(user.password_hash, user.password_algorithm or "")
    if not await call.core.hasher.verify(stored, call.body.password):
        raise ApiError("session.invalid_credentials")


@operations.get(
    "/api/users/{userId}/has-password",
    "GetUserHasPassword",
    response=HasPassword,
    statuses=(404,),
)
async def has_password(call: Call) -> HasPassword:
    """Tell whether a user has a password."""
    return HasPassword(has_password=(await _user(call)).password_hash is not None)


@operations.patch(
    "/api/users/{userId}/is-suspended",
    "UpdateUserIsSuspended",
    body=Suspension,
    response=UserView,
    statuses=(404,),
)
async def update_is_suspended(call: Call[Suspension]) -> UserView:
    """Suspend a user, which ends their sessions and tokens, or let them in again."""
    user_id, suspended = call.path["userId"], call.body.is_suspended
    user = await write(call, lambda store: store.users.set_suspended(user_id, suspended))
    if suspended:
        await _sign_out(call, user_id)
    return user_view(user)


def _check_name(store: Store, username: str | None, but: str | None = None) -> None:
    """Nobody, `but` for one user, has the name as the tenant compares names. Raises Conflict."""
    if username is None:
        return
    rules = view_settings(store.sign_in_experience.current(), SignInRules)
    if rules.username_policy.case_sensitive:
        # The table itself refuses that. To look before would make units that store neighbouring
        # names serialize, of which PostgreSQL runs every third again.
        return
    holder = store.users.find_by_username(username, case_sensitive=False)
    if holder is not None and holder.id != but:
        raise Conflict("user", "username")


async def _sign_out(call: Call[Any, Any], user_id: str) -> None:
    """End what was issued to somebody who may come in no more, so that applications are told.

    It is worth nothing already, by the user's record: that does not depend on Redis.
    """
    with suppress(EngineError):
        await whereabouts.leave_others(call.core, user_id, None)


async def _user(call: Call[Any, Any]) -> User:
    return await read(call, lambda store: store.users.get(call.path["userId"]))
