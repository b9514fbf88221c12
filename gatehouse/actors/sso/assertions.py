"""Asking SAML identity providers, and what they answer: verified off the event loop and used up.

What waits in between, and for whom, is in `exchanges`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import trio

from gatehouse.actors.client_assertion import UseOnce
from gatehouse.actors.connectors.social.oauth_client import with_query
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso.exchanges import (
    Answer,
    Ask,
    Exchange,
    Receive,
    address,
    assertion_address,
)
from gatehouse.actors.sso.saml import Assertion, ServiceProvider

if TYPE_CHECKING:
    from gatehouse.actors.core import Core


async def ask(core: Core, us: ServiceProvider, exchange_id: str, exchange: Exchange) -> str:
    """Begin an exchange; where to send the browser."""
    request = await trio.to_thread.run_sync(
        us.request, exchange_id, limiter=core.identity_providers.threads
    )
    asked = msgspec.structs.replace(exchange, request_id=request.id)
    await core.engine.turn(address(core.tenant_id, exchange_id), Ask(asked))
    return request.url


async def asked(core: Core, connector_id: str, exchange_id: str) -> Exchange:
    """The exchange that waits for an answer. Raises `Refused(HANDSHAKE_GONE)`."""
    exchange = await core.engine.read(address(core.tenant_id, exchange_id))
    if exchange is None or exchange.connector_id != connector_id or exchange.answer is not None:
        raise Refused(Reason.HANDSHAKE_GONE)
    return exchange


async def answer(core: Core, exchange_id: str, exchange: Exchange, said: Answer) -> str:
    """Keep the answer; where the browser goes on. Raises `Refused(HANDSHAKE_GONE)`."""
    here = address(core.tenant_id, exchange_id)
    await core.engine.turn(here, Receive(exchange.connector_id, said))
    return with_query(exchange.redirect_uri or core.public_url, {"state": exchange.state})


async def use(core: Core, us: ServiceProvider, response: str, request_id: str | None) -> Assertion:
    """What a response says, which is believed once. Raises `Refused(AUTHORIZATION_FAILED)`."""
    assertion = await trio.to_thread.run_sync(
        us.verify, response, request_id, limiter=core.identity_providers.threads
    )
    used = assertion_address(core.tenant_id, us.metadata.entity_id, assertion.id)
    if not await core.engine.turn(used, UseOnce(assertion.expires_at)):
        raise Refused(Reason.AUTHORIZATION_FAILED)
    return assertion
