"""A verification that somebody makes for their own account, outside of any interaction.

It shows that it is really them, and then permits for ten minutes what an access token alone does
not; or that an address, an identity or a key is theirs, to be added to the account. It belongs to
whoever began it: under another person's name it does not exist.

How one kind of proof is checked is the factor's matter, as it is within an interaction: the same
records are kept here. docs/diagrams/account_verification.mmd draws it, and a test holds the drawing
to the code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gatehouse.actors import lockout
from gatehouse.actors.factors import VerificationRecord
from gatehouse.actors.factors.password import stored_password
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Record
from gatehouse.engine.actor import Address, Kind, Turn
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.actors.sign_in_rules import SignInRules
    from gatehouse.storage.records import User

R = TypeVar("R", bound=Record)

AGE_MS = 10 * 60 * 1000
"""How long a verification is good after it was begun, as in Logto."""
MAX_ID_LENGTH = 64
"""Characters of an id that is looked for."""


class OwnPassword(Record, frozen=True, kw_only=True, tag="OwnPassword"):
    """Somebody who is signed in knows their own password."""

    account: str

    @property
    def verified(self) -> bool:
        """A wrong password leaves no record."""
        return True

    @property
    def user_id(self) -> str | None:
        """The account whose password it is."""
        return self.account


class Phase(StrEnum):
    """Where a verification stands. It follows from the state and is stored nowhere."""

    WAITING = "Waiting"
    PASSED = "Passed"


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The state: whose verification it is, and what was found out. `expires_at` is in ms."""

    owner: str
    record: VerificationRecord | OwnPassword
    expires_at: int

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return Phase.PASSED if self.record.verified else Phase.WAITING

    @property
    def permits_changes(self) -> bool:
        """Whether it shows that somebody who acts for the owner is really them."""
        return isinstance(self.record, OwnPassword)


VERIFICATION = Kind("verification", Verification)


def address(tenant: str, verification_id: str) -> Address[Verification]:
    """Where the verification of this id is."""
    return VERIFICATION.at(tenant, verification_id)


@dataclass(frozen=True, slots=True)
class Begin:
    """Somebody begins a verification for their own account; some are passed at once."""

    owner: str
    record: VerificationRecord | OwnPassword

    def apply(self, state: Verification | None, now: int, /) -> Turn[Verification, Verification]:
        """Ids are random and used once: none is ever overwritten."""
        if state is not None:
            raise Refused(Reason.NO_SUCH_VERIFICATION)
        begun = Verification(owner=self.owner, record=self.record, expires_at=now + AGE_MS)
        return Turn(begun, begun, expires_at=begun.expires_at)


def good(state: Verification | None, owner: str, now: int) -> Verification:
    """The state, if it is this person's. Raises `Refused(NO_SUCH_VERIFICATION)`."""
    if state is None or state.owner != owner or now >= state.expires_at:
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return state


async def find(core: Core, owner: str, verification_id: str) -> Verification:
    """This person's verification of this id. Raises `Refused(NO_SUCH_VERIFICATION)`."""
    if not 0 < len(verification_id) <= MAX_ID_LENGTH:
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    state = await core.engine.read(address(core.tenant_id, verification_id))
    return good(state, owner, core.clock())


async def passed(core: Core, owner: str, verification_id: str, kind: type[R]) -> R:
    """The record of a verification of this kind that was passed.

    Raises `Refused(NO_SUCH_VERIFICATION)`.
    """
    record = (await find(core, owner, verification_id)).record
    if not isinstance(record, kind) or not record.verified:
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return record


async def begin(core: Core, owner: str, record: VerificationRecord | OwnPassword) -> Verification:
    """Keep the record of a verification that was begun."""
    return await core.engine.turn(address(core.tenant_id, record.id), Begin(owner, record))


async def permits_changes(core: Core, owner: str, verification_id: str | None) -> bool:
    """Whether the verification of this id shows that it is really them."""
    if verification_id is None:
        return False
    try:
        return (await find(core, owner, verification_id)).permits_changes
    except Refused:
        return False


async def verify_password(
    core: Core, rules: SignInRules, user: User, password: str
) -> Verification:
    """Verify somebody's own password.

    Raises `Refused`: `INVALID_CREDENTIALS`, also for an account without one, or `BLOCKED` after
    too many failures.
    """

    async def attempt() -> OwnPassword:
        if not await core.hasher.verify(stored_password(user), password):
            raise Refused(Reason.INVALID_CREDENTIALS)
        return OwnPassword(id=new_id(), account=user.id)

    return await begin(core, user.id, await _guarded(core, rules, user.id, attempt))


async def _guarded(
    core: Core, rules: SignInRules, name: str, attempt: Callable[[], Awaitable[R]]
) -> R:
    return await lockout.guard(core, rules.sentinel_policy, lockout.Pool.SIGN_IN, name, attempt)
