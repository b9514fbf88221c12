"""A script that has the last word when somebody signs in (`action.postSignIn`).

It is told who signs in, in the words in which the scripts for tokens are told, and may change that
account (`{action: "updateUser", user: {...}}`). A script that fails stops the sign-in, unless the
operator chose that it shall not matter (`onExecutionError: "allow"`); a decision that is none stops
it always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.scripts import actions
from gatehouse.actors.scripts.context import user_context
from gatehouse.actors.scripts.runner import ScriptFailed

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core


class Decision(msgspec.Struct, frozen=True):
    """What a script decided."""

    action: Literal["updateUser"]
    user: actions.Changes | None = None


async def post_sign_in(core: Core, user_id: str, origin: Origin) -> None:
    """Ask the script, if there is one, and do what it says. Raises `Refused`."""
    config = await actions.config_of(core, actions.POST_SIGN_IN)
    if config is None:
        return
    event = {
        "key": actions.POST_SIGN_IN,
        "interactionEvent": "SignIn",
        "user": await core.db.read(user_context, core.tenant_id, user_id),
    }
    shown = event | {"user": {"id": user_id}}
    question = actions.Question(actions.POST_SIGN_IN, event, shown, user_id, origin)
    try:
        answer = await actions.ask(core, config, question)
    except ScriptFailed:
        if config.get("onExecutionError", "block") == "block":
            raise Refused(Reason.VERIFICATION_FAILED) from None
        return
    if answer is None or answer == {}:
        return
    try:
        decided = actions.decision(answer, Decision)
        changes = {} if decided.user is None else actions.checked(decided.user)
        if changes:
            await actions.store(core, user_id, changes)
    except ScriptFailed:
        raise Refused(Reason.VERIFICATION_FAILED) from None
