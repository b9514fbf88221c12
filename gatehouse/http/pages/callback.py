"""Where people come back to from another provider, with its answer in the address."""

from __future__ import annotations

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.call import Call, Reply
from gatehouse.http.operation import Operations
from gatehouse.http.pages import sso
from gatehouse.http.pages.sso import CallbackQuery

operations = Operations(tags=("Pages",))


@operations.get("/callback/{connectorId}", "CallbackPage", query=CallbackQuery, documented=False)
async def callback_page(call: Call[None, CallbackQuery]) -> Reply:
    """Somebody is back from where they were sent."""
    reply = await sso.returned(call)
    if reply is None:
        raise Refused(Reason.INTERACTION_GONE)
    return reply
