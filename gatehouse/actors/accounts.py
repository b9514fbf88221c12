"""People's accounts as signing in sees them: found by a name, made, completed.

Every function is one unit of work in the database. What storage refuses is translated here into
the reasons of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from gatehouse.actors.hashing import StoredPassword
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInRules
from gatehouse.actors.verification import (
    Identifier,
    IdentifierType,
    NewPassword,
    Profile,
    SsoLink,
)
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.errors import Conflict, NotFound
from gatehouse.storage.identities import Secret, Secrets, SocialIdentities
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.records import SignInExperience, SsoIdentity, User
from gatehouse.storage.sso_connectors import OrganizationJitSsoConnectors, SsoIdentities
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

UNDECIDED = {"mfa": {"enabled": False}}
"""What a new account's `logto_config` says: nobody asked yet whether it shall have second factors.
An address that could serve as one is none until then."""

_TAKEN = {
    "username": Reason.USERNAME_TAKEN,
    "primary_email": Reason.EMAIL_TAKEN,
    "primary_phone": Reason.PHONE_TAKEN,
    "identity_id": Reason.IDENTITY_TAKEN,
}
_HELD = {
    "username": Reason.USERNAME_EXISTS,
    "primary_email": Reason.EMAIL_EXISTS,
    "primary_phone": Reason.PHONE_EXISTS,
    "password": Reason.PASSWORD_EXISTS,
}


async def sign_in_experience(core: Core) -> SignInExperience:
    """The tenant's sign-in experience, from the directory's cache."""
    return await core.directory.sign_in_experience()


async def rules(core: Core) -> SignInRules:
    """What the tenant's sign-in experience allows."""
    return await core.directory.sign_in_settings(SignInRules)


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
    case_sensitive = (await rules(core)).username_policy.case_sensitive
    return await core.db.lookup(_find, core.tenant_id, identifier, case_sensitive)


async def get_active(core: Core, user_id: str) -> User:
    """The user of this id. Raises `Refused`: `USER_GONE`, `USER_SUSPENDED`."""
    user = await core.db.lookup(_get, core.tenant_id, user_id)
    if user is None:
        raise Refused(Reason.USER_GONE)
    return active(user)


def active(user: User) -> User:
    """The user, unless suspended. Raises `Refused(USER_SUSPENDED)`."""
    if user.is_suspended:
        raise Refused(Reason.USER_SUSPENDED)
    return user


async def check_available(core: Core, profile: Profile) -> None:
    """Raises `Refused` if somebody has one of the profile's names already."""
    case_sensitive = (await rules(core)).username_policy.case_sensitive
    await core.db.lookup(check_free, core.tenant_id, profile, case_sensitive)


def check_absent(user: User, profile: Profile) -> None:
    """Raises `Refused` if the user's account has a value already that the profile would set."""
    for field, reason in _HELD.items():
        column = "password_hash" if field == "password" else field
        if getattr(profile, field) is not None and getattr(user, column):
            raise Refused(reason)


async def create(
    core: Core,
    user_id: str,
    profile: Profile,
    application_id: str | None,
    *,
    vouched: bool = False,
) -> None:
    """Store a new user under an id chosen before; storing the same user again is no error.

    Who has a verified email address, or one that the operator vouches for, joins the organizations
    that welcome its domain. Raises `Refused` if somebody has taken one of the names.
    """
    settings = await rules(core)
    with names_taken():
        user = User(
            id=user_id,
            application_id=application_id,
            logto_config=UNDECIDED,
            **_columns(profile),
        )
        try:
            creating = partial(_create, vouched=vouched)
            await core.db.write(creating, core.tenant_id, user, profile, settings)
        except Conflict as conflict:
            if conflict.field != "id":  # PostgreSQL may say so of a unit beside this one.
                raise


async def sign_in(
    core: Core,
    user_id: str,
    profile: Profile,
    also: Callable[[Transaction], None] | None = None,
) -> None:
    """Store what was collected of a user, and that they have signed in.

    `also` is stored with it, or nothing is. Raises `Refused`: one of the names was taken meanwhile,
    or the user is gone.
    """
    with names_taken():
        await core.db.write(_sign_in, core.tenant_id, user_id, profile, also)


async def replace_password(core: Core, user_id: str, password: NewPassword) -> None:
    """Store a new password in place of the old, which ends what was issued under that.

    Raises `Refused(USER_GONE)`.
    """
    with names_taken():
        await core.db.write(_replace_password, core.tenant_id, user_id, password)


async def rehash(core: Core, user_id: str, old: StoredPassword, new: StoredPassword) -> None:
    """Replace a digest by a better one of the same password, unless it was changed meanwhile."""
    with names_taken():
        await core.db.write(_rehash, core.tenant_id, user_id, old.digest, new)


@contextmanager
def names_taken() -> Iterator[None]:
    """Translate what storage refuses of a user."""
    try:
        yield
    except Conflict as conflict:
        raise Refused(_TAKEN[conflict.field]) from None
    except NotFound:
        raise Refused(Reason.USER_GONE) from None


def _find(
    tx: Transaction, tenant: str, identifier: Identifier, case_sensitive: bool
) -> User | None:
    users = Users(tx, tenant)
    match identifier.type:
        case IdentifierType.USERNAME:
            return users.find_by_username(identifier.value, case_sensitive=case_sensitive)
        case IdentifierType.EMAIL:
            return users.find_by_email(identifier.value)
        case IdentifierType.PHONE:
            return users.find_by_phone(identifier.value)


def _get(tx: Transaction, tenant: str, user_id: str) -> User | None:
    return Users(tx, tenant).find(user_id)


def check_free(
    tx: Transaction, tenant: str, profile: Profile, case_sensitive: bool, but: str | None = None
) -> None:
    """Raises `Refused` if somebody, `but` for one user, has one of the profile's names already."""
    names = (
        (IdentifierType.USERNAME, profile.username, Reason.USERNAME_TAKEN),
        (IdentifierType.EMAIL, profile.primary_email, Reason.EMAIL_TAKEN),
        (IdentifierType.PHONE, profile.primary_phone, Reason.PHONE_TAKEN),
    )
    for kind, value, reason in names:
        holder = _find(tx, tenant, Identifier(kind, value), case_sensitive) if value else None
        if holder is not None and holder.id != but:
            raise Refused(reason)
    link = profile.social_identity
    if link is not None:
        found = SocialIdentities(tx, tenant).find_user(link.target, str(link.user_info["id"]))
        if found is not None:
            raise Refused(Reason.IDENTITY_TAKEN)


def _create(
    tx: Transaction,
    tenant: str,
    user: User,
    profile: Profile,
    settings: SignInRules,
    *,
    vouched: bool,
) -> None:
    users = Users(tx, tenant)
    vouched = vouched or settings.sign_up.verify or profile.social_identity is not None
    if users.find(user.id) is None:
        check_free(tx, tenant, profile, settings.username_policy.case_sensitive)
        users.create(user)
        _join(tx, tenant, user.id, profile)
        link_social(tx, tenant, user.id, profile)
        if profile.sso_identity is not None:
            _link(tx, tenant, user.id, profile.sso_identity)
        elif user.primary_email and vouched:
            Organizations(tx, tenant).join_by_email(user.id, user.primary_email)


def _sign_in(
    tx: Transaction,
    tenant: str,
    user_id: str,
    profile: Profile,
    also: Callable[[Transaction], None] | None,
) -> None:
    users = Users(tx, tenant)
    changes = _columns(profile)
    if profile.password is not None:
        changes["password_changed_at"] = tx.now
    if changes:
        known = users.get(user_id)
        for name in ("profile", "custom_data"):
            if name in changes:
                changes[name] = {**getattr(known, name), **changes[name]}
        users.update(user_id, **changes)
    if also is not None:
        also(tx)
    link_social(tx, tenant, user_id, profile)
    if profile.sso_identity is not None:
        _link(tx, tenant, user_id, profile.sso_identity)
    _join(tx, tenant, user_id, profile)
    users.signed_in(user_id)


def _join(tx: Transaction, tenant: str, user_id: str, profile: Profile) -> None:
    """Make the user a member where they were asked to join; what is gone is no longer joined."""
    if profile.jit_organizations:
        organizations = Organizations(tx, tenant)
        there = organizations.get_many(profile.jit_organizations)
        organizations.join(user_id, [one.id for one in there])


def _link(tx: Transaction, tenant: str, user_id: str, link: SsoLink) -> None:
    """Note who the user is at an identity provider. Seen there first, they join organizations."""
    identities = SsoIdentities(tx, tenant)
    known = identities.find_by_identity(link.issuer, link.identity_id)
    if known is not None and known.user_id != user_id:
        raise Refused(Reason.IDENTITY_TAKEN)
    if known is not None:
        identities.update(known.id, detail=link.detail)
        _keep_tokens(tx, tenant, user_id, link)
        return
    identity = SsoIdentity(
        user_id=user_id,
        issuer=link.issuer,
        identity_id=link.identity_id,
        sso_connector_id=link.connector_id,
        detail=link.detail,
    )
    identities.create(identity)
    _keep_tokens(tx, tenant, user_id, link)
    welcoming = OrganizationJitSsoConnectors(tx, tenant).organizations(link.connector_id)
    Organizations(tx, tenant).join(user_id, welcoming)


def _keep_tokens(tx: Transaction, tenant: str, user_id: str, link: SsoLink) -> None:
    """Store the tokens that a company's identity provider gave, if they are to be kept."""
    tokens = link.tokens
    if tokens is None:
        return
    secret = Secret(
        user_id=user_id,
        value=tx.vault.open(tokens.value, tokens.place),
        metadata=tokens.metadata,
        sso_connector_id=link.connector_id,
        issuer=link.issuer,
        identity_id=link.identity_id,
    )
    Secrets(tx, tenant).put(secret)


def link_social(tx: Transaction, tenant: str, user_id: str, profile: Profile) -> None:
    """Store the social identity and the provider's tokens that a profile has, if it has any.

    Raises `Conflict` on `identity_id`, `NotFound` if there is no such user.
    """
    link, tokens = profile.social_identity, profile.social_tokens
    identities = SocialIdentities(tx, tenant)
    if link is not None:
        identities.link(user_id, link.target, str(link.user_info["id"]), link.user_info)
    if tokens is None or Connectors(tx, tenant).find(tokens.connector_id) is None:
        return
    owner = identities.find_user(tokens.target, tokens.identity_id)
    if owner is None or owner.id != user_id:
        return
    secret = Secret(
        user_id=user_id,
        value=tx.vault.open(tokens.value, tokens.place),
        metadata=tokens.metadata,
        connector_id=tokens.connector_id,
        target=tokens.target,
        identity_id=tokens.identity_id,
    )
    Secrets(tx, tenant).put(secret)


def _replace_password(tx: Transaction, tenant: str, user_id: str, password: NewPassword) -> None:
    Users(tx, tenant).set_password(user_id, password.digest, password.algorithm)


def _rehash(tx: Transaction, tenant: str, user_id: str, old: str, new: StoredPassword) -> None:
    Users(tx, tenant).rehash_password(user_id, old, new.digest, new.algorithm)


def _columns(profile: Profile) -> dict[str, Any]:
    """The profile as columns of the user: only what was given."""
    fields = ("username", "primary_email", "primary_phone", "name", "avatar", "profile")
    columns: dict[str, Any] = {
        name: value
        for name in (*fields, "custom_data")
        if (value := getattr(profile, name)) is not None
    }
    if profile.password is not None:
        columns["password_hash"] = profile.password.digest
        columns["password_algorithm"] = profile.password.algorithm
    return columns
