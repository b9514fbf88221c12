"""The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0).

A client that shows an id token of the person who is signed in here signs them out at once. Anybody
else could have made the link: then the person is asked first (§2), and the answer is a form with a
token that only this browser's page has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from gatehouse.actors.clients import Client
from gatehouse.actors.keyring import InvalidTokenError
from gatehouse.actors.sign_on import Presence, find_presence, sign_out
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc import browser
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import Parameters, form_parameters, query_parameters
from gatehouse.http.oidc.response import go_to
from gatehouse.http.operation import Operations
from gatehouse.http.pages.forms import csrf_matches, csrf_token
from gatehouse.http.pages.render import page
from gatehouse.http.pages.words import Words, words_for

AnyCall = Call[Any, Any]

operations = Operations(tags=("OIDC",))

CONFIRM_PATH = "/oidc/session/end/confirm"

_SIGNED_OUT = ("page.sign_out.done", "page.sign_out.done_lead")
_SIGNED_IN = ("page.sign_out.not_done", "page.sign_out.not_done_lead")


@dataclass(frozen=True, slots=True)
class Logout:
    """What is asked: by which client, about whom, and where to go afterwards."""

    client: Client | None
    hinted_user: str | None
    redirect_uri: str | None
    state: str | None
    ui_locales: str | None

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The request again, for the form that confirms it."""
        given = {
            "client_id": None if self.client is None else self.client.id,
            "post_logout_redirect_uri": self.redirect_uri,
            "state": self.state,
            "ui_locales": self.ui_locales,
        }
        return [(name, value) for name, value in given.items() if value is not None]


@operations.get("/oidc/session/end", "GetEndSession", documented=False)
async def end_session_by_query(call: AnyCall) -> Reply:
    """Sign out (RP-Initiated Logout §2)."""
    return await _end_session(call, query_parameters(call))


@operations.post("/oidc/session/end", "PostEndSession", max_body=MAX_FORM_BYTES, documented=False)
async def end_session_by_form(call: AnyCall) -> Reply:
    """Sign out, with the request in a form."""
    return await _end_session(call, form_parameters(call))


@operations.post(CONFIRM_PATH, "ConfirmEndSession", max_body=MAX_FORM_BYTES, documented=False)
async def confirm(call: AnyCall) -> Reply:
    """The person answers whether to sign out."""
    form = form_parameters(call)
    asked = await _check(call, form)
    session_id = browser.session_id(call.core, call.cookies)
    if session_id is None:
        return await _leave(call, asked, signed_out=True)
    if not csrf_matches(call.core, _subject(session_id), form.get("csrf") or ""):
        raise OAuthError("invalid_request", "the form is not valid any more", status=403)
    if form.get("logout") != "yes":
        return await _leave(call, asked, signed_out=False)
    await sign_out(call.core, session_id)
    return await _leave(call, asked, signed_out=True)


async def _end_session(call: AnyCall, parameters: Parameters) -> Reply:
    parameters.check_repetition()
    asked = await _check(call, parameters)
    presence = await find_presence(call.core, browser.session_id(call.core, call.cookies))
    if presence is None:
        return await _leave(call, asked, signed_out=True)
    if asked.hinted_user == presence.session.user_id:
        await sign_out(call.core, presence.session_id)
        return await _leave(call, asked, signed_out=True)
    return await _ask(call, asked, presence)


async def _check(call: AnyCall, parameters: Parameters) -> Logout:
    """RP-Initiated Logout §2 and §3: hint, client and redirect URI belong together."""
    core = call.core
    client_id, hinted_user = parameters.get("client_id"), None
    hint = parameters.get("id_token_hint")
    if hint is not None:
        keyring = await core.keyring(hint)
        try:
            claims = keyring.verify_id_token_hint(hint, issuer=core.issuer)
        except InvalidTokenError:
            raise OAuthError("invalid_request", "id_token_hint is not valid") from None
        audience = str(claims.get("aud"))
        if client_id not in (None, audience):
            raise OAuthError("invalid_request", "client_id is not the id_token_hint's")
        client_id, hinted_user = audience, str(claims.get("sub"))
    client = None if client_id is None else await core.directory.client(client_id)
    if client is None and client_id is not None:
        raise OAuthError("invalid_client", "client is not registered", status=400)
    uri = parameters.get("post_logout_redirect_uri")
    if uri is not None and (client is None or not client.signs_out_to(uri)):
        raise OAuthError("invalid_request", "post_logout_redirect_uri is not registered")
    return Logout(client, hinted_user, uri, parameters.get("state"), parameters.get("ui_locales"))


async def _ask(call: AnyCall, asked: Logout, presence: Presence) -> Reply:
    targets = () if asked.redirect_uri is None else (asked.redirect_uri,)
    token = csrf_token(call.core, _subject(presence.session_id))
    values = {
        "application": None if asked.client is None else asked.client.name,
        "action": CONFIRM_PATH,
        "fields": [*asked.fields, ("csrf", token)],
    }
    return await page(
        call.core, await _words(call, asked), "logout.html", values, form_targets=targets
    )


async def _leave(call: AnyCall, asked: Logout, *, signed_out: bool) -> Reply:
    cookies = browser.forget_session(call.core) if signed_out else []
    if asked.redirect_uri is not None:
        return go_to(_with_state(asked.redirect_uri, asked.state), cookies)
    title, text = _SIGNED_OUT if signed_out else _SIGNED_IN
    words = await _words(call, asked)
    values = {"title": words(title), "text": words(text), "good": True, "facts": (), "link": None}
    return await page(call.core, words, "message.html", values, cookies=cookies)


async def _words(call: AnyCall, asked: Logout) -> Words:
    return await words_for(call.core, call.headers.get("accept-language"), asked.ui_locales)


def _with_state(uri: str, state: str | None) -> str:
    if state is None:
        return uri
    separator = "&" if urlsplit(uri).query else "?"
    return f"{uri}{separator}{urlencode({'state': state}, quote_via=quote)}"


def _subject(session_id: str) -> str:
    return f"sign-out:{session_id}"
