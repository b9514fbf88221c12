"""Where identity providers send people back to: `/callback/{connectorId}`.

Some answer with a form that their page submits (OAuth 2.0 Form Post Response Mode). With a form
from another site browsers send no cookie of ours, so that it is led on to the same address as a
query. What it says is not believed before the cookie is there, and the `state` that belongs to it.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from gatehouse.actors.cookies import INTERACTION_COOKIE, find_interaction_of
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.call import Call, Principal, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages import social
from gatehouse.http.wire import Query

operations = Operations(tags=("Pages",))

PATH = "/callback/{connectorId}"
MAX_STATE = 1024

Long = Annotated[str, Field(max_length=6 * 1024)]
Short = Annotated[str, Field(max_length=1024)]


class Answer(Query):
    """What a provider sends the browser back with: it differs."""

    model_config = ConfigDict(extra="allow")

    state: Annotated[str, Field(max_length=MAX_STATE)] = ""


class PostedAnswer(BaseModel):
    """What a provider says in a form: that much is led on, and nothing else."""

    state: Annotated[str, Field(max_length=MAX_STATE)] | None = None
    code: Long | None = None
    id_token: Long | None = None
    user: Short | None = None
    iss: Short | None = None
    error: Short | None = None


@operations.get(PATH, "CallbackPage", query=Answer, documented=False)
async def callback(call: Call[None, Answer]) -> Reply:
    """Somebody is back from an identity provider."""
    call.principal = _traveller(call)
    answer = {**(call.query.model_extra or {})}
    if call.query.state:
        answer["state"] = call.query.state
    found = await social.returned(call, answer)
    if found is None:
        raise Refused(Reason.INTERACTION_GONE)
    return found


@operations.post(PATH, "CallbackForm", body=PostedAnswer, form=True, documented=False)
async def posted_callback(call: Call[PostedAnswer]) -> Reply:
    """The same, from a provider that answers with a form."""
    answer = call.body.model_dump(exclude_none=True)
    path = PATH.format(connectorId=quote(call.path["connectorId"], safe=""))
    return redirect(f"{path}?{urlencode(answer)}")


def _traveller(call: Call[Any, Answer]) -> Principal:
    """Whose browser this is: of the interactions it has open, the one of the state's application.

    Raises `Refused(INTERACTION_GONE)`.
    """
    cookie = call.core.cookies.read(call.cookies, INTERACTION_COOKIE)
    _, _, client_id = call.query.state.partition(".")
    found = find_interaction_of(cookie, client_id or None)
    if found is None:
        raise Refused(Reason.INTERACTION_GONE)
    return Principal(found[1], found[0], frozenset())
