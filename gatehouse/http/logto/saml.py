"""`/api/saml`: this server as the identity provider of SAML applications (profiles 4.1).

    service provider ──AuthnRequest──> /api/saml/{id}/authn
      ──> /oidc/auth … sign-in … ──code──> /api/saml-applications/{id}/callback
      ──Response, in a form that submits itself──> service provider

Signing in is an ordinary authorization request of the application, so whatever the sign-in
experience asks for and whoever may not use the application, holds here too. A code that comes
without a `state` belongs to no request: the user began here, and the response answers none. If the
authorization request fails, the service provider that asked is told so.
"""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import trio
from pydantic import Field

from gatehouse.actors import family
from gatehouse.actors.audit import Origin, new_entry
from gatehouse.actors.family import AccessWish, Granted, RedeemCode
from gatehouse.actors.grants import end_families
from gatehouse.actors.saml import responses, session
from gatehouse.actors.saml.requests import (
    MAX_ENCODED,
    POST_BINDING,
    AuthnRequest,
    BadRequest,
    read_post,
    read_redirect,
)
from gatehouse.actors.saml.responses import (
    NoNameId,
    Occasion,
    Why,
    write_refusal,
    write_response,
)
from gatehouse.actors.saml.session import Answer, NoAnswer, SamlSession, Wait
from gatehouse.actors.tokens import Purpose, new_uid
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.saml_application import SamlApplication, find_application
from gatehouse.http.oidc import browser
from gatehouse.http.oidc.response import go_to, post_form
from gatehouse.http.oidc.userinfo import claims_of
from gatehouse.http.operation import Operations
from gatehouse.http.validation import InvalidInput, Issue
from gatehouse.http.wire import Query, Wire
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

AnyCall = Call[Any, Any]

MAX_BODY_BYTES = 160 * 1024
"""A form with a request in base64, percent-encoded."""
REDEEM_TTL_MS = 60_000
"""The access token of the redeemed code is never used, and ended at once."""

operations = Operations(tags=("SAML applications",))
authentication = Operations(tags=("SAML applications auth flow",))

RelayState = Annotated[str, Field(max_length=512)]


class RedirectBinding(Query):
    """A request in the address (bindings 3.4.4). What is signed is read as it was written."""

    saml_request: Annotated[str, Field(alias="SAMLRequest", min_length=1, max_length=MAX_ENCODED)]
    signature: Annotated[str | None, Field(alias="Signature")] = None
    sig_alg: Annotated[str | None, Field(alias="SigAlg")] = None
    relay_state: Annotated[RelayState | None, Field(alias="RelayState")] = None


class PostBinding(Wire):
    """A request in a form (bindings 3.5.4)."""

    saml_request: Annotated[str, Field(alias="SAMLRequest", min_length=1, max_length=MAX_ENCODED)]
    relay_state: Annotated[RelayState | None, Field(alias="RelayState")] = None


class SignedIn(Query):
    """How the authorization request of a SAML application ended."""

    code: str | None = None
    state: str | None = None
    redirect_uri: str | None = Field(None, alias="redirectUri")
    error: str | None = None
    error_description: str | None = None


@operations.get(
    "/api/saml-applications/{id}/metadata",
    "ListSamlApplicationMetadata",
    content_type="text/xml",
    statuses=(404, 422),
)
async def get_metadata(call: AnyCall) -> Reply:
    """Tell a service provider where to send requests, and whom to believe."""
    application = await find_application(call)
    document = responses.metadata(
        call.core.public_url,
        application.id,
        application.signing_key.certificate,
        application.config.name_id_format,
    )
    return Reply(200, document, content_type="text/xml; charset=utf-8")


@authentication.get(
    "/api/saml/{id}/authn", "GetSamlAuthn", query=RedirectBinding, status=302, statuses=(404, 422)
)
async def authenticate_by_redirect(call: Call[None, RedirectBinding]) -> Reply:
    """Take a request in the address."""
    application = await find_application(call)
    parse = partial(read_redirect, call.raw_query, application.certificate)
    return await _begin(call, application, await _parsed(parse), call.query.relay_state)


@authentication.post(
    "/api/saml/{id}/authn",
    "CreateSamlAuthn",
    body=PostBinding,
    form=True,
    max_body=MAX_BODY_BYTES,
    status=302,
    statuses=(404, 422),
)
async def authenticate_by_form(call: Call[PostBinding]) -> Reply:
    """Take a request in a form."""
    application = await find_application(call)
    parse = partial(read_post, call.body.saml_request, application.certificate)
    return await _begin(call, application, await _parsed(parse), call.body.relay_state)


@operations.get(
    "/api/saml-applications/{id}/callback",
    "GetSamlApplicationCallback",
    query=SignedIn,
    content_type="text/html",
    statuses=(404, 422),
)
async def answer(call: Call[None, SignedIn]) -> Reply:
    """Answer the service provider, now that its user has signed in."""
    code = None if call.query.error is not None else _code(call.query)
    application = await find_application(call)
    if code is None:
        return await _decline(call, application, call.query.error or "")
    if call.query.redirect_uri not in (None, application.callback):
        raise ApiError("oidc.invalid_redirect_uri")
    waiting = await _end_wait(call, application)
    claims, auth_time = await _claims(call.core, application, code)
    occasion = Occasion(
        now=call.core.clock(),
        request_id=None if waiting is None else waiting.request_id,
        session_index=None if waiting is None else browser.saml_session(call.core, call.cookies),
        session_expires_at=None if waiting is None else waiting.expires_at,
        authenticated_at=auth_time,
    )
    provider = application.provider(call.core.public_url)
    try:
        document = await trio.to_thread.run_sync(write_response, provider, occasion, claims)
    except NoNameId as error:
        raise ApiError(_NO_NAME[error.missing]) from None
    except ValueError:
        raise ApiError("application.saml.invalid_certificate_pem_format") from None
    return _respond(call, application, document, waiting)


async def _decline(call: AnyCall, application: SamlApplication, error: str) -> Reply:
    """Tell the service provider that its user does not come, if it asked. Raises ApiError."""
    core = call.core
    if call.query.state is None or browser.saml_session(core, call.cookies) is None:
        raise ApiError("oidc.access_denied", status=400)
    waiting = await _end_wait(call, application, error if error in _WHY else "invalid_request")
    occasion = Occasion(now=core.clock(), request_id=waiting.request_id if waiting else None)
    provider = application.provider(core.public_url)
    why = _WHY.get(error, Why.AUTHN_FAILED)
    document = await trio.to_thread.run_sync(write_refusal, provider, occasion, why)
    return _respond(call, application, document, waiting)


def _respond(
    call: AnyCall, application: SamlApplication, document: bytes, waiting: SamlSession | None
) -> Reply:
    """Send the browser to the service provider with a response (bindings 3.5.4)."""
    fields = {"SAMLResponse": b64encode(document).decode()}
    if waiting is not None and waiting.relay_state:
        fields["RelayState"] = waiting.relay_state
    return post_form(application.acs_url, fields, browser.forget_saml_session(call.core))


_WHY = {
    "login_required": Why.NO_PASSIVE,
    "interaction_required": Why.NO_PASSIVE,
    "consent_required": Why.NO_PASSIVE,
    "access_denied": Why.REQUEST_DENIED,
}
"""What errors of the authorization request are called in SAML."""

_NO_NAME = {
    "email": "application.saml.missing_email_address",
    "email_verified": "application.saml.email_address_unverified",
}


async def _parsed(parse: partial[AuthnRequest]) -> AuthnRequest:
    """The request, read off the event loop. Raises ApiError."""
    try:
        return await trio.to_thread.run_sync(parse)
    except BadRequest as error:
        raise ApiError(
            "application.saml.invalid_saml_request", params={"problem": error.problem}
        ) from None


async def _begin(
    call: AnyCall, application: SamlApplication, request: AuthnRequest, relay_state: str | None
) -> Reply:
    """Have the user sign in; the request waits under an id that this browser alone knows."""
    core = call.core
    if request.issuer != application.entity_id:
        raise ApiError("application.saml.auth_request_issuer_not_match")
    ours = responses.sign_on_url(core.public_url, application.id)
    if (
        request.destination not in (None, "", ours)
        or request.acs_url not in (None, application.acs_url)
        or request.protocol_binding not in (None, POST_BINDING)
    ):
        problem = "it names an address or a binding that is not registered"
        raise ApiError("application.saml.invalid_saml_request", params={"problem": problem})
    session_id, state = new_uid(), new_uid()
    entry = _entry(call, application, "AuthnRequest", requestId=request.id)
    await core.engine.turn(
        session.address(core.tenant_id, session_id),
        Wait(application.id, request.id, state, relay_state, (entry.effect(),)),
    )
    query = {
        "client_id": application.id,
        "redirect_uri": application.callback,
        "response_type": "code",
        **_how(request),
        "scope": " ".join(application.scopes),
        "state": state,
    }
    cookies = browser.remember_saml_session(core, session_id)
    reply = go_to(f"{core.issuer}/auth?{urlencode(query)}", cookies)
    return Reply(302, None, reply.headers, reply.cookies)


def _how(request: AuthnRequest) -> dict[str, str]:
    """How the user is to be asked (core 3.4.1): always anew, or not at all if it is passive.

    A passive request that forces authentication as well is answered by a sign-in of this instant,
    so hardly ever.
    """
    if not request.is_passive:
        return {"prompt": "login"}
    return {"prompt": "none", "max_age": "0"} if request.force_authn else {"prompt": "none"}


def _code(query: SignedIn) -> str:
    """The code. Raises InvalidInput."""
    if not query.code:
        issue = Issue("missing", ("code",), "Either code or error must be present.")
        raise InvalidInput("query", [issue])
    return query.code


async def _end_wait(
    call: AnyCall, application: SamlApplication, error: str | None = None
) -> SamlSession | None:
    """The request that this browser brought, which is answered now. None: the user began here.

    `error` is why its user does not come. Raises ApiError.
    """
    core, state = call.core, call.query.state
    if state is None:
        return None
    session_id = browser.saml_session(core, call.cookies)
    if session_id is None:
        raise ApiError("application.saml.sp_initiated_saml_sso_session_not_found_in_cookies")
    entry = _entry(call, application, "Callback")
    if error is not None:
        entry = entry.about(result="Error", error={"code": f"oidc.{error}"})
    ended = await core.engine.turn(
        session.address(core.tenant_id, session_id),
        Answer(application.id, state, (entry.effect(),)),
    )
    if isinstance(ended, NoAnswer):
        raise ApiError(ended.value)
    return ended


async def _claims(
    core: Core, application: SamlApplication, code: str
) -> tuple[dict[str, Any], int | None]:
    """What there is to say of the user whose code it is, and when they proved who they are.

    The code is used up. Raises ApiError.
    """
    ref = core.tokens.decode(code, Purpose.AUTHORIZATION_CODE)
    if ref is None:
        raise ApiError("oidc.access_denied", status=400)
    granted = await core.engine.turn(
        family.address(core.tenant_id, ref.family_id),
        RedeemCode(
            client_id=application.id,
            redirect_uri=application.callback,
            challenge=None,
            refresh=None,
            access=AccessWish(REDEEM_TTL_MS),
        ),
    )
    if not isinstance(granted, Granted):
        raise ApiError("oidc.access_denied", status=400)
    await end_families(core, (ref.family_id,))
    state = granted.family
    claims = await claims_of(core, state.user_id or "", state.created_at, state.scopes)
    if claims is None:
        raise ApiError("oidc.access_denied", status=400)
    return claims, state.auth_time


def _entry(call: AnyCall, application: SamlApplication, key: str, **facts: object) -> Any:
    core = call.core
    origin = Origin(call.client_address, call.headers.get("user-agent"), application.id)
    name = f"SamlApplication.{key}"
    return new_entry(core.tenant_id, new_id(), name, core.clock(), origin, **facts)
