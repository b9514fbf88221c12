"""`/api/saml`: this server as the identity provider of SAML applications (profiles 4.1).

    service provider ──AuthnRequest──> /api/saml/{id}/authn
      ──> /oidc/auth … sign-in … ──code──> /api/saml-applications/{id}/callback
      ──Response, in a form that submits itself──> service provider

Signing in is an ordinary authorization request of the application, so whatever the sign-in
experience asks for and whoever may not use the application, holds here too. A code that comes
without a `state` belongs to no request: the user began here, and the response answers none.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import trio
from pydantic import Field

from gatehouse.actors import family
from gatehouse.actors.audit import Origin, new_entry
from gatehouse.actors.certificates import pem, read_certificate
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
from gatehouse.actors.saml.responses import EMAIL, NoNameId, Occasion, Provider, write_response
from gatehouse.actors.saml.session import Answer, NoAnswer, SamlSession, Wait
from gatehouse.actors.tokens import Purpose, new_uid
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.saml_applications import saml_application
from gatehouse.http.logto.management.store import Store, read
from gatehouse.http.oidc import browser
from gatehouse.http.oidc.claims import CLAIMS_OF_SCOPES, OPENID
from gatehouse.http.oidc.response import go_to, post_form
from gatehouse.http.oidc.userinfo import claims_of
from gatehouse.http.operation import Operations
from gatehouse.http.validation import InvalidInput, Issue
from gatehouse.http.wire import Query, Wire
from gatehouse.storage.ids import new_id
from gatehouse.storage.saml_applications import (
    SamlApplicationConfig,
    SamlApplicationSecret,
    SamlEncryption,
)

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


@dataclass(frozen=True, slots=True)
class _Application:
    """A SAML application as far as a flow needs it."""

    id: str
    callback: str
    config: SamlApplicationConfig
    key: SamlApplicationSecret | None

    @property
    def entity_id(self) -> str:
        if self.config.entity_id is None:
            raise ApiError("application.saml.entity_id_required")
        return self.config.entity_id

    @property
    def acs_url(self) -> str:
        if self.config.acs_url is None:
            raise ApiError("application.saml.acs_url_required")
        return self.config.acs_url.url

    @property
    def signing_key(self) -> SamlApplicationSecret:
        if self.key is None:
            raise ApiError("application.saml.certificate_required")
        return self.key

    @property
    def certificate(self) -> str | None:
        """The service provider's own, if it registered one."""
        encryption = self.config.encryption
        if encryption is None or encryption.certificate is None:
            return None
        return pem(read_certificate(encryption.certificate))

    @property
    def scopes(self) -> tuple[str, ...]:
        """What has to be known of the user to fill the assertion."""
        wanted = {"profile": True, "email": self.config.name_id_format == EMAIL}
        for scope, claims in CLAIMS_OF_SCOPES.items():
            if any(claim in self.config.attribute_mapping for claim in claims):
                wanted[scope] = True
        return (OPENID, *(scope for scope, asked in wanted.items() if asked))


async def _find(call: AnyCall) -> _Application:
    """Raises `NotFound`, ApiError for an application of another type."""

    def look(store: Store) -> _Application:
        application = saml_application(store, call.path["id"])
        return _Application(
            application.id,
            application.oidc_client_metadata.redirect_uris[0],
            store.saml_configs.get(application.id),
            store.saml_secrets.active(application.id),
        )

    return await read(call, look)


@operations.get(
    "/api/saml-applications/{id}/metadata",
    "ListSamlApplicationMetadata",
    content_type="text/xml",
    statuses=(404, 422),
)
async def get_metadata(call: AnyCall) -> Reply:
    """Tell a service provider where to send requests, and whom to believe."""
    application = await _find(call)
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
    application = await _find(call)
    parse = partial(read_redirect, call.raw_query, application.certificate)
    return await _begin(call, application, _parsed(parse), call.query.relay_state)


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
    application = await _find(call)
    parse = partial(read_post, call.body.saml_request, application.certificate)
    return await _begin(call, application, _parsed(parse), call.body.relay_state)


@operations.get(
    "/api/saml-applications/{id}/callback",
    "GetSamlApplicationCallback",
    query=SignedIn,
    content_type="text/html",
    statuses=(404, 422),
)
async def answer(call: Call[None, SignedIn]) -> Reply:
    """Answer the service provider, now that its user has signed in."""
    code, state = _code(call.query), call.query.state
    application = await _find(call)
    if call.query.redirect_uri not in (None, application.callback):
        raise ApiError("oidc.invalid_redirect_uri")
    waiting = None if state is None else await _end_wait(call, application, state)
    claims = await _claims(call.core, application, code)
    session_id = browser.saml_session(call.core, call.cookies)
    occasion = Occasion(
        now=call.core.clock(),
        request_id=None if waiting is None else waiting.request_id,
        session_index=None if waiting is None else session_id,
        session_expires_at=None if waiting is None else waiting.expires_at,
    )
    write = partial(write_response, _provider(call.core, application), occasion, claims)
    try:
        document = await trio.to_thread.run_sync(write)
    except NoNameId as error:
        raise ApiError(_NO_NAME[error.missing]) from None
    except ValueError:
        raise ApiError("application.saml.invalid_certificate_pem_format") from None
    fields = {"SAMLResponse": b64encode(document).decode()}
    if waiting is not None and waiting.relay_state:
        fields["RelayState"] = waiting.relay_state
    return post_form(application.acs_url, fields, browser.forget_saml_session(call.core))


_NO_NAME = {
    "email": "application.saml.missing_email_address",
    "email_verified": "application.saml.email_address_unverified",
}


def _parsed(parse: partial[AuthnRequest]) -> AuthnRequest:
    try:
        return parse()
    except BadRequest as error:
        raise ApiError(
            "application.saml.invalid_saml_request", params={"problem": error.problem}
        ) from None


async def _begin(
    call: AnyCall, application: _Application, request: AuthnRequest, relay_state: str | None
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
        "prompt": "login",
        "scope": " ".join(application.scopes),
        "state": state,
    }
    cookies = browser.remember_saml_session(core, session_id)
    reply = go_to(f"{core.issuer}/auth?{urlencode(query)}", cookies)
    return Reply(302, None, reply.headers, reply.cookies)


def _code(query: SignedIn) -> str:
    """The code. Raises ApiError, InvalidInput."""
    if query.error is not None:
        raise ApiError("oidc.access_denied", status=400)
    if not query.code:
        issue = Issue("missing", ("code",), "Either code or error must be present.")
        raise InvalidInput("query", [issue])
    return query.code


async def _end_wait(call: AnyCall, application: _Application, state: str) -> SamlSession:
    core = call.core
    session_id = browser.saml_session(core, call.cookies)
    if session_id is None:
        raise ApiError("application.saml.sp_initiated_saml_sso_session_not_found_in_cookies")
    entry = _entry(call, application, "Callback")
    ended = await core.engine.turn(
        session.address(core.tenant_id, session_id),
        Answer(application.id, state, (entry.effect(),)),
    )
    if isinstance(ended, NoAnswer):
        raise ApiError(ended.value)
    return ended


async def _claims(core: Core, application: _Application, code: str) -> dict[str, Any]:
    """What there is to say of the user whose code it is; the code is used up."""
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
    return claims


def _provider(core: Core, application: _Application) -> Provider:
    config, key = application.config, application.signing_key
    encryption = config.encryption or SamlEncryption()
    return Provider(
        issuer=responses.identity_provider(core.public_url, application.id),
        audience=application.entity_id,
        acs_url=application.acs_url,
        name_id_format=config.name_id_format,
        private_key=key.private_key,
        certificate=key.certificate,
        attribute_mapping=config.attribute_mapping,
        encrypt_for=application.certificate if encryption.encrypt_assertion else None,
        encrypt_then_sign=encryption.encrypt_then_sign is not False,
    )


def _entry(call: AnyCall, application: _Application, key: str, **facts: object) -> Any:
    core = call.core
    origin = Origin(call.client_address, call.headers.get("user-agent"), application.id)
    name = f"SamlApplication.{key}"
    return new_entry(core.tenant_id, new_id(), name, core.clock(), origin, **facts)
