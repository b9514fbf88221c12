"""The authorization request, checked step by step (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

The steps before the redirect URI is known to be the client's own must not send the browser there
(RFC 6749 §4.1.2.1): what fails in `WHO_ASKS` is shown to the person. What fails in `WHAT_IS_ASKED`
is told to the client.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.clients import AUTHORIZATION_CODE, Client
from gatehouse.actors.family import OFFLINE_ACCESS
from gatehouse.actors.keyring import InvalidTokenError
from gatehouse.actors.organization_access import ORGANIZATIONS_RESOURCE
from gatehouse.http.oidc.claims import OPENID, USER_SCOPES
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import Parameters
from gatehouse.http.oidc.response import RESPONSE_MODES

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

MAX_TEXT = 2048
"""Characters of a value that is passed through: state, nonce, login_hint."""

PASSED_THROUGH = (
    "state",
    "nonce",
    "login_hint",
    "first_screen",
    "interaction_mode",
    "ui_locales",
    "identifier",
    "direct_sign_in",
    "one_time_token",
    "google_one_tap_credential",
    "organization_id",
)
"""What comes back to the client, or goes on to a page that knows what to do with it."""

MAX_RESOURCES = 16
"""Resources of one authorization; each costs a look-up and a line in the grant."""

MAX_SCOPES = 64

PROMPTS = frozenset({"none", "login", "consent"})

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""A SHA-256 digest in base64url (RFC 7636 §4.2)."""
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
"""A scope token (RFC 6749 §3.3)."""

_NOT_SUPPORTED = ("request", "request_uri", "registration")
"""Parameters that change what is asked; ignoring them would answer another question (OpenID
Connect Core §6 and §7.2.1)."""


@dataclass(slots=True)
class Draft:
    """An authorization request while it is checked: what is known of it so far."""

    core: Core
    parameters: Parameters
    client: Client | None = None
    redirect_uri: str = ""
    response_mode: str = "query"
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    code_challenge: str | None = None
    prompts: tuple[str, ...] = ()
    max_age: int | None = None
    hinted_user: str | None = None

    @property
    def known_client(self) -> Client:
        """The client, after `check_client`."""
        if self.client is None:
            raise OAuthError("invalid_client", "client is unknown")
        return self.client

    def request(self) -> AuthorizationRequest:
        """The request, after every step."""
        get = self.parameters.get
        return AuthorizationRequest(
            client_id=self.known_client.id,
            redirect_uri=self.redirect_uri,
            response_mode=self.response_mode,
            scopes=self.scopes,
            resources=self.resources,
            state=get("state"),
            nonce=get("nonce"),
            code_challenge=self.code_challenge,
            prompts=self.prompts,
            max_age=self.max_age,
            login_hint=get("login_hint"),
            first_screen=get("first_screen") or get("interaction_mode"),
            ui_locales=get("ui_locales"),
            identifier=get("identifier"),
            direct_sign_in=get("direct_sign_in"),
            one_time_token=get("one_time_token"),
            google_one_tap_credential=get("google_one_tap_credential"),
            organization_id=get("organization_id"),
            hinted_user=self.hinted_user,
        )


async def check_client(draft: Draft) -> None:
    """RFC 6749 §4.1.1: the client is registered."""
    client_id = draft.parameters.require("client_id")
    draft.client = await draft.core.directory.client(client_id)
    if draft.client is None:
        raise OAuthError("invalid_client", "client is not registered", status=400)


async def check_redirect_uri(draft: Draft) -> None:
    """RFC 6749 §3.1.2.3, RFC 9700 §4.1.3: registered, character by character."""
    uri = draft.parameters.require("redirect_uri")
    if not draft.known_client.redirects_to(uri):
        raise OAuthError("invalid_redirect_uri", "redirect_uri is not registered for the client")
    draft.redirect_uri = uri


async def check_response_mode(draft: Draft) -> None:
    """OAuth 2.0 Multiple Response Type Encoding Practices §2.1. First, as errors use it."""
    mode = draft.parameters.get("response_mode")
    if mode is not None and mode not in RESPONSE_MODES:
        raise OAuthError("unsupported_response_mode", "unsupported response_mode requested")
    draft.response_mode = mode or "query"


async def check_repetition(draft: Draft) -> None:
    """RFC 6749 §3.1: parameters must not be included more than once."""
    draft.parameters.check_repetition()


async def check_not_supported(draft: Draft) -> None:
    """OpenID Connect Core §6 and §7: request objects and self-issued registration."""
    for name in _NOT_SUPPORTED:
        if draft.parameters.get(name) is not None:
            raise OAuthError(f"{name}_not_supported", f"{name} parameter is not supported")


async def check_response_type(draft: Draft) -> None:
    """RFC 6749 §3.1.1; of the flows only the one with a code (RFC 9700 §2.1.2)."""
    if draft.parameters.require("response_type") != "code":
        raise OAuthError("unsupported_response_type", "unsupported response_type requested")
    if AUTHORIZATION_CODE not in draft.known_client.grant_types:
        raise OAuthError("unauthorized_client", "the client has no authorization_code grant")


async def check_pass_through(draft: Draft) -> None:
    """Values that come back or go on to a page: bounded."""
    for name in PASSED_THROUGH:
        if len(draft.parameters.get(name) or "") > MAX_TEXT:
            raise OAuthError("invalid_request", f"'{name}' is too long")


async def check_prompt(draft: Draft) -> None:
    """OpenID Connect Core §3.1.2.1: known values, and `none` alone."""
    prompts = draft.parameters.words("prompt")
    if not PROMPTS.issuperset(prompts):
        raise OAuthError("invalid_request", "unsupported prompt value requested")
    if "none" in prompts and len(prompts) > 1:
        raise OAuthError("invalid_request", "prompt none must only be used alone")
    draft.prompts = prompts


async def check_scope(draft: Draft) -> None:
    """RFC 6749 §3.3. Scopes that mean nothing here are ignored when tokens are made.

    A client that is not the tenant's own asks for no more about the user than it is allowed to.
    """
    scopes = draft.parameters.words("scope")
    if len(scopes) > MAX_SCOPES or not all(map(_SCOPE.fullmatch, scopes)):
        raise OAuthError("invalid_scope", "the scope parameter is not well-formed")
    client = draft.known_client
    if client.third_party:
        allowed = (await draft.core.directory.allowed_scopes(client.id)).user
        if not set(USER_SCOPES).isdisjoint({*scopes} - {OPENID, OFFLINE_ACCESS, *allowed}):
            raise OAuthError("invalid_scope", "requested scope is not allowed")
    if "consent" not in draft.prompts:  # OpenID Connect Core §11: otherwise it is ignored
        scopes = tuple(scope for scope in scopes if scope != OFFLINE_ACCESS)
    draft.scopes = scopes


async def check_code_challenge(draft: Draft) -> None:
    """RFC 7636 §4.3: S256 alone, and required of public clients (RFC 9700 §2.1.1)."""
    challenge = draft.parameters.get("code_challenge")
    method = draft.parameters.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise OAuthError("invalid_request", "code_challenge must be provided with its method")
        if draft.known_client.public:
            raise OAuthError("invalid_request", "PKCE is required for this client")
        return
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is not well-formed")
    draft.code_challenge = challenge


async def check_max_age(draft: Draft) -> None:
    """OpenID Connect Core §3.1.2.1: seconds, not negative."""
    max_age = draft.parameters.get("max_age")
    if max_age is None:
        return
    if not max_age.isascii() or not max_age.isdecimal() or len(max_age) > 10:
        raise OAuthError("invalid_request", "max_age must be a number of seconds")
    draft.max_age = int(max_age)


async def check_resource(draft: Draft) -> None:
    """RFC 8707 §2: each is an API registered here, or what stands for the user's organizations;
    none named means the default one. Logto takes several in one parameter, too, between commas."""
    directory = draft.core.directory
    given = (part for text in draft.parameters.all("resource") for part in text.split(","))
    resources = tuple(dict.fromkeys(given))
    if len(resources) > MAX_RESOURCES:
        raise OAuthError("invalid_target", "too many resource indicators")
    for indicator in resources:
        if indicator != ORGANIZATIONS_RESOURCE and await directory.resource(indicator) is None:
            raise OAuthError("invalid_target", "resource indicator is missing, or unknown")
    if not resources:
        default = await directory.default_resource()
        resources = () if default is None else (default.indicator,)
    draft.resources = resources


async def check_id_token_hint(draft: Draft) -> None:
    """OpenID Connect Core §3.1.2.1: whom the client believes to be signed in."""
    hint = draft.parameters.get("id_token_hint")
    if hint is None:
        return
    keyring = await draft.core.keyring(hint)
    try:
        claims = keyring.verify_id_token_hint(hint, issuer=draft.core.issuer)
    except InvalidTokenError:
        raise OAuthError("invalid_request", "id_token_hint is not valid") from None
    draft.hinted_user = str(claims.get("sub"))


Step = Callable[[Draft], Awaitable[None]]

WHO_ASKS: tuple[Step, ...] = (check_client, check_redirect_uri)

WHAT_IS_ASKED: tuple[Step, ...] = (
    check_response_mode,
    check_repetition,
    check_not_supported,
    check_response_type,
    check_pass_through,
    check_prompt,
    check_scope,
    check_code_challenge,
    check_max_age,
    check_resource,
    check_id_token_hint,
)
