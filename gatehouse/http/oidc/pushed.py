"""Pushed authorization requests (RFC 9126): checked here, before any browser is involved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors import pushed_request
from gatehouse.actors.pushed_request import PUSHED_AGE_MS, Push, Take
from gatehouse.actors.tokens import is_uid, new_uid
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc.authorization_request import WHAT_IS_ASKED, WHO_ASKS, Draft
from gatehouse.http.oidc.client_authentication import authenticate_client
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import Parameters, form_parameters
from gatehouse.http.operation import Operations

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

operations = Operations(tags=("OIDC",), cors=cors("POST"))

PUSHED_PATH = "/oidc/request"
REFERENCE = "urn:ietf:params:oauth:request_uri:"
"""How every reference begins (RFC 9126 §2.2)."""

_PAIRS = tuple[tuple[str, str], ...]
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""Parameters about the client's authentication, which are no part of what it asks."""


@operations.post(PUSHED_PATH, "PushAuthorizationRequest", max_body=MAX_FORM_BYTES, documented=False)
async def push(call: Call[Any, Any]) -> Reply:
    """Take an authorization request from its client (RFC 9126 §2.1).

    It is checked as the authorization endpoint would; the client hears of mistakes at once.
    """
    core, form = call.core, form_parameters(call)
    client = await authenticate_client(call, form)
    if form.get("client_id") not in (None, client.id):
        raise OAuthError("invalid_request", "client_id is not the authenticated client's")
    pairs = tuple((name, value) for name, value in form.pairs() if name not in _CREDENTIALS)
    if form.get("client_id") is None:
        pairs = (("client_id", client.id), *pairs)
    draft = Draft(core, Parameters.of(pairs))
    for step in (*WHO_ASKS, *WHAT_IS_ASKED):
        await step(draft)
    uid = new_uid()
    sealed = core.vault.seal(msgspec.json.encode(pairs).decode(), uid)
    await core.engine.turn(pushed_request.address(core.tenant_id, uid), Push(client.id, sealed))
    body = {"expires_in": PUSHED_AGE_MS // 1000, "request_uri": REFERENCE + uid}
    return Reply(201, body, NO_STORE)


async def pulled(core: Core, parameters: Parameters) -> Parameters:
    """The request that is meant: the pushed one, if there is a reference to one (RFC 9126 §4).

    What else came through the browser is not looked at. Raises `OAuthError`.
    """
    reference = parameters.first("request_uri")
    if reference is None or not reference.startswith(REFERENCE):
        return parameters
    client_id, uid = parameters.require("client_id"), reference.removeprefix(REFERENCE)
    taken = None
    if is_uid(uid):
        taken = await core.engine.turn(pushed_request.address(core.tenant_id, uid), Take(client_id))
    if taken is None:
        raise OAuthError("invalid_request_uri", "request_uri is unknown, expired or was used")
    return Parameters.of(msgspec.json.decode(core.vault.open(taken, uid), type=_PAIRS))
