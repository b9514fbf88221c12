"""The grants that a token family answers: a code, a device's code, a refresh token.

What was presented leads to the family; one turn of it decides, and what it granted is written out.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

from gatehouse.actors import device_authorization, family
from gatehouse.actors.application_access import may_use
from gatehouse.actors.clients import REFRESH_TOKEN, Client
from gatehouse.actors.device_authorization import Pending, Poll
from gatehouse.actors.family import (
    AccessWish,
    Family,
    Granted,
    RedeemCode,
    Refresh,
    Refusal,
)
from gatehouse.actors.organization_access import Within, user_within
from gatehouse.actors.tokens import Purpose, TokenRef
from gatehouse.engine.actor import Address
from gatehouse.http.call import Call
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.grants.user_tokens import tokens_for_user
from gatehouse.http.oidc.issued import (
    ACCESS_TOKEN_TTL_S,
    AskedTarget,
    Issued,
    asked_target,
    resource_parameter,
    within,
)
from gatehouse.http.oidc.parameters import Parameters

AnyCall = Call[Any, Any]

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


async def authorization_code(call: AnyCall, client: Client, form: Parameters) -> Issued:
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
    return await tokens_for_user(call, client, ref.family_id, granted, granted.family.nonce)


async def refresh_token(call: AnyCall, client: Client, form: Parameters) -> Issued:
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
    return await tokens_for_user(
        call, client, ref.family_id, granted, None, organization=organization
    )


async def device_code(call: AnyCall, client: Client, form: Parameters) -> Issued:
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
    return await tokens_for_user(call, client, answer, _honoured(reply), None)


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
