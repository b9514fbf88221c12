"""Token revocation (RFC 7009)."""

from __future__ import annotations

from typing import Any

from gatehouse.actors import family
from gatehouse.actors.family import Revoke
from gatehouse.actors.tokens import Purpose
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.client_authentication import authenticate_client
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.journal import note_revoked
from gatehouse.http.oidc.parameters import form_parameters
from gatehouse.http.operation import Operations

operations = Operations(tags=("OIDC",), cors=cors("POST"))


@operations.post("/oidc/token/revocation", "RevokeToken", max_body=MAX_FORM_BYTES, documented=False)
async def revoke(call: Call[Any, Any]) -> Reply:
    """A token is no longer needed, or was lost (RFC 7009 §2).

    A token that is unknown is as good as revoked (§2.2).
    """
    core = call.core
    form = form_parameters(call)
    client = await authenticate_client(call, form)
    token = form.require("token")
    if "." in token:  # §2.2.1: nobody asks us whether a signed token is still good
        raise OAuthError("unsupported_token_type", "signed access tokens end by expiring")
    ref = core.tokens.decode(token, Purpose.REFRESH_TOKEN, Purpose.ACCESS_TOKEN)
    if ref is not None:
        address = family.address(core.tenant_id, ref.family_id)
        known = await core.engine.read(address)
        if not await core.engine.turn(address, Revoke(client.id, ref.purpose, ref.number)):
            raise OAuthError("invalid_grant", "the token was issued to another client")
        if known is not None:
            note_revoked(call, client.id, ref.purpose, ref.family_id, known.user_id)
    return Reply(200, b"", NO_STORE, content_type="text/plain; charset=utf-8")
