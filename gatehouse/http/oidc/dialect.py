"""What every answer of the OAuth and OpenID Connect endpoints has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.http.call import Headers, Reply
from gatehouse.http.logto.dialect import API
from gatehouse.http.oidc.errors import OAuthError, refuse
from gatehouse.http.operation import Cors, Dialect

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

_NO_ROUTE = "unrecognized route or not allowed method"


def _not_found(path: str, headers: Headers) -> Reply:
    return refuse(OAuthError("invalid_request", _NO_ROUTE, status=404))


def _method_not_allowed(allow: str, headers: Headers) -> Reply:
    allowed = (("allow", allow),)
    return refuse(OAuthError("invalid_request", _NO_ROUTE, headers=allowed, status=405))


OIDC = Dialect(
    name="oidc",
    prefix="/oidc",
    refuse=refuse,
    not_found=_not_found,
    method_not_allowed=_method_not_allowed,
    headers=API.headers,
    request_id_header=API.request_id_header,
)

NO_STORE = (("cache-control", "no-store"),)
"""Tokens and what leads to them are never kept by a cache (RFC 6749 §5.1)."""

PREFLIGHT_AGE_S = 3600

MAX_FORM_BYTES = 32 * 1024
"""A form at these endpoints: a few tokens and identifiers."""


async def _any_origin(core: Core, origin: str) -> bool:
    return True


def cors(methods: str) -> Cors:
    """Answers that any script may read, because they say nothing without a credential in the
    request; endpoints that know the client narrow it to the client's registered origins."""
    return Cors(
        _any_origin,
        any_origin=True,
        expose="WWW-Authenticate",
        max_age=PREFLIGHT_AGE_S,
        methods=methods,
    )
