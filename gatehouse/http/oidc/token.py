"""The token endpoint (RFC 6749 §3.2): a grant in, tokens out.

Each grant is a short story: what was presented, what the actor decided, what is written out. The
endpoint is the busiest of all, so it is mounted in front of the web framework.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gatehouse.actors import device_authorization, family
from gatehouse.actors.application_access import may_use
from gatehouse.actors.clients import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
    Client,
)
from gatehouse.actors.device_authorization import Pending, Poll
from gatehouse.actors.family import (
    AccessWish,
    Family,
    Granted,
    OpenForClient,
    RedeemCode,
    Refresh,
    Refusal,
)
from gatehouse.actors.grants import end_families
from gatehouse.actors.organization_access import (
    Within,
    client_resource_scopes,
    client_within,
    organization_of,
    user_within,
)
from gatehouse.actors.scripts.claims import Issue
from gatehouse.actors.subjects import Subject, Target, find_subject
from gatehouse.actors.tokens import Purpose, TokenRef, new_family_id
from gatehouse.engine.actor import Address
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.claims import OPENID, USER_SCOPES, id_token_claims
from gatehouse.http.oidc.client_authentication import authenticate_client
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.issued import (
    ACCESS_TOKEN_TTL_S,
    AskedTarget,
    added_claims,
    asked_target,
    new_jti,
    organization_token,
    resource_parameter,
    signed_access_token,
    token_response,
    within,
)
from gatehouse.http.oidc.parameters import Parameters, form_parameters
from gatehouse.http.oidc.token_exchange import exchange
from gatehouse.http.operation import Operations

AnyCall = Call[Any, Any]
Grant = Callable[[AnyCall, Client, Parameters], Awaitable[dict[str, Any]]]

operations = Operations(tags=("OIDC",), cors=cors("POST"))

MIN_VERIFIER, MAX_VERIFIER = 43, 128
"""Characters of a code verifier (RFC 7636 §4.1)."""

_WRONG_TARGET = {
    Refusal.RESOURCE: ("invalid_target", "resource indicator is missing, or unknown"),
    Refusal.SCOPE: ("invalid_scope", "the scope exceeds what was granted"),
    Refusal.ORGANIZATIONS: ("insufficient_scope", "refresh token missing required scope"),
}
_NO_TOKENS_YET = {
    Pending.WAITING: "the user has not answered yet",
    Pending.TOO_FAST: "wait longer before asking again",
    Pending.DENIED: "the user denied the request",
    Pending.EXPIRED: "the device code has expired",
    Pending.OTHER_CLIENT: Refusal.OTHER_CLIENT.value,
}


@operations.post(
    "/oidc/token", "ExchangeToken", hot=True, max_body=MAX_FORM_BYTES, documented=False
)
async def exchange_token(call: AnyCall) -> Reply:
    """Tokens for a grant (RFC 6749 §5.1)."""
    form = form_parameters(call)
    client = await authenticate_client(call, form)
    form.check_repetition()
    grant_type = form.require("grant_type")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError("unsupported_grant_type", "unsupported grant_type requested")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "the client may not use this grant_type")
    tokens = await grant(call, client, form)
    call.core.observer.token_issued(grant_type)
    return Reply(200, tokens, NO_STORE)


async def _authorization_code(call: AnyCall, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 6749 §4.1.3 with PKCE (RFC 7636 §4.5), OpenID Connect Core §3.1.3."""
    ref = _decode(call, form.require("code"), Purpose.AUTHORIZATION_CODE)
    message = RedeemCode(
        client_id=client.id,
        redirect_uri=form.require("redirect_uri"),
        challenge=_challenge(form.get("code_verifier")),
        refresh=client.refresh if REFRESH_TOKEN in client.grant_types else None,
        access=await _wish(call, AskedTarget(resource_parameter(form))),
        always_refresh=client.always_refresh,
    )
    reply = await call.core.engine.turn(_address(call, ref), message)
    granted = _honoured(reply)
    return await _tokens_for_user(call, client, ref.family_id, granted, granted.family.nonce)


async def _refresh_token(call: AnyCall, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 6749 §6, OpenID Connect Core §12, with rotation (RFC 9700 §4.14.2)."""
    ref = _decode(call, form.require("refresh_token"), Purpose.REFRESH_TOKEN)
    asked = asked_target(form)
    organization = await _organization(call, client, ref, asked)
    message = Refresh(
        client_id=client.id,
        number=ref.number,
        policy=client.refresh,
        access=await _wish(call, asked, form.words("scope") or None),
    )
    reply = await call.core.engine.turn(_address(call, ref), message)
    granted = _honoured(reply)
    return await _tokens_for_user(
        call, client, ref.family_id, granted, None, organization=organization
    )


async def _device_code(call: AnyCall, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 8628 §3.4: the device asks whether a person has answered."""
    core = call.core
    ref = _decode(call, form.require("device_code"), Purpose.DEVICE_CODE)
    device = device_authorization.address(core.tenant_id, ref.family_id)
    answer = await core.engine.turn(device, Poll(client.id))
    if isinstance(answer, Pending):
        raise OAuthError(answer.value, _NO_TOKENS_YET[answer], status=400)
    message = RedeemCode(
        client_id=client.id,
        redirect_uri=None,
        challenge=None,
        refresh=client.refresh if REFRESH_TOKEN in client.grant_types else None,
        access=await _wish(call, AskedTarget(resource_parameter(form))),
        always_refresh=client.always_refresh,
    )
    reply = await core.engine.turn(family.address(core.tenant_id, answer), message)
    return await _tokens_for_user(call, client, answer, _honoured(reply), None)


async def _client_credentials(call: AnyCall, client: Client, form: Parameters) -> dict[str, Any]:
    """RFC 6749 §4.4: the client acts for itself, as far as its roles let it."""
    core = call.core
    asked, target = form.words("scope"), asked_target(form)
    if target.organization_id is not None:
        return await _client_within(call, client, target, asked)
    indicator = target.resource
    api = await (
        core.directory.default_resource()
        if indicator is None
        else core.directory.resource(indicator)
    )
    if api is not None:
        granted = await core.directory.client_scopes(client.id, api.indicator)
        scope = " ".join(name for name in asked if name in granted)
        issue = Issue(client.id, None, scope, new_jti(), api.indicator)
        token = await signed_access_token(call, client, api, issue)
        return token_response(token, api.token_ttl, scope)
    if indicator is not None:
        raise OAuthError("invalid_target", "resource indicator is missing, or unknown")
    await added_claims(call, Issue(client.id, None, "", new_jti()))
    family_id = new_family_id()
    opened = await core.engine.turn(
        family.address(core.tenant_id, family_id),
        OpenForClient(client.id, (), ACCESS_TOKEN_TTL_S * 1000),
    )
    token = core.tokens.encode(Purpose.ACCESS_TOKEN, family_id, opened.access_number)
    return token_response(token, ACCESS_TOKEN_TTL_S, "")


async def _client_within(
    call: AnyCall, client: Client, target: AskedTarget, asked: tuple[str, ...]
) -> dict[str, Any]:
    """The client acts within an organization, as far as its roles there let it."""
    core, organization_id = call.core, target.organization_id or ""
    access = within(await client_within(core, client.id, organization_id))
    audience, allowed = target.organization, access.scopes
    api = None
    if target.resource is not None:
        api, audience = await core.directory.resource(target.resource), target.resource
        if api is None:
            raise OAuthError(*_WRONG_TARGET[Refusal.RESOURCE])
        allowed = await client_resource_scopes(core, client.id, organization_id, audience)
    scope = " ".join(name for name in asked if name in allowed)
    issue = Issue(
        client.id, None, scope, new_jti(), audience, organization_id=access.organization_id
    )
    if api is None:
        return await organization_token(call, client, issue)
    token = await signed_access_token(call, client, api, issue)
    return token_response(token, api.token_ttl, scope)


_GRANTS: Mapping[str, Grant] = {
    AUTHORIZATION_CODE: _authorization_code,
    REFRESH_TOKEN: _refresh_token,
    CLIENT_CREDENTIALS: _client_credentials,
    DEVICE_CODE: _device_code,
    TOKEN_EXCHANGE: exchange,
}
GRANT_TYPES = tuple(_GRANTS)
"""The grants there are; discovery announces them."""


def _decode(call: AnyCall, token: str, purpose: Purpose) -> TokenRef:
    ref = call.core.tokens.decode(token, purpose)
    if ref is None:
        raise _invalid_grant(Refusal.GONE)
    return ref


def _address(call: AnyCall, ref: TokenRef) -> Address[Family]:
    return family.address(call.core.tenant_id, ref.family_id)


def _honoured(reply: Granted | Refusal) -> Granted:
    if isinstance(reply, Granted):
        return reply
    if reply in _WRONG_TARGET:
        raise OAuthError(*_WRONG_TARGET[reply])
    raise _invalid_grant(reply)


def _invalid_grant(refusal: Refusal) -> OAuthError:
    return OAuthError("invalid_grant", refusal.value)


def _challenge(verifier: str | None) -> str | None:
    """The S256 challenge of a verifier (RFC 7636 §4.6)."""
    if verifier is None:
        return None
    if not MIN_VERIFIER <= len(verifier) <= MAX_VERIFIER or not verifier.isascii():
        raise _invalid_grant(Refusal.CODE_VERIFIER)
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


async def _wish(
    call: AnyCall, asked: AskedTarget, scopes: tuple[str, ...] | None = None
) -> AccessWish:
    """The access token that the request asks for."""
    default = None if asked.resource else await call.core.directory.default_resource()
    return AccessWish(
        ttl=ACCESS_TOKEN_TTL_S * 1000,
        scopes=scopes,
        resource=asked.resource,
        default_resource=None if default is None else default.indicator,
        organization=asked.organization,
        on_behalf=asked.organization_id is not None,
    )


async def _organization(
    call: AnyCall, client: Client, ref: TokenRef, asked: AskedTarget
) -> Within | None:
    """The organization that is asked for, if the user of a refresh token may act there, and may
    still use the client.

    A token that would be refused anyway is left to the turn, which may have to revoke the family.
    """
    if asked.organization_id is None and not client.access_controlled:
        return None
    core = call.core
    state = await core.engine.read(_address(call, ref))
    if (
        state is None
        or state.user_id is None
        or state.client_id != client.id
        or not state.refreshable(ref.number, core.clock())
    ):
        return None
    if not await may_use(core, client, state.user_id):
        raise OAuthError("access_denied", "the user has no access to this application", status=400)
    if asked.organization_id is None:
        return None
    return within(await user_within(core, client, state.user_id, asked.organization_id))


async def _tokens_for_user(
    call: AnyCall,
    client: Client,
    family_id: str,
    granted: Granted,
    nonce: str | None,
    *,
    organization: Within | None = None,
) -> dict[str, Any]:
    """Write out what the family granted, if its user may still have it."""
    core, state = call.core, granted.family
    subject = await find_subject(
        core,
        state.user_id or "",
        state.created_at,
        claims=granted.scopes,
        target=_target(client, granted.resource, organization),
    )
    if subject is None:
        await end_families(core, (family_id,))
        raise _invalid_grant(Refusal.GONE)
    core.activity.saw(subject.user.id)
    issue: Issue
    if organization is not None and organization_of(granted.resource) is not None:
        scope = " ".join(name for name in granted.scopes if name in organization.scopes)
        issue = _issue(client, family_id, granted, scope, organization)
        answer = await organization_token(call, client, issue)
        access, ttl = answer["access_token"], answer["expires_in"]
    elif granted.resource is None:
        scope = " ".join(name for name in granted.scopes if name in USER_SCOPES)
        await added_claims(call, _issue(client, family_id, granted, scope))
        number = granted.access_number
        access = core.tokens.encode(Purpose.ACCESS_TOKEN, family_id, number)
        ttl = ACCESS_TOKEN_TTL_S
    else:
        api = await core.directory.resource(granted.resource)
        if api is None:
            raise OAuthError(*_WRONG_TARGET[Refusal.RESOURCE])
        scope = " ".join(name for name in granted.scopes if name in subject.scopes)
        issue = _issue(client, family_id, granted, scope, organization)
        access = await signed_access_token(call, client, api, issue)
        ttl = api.token_ttl
    id_token = refresh = None
    if OPENID in state.scopes:
        id_token = await _id_token(call, client, state, subject, nonce)
    if granted.refresh_number:
        refresh = core.tokens.encode(Purpose.REFRESH_TOKEN, family_id, granted.refresh_number)
    return token_response(access, ttl, scope, id_token=id_token, refresh_token=refresh)


def _target(client: Client, resource: str | None, organization: Within | None) -> Target | None:
    """Whose scopes decide what a token for a resource allows."""
    if resource is None or organization_of(resource) is not None:
        return None
    return Target(
        resource,
        None if organization is None else organization.organization_id,
        client.id if client.third_party else None,
    )


def _issue(
    client: Client,
    family_id: str,
    granted: Granted,
    scope: str,
    organization: Within | None = None,
) -> Issue:
    state = granted.family
    return Issue(
        client.id,
        state.user_id,
        scope,
        new_jti(),
        granted.resource,
        grant_type=AUTHORIZATION_CODE if state.redirect_uri else DEVICE_CODE,
        grant_id=family_id,
        session_id=state.session_id,
        sid=state.sid,
        organization_id=None if organization is None else organization.organization_id,
    )


async def _id_token(
    call: AnyCall, client: Client, state: Family, subject: Subject, nonce: str | None
) -> str:
    """OpenID Connect Core §2. `sid` where the client asked for it (Back-Channel Logout §2.1)."""
    core = call.core
    now = core.clock() // 1000
    extended = await core.directory.id_token_claims()
    claims = id_token_claims(subject, state.scopes, extended)
    if nonce is not None:
        claims["nonce"] = nonce
    if state.auth_time_wanted and state.auth_time is not None:
        claims["auth_time"] = state.auth_time // 1000
    if state.amr:
        claims["amr"] = list(state.amr)
    if client.wants_sid and state.sid is not None:
        claims["sid"] = state.sid
    claims |= {
        "aud": client.id,
        "exp": now + client.id_token_ttl,
        "iat": now,
        "iss": core.issuer,
    }
    return (await core.keyring()).sign_id_token(claims)
