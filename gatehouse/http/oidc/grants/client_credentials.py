"""The client acts for itself, as far as its roles let it (RFC 6749 §4.4)."""

from __future__ import annotations

from typing import Any

from gatehouse.actors import family
from gatehouse.actors.clients import Client
from gatehouse.actors.family import OpenForClient
from gatehouse.actors.organization_access import client_resource_scopes, client_within
from gatehouse.actors.scripts.claims import Issue
from gatehouse.actors.tokens import Purpose, new_family_id
from gatehouse.http.call import Call
from gatehouse.http.oidc.issued import (
    ACCESS_TOKEN_TTL_S,
    AskedTarget,
    Issued,
    added_claims,
    asked_target,
    new_jti,
    organization_token,
    signed_access_token,
    token_response,
    unknown_resource,
    within,
)
from gatehouse.http.oidc.parameters import Parameters

AnyCall = Call[Any, Any]


async def client_credentials(call: AnyCall, client: Client, form: Parameters) -> Issued:
    """An access token alone (RFC 6749 §4.4.3)."""
    core = call.core
    asked, target = form.words("scope"), asked_target(form)
    if target.organization_id is not None:
        return Issued(await _within(call, client, target, asked))
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
        return Issued(token_response(token, api.token_ttl, scope))
    if indicator is not None:
        raise unknown_resource()
    await added_claims(call, Issue(client.id, None, "", new_jti()))
    family_id = new_family_id()
    opened = await core.engine.turn(
        family.address(core.tenant_id, family_id),
        OpenForClient(client.id, (), ACCESS_TOKEN_TTL_S * 1000),
    )
    token = core.tokens.encode(Purpose.ACCESS_TOKEN, family_id, opened.access_number)
    return Issued(token_response(token, ACCESS_TOKEN_TTL_S, ""))


async def _within(
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
            raise unknown_resource()
        allowed = await client_resource_scopes(core, client.id, organization_id, audience)
    scope = " ".join(name for name in asked if name in allowed)
    issue = Issue(
        client.id, None, scope, new_jti(), audience, organization_id=access.organization_id
    )
    if api is None:
        return await organization_token(call, client, issue)
    token = await signed_access_token(call, client, api, issue)
    return token_response(token, api.token_ttl, scope)
