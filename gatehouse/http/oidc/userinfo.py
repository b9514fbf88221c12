"""The userinfo endpoint (OpenID Connect Core §5.3): what the access token's scopes tell."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from gatehouse.actors.subjects import find_subject
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.bearer import find_bearer, presented_token, refused_bearer
from gatehouse.http.oidc.claims import OPENID, userinfo_claims
from gatehouse.http.oidc.client_authentication import check_origin
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.operation import Operations

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

AnyCall = Call[Any, Any]

operations = Operations(tags=("OIDC",), cors=cors("GET,POST"))


@operations.get("/oidc/me", "GetUserInfo", hot=True, documented=False)
async def get_userinfo(call: AnyCall) -> Reply:
    """Claims about the user."""
    return await _userinfo(call)


@operations.post("/oidc/me", "PostUserInfo", hot=True, max_body=MAX_FORM_BYTES, documented=False)
async def post_userinfo(call: AnyCall) -> Reply:
    """Claims about the user, with the token in a form."""
    return await _userinfo(call)


async def _userinfo(call: AnyCall) -> Reply:
    core = call.core
    bearer = await find_bearer(core, presented_token(call))
    if bearer is None or bearer.family.user_id is None:
        raise refused_bearer("invalid_token", "the access token is not valid")
    client = await core.directory.client(bearer.family.client_id)
    if client is not None:
        check_origin(call, client)
    scopes = bearer.token.scopes
    if OPENID not in scopes:
        raise refused_bearer("insufficient_scope", "the access token lacks the scope openid")
    claims = await claims_of(core, bearer.family.user_id, bearer.family.created_at, scopes)
    if claims is None:
        raise refused_bearer("invalid_token", "the access token is not valid")
    return Reply(200, claims, NO_STORE)


async def claims_of(
    core: Core, user_id: str, since: int, scopes: Collection[str]
) -> dict[str, Any] | None:
    """What the scopes tell of a user, if what began at `since` (ms) is still good for them."""
    subject = await find_subject(core, user_id, since, claims=scopes)
    return None if subject is None else userinfo_claims(subject, scopes)
