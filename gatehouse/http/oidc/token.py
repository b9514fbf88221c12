"""The token endpoint (RFC 6749 §3.2): a grant in, tokens out.

Each grant is a story of its own (`grants/`). The endpoint is the busiest of all, so it is mounted
in front of the web framework.
"""

from __future__ import annotations

from typing import Any

from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.client_authentication import authenticate_client
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.grants import GRANTS
from gatehouse.http.oidc.parameters import form_parameters
from gatehouse.http.operation import Operations

operations = Operations(tags=("OIDC",), cors=cors("POST"))


@operations.post(
    "/oidc/token", "ExchangeToken", hot=True, max_body=MAX_FORM_BYTES, documented=False
)
async def exchange_token(call: Call[Any, Any]) -> Reply:
    """Tokens for a grant (RFC 6749 §5.1)."""
    form = form_parameters(call)
    client = await authenticate_client(call, form)
    form.check_repetition()
    grant_type = form.require("grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError("unsupported_grant_type", "unsupported grant_type requested")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "the client may not use this grant_type")
    tokens = await grant(call, client, form)
    call.core.observer.token_issued(grant_type)
    return Reply(200, tokens, NO_STORE)
