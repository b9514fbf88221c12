"""What the token endpoint gives out, whatever the grant was."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from gatehouse.actors.audit import Origin
from gatehouse.actors.clients import Client
from gatehouse.actors.directory import Api
from gatehouse.actors.organization_access import (
    ORGANIZATION_TOKEN_TTL_S,
    ORGANIZATION_URN,
    NoAccess,
    Within,
    organization_of,
)
from gatehouse.actors.scripts.claims import AccessRefused, ClaimsFailed, Issue, custom_claims
from gatehouse.http.call import Call
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import Parameters

AnyCall = Call[Any, Any]

ACCESS_TOKEN_TTL_S = 3600
"""How long an opaque access token is good."""


def resource_parameter(form: Parameters) -> str | None:
    """RFC 8707 §2.2; a token is for one resource."""
    resources = form.all("resource")
    if len(resources) > 1:
        raise OAuthError("invalid_target", "only a single resource indicator is supported")
    return resources[0] if resources else None


def unknown_resource() -> OAuthError:
    """RFC 8707 §2: the resource is none of the APIs registered here."""
    return OAuthError("invalid_target", "resource indicator is missing, or unknown")


@dataclass(frozen=True, slots=True)
class AskedTarget:
    """What an access token shall be for: a resource, an organization, or one on behalf of the
    other. Without either it is for the userinfo endpoint, or for the default resource."""

    resource: str | None = None
    organization_id: str | None = None

    @property
    def organization(self) -> str | None:
        """The audience of a token for the organization itself."""
        if self.organization_id is None or self.resource is not None:
            return None
        return f"{ORGANIZATION_URN}{self.organization_id}"


def asked_target(form: Parameters) -> AskedTarget:
    """`resource` and `organization_id`; a resource may name the organization as well."""
    resource, organization_id = resource_parameter(form), form.get("organization_id")
    named = organization_of(resource)
    if named is None:
        return AskedTarget(resource, organization_id)
    if organization_id not in (None, named):
        raise OAuthError("invalid_target", "resource and organization_id contradict each other")
    return AskedTarget(None, named)


def within(access: Within | NoAccess) -> Within:
    """The organization, if one may act there. Raises `OAuthError` (403)."""
    if isinstance(access, NoAccess):
        raise OAuthError("access_denied", access.value)
    return access


async def organization_token(
    call: AnyCall, client: Client, issue: Issue, *, actor: str | None = None
) -> dict[str, Any]:
    """The answer with a token for an organization itself, whose audience is the issue's."""
    api = Api(issue.audience or "", ORGANIZATION_TOKEN_TTL_S)
    token = await signed_access_token(call, client, api, issue, actor=actor)
    return token_response(token, ORGANIZATION_TOKEN_TTL_S, issue.scope)


def new_jti() -> str:
    """The name of a token that is about to be made (RFC 7519 §4.1.7)."""
    return secrets.token_urlsafe(16)


async def added_claims(call: AnyCall, issue: Issue) -> dict[str, Any]:
    """What the operator's script adds to a token; a script may also refuse it."""
    agent = call.headers.get("user-agent")
    origin = Origin(call.client_address, agent, issue.client_id)
    try:
        return await custom_claims(call.core, issue, origin)
    except AccessRefused as refused:
        raise OAuthError("access_denied", str(refused), status=400) from None
    except ClaimsFailed as failed:
        raise OAuthError("invalid_request", f"custom claims: {failed}") from None


async def signed_access_token(
    call: AnyCall, client: Client, api: Api, issue: Issue, *, actor: str | None = None
) -> str:
    """An access token that the API checks by itself (RFC 9068 §2.2).

    `actor` is the user who acts for the subject (RFC 8693 §4.1).
    """
    core = call.core
    added = await added_claims(call, issue)
    now = core.clock() // 1000
    claims: dict[str, Any] = {
        **added,
        "jti": issue.jti,
        "sub": issue.user_id or client.id,
        "iat": now,
        "exp": now + api.token_ttl,
        "scope": issue.scope,
        "client_id": client.id,
        "iss": core.issuer,
        "aud": api.indicator,
    }
    if issue.organization_id is not None and organization_of(api.indicator) is None:
        claims["organization_id"] = issue.organization_id
    if actor is not None:
        claims["act"] = {"sub": actor}
    return (await core.keyring()).sign_access_token(claims)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a grant yields: the answer, and the user whom it is about, if there is one."""

    body: dict[str, Any]
    user_id: str | None = None


def token_response(
    access_token: str,
    ttl: int,
    scope: str,
    *,
    id_token: str | None = None,
    refresh_token: str | None = None,
) -> dict[str, Any]:
    """RFC 6749 §5.1. `scope` is repeated, even if it is empty."""
    fields = {
        "access_token": access_token,
        "expires_in": ttl,
        "id_token": id_token,
        "refresh_token": refresh_token,
        "scope": scope,
        "token_type": "Bearer",
    }
    return {name: value for name, value in fields.items() if value is not None}
