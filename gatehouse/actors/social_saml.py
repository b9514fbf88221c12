"""The way of a SAML response to the social verification that waits for it.

The exchange is found by the handshake's secret, which only the browser that was sent away and this
server know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.connectors.social.provider import Identified, SocialUser
from gatehouse.actors.connectors.social.saml import SamlSocial
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import assertions
from gatehouse.actors.sso.exchanges import EXCHANGE_MS, Answer, Exchange, Take, address

if TYPE_CHECKING:
    from gatehouse.actors.core import Core


async def ask(core: Core, connector_id: str, provider: SamlSocial, handshake: Handshake) -> str:
    """Begin an exchange; where to send the browser."""
    waiting = Exchange(
        connector_id=connector_id,
        expires_at=core.clock() + EXCHANGE_MS,
        redirect_uri=handshake.redirect_uri,
        state=handshake.state,
    )
    return await assertions.ask(core, provider.service_provider(), _id(handshake), waiting)


async def receive(core: Core, connector_id: str, response: str, relay_state: str) -> str:
    """A response was posted. Returns where the browser goes on. Raises `Refused`."""
    provider = (await core.social.get(connector_id, missing=Reason.CONNECTOR_GONE)).provider()
    if not isinstance(provider, SamlSocial):
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)
    exchange = await assertions.asked(core, connector_id, relay_state)
    us = provider.service_provider()
    assertion = await assertions.use(core, us, response, exchange.request_id)
    info = msgspec.to_builtins(provider.user(assertion))
    said = Answer(issuer=us.metadata.entity_id, user_info=info)
    return await assertions.answer(core, relay_state, exchange, said)


async def identified(core: Core, connector_id: str, handshake: Handshake) -> Identified:
    """Who came back. Raises `Refused(HANDSHAKE_GONE)`."""
    here = address(core.tenant_id, _id(handshake))
    answer = await core.engine.turn(here, Take(connector_id, None))
    return Identified(msgspec.convert(answer.user_info, SocialUser))


def _id(handshake: Handshake) -> str:
    if handshake.code_verifier is None:
        raise Refused(Reason.HANDSHAKE_GONE)
    return handshake.code_verifier
