"""`/api/configs/actions`: the scripts that are asked while somebody signs in.

They are kept and tried here; `actors/scripts/` asks them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from pydantic import JsonValue

from gatehouse.actors.scripts import actions
from gatehouse.actors.scripts.runner import ScriptFailed
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.jwt_customizer import Exact, Variables, trial_error
from gatehouse.http.logto.management.store import read, write
from gatehouse.http.operation import Operations
from gatehouse.http.validation import invalid
from gatehouse.http.wire import Maybe, Wire
from gatehouse.storage.errors import NotFound

operations = Operations(tags=("Configs",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PATH = "/api/configs/actions/{actionType}"

ActionType = Literal["action.postFirstFactorVerification", "action.postSignIn"]


class Action(Exact):
    """A script, whether it runs, and what its failure means for who signs in."""

    script: str
    environment_variables: Maybe[Variables] = None
    context_sample: JsonValue = None
    enabled: Maybe[bool] = None
    on_execution_error: Maybe[Literal["block", "allow"]] = None


class ActionPatch(Exact):
    """What to change of it."""

    script: Maybe[str] = None
    environment_variables: Maybe[Variables] = None
    context_sample: JsonValue = None
    enabled: Maybe[bool] = None
    on_execution_error: Maybe[Literal["block", "allow"]] = None


class NamedAction(Wire):
    """A script under its name."""

    key: ActionType
    value: Action


class Trial(Exact):
    """A script to run on an event that did not happen."""

    script: str
    action_type: ActionType
    event: JsonValue
    environment_variables: Maybe[Variables] = None


@operations.get("/api/configs/actions", "ListActions", response=list[NamedAction])
async def list_actions(call: Call) -> Reply:
    """List the scripts there are."""
    found = await read(call, lambda store: [(k, store.scripts.config(k)) for k in actions.KEYS])
    named: list[dict[str, Any]] = [
        {"key": key, "value": Action.model_validate(value)}
        for key, value in found
        if value is not None
    ]
    return Reply(200, [NamedAction.model_construct(**one) for one in named])


@operations.get(PATH, "GetAction", response=Action, statuses=(404,))
async def get_action(call: Call) -> Reply:
    """Read a script."""
    key = _key(call)
    found = await read(call, lambda store: store.scripts.config(key))
    if found is None:
        raise NotFound("script", key)
    return Reply(200, found)


@operations.put(PATH, "UpsertAction", body=Action, response=Action, statuses=(201,))
async def put_action(call: Call[Action]) -> Reply:
    """Use this script from now on."""
    key, config = _key(call), call.body.as_json()
    created = await write(call, lambda store: store.scripts.put(key, config))
    return Reply(201 if created else 200, config)


@operations.patch(PATH, "UpdateAction", body=ActionPatch, response=Action, statuses=(404,))
async def patch_action(call: Call[ActionPatch]) -> Reply:
    """Change parts of a script's configuration."""
    key, changes = _key(call), call.body.as_json()
    return Reply(200, await write(call, lambda store: store.scripts.change(key, changes)))


@operations.delete(PATH, "DeleteAction", statuses=(404,))
async def delete_action(call: Call) -> None:
    """Delete a script; nothing is asked any more."""
    key = _key(call)
    await write(call, lambda store: store.scripts.delete(key))


@operations.post(
    "/api/configs/actions/test",
    "TestAction",
    body=Trial,
    response=JsonValue,
    statuses=(204, 403, 422),
)
async def test_action(call: Call[Trial]) -> Reply:
    """Run a script on an event, and show what it would answer."""
    trial = call.body.as_json()
    try:
        returned = await actions.run(call.core, trial, trial["event"])
    except ScriptFailed as failure:
        raise trial_error("action.general", failure) from None
    return Reply(200, _json(returned.value)) if returned.present else Reply(204)


def _json(value: Any) -> Any:
    """A value that is sent as JSON whatever it is: text by itself would be sent as text."""
    return msgspec.json.encode(value) if isinstance(value, str) or value is None else value


def _key(call: Call[Any, Any]) -> str:
    key = call.path["actionType"]
    if key not in actions.KEYS:
        expected = " or ".join(actions.KEYS)
        raise invalid("params", "actionType", f"Input should be {expected}", "literal_error")
    return key
