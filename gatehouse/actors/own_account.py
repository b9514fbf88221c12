"""What people change of their own accounts: the rules, and the units of work.

Whether somebody may change a field at all is the tenant's decision (`account_center.py`), and
whether they showed that it is really them is a verification's (`account_verification.py`). Here is
what holds for the values: the tenant's policies, names that nobody else has, and that an account
keeps at least one name to sign in with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gatehouse.actors import accounts
from gatehouse.actors.factors.password import accept_password
from gatehouse.actors.profile_fields import ProfileParts, read_profile
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import check_username
from gatehouse.actors.verification import Profile
from gatehouse.actors.whereabouts import leave_others
from gatehouse.storage.records import Json, SsoIdentity, User
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.custom_profile_fields import CustomProfileField
    from gatehouse.storage.transaction import Transaction

IDENTIFIERS = ("username", "primary_email", "primary_phone")


def can_verify(user: User) -> bool:
    """Whether there is any way for the user to show that it is really them."""
    return bool(user.password_hash or user.primary_email or user.primary_phone)


async def get(core: Core, user_id: str) -> User:
    """The account. Raises `Refused`: `USER_GONE`, `USER_SUSPENDED`."""
    return await accounts.get_active(core, user_id)


async def sso_identities(core: Core, user_id: str) -> list[SsoIdentity]:
    """Who the user is at enterprise identity providers."""
    return await core.db.read(_sso_identities, core.tenant_id, user_id)


async def change(core: Core, user_id: str, changes: Mapping[str, Any]) -> User:
    """Change columns of the account; an identifier that is None is removed.

    Raises `Refused`: the username is against the policy, a name belongs to somebody else
    (`USERNAME_TAKEN` ...), or none would be left (`LAST_IDENTIFIER`).
    """
    rules = await accounts.rules(core)
    username = changes.get("username")
    if username is not None:
        check_username(rules.username_policy, username)
    case_sensitive = rules.username_policy.case_sensitive
    with accounts.names_taken():
        return await core.db.write(_change, core.tenant_id, user_id, dict(changes), case_sensitive)


async def merge_profile(core: Core, user_id: str, profile: Mapping[str, Any]) -> User:
    """Set claims of the profile; the others stay. Raises `Refused(USER_GONE)`."""
    with accounts.names_taken():
        return await core.db.write(_merge_profile, core.tenant_id, user_id, dict(profile))


def profile_of(user: User) -> dict[str, Any]:
    """What the tenant's own fields hold of an account, wherever it is kept."""
    named = {"name": user.name, "avatar": user.avatar}
    return {**user.custom_data, **user.profile, **named}


async def set_field(
    core: Core, user_id: str, field: CustomProfileField, values: Mapping[str, Any]
) -> User:
    """Set what one of the tenant's own fields holds; an empty text takes a value away.

    Raises `Refused`: `PROFILE_VALUE_INVALID`, `USER_GONE`.
    """
    parts = read_profile([field], values)
    with accounts.names_taken():
        return await core.db.write(_set_field, core.tenant_id, user_id, parts)


async def decide(core: Core, user_id: str, change: Callable[[Json], Json]) -> User:
    """Change what the user decided about signing in. Raises `Refused(USER_GONE)`."""
    with accounts.names_taken():
        return await core.db.write(_decide, core.tenant_id, user_id, change)


async def set_password(core: Core, user: User, password: str, here: str | None) -> None:
    """Choose a new password, which the tenant's policy accepts; sign out everywhere but `here`.

    What was issued elsewhere ends before the password is stored, so that an interruption leaves
    nobody signed in by the old one, and again after it: for who signed in by it meanwhile. Raises
    `Refused`: `PASSWORD_REJECTED`, `SAME_PASSWORD`, `USER_GONE`.
    """
    rules = await accounts.rules(core)
    accepted = await accept_password(core, rules, password, Profile(), user)
    await leave_others(core, user.id, here)
    with accounts.names_taken():
        await core.db.write(_set_password, core.tenant_id, user.id, accepted)
    await leave_others(core, user.id, here)


def check_identifiers_left(user: User, changes: Mapping[str, Any], sso: int) -> None:
    """Raises `Refused(LAST_IDENTIFIER)` if nothing would be left to sign in with.

    `sso` is how many enterprise identities there are.
    """
    names = [changes.get(name, getattr(user, name)) for name in IDENTIFIERS]
    if not (any(names) or changes.get("identities", user.identities) or sso):
        raise Refused(Reason.LAST_IDENTIFIER)


def _change(
    tx: Transaction, tenant: str, user_id: str, changes: dict[str, Any], case_sensitive: bool
) -> User:
    users = Users(tx, tenant)
    user = users.get(user_id)
    removed = any(changes.get(name, "") is None for name in IDENTIFIERS)
    if removed or "identities" in changes:
        check_identifiers_left(user, changes, len(users.sso_identities(user_id)))
    username = changes.get("username")
    if username is not None:
        other = users.find_by_username(username, case_sensitive=case_sensitive)
        if other is not None and other.id != user_id:
            raise Refused(Reason.USERNAME_TAKEN)
    return users.update(user_id, **changes)


def _merge_profile(tx: Transaction, tenant: str, user_id: str, profile: dict[str, Any]) -> User:
    users = Users(tx, tenant)
    return users.update(user_id, profile=users.get(user_id).profile | profile)


def _set_field(tx: Transaction, tenant: str, user_id: str, parts: ProfileParts) -> User:
    users = Users(tx, tenant)
    user = users.get(user_id)
    profile = dict(parts.profile)
    if "address" in profile:
        profile["address"] = _merged(user.profile.get("address") or {}, profile["address"])
    changes: dict[str, Any] = {
        name: value or None
        for name, value in (("name", parts.name), ("avatar", parts.avatar))
        if value is not None
    }
    if profile:
        changes["profile"] = _merged(user.profile, profile)
    if parts.custom_data:
        changes["custom_data"] = _merged(user.custom_data, parts.custom_data)
    return users.update(user_id, **changes) if changes else user


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What there was, with the changes: what was changed to nothing is gone."""
    after = {**before, **changes}
    gone = {name for name, value in changes.items() if value in ("", {})}
    return {name: value for name, value in after.items() if name not in gone}


def _decide(tx: Transaction, tenant: str, user_id: str, change: Callable[[Json], Json]) -> User:
    users = Users(tx, tenant)
    return users.update(user_id, logto_config=change(users.get(user_id).logto_config))


def _set_password(tx: Transaction, tenant: str, user_id: str, password: Any) -> None:
    users = Users(tx, tenant)
    users.set_password(user_id, password.digest, password.algorithm, ends_tokens=False)


def _sso_identities(tx: Transaction, tenant: str, user_id: str) -> list[SsoIdentity]:
    return Users(tx, tenant).sso_identities(user_id)
