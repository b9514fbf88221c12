"""The authorization endpoint: from a client's question to a page, or to a code at once.

    /oidc/auth ──> who is there? ──login──> /sign-in … /oidc/auth/<uid> ─┐
                    │   ^                                                │
                    │   └────────────────────────────────────────────────┘
                    ├──consent──> /consent … /oidc/auth/<uid> ─┐
                    └──────────────────────────────────────────┴──> code, to the redirect URI

OpenID Connect Core §3.1.2, RFC 6749 §4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatehouse.actors import interaction
from gatehouse.actors.application_access import may_use
from gatehouse.actors.audit import Origin
from gatehouse.actors.authorization import (
    ACCOUNT_PAGES,
    AuthorizationRequest,
    ConsentResult,
    LoginResult,
)
from gatehouse.actors.clients import Client
from gatehouse.actors.interaction import Begin, Interaction, Prompt
from gatehouse.actors.interaction_answers import ConsumeResult
from gatehouse.actors.sign_on import Presence, find_presence, issue_code, sign_in
from gatehouse.actors.tokens import is_uid, new_uid
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc import browser, device_answer
from gatehouse.http.oidc.authorization_request import WHAT_IS_ASKED, WHO_ASKS, Draft
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES
from gatehouse.http.oidc.errors import OAuthError, session_not_found
from gatehouse.http.oidc.journal import note_begun, note_ended
from gatehouse.http.oidc.parameters import Parameters, form_parameters, query_parameters
from gatehouse.http.oidc.pushed import pulled
from gatehouse.http.oidc.response import Destination, go_to, respond_to_client
from gatehouse.http.oidc.screens import page_of
from gatehouse.http.operation import Operations

AnyCall = Call[Any, Any]

operations = Operations(tags=("OIDC",))

ACCOUNT_PATH = "/account"


@operations.get("/oidc/auth", "GetAuthorization", hot=True, documented=False)
async def authorize_by_query(call: AnyCall) -> Reply:
    """Begin to sign in (OpenID Connect Core §3.1.2.1)."""
    return await _authorize(call, query_parameters(call))


@operations.post("/oidc/auth", "PostAuthorization", max_body=MAX_FORM_BYTES, documented=False)
async def authorize_by_form(call: AnyCall) -> Reply:
    """Begin to sign in, with the request in a form."""
    return await _authorize(call, form_parameters(call))


@operations.get("/oidc/auth/{uid}", "ResumeAuthorization", hot=True, documented=False)
async def resume(call: AnyCall) -> Reply:
    """Go on where the browser left for a page."""
    core, uid = call.core, call.path["uid"]
    if not is_uid(uid) or not browser.may_resume(core, call.cookies, uid):
        raise session_not_found()
    address = interaction.address(core.tenant_id, uid)
    answered = await core.engine.turn(address, ConsumeResult())
    if answered is None:
        waiting = interaction.alive(await core.engine.read(address), core.clock())
        return go_to(await page_of(core, waiting.prompt, waiting.params.opened(core.vault)))
    note_ended(call, answered)
    cookies = browser.forget_resumption(core, uid)
    try:
        return await _after_answer(call, answered, cookies)
    except OAuthError as error:
        if error.error == "not_found":
            raise
        if answered.params.device_id is not None:
            return await device_answer.deny(core, answered.params, cookies)
        if answered.params.client_id == ACCOUNT_PAGES:
            return go_to(ACCOUNT_PATH, cookies)
        return _to_client(call, answered.params, _fields(error), cookies)


async def sign_in_for(call: AnyCall, request: AuthorizationRequest) -> Reply:
    """Begin to sign in for a device, or for a page of this server: no client sent the browser."""
    presence = await find_presence(call.core, browser.session_id(call.core, call.cookies))
    if presence is None or _login_needed(call, request, presence):
        return await _ask(call, Prompt.LOGIN, request, presence, ())
    return await _after_login(call, request, presence, ())


async def _after_answer(call: AnyCall, answered: Interaction, cookies: Sequence[str]) -> Reply:
    core, request = call.core, answered.params.opened(call.core.vault)
    known = browser.session_id(core, call.cookies)
    match answered.result:
        case LoginResult() as login:
            if request.hinted_user not in (None, login.user_id):  # OpenID Connect Core §3.1.2.1
                raise OAuthError(
                    "login_required", "somebody else signed in than id_token_hint says"
                )
            presence = await sign_in(core, known, login)
            return await _after_login(call, request, presence, cookies)
        case ConsentResult() as consent:
            if known is None or known != answered.session_id:
                raise session_not_found()
            return await _issue(call, request, known, consent, cookies)
        case _:
            raise OAuthError("access_denied", "the user denied the request")


async def _authorize(call: AnyCall, parameters: Parameters) -> Reply:
    parameters = await pulled(call.core, parameters)
    draft = Draft(call.core, parameters)
    for step in WHO_ASKS:
        await step(draft)
    try:
        for step in WHAT_IS_ASKED:
            await step(draft)
        return await _answer(call, draft)
    except OAuthError as error:
        to = Destination(draft.redirect_uri, draft.response_mode, parameters.first("state"))
        return respond_to_client(call.core, to, _fields(error))


async def _answer(call: AnyCall, draft: Draft) -> Reply:
    request = draft.request()
    presence = await find_presence(call.core, browser.session_id(call.core, call.cookies))
    if presence is None or _login_needed(call, request, presence):
        if "none" in request.prompts:
            raise OAuthError("login_required", "end-user authentication is required")
        return await _ask(call, Prompt.LOGIN, request, presence, ())
    return await _after_login(call, request, presence, ())


def _login_needed(call: AnyCall, request: AuthorizationRequest, presence: Presence) -> bool:
    """Whether who is signed in has to prove it again (OpenID Connect Core §3.1.2.3)."""
    state = presence.session
    age = call.core.clock() - state.auth_time
    return (
        "login" in request.prompts
        or (request.max_age is not None and age > request.max_age * 1000)
        or request.hinted_user not in (None, state.user_id)
        # A magic link lets its owner in, whoever sat here before.
        or bool(request.one_time_token and request.login_hint)
    )


async def _after_login(
    call: AnyCall, request: AuthorizationRequest, presence: Presence, cookies: Sequence[str]
) -> Reply:
    if request.client_id == ACCOUNT_PAGES:
        remembered = await browser.remember_session(call.core, presence.session_id)
        return go_to(ACCOUNT_PATH, (*cookies, *remembered))
    client = await call.core.directory.client(request.client_id)
    if client is None:
        raise OAuthError("unauthorized_client", "the client was removed")
    if not await may_use(call.core, client, presence.session.user_id):
        raise OAuthError("access_denied", "the user has no access to this application")
    if _consent_needed(client, request, presence):
        if "none" in request.prompts:
            raise OAuthError("consent_required", "end-user consent is required")
        cookies = (*cookies, *await browser.remember_session(call.core, presence.session_id))
        return await _ask(call, Prompt.CONSENT, request, presence, cookies)
    consent = ConsentResult(scopes=request.scopes, resources=request.resources)
    return await _issue(call, request, presence.session_id, consent, cookies, seen=presence)


def _consent_needed(client: Client, request: AuthorizationRequest, presence: Presence) -> bool:
    """OpenID Connect Core §3.1.2.4. The tenant's own applications need none, but pass through
    the page that gives it, save where no page may be shown."""
    if "none" in request.prompts and not client.third_party:
        return False
    given = presence.session.clients.get(client.id)
    covered = given is not None and given.covers(request.scopes, request.resources)
    return "consent" in request.prompts or not covered


async def _ask(
    call: AnyCall,
    prompt: Prompt,
    request: AuthorizationRequest,
    presence: Presence | None,
    cookies: Sequence[str],
) -> Reply:
    """Begin an interaction and send the browser to its page."""
    core, uid = call.core, new_uid()
    await core.engine.turn(
        interaction.address(core.tenant_id, uid),
        Begin(
            client_id=request.client_id,
            params=request.sealed(core.vault),
            prompt=prompt,
            session_id=None if presence is None else presence.session_id,
        ),
    )
    note_begun(call, prompt, request, None if presence is None else presence.session.user_id)
    remembered = browser.remember_interaction(core, call.cookies, request, uid)
    return go_to(await page_of(core, prompt, request), (*cookies, *remembered))


async def _issue(
    call: AnyCall,
    request: AuthorizationRequest,
    session_id: str,
    consent: ConsentResult,
    cookies: Sequence[str],
    *,
    seen: Presence | None = None,
) -> Reply:
    core, device = call.core, request.device_id is not None
    client = await core.directory.client(request.client_id)
    if client is None or not (device or client.redirects_to(request.redirect_uri)):
        raise session_not_found()  # what was registered an hour ago may be so no longer
    cookies = (*cookies, *await browser.remember_session(core, session_id))
    origin = Origin(call.client_address, call.headers.get("user-agent"), client.id)
    if device:
        return await device_answer.allow(core, session_id, request, consent, cookies, origin=origin)
    code = await issue_code(core, session_id, request, consent, origin=origin, seen=seen)
    return _to_client(call, request, {"code": code}, cookies)


def _to_client(
    call: AnyCall,
    request: AuthorizationRequest,
    answer: dict[str, str],
    cookies: Sequence[str],
) -> Reply:
    to = Destination(request.redirect_uri, request.response_mode, request.state)
    return respond_to_client(call.core, to, answer, cookies)


def _fields(error: OAuthError) -> dict[str, str]:
    """The error as the client is told (RFC 6749 §4.1.2.1)."""
    return {"error": error.error, "error_description": error.description}
