"""Who may call: the bearer token of the Management API, and which browser origins may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatehouse.actors.keyring import InvalidTokenError
from gatehouse.http.call import Call, Principal
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.operation import Access, Cors

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

MANAGEMENT_SCOPE = "all"
"""The one scope of the Management API."""


def management_audience(tenant_id: str) -> str:
    """The resource indicator (RFC 8707) of a tenant's Management API."""
    return f"https://{tenant_id}.logto.app/api"


def bearer_token(call: Call[Any, Any]) -> str:
    """The token of the Authorization header (RFC 6750, 2.1). Raises ApiError (401)."""
    header = call.headers.get("authorization")
    if header is None:
        raise ApiError("auth.authorization_header_missing")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError("auth.authorization_token_type_not_supported")
    return token.strip()


async def admit_to_management(call: Call[Any, Any]) -> Principal:
    """The caller of a management operation, known by an access token for its audience.

    Raises ApiError: 401 if there is no token or it is not valid here, 403 if it lacks the scope.
    """
    token = bearer_token(call)
    core = call.core
    keyring = await core.keyring(token)
    try:
        claims = keyring.verify_access_token(
            token,
            issuer=core.issuer,
            audience=management_audience(core.tenant_id),
            now=core.clock(),
        )
    except InvalidTokenError:
        raise ApiError("auth.unauthorized") from None
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise ApiError("auth.jwt_sub_missing")
    scopes = frozenset(str(claims.get("scope", "")).split())
    if MANAGEMENT_SCOPE not in scopes:
        raise ApiError("auth.forbidden")
    return Principal(subject, str(claims.get("client_id", subject)), scopes, claims)


async def _console_origins(core: Core, origin: str) -> bool:
    return origin == core.public_url


MANAGEMENT = Access("management", admit_to_management, {"managementToken": (MANAGEMENT_SCOPE,)})

CONSOLE_ONLY = Cors(_console_origins, methods="GET,HEAD,PUT,POST,DELETE,PATCH")
"""Management answers are read by programs; of browsers, only by pages of this server's origin."""
