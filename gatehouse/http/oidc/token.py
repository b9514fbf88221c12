"""The token endpoint (RFC 6749 §3.2): a grant in, tokens out.

Each grant is a story of its own (`grants/`). The endpoint is the busiest of all, so it is mounted
in front of the web framework.
"""

from __future__ import annotations

from typing import Any

from gatehouse.actors.clients import Client
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.client_authentication import NotAuthenticated, authenticate_client
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.grants import GRANTS
from gatehouse.http.oidc.issued import Issued
from gatehouse.http.oidc.journal import note_issued, note_refused
from gatehouse.http.oidc.parameters import Parameters, form_parameters
from gatehouse.http.operation import Operations

AnyCall = Call[Any, Any]

operations = Operations(tags=("OIDC",), cors=cors("POST"))


@operations.post(
    "/oidc/token", "ExchangeToken", hot=True, max_body=MAX_FORM_BYTES, documented=False
)
async def exchange_token(call: AnyCall) -> Reply:
    """Tokens for a grant (RFC 6749 §5.1)."""
    form = form_parameters(call)
    try:
        client = await authenticate_client(call, form)
    except NotAuthenticated as refusal:
        note_refused(call, form, refusal.client_id, refusal)
        raise
    try:
        issued = await _exchange(call, client, form)
    except OAuthError as refusal:
        note_refused(call, form, client.id, refusal)
        raise
    note_issued(call, form, client.id, issued)
    return Reply(200, issued.body, NO_STORE)


async def _exchange(call: AnyCall, client: Client, form: Parameters) -> Issued:
    form.check_repetition()
    grant_type = form.require("grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError("unsupported_grant_type", "unsupported grant_type requested")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "the client may not use this grant_type")
    issued = await grant(call, client, form)
    call.core.observer.token_issued(grant_type)
    return issued
