"""What a token family granted, written out: tokens for a user, if they may still have them."""

from __future__ import annotations

from typing import Any

import trio

from gatehouse.actors.clients import AUTHORIZATION_CODE, DEVICE_CODE, Client
from gatehouse.actors.family import Granted, Refusal
from gatehouse.actors.grants import end_families
from gatehouse.actors.organization_access import Within, organization_of
from gatehouse.actors.scripts.claims import Issue
from gatehouse.actors.subjects import Subject, Target, find_subject
from gatehouse.actors.tokens import Purpose
from gatehouse.http.call import Call
from gatehouse.http.oidc.claims import OPENID, USER_SCOPES, id_token_claims
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.issued import (
    ACCESS_TOKEN_TTL_S,
    Issued,
    added_claims,
    new_jti,
    organization_token,
    signed_access_token,
    token_response,
    unknown_resource,
)

AnyCall = Call[Any, Any]


async def tokens_for_user(
    call: AnyCall,
    client: Client,
    family_id: str,
    granted: Granted,
    nonce: str | None,
    *,
    organization: Within | None = None,
) -> Issued:
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
        raise OAuthError("invalid_grant", Refusal.GONE.value)
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
            raise unknown_resource()
        scope = " ".join(name for name in granted.scopes if name in subject.scopes)
        issue = _issue(client, family_id, granted, scope, organization)
        access = await signed_access_token(call, client, api, issue)
        ttl = api.token_ttl
    id_token = refresh = None
    if OPENID in granted.scopes:
        id_token = await _id_token(call, client, granted, subject, nonce)
    if granted.refresh_number:
        refresh = core.tokens.encode(Purpose.REFRESH_TOKEN, family_id, granted.refresh_number)
    body = token_response(access, ttl, scope, id_token=id_token, refresh_token=refresh)
    return Issued(body, subject.user.id)


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
    call: AnyCall, client: Client, granted: Granted, subject: Subject, nonce: str | None
) -> str:
    """OpenID Connect Core §2. `sid` where the client asked for it (Back-Channel Logout §2.1)."""
    core, state = call.core, granted.family
    now = core.clock() // 1000
    extended = await core.directory.id_token_claims()
    claims = id_token_claims(subject, granted.scopes, extended)
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
    keyring = await core.keyring()
    # A signature takes as long as many a request: others get their turn before it and after it.
    await trio.lowlevel.checkpoint()
    id_token = keyring.sign_id_token(claims)
    await trio.lowlevel.checkpoint()
    return id_token
