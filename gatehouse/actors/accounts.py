"""People's accounts as signing in sees them: found by a name, made, completed.

Every function is one unit of work in the database. What storage refuses is translated here into
the reasons of the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatehouse.actors.factors.base import Identifier, IdentifierType, NewPassword, Profile
from gatehouse.actors.hashing import StoredPassword
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInRules
from gatehouse.storage.errors import Conflict, NotFound
from gatehouse.storage.records import SignInExperience, User
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

_TAKEN = {
    "username": Reason.USERNAME_TAKEN,
    "primary_email": Reason.EMAIL_TAKEN,
    "primary_phone": Reason.PHONE_TAKEN,
}
_HELD = {"username": Reason.USERNAME_EXISTS, "password": Reason.PASSWORD_EXISTS}


async def sign_in_experience(core: Core) -> SignInExperience:
    """The tenant's sign-in experience, from the directory's cache."""
    return await core.directory.sign_in_experience()


async def rules(core: Core) -> SignInRules:
    """What the tenant's sign-in experience allows."""
    return SignInRules.of(await sign_in_experience(core))


def profile_of(identifier: Identifier) -> Profile:
    """The profile of somebody of whom only this name is known."""
    match identifier.type:
        case IdentifierType.USERNAME:
            return Profile(username=identifier.value)
        case IdentifierType.EMAIL:
            return Profile(primary_email=identifier.value)
        case IdentifierType.PHONE:
            return Profile(primary_phone=identifier.value)


def known_profile(user: User) -> Profile:
    """What a user's account has already. A linked identity stands in for a password."""
    password = None
    if user.password_hash:
        password = NewPassword(user.password_hash, user.password_algorithm or "")
    elif user.identities:
        password = NewPassword("", "")
    return Profile(
        username=user.username,
        primary_email=user.primary_email,
        primary_phone=user.primary_phone,
        name=user.name,
        avatar=user.avatar,
        password=password,
    )


async def find(core: Core, identifier: Identifier) -> User | None:
    """The user of this name, suspended or not; None if there is none."""
    return await core.db.read(_find, core.tenant_id, identifier)


async def get_active(core: Core, user_id: str) -> User:
    """The user of this id. Raises `Refused`: `USER_GONE`, `USER_SUSPENDED`."""
    user = await core.db.read(_get, core.tenant_id, user_id)
    if user is None:
        raise Refused(Reason.USER_GONE)
    if user.is_suspended:
        raise Refused(Reason.USER_SUSPENDED)
    return user


async def check_available(core: Core, profile: Profile) -> None:
    """Raises `Refused` if somebody has one of the profile's names already."""
    taken = await core.db.read(_taken, core.tenant_id, profile)
    if taken is not None:
        raise Refused(_TAKEN[taken])


async def check_absent(core: Core, user_id: str | None, profile: Profile) -> None:
    """Raises `Refused` if the user's account has a value already that the profile would set."""
    if user_id is None:
        return
    known = known_profile(await get_active(core, user_id))
    for field, reason in _HELD.items():
        if getattr(profile, field) is not None and getattr(known, field) is not None:
            raise Refused(reason)


async def create(core: Core, user_id: str, profile: Profile, application_id: str) -> None:
    """Store a new user under an id chosen before; storing the same user again is no error.

    Raises `Refused` if somebody has taken one of the names.
    """
    try:
        await core.db.write(_create, core.tenant_id, user_id, profile, application_id)
    except Conflict as conflict:
        raise Refused(_TAKEN[conflict.field]) from None


async def complete(
    core: Core, user_id: str, profile: Profile, *, signed_in_at: int | None = None
) -> None:
    """Store what was collected of a user, and when they signed in. Raises `Refused`."""
    try:
        await core.db.write(_complete, core.tenant_id, user_id, profile, signed_in_at)
    except Conflict as conflict:
        raise Refused(_TAKEN[conflict.field]) from None
    except NotFound:
        raise Refused(Reason.USER_GONE) from None


async def rehash(core: Core, user_id: str, old: StoredPassword, new: StoredPassword) -> None:
    """Replace a digest by a better one of the same password, unless it was changed meanwhile."""
    await core.db.write(_rehash, core.tenant_id, user_id, old, new)


def _find(tx: Transaction, tenant: str, identifier: Identifier) -> User | None:
    users = Users(tx, tenant)
    match identifier.type:
        case IdentifierType.USERNAME:
            return users.find_by_username(identifier.value)
        case IdentifierType.EMAIL:
            return users.find_by_email(identifier.value)
        case IdentifierType.PHONE:
            return users.find_by_phone(identifier.value)


def _get(tx: Transaction, tenant: str, user_id: str) -> User | None:
    return Users(tx, tenant).find(user_id)


def _taken(tx: Transaction, tenant: str, profile: Profile) -> str | None:
    users = Users(tx, tenant)
    found = {
        "username": profile.username and users.find_by_username(profile.username),
        "primary_email": profile.primary_email and users.find_by_email(profile.primary_email),
        "primary_phone": profile.primary_phone and users.find_by_phone(profile.primary_phone),
    }
    return next((field for field, user in found.items() if user), None)


def _create(
    tx: Transaction, tenant: str, user_id: str, profile: Profile, application_id: str
) -> None:
    users = Users(tx, tenant)
    if users.find(user_id) is None:
        users.create(User(id=user_id, application_id=application_id, **_columns(tx, profile)))


def _complete(
    tx: Transaction, tenant: str, user_id: str, profile: Profile, signed_in_at: int | None
) -> None:
    changes = _columns(tx, profile)
    if signed_in_at is not None:
        changes["last_sign_in_at"] = signed_in_at
    Users(tx, tenant).update(user_id, **changes)


def _rehash(
    tx: Transaction, tenant: str, user_id: str, old: StoredPassword, new: StoredPassword
) -> None:
    users = Users(tx, tenant)
    user = users.find(user_id)
    if user is not None and user.password_hash == old.digest:
        users.update(user_id, password_hash=new.digest, password_algorithm=new.algorithm)


def _columns(tx: Transaction, profile: Profile) -> dict[str, Any]:
    """The profile as columns of the user: only what was given."""
    fields = ("username", "primary_email", "primary_phone", "name", "avatar")
    columns = {name: value for name in fields if (value := getattr(profile, name)) is not None}
    if profile.password is not None:
        columns |= {
            "password_hash": profile.password.digest,
            "password_algorithm": profile.password.algorithm,
            "password_changed_at": tx.now,
            "is_password_expired": False,
        }
    return columns
