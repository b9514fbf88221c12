"""A script that is asked about a password that is not the account's here, or of nobody known here
(`action.postFirstFactorVerification`).

It lets people of another system come over when they first sign in: the script asks that system
about the password, and has the account made (`createUser`) or changed (`updateUser`), with
`passwordVerified: true`. The password is stored then, and the script is not asked again. Whatever
else it answers, and every failure, is what it was without the script: wrong credentials.

It is asked on signing in alone, and never about who is suspended. Each question counts as a failed
attempt unless the script says yes, so the lock is no weaker for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from pydantic.alias_generators import to_camel

from gatehouse.actors import accounts
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.scripts import actions
from gatehouse.actors.scripts.runner import ScriptFailed
from gatehouse.actors.shown import shown
from gatehouse.actors.verification import Identifier, IdentifierType, NewPassword, Profile
from gatehouse.storage.ids import new_user_id

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User

_TOLD = (
    "id",
    "username",
    "primary_email",
    "primary_phone",
    "name",
    "avatar",
    "custom_data",
    "profile",
)

_COLUMNS = {
    IdentifierType.USERNAME: "username",
    IdentifierType.EMAIL: "primary_email",
    IdentifierType.PHONE: "primary_phone",
}


class Decision(msgspec.Struct, frozen=True, rename="camel"):
    """What a script decided."""

    action: Literal["createUser", "updateUser"]
    user: actions.Changes
    password_verified: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody whom the script lets in: the account is made, or changed, by `store`."""

    user_id: str
    known: bool
    changes: dict[str, Any]

    async def store(self, core: Core, password: str, application_id: str | None) -> None:
        """Make or change the account, whose password this is from now on. Raises `Refused`."""
        made = await core.hasher.hash(password)
        digest = NewPassword(digest=made.digest, algorithm=made.algorithm)
        try:
            if self.known:
                await actions.store(core, self.user_id, self.changes, digest)
            else:
                profile = Profile(**self.changes, password=digest)
                await accounts.create(core, self.user_id, profile, application_id, vouched=True)
        except ScriptFailed:
            raise Refused(Reason.INVALID_CREDENTIALS) from None


async def ask(
    core: Core, identifier: Identifier, password: str, origin: Origin
) -> Admission | None:
    """Ask the script, if there is one, about a password; None is no.

    Raises `Refused`: `SIGN_IN_IDENTIFIER_CHANGED` where the script would take away the name that
    was given, `IDENTITY_CONFLICT` where it makes somebody who is there or changes who is not.
    """
    config = await actions.config_of(core, actions.POST_FIRST_FACTOR)
    if config is None:
        return None
    user = await accounts.find(core, identifier)
    if user is not None and user.is_suspended:
        return None
    question = _question(identifier, password, user, origin)
    try:
        answer = await actions.ask(core, config, question)
        return None if answer is None else _admission(answer, identifier, user)
    except ScriptFailed:
        return None


def _question(
    identifier: Identifier, password: str, user: User | None, origin: Origin
) -> actions.Question:
    public: dict[str, Any] = {
        "key": actions.POST_FIRST_FACTOR,
        "interactionEvent": "SignIn",
        "verificationType": "Password",
        "identifier": {"type": identifier.type.value, "value": identifier.value},
        "user": None if user is None else {"id": user.id},
    }
    return actions.Question(
        actions.POST_FIRST_FACTOR,
        event=public | {"user": None if user is None else shown(user, _TOLD), "password": password},
        shown=public,
        user_id=None if user is None else user.id,
        origin=origin,
        secret=password,
    )


def _admission(answer: Any, identifier: Identifier, user: User | None) -> Admission | None:
    """Raises `Refused`, and `ScriptFailed` for what is no decision."""
    decided = actions.decision(answer, Decision)
    changes = actions.checked(decided.user)
    if not decided.password_verified:
        return None
    column = _COLUMNS[identifier.type]
    if column in changes and not _same(identifier, changes[column]):
        raise Refused(Reason.SIGN_IN_IDENTIFIER_CHANGED, {"identifierType": identifier.type.value})
    if (decided.action == "createUser") != (user is None):
        raise Refused(Reason.IDENTITY_CONFLICT)
    if user is not None:
        return Admission(user.id, known=True, changes=changes)
    named = actions.decision({to_camel(column): identifier.value}, actions.Changes).columns()
    return Admission(new_user_id(), known=False, changes=named | changes)


def _same(identifier: Identifier, value: str | None) -> bool:
    """Whether it is the name that was given. Email addresses are the same in any case."""
    if identifier.type is IdentifierType.EMAIL and value is not None:
        return value.lower() == identifier.value.lower()
    return value == identifier.value
