"""A verification that somebody makes for their own account, outside of any interaction.

It shows that it is really them, and then permits for ten minutes what an access token alone does
not; or that an address, an identity or a key is theirs, to be added to the account. It belongs to
whoever began it: under another person's name it does not exist.

How one kind of proof is checked is the factor's matter, as it is within an interaction: the same
records are kept here, and moved on by the same steps. docs/diagrams/account_verification.mmd draws
it, and a test holds the drawing to the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import msgspec

from gatehouse.actors import lockout
from gatehouse.actors.factors import VerificationRecord
from gatehouse.actors.factors.code import CodeVerification
from gatehouse.actors.factors.password import stored_password
from gatehouse.actors.interaction_verifications import Step
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Record
from gatehouse.actors.webhooks import tell_of_stop
from gatehouse.engine.actor import Address, Effect, Kind, Turn, keep
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core
    from gatehouse.actors.sign_in_rules import SignInRules
    from gatehouse.storage.records import User

R = TypeVar("R")
V = TypeVar("V", bound=Record)

AGE_MS = 10 * 60 * 1000
"""How long a verification is good after it was begun, as in Logto."""
MAX_ID_LENGTH = 64
"""Characters of an id that is looked for."""
PERMISSION = "UserPermissionValidation"
"""What a code is for that shows that it is really them."""


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


AccountRecord = VerificationRecord | OwnPassword
"""Everything that can be kept as a verification for one's own account."""


class Phase(StrEnum):
    """Where a verification stands. It follows from the state and is stored nowhere."""

    WAITING = "Waiting"
    PASSED = "Passed"


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The state: whose verification it is, and what was found out. `expires_at` is in ms."""

    owner: str
    record: AccountRecord
    expires_at: int

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return Phase.PASSED if self.record.verified else Phase.WAITING

    @property
    def permits_changes(self) -> bool:
        """Whether it shows that somebody who acts for the owner is really them."""
        record = self.record
        if isinstance(record, CodeVerification):
            return record.verified and record.template_type == PERMISSION
        return isinstance(record, OwnPassword)


VERIFICATION = Kind("verification", Verification)


def address(tenant: str, verification_id: str) -> Address[Verification]:
    """Where the verification of this id is."""
    return VERIFICATION.at(tenant, verification_id)


@dataclass(frozen=True, slots=True)
class Begin:
    """Somebody begins a verification for their own account; some are passed at once."""

    owner: str
    record: AccountRecord
    effects: tuple[Effect, ...] = ()

    def apply(self, state: Verification | None, now: int, /) -> Turn[Verification, Verification]:
        """Ids are random and used once: none is ever overwritten."""
        if state is not None:
            raise Refused(Reason.NO_SUCH_VERIFICATION)
        begun = Verification(owner=self.owner, record=self.record, expires_at=now + AGE_MS)
        return Turn(begun, begun, expires_at=begun.expires_at, effects=self.effects)


@dataclass(frozen=True, slots=True)
class Advance(Generic[R]):
    """The owner goes on: a code was given, another site answered, a key was made."""

    owner: str
    step: Step[R]

    def apply(self, state: Verification | None, now: int, /) -> Turn[Verification, R]:
        """A step that was refused by its reply may change the record all the same."""
        state = good(state, self.owner, now)
        record, reply = self.step.advance(state.record, now)
        if record is state.record:
            return keep(state, reply)
        advanced = msgspec.structs.replace(state, record=cast(AccountRecord, record))
        return Turn(advanced, reply, expires_at=state.expires_at)


def good(state: Verification | None, owner: str, now: int) -> Verification:
    """The state, if it is this person's. Raises `Refused(NO_SUCH_VERIFICATION)`."""
    if state is None or state.owner != owner or now >= state.expires_at:
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return state


def _known_address(core: Core, verification_id: str) -> Address[Verification]:
    """Where a verification of this id would be, whoever named it."""
    if not 0 < len(verification_id) <= MAX_ID_LENGTH:
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return address(core.tenant_id, verification_id)


async def find(core: Core, owner: str, verification_id: str) -> Verification:
    """This person's verification of this id. Raises `Refused(NO_SUCH_VERIFICATION)`."""
    state = await core.engine.read(_known_address(core, verification_id))
    return good(state, owner, core.clock())


async def record_of(core: Core, owner: str, verification_id: str, kind: type[V]) -> V:
    """The record of this person's verification, which is of this kind.

    Raises `Refused(NO_SUCH_VERIFICATION)`.
    """
    record = (await find(core, owner, verification_id)).record
    if not isinstance(record, kind):
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return record


async def passed(core: Core, owner: str, verification_id: str, kind: type[V]) -> V:
    """The same, of a verification that was passed."""
    record = await record_of(core, owner, verification_id, kind)
    if not record.verified:
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return record


async def begin(
    core: Core, owner: str, record: AccountRecord, effects: tuple[Effect, ...] = ()
) -> Verification:
    """Keep the record of a verification that was begun."""
    message = Begin(owner, record, effects)
    return await core.engine.turn(address(core.tenant_id, record.id), message)


async def advance(core: Core, owner: str, verification_id: str, step: Step[R]) -> R:
    """Go on with a verification. Raises `Refused`, also what the step raises."""
    return await core.engine.turn(_known_address(core, verification_id), Advance(owner, step))


async def permits_changes(core: Core, owner: str, verification_id: str | None) -> bool:
    """Whether the verification of this id shows that it is really them."""
    if verification_id is None:
        return False
    try:
        return (await find(core, owner, verification_id)).permits_changes
    except Refused:
        return False


async def verify_password(
    core: Core, rules: SignInRules, user: User, password: str, origin: Origin
) -> Verification:
    """Verify somebody's own password. Webhooks hear of it if that locks the account.

    Raises `Refused`: `INVALID_CREDENTIALS`, also for an account without one, or `BLOCKED` after
    too many failures.
    """

    async def attempt() -> OwnPassword:
        if not await core.hasher.verify(stored_password(user), password):
            raise Refused(Reason.INVALID_CREDENTIALS)
        return OwnPassword(id=new_id(), account=user.id)

    policy, pool = rules.sentinel_policy, lockout.Pool.SIGN_IN
    try:
        record = await lockout.guard(core, policy, pool, user.id, attempt)
    except Refused as refusal:
        await tell_of_stop(core, refusal, origin, ("userId", user.id))
        raise
    return await begin(core, user.id, record)
