"""Token introspection (RFC 7662): a client asks what a token is worth at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatehouse.actors import family
from gatehouse.actors.family import Family
from gatehouse.actors.keyring import InvalidTokenError
from gatehouse.actors.subjects import still_good
from gatehouse.actors.tokens import Purpose
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.client_authentication import authenticate_client
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.parameters import form_parameters
from gatehouse.http.operation import Operations

AnyCall = Call[Any, Any]
Facts = Mapping[str, Any]

operations = Operations(tags=("OIDC",), cors=cors("POST"))

_INACTIVE: Facts = {"active": False}
"""All that is said about a token that is not good, or not the client's to ask about (§2.2)."""


@operations.post(
    "/oidc/token/introspection", "IntrospectToken", max_body=MAX_FORM_BYTES, documented=False
)
async def introspect(call: AnyCall) -> Reply:
    """What a token is worth (RFC 7662 §2)."""
    form = form_parameters(call)
    client = await authenticate_client(call, form)
    token = form.require("token")
    facts = await (_signed(call, token) if "." in token else _opaque(call, token))
    if client.public and facts.get("client_id") != client.id:
        facts = _INACTIVE  # a public client may be anybody: it learns of its own tokens alone
    return Reply(200, facts, NO_STORE)


async def _opaque(call: AnyCall, token: str) -> Facts:
    core, now = call.core, call.core.clock()
    ref = core.tokens.decode(token, Purpose.ACCESS_TOKEN, Purpose.REFRESH_TOKEN)
    if ref is None:
        return _INACTIVE
    state = await core.engine.read(family.address(core.tenant_id, ref.family_id))
    if state is None:
        return _INACTIVE
    scopes, expires_at, issued_at = state.scopes, state.refresh_expires_at, state.created_at
    if ref.purpose is Purpose.ACCESS_TOKEN:
        access = state.access_token(ref.number, now)
        if access is None:
            return _INACTIVE
        scopes, expires_at, issued_at = access.scopes, access.expires_at, access.issued_at
    elif not state.refreshable(ref.number, now):
        return _INACTIVE
    if not await _in_good_standing(call, state):
        return _INACTIVE
    facts = {
        "active": True,
        "sub": state.user_id,
        "client_id": state.client_id,
        "exp": expires_at // 1000,
        "iat": issued_at // 1000,
        "iss": core.issuer,
        "scope": " ".join(scopes),
        "token_type": "Bearer" if ref.purpose is Purpose.ACCESS_TOKEN else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


async def _in_good_standing(call: AnyCall, state: Family) -> bool:
    if state.user_id is None:
        return await call.core.directory.client(state.client_id) is not None
    return await still_good(call.core, state.user_id, state.created_at)


async def _signed(call: AnyCall, token: str) -> Facts:
    """A signed access token is good until it expires, as long as its subject is."""
    core = call.core
    keyring = await core.keyring(token)
    try:
        claims = keyring.verify_access_token(token, issuer=core.issuer, now=core.clock())
    except InvalidTokenError:
        return _INACTIVE
    subject, client_id = str(claims.get("sub")), str(claims.get("client_id"))
    if subject == client_id:
        good = await core.directory.client(client_id) is not None
    else:
        good = await still_good(core, subject, int(claims.get("iat", 0)) * 1000)
    return {"active": True, **claims, "token_type": "Bearer"} if good else _INACTIVE
