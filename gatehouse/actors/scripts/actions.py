"""Scripts that operators have asked at certain moments of a sign-in: what all of them share.

A script is asked as long as it is `enabled`, and answers with a decision, by which it may have an
account changed. Each moment has a file of its own (`first_factor.py`, `post_sign_in.py`). Every run
leaves an entry in the audit log, which says which fields a script set and nothing of their values.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
from pydantic.alias_generators import to_camel

from gatehouse.actors import accounts
from gatehouse.actors.addresses import EMAIL, MAX_EMAIL_LENGTH, MAX_PHONE_LENGTH, PHONE
from gatehouse.actors.audit import Origin, new_entry, record
from gatehouse.actors.profile_fields import standard_claims
from gatehouse.actors.refusal import Refused
from gatehouse.actors.scripts.runner import Returned, ScriptFailed, readable
from gatehouse.actors.verification import NewPassword, Profile
from gatehouse.storage.errors import InvalidValue, StorageError
from gatehouse.storage.ids import new_id
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

POST_FIRST_FACTOR: Final = "action.postFirstFactorVerification"
POST_SIGN_IN: Final = "action.postSignIn"
KEYS: Final = (POST_FIRST_FACTOR, POST_SIGN_IN)
"""The moments at which scripts are asked."""

ENTRY: Final = "runAction"
REDACTED: Final = "[redacted]"

D = TypeVar("D")

Username = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z")]
Email = Annotated[str, msgspec.Meta(max_length=MAX_EMAIL_LENGTH, pattern=rf"^{EMAIL}\Z")]
Phone = Annotated[str, msgspec.Meta(max_length=MAX_PHONE_LENGTH, pattern=rf"^{PHONE}\Z")]
Name = Annotated[str, msgspec.Meta(max_length=128)]
Avatar = Annotated[str, msgspec.Meta(max_length=2048)]


class Changes(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a script changes of an account; what it leaves out stays, what is null is removed.

    Fields of the profile and of the custom data are added to what is there.
    """

    username: Username | msgspec.UnsetType | None = msgspec.UNSET
    primary_email: Email | msgspec.UnsetType | None = msgspec.UNSET
    primary_phone: Phone | msgspec.UnsetType | None = msgspec.UNSET
    name: Name | msgspec.UnsetType | None = msgspec.UNSET
    avatar: Avatar | msgspec.UnsetType | None = msgspec.UNSET
    profile: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    custom_data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET

    def columns(self) -> dict[str, Any]:
        """The columns of a user that change, by name."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in given.items() if value is not msgspec.UNSET}


@dataclass(frozen=True, slots=True)
class Question:
    """What a script is asked. `shown` is what the log may know of the event; `secret` is what
    must not be in it, whatever the script says. `user_id`: whom it is about, if there is one."""

    key: str
    event: dict[str, Any]
    shown: dict[str, Any]
    user_id: str | None
    origin: Origin
    secret: str = ""


async def config_of(core: Core, key: str) -> dict[str, Any] | None:
    """The script of this moment, if it is to be asked."""
    config = await core.directory.script(key)
    return config if config is not None and config.get("enabled") else None


async def run(core: Core, config: dict[str, Any], event: Any) -> Returned:
    """What a script makes of an event. Raises `ScriptFailed`."""
    variables = config.get("environmentVariables") or {}
    payload = {"event": event, "environmentVariables": variables}
    return await core.scripts.run(config["script"], ENTRY, payload)


async def ask(core: Core, config: dict[str, Any], question: Question) -> Any:
    """What a script answers, None if nothing. Every run is logged. Raises `ScriptFailed`."""
    began = core.clock()
    try:
        answer = (await run(core, config, question.event)).value
    except ScriptFailed as failure:
        said = without(failure.message, question.secret)
        error = {"code": failure.kind, "message": said}
        await _log(core, config, question, began, result="Error", error=error)
        raise
    await _log(core, config, question, began, actionResult=_summary(answer))
    return answer


def without(text: str, secret: str) -> str:
    """What a script said without a secret: as it is, as JSON has it, and cut off at the end."""
    for form in {readable(secret), readable(json.dumps(secret, ensure_ascii=False)[1:-1])} - {""}:
        text = text.replace(form, REDACTED)
        begun = (size for size in range(len(form), 0, -1) if text.endswith(form[:size]))
        text = text[: len(text) - next(begun, 0)]
    return text


def decision(answer: Any, kind: type[D]) -> D:
    """A script's answer as what it may be. Raises `ScriptFailed`."""
    try:
        decided = msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise ScriptFailed("type", f"The script's decision is not valid: {error}") from None
    if "\\u0000" in json.dumps(answer):
        raise ScriptFailed("type", "Text must not contain the NUL character.")
    return decided


def checked(changes: Changes) -> dict[str, Any]:
    """The columns that change. Raises `ScriptFailed` for a profile that is none."""
    columns = changes.columns()
    if "profile" in columns:
        columns["profile"] = _claims(columns["profile"])
    return columns


async def store(
    core: Core, user_id: str, changes: dict[str, Any], password: NewPassword | None = None
) -> None:
    """Change an account as a script decided. Raises `Refused`, `ScriptFailed`."""
    case_sensitive = (await accounts.rules(core)).username_policy.case_sensitive
    change = partial(_change, password=password, case_sensitive=case_sensitive)
    with accounts.names_taken():
        try:
            await core.db.write(change, core.tenant_id, user_id, changes)
        except InvalidValue:
            raise ScriptFailed("type", "The script's decision cannot be stored.") from None


def _claims(values: dict[str, Any]) -> dict[str, Any]:
    try:
        return standard_claims(values)
    except Refused as refusal:
        raise ScriptFailed("type", f"The script's profile is not valid: {refusal}") from None


def _change(
    tx: Transaction,
    tenant_id: str,
    user_id: str,
    changes: dict[str, Any],
    *,
    password: NewPassword | None,
    case_sensitive: bool,
) -> None:
    users = Users(tx, tenant_id)
    user = users.get(user_id)
    names = {name: changes.get(name) for name in ("username", "primary_email", "primary_phone")}
    accounts.check_free(tx, tenant_id, Profile(**names), case_sensitive, but=user_id)
    for name in ("profile", "custom_data"):
        if name in changes:
            changes = {**changes, name: {**getattr(user, name), **changes[name]}}
    if password is not None:
        users.set_password(user_id, password.digest, password.algorithm, ends_tokens=False)
    if changes:
        users.update(user_id, **changes)


async def _log(
    core: Core, config: dict[str, Any], question: Question, began: int, **outcome: object
) -> None:
    """A decision does not wait for the log: where it is away, there is no entry."""
    moment = question.key.removeprefix("action.")
    entry = new_entry(
        core.tenant_id,
        new_id(),
        f"Action.{moment[0].upper()}{moment[1:]}",
        core.clock(),
        question.origin,
        userId=question.user_id,
        actionType=question.key,
        event=question.shown,
        onExecutionError=config.get("onExecutionError", "block"),
        durationMs=core.clock() - began,
    ).about(**outcome)
    with suppress(StorageError):
        await core.db.write(record, [entry])


def _summary(answer: Any) -> dict[str, Any]:
    """What a script wants, without a word of its own."""
    told = answer if isinstance(answer, dict) else {}
    user = told.get("user")
    named = set(user) if isinstance(user, dict) else set()
    fields = [to_camel(name) for name in Changes.__struct_fields__]
    known = [name for name in fields if name in named]
    return {
        "passwordVerified": told.get("passwordVerified") is True,
        "userFields": known,
        "unknownFieldCount": len(named) - len(known),
    }
