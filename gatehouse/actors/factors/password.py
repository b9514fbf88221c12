"""The password: verified against an account, or given with a name to make a new account."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gatehouse.actors import accounts
from gatehouse.actors.hashing import StoredPassword, is_current
from gatehouse.actors.password_policy import PersonalFacts, check_password
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInRules, password_expired
from gatehouse.actors.verification import (
    Identifier,
    IdentifierType,
    Method,
    NewPassword,
    Profile,
    Record,
)

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User


class PasswordVerification(Record, frozen=True, kw_only=True, tag="Password"):
    """The person knows the password of the account that the identifier names."""

    shown: ClassVar[tuple[str, ...]] = ("id", "identifier", "verified")

    identifier: Identifier
    account: str

    @property
    def verified(self) -> bool:
        """A wrong password leaves no record."""
        return True

    @property
    def user_id(self) -> str | None:
        """The account whose password it is."""
        return self.account

    @property
    def sign_in_method(self) -> tuple[IdentifierType, Method] | None:
        """Passwords are enabled for each type of identifier."""
        return self.identifier.type, Method.PASSWORD

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2."""
        return ("pwd",)


class NewPasswordIdentity(Record, frozen=True, kw_only=True, tag="NewPasswordIdentity"):
    """A free name and an acceptable password, from which an account can be made."""

    shown: ClassVar[tuple[str, ...]] = ("id", "identifier")

    identifier: Identifier
    password: NewPassword

    @property
    def verified(self) -> bool:
        """What was not acceptable leaves no record."""
        return True

    @property
    def new_profile(self) -> Profile | None:
        """The name and the password."""
        return accounts.profile_of(self.identifier).merged(Profile(password=self.password))

    @property
    def amr(self) -> tuple[str, ...]:
        """Whoever has just chosen a password knows it (RFC 8176 §2)."""
        return ("pwd",)


async def verify_password(
    core: Core, record_id: str, rules: SignInRules, identifier: Identifier, password: str
) -> PasswordVerification:
    """Find out whether this is the password of the account of that name.

    An unknown name, an account without a password and a wrong password cannot be told apart, by
    the answer or by its time. Raises `Refused`: `INVALID_CREDENTIALS`, or to who knows the password
    `USER_SUSPENDED` or `PASSWORD_EXPIRED`; `Overloaded` where too many are being verified.
    """
    user = await accounts.find(core, identifier)
    stored = stored_password(user)
    matches = await core.hasher.verify(stored, password)
    if not matches or user is None or stored is None:
        raise Refused(Reason.INVALID_CREDENTIALS)
    if user.is_suspended:
        raise Refused(Reason.USER_SUSPENDED)
    if password_expired(
        rules.password_expiration,
        marked=user.is_password_expired,
        changed_at=user.password_changed_at,
        created_at=user.created_at,
        now=core.clock(),
    ):
        raise Refused(Reason.PASSWORD_EXPIRED)
    if not is_current(stored):
        await accounts.rehash(core, user.id, stored, await core.hasher.hash(password))
    return PasswordVerification(id=record_id, identifier=identifier, account=user.id)


async def new_password_identity(
    core: Core, record_id: str, rules: SignInRules, identifier: Identifier, password: str
) -> NewPasswordIdentity:
    """Prepare an account with this name and password; nothing is stored yet.

    Raises `Refused`: the name is taken, or the tenant's policy refuses name or password.
    """
    profile = accounts.profile_of(identifier)
    await accounts.check_available(core, profile)
    accepted = await accept_password(core, rules, password, profile, None)
    return NewPasswordIdentity(id=record_id, identifier=identifier, password=accepted)


async def accept_password(
    core: Core, rules: SignInRules, password: str, profile: Profile, user: User | None
) -> NewPassword:
    """Check a new password against the tenant's policy and hash it.

    Raises `Refused`: `PASSWORD_REJECTED` with every issue, or `SAME_PASSWORD` where it is the
    user's password already.
    """
    facts = PersonalFacts(
        name=profile.name or (user.name if user else None),
        username=profile.username or (user.username if user else None),
        email=profile.primary_email or (user.primary_email if user else None),
        phone=profile.primary_phone or (user.primary_phone if user else None),
    )
    issues = check_password(rules.password_policy, password, facts)
    if issues:
        raise Refused(Reason.PASSWORD_REJECTED, [issue.as_json() for issue in issues])
    stored = stored_password(user)
    if stored is not None and await core.hasher.verify(stored, password):
        raise Refused(Reason.SAME_PASSWORD)
    made = await core.hasher.hash(password)
    return NewPassword(digest=made.digest, algorithm=made.algorithm)


def stored_password(user: User | None) -> StoredPassword | None:
    """The user's password as it is stored, if there is one."""
    if user is None or not user.password_hash or not user.password_algorithm:
        return None
    return StoredPassword(user.password_hash, user.password_algorithm)
