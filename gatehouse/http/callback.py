"""Where identity providers send people back to: `/callback/{connectorId}`.

Some answer with a form that their page submits (OAuth 2.0 Form Post Response Mode). With a form
from another site browsers send no cookie of ours, so that it is led on to the same address as a
query. What it says is not believed before the cookie is there, and the `state` that belongs to it.

People come back to it who sign in, and who connect the provider to their account.
"""

from __future__ import annotations

import hmac
from typing import Annotated
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field

from gatehouse.actors.connectors.social.backchannel import PROVIDER_DEADLINE
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.account import social as account_social
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages import social, sso

operations = Operations(tags=("Pages",))

PATH = "/callback/{connectorId}"
MAX_STATE = 1024

Long = Annotated[str, Field(max_length=6 * 1024)]
Short = Annotated[str, Field(max_length=1024)]


class PostedAnswer(BaseModel):
    """What a provider says in a form: that much is led on, and nothing else.

    A `credential` is One Tap's, which is not led on: it comes from a page of ours.
    """

    state: Annotated[str, Field(max_length=MAX_STATE)] | None = None
    code: Long | None = None
    id_token: Long | None = None
    user: Short | None = None
    iss: Short | None = None
    error: Short | None = None
    credential: Annotated[str, Field(max_length=16 * 1024)] | None = None
    g_csrf_token: Short | None = None


@operations.get(
    PATH,
    "CallbackPage",
    query=sso.CallbackQuery,
    documented=False,
    deadline=PROVIDER_DEADLINE,
)
async def callback(call: Call[None, sso.CallbackQuery]) -> Reply:
    """Somebody is back from an identity provider."""
    if account_social.comes_back(call):
        return await account_social.returned(call)
    found = await sso.returned(call) or await social.returned(call)
    if found is None:
        raise Refused(Reason.INTERACTION_GONE)
    return found


@operations.post(PATH, "CallbackForm", body=PostedAnswer, form=True, documented=False)
async def posted_callback(call: Call[PostedAnswer]) -> Reply:
    """The same, from a provider that answers with a form; or Google's One Tap on our own page."""
    if call.body.credential is not None:
        _check_tapped_here(call)
        return await social.tapped(call, call.body.credential)
    answer = call.body.model_dump(exclude_none=True)
    path = PATH.format(connectorId=quote(call.path["connectorId"], safe=""))
    return redirect(f"{path}?{urlencode(answer)}")


def _check_tapped_here(call: Call[PostedAnswer]) -> None:
    """Google's script gives a page the same token as a cookie and as a field.

    https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
    """
    token, cookie = call.body.g_csrf_token, call.cookies.get("g_csrf_token")
    if not token or cookie is None or not hmac.compare_digest(token.encode(), cookie.encode()):
        raise Refused(Reason.AUTHORIZATION_FAILED)
