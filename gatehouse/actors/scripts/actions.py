"""A script that has the last word when somebody signs in (`action.postSignIn`).

It is told who signs in, in the words in which the scripts for tokens are told, and may change that
account (`{action: "updateUser", user: {...}}`): name, avatar, profile and custom data, whose fields
are added to what is there. A script that fails stops the sign-in, unless the operator chose that
it shall not matter (`onExecutionError: "allow"`). It is asked as long as it is `enabled`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.scripts.context import user_context
from gatehouse.actors.scripts.runner import Returned, ScriptFailed
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.errors import InvalidValue, StorageError
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import AuditLog
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

POST_SIGN_IN: Final = "action.postSignIn"
KEYS: Final = (POST_SIGN_IN,)
"""The events that scripts are asked about."""

ENTRY: Final = "runAction"
LOG_KEY: Final = "Action.PostSignIn"

Name = Annotated[str, msgspec.Meta(max_length=128)] | None
Avatar = Annotated[str, msgspec.Meta(max_length=2048)] | None


class Changes(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a script changes of an account; what it leaves out stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    avatar: Avatar | msgspec.UnsetType = msgspec.UNSET
    profile: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    custom_data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Decision(msgspec.Struct, frozen=True):
    """What a script decided."""

    action: Literal["updateUser"]
    user: Changes | None = None


async def run(core: Core, config: dict[str, Any], event: Any) -> Returned:
    """What a script makes of an event. Raises `ScriptFailed`."""
    variables = config.get("environmentVariables") or {}
    payload = {"event": event, "environmentVariables": variables}
    return await core.scripts.run(config["script"], ENTRY, payload)


async def post_sign_in(core: Core, user_id: str, origin: Origin) -> None:
    """Ask the script, if there is one, and do what it says. Raises `Refused`."""
    config = await core.directory.script(POST_SIGN_IN)
    if config is None or not config.get("enabled"):
        return
    user = await core.db.read(user_context, core.tenant_id, user_id)
    event = {"key": POST_SIGN_IN, "interactionEvent": "SignIn", "user": user}
    try:
        changes = _changes(await run(core, config, event))
        if changes:
            await _store(core, user_id, changes)
    except ScriptFailed as failure:
        with suppress(StorageError):  # what is decided does not wait for the log
            await core.db.write(_log, _entry(core, user_id, failure, origin))
        if config.get("onExecutionError", "block") == "block":
            raise Refused(Reason.VERIFICATION_FAILED) from None


async def _store(core: Core, user_id: str, changes: dict[str, Any]) -> None:
    try:
        await core.db.write(_change, core.tenant_id, user_id, changes)
    except InvalidValue:
        raise ScriptFailed("type", "The script's decision cannot be stored.") from None


def _changes(returned: Returned) -> dict[str, Any]:
    """What the account is to have. Raises `ScriptFailed` for what is no decision."""
    if not isinstance(returned.value, dict) or "action" not in returned.value:
        return {}
    try:
        decision = msgspec.convert(returned.value, Decision)
    except msgspec.ValidationError as error:
        raise ScriptFailed("type", f"The script's decision is not valid: {error}") from None
    if "\\u0000" in json.dumps(returned.value):
        raise ScriptFailed("type", "Text must not contain the NUL character.")
    if decision.user is None:
        return {}
    given = {name: getattr(decision.user, name) for name in Changes.__struct_fields__}
    return {name: value for name, value in given.items() if value is not msgspec.UNSET}


def _change(tx: Transaction, tenant_id: str, user_id: str, changes: dict[str, Any]) -> None:
    users = Users(tx, tenant_id)
    user = users.get(user_id)
    for name in ("profile", "custom_data"):
        if name in changes:
            changes = {**changes, name: {**getattr(user, name), **changes[name]}}
    users.update(user_id, **changes)


def _entry(core: Core, user_id: str, failure: ScriptFailed, origin: Origin) -> AuditLog:
    payload = {
        "key": LOG_KEY,
        "result": "Error",
        "error": {"code": failure.kind, "message": failure.message},
        "ip": origin.ip,
        "userAgent": origin.user_agent,
        "applicationId": origin.application_id,
        "userId": user_id,
    }
    return AuditLog(
        tenant_id=core.tenant_id,
        id=new_id(),
        key=LOG_KEY,
        payload={name: value for name, value in payload.items() if value is not None},
        user_id=user_id,
        application_id=origin.application_id,
        created_at=core.clock(),
    )


def _log(tx: Transaction, entry: AuditLog) -> None:
    AuditLogs(tx, entry.tenant_id).record(entry)
