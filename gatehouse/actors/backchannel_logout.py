"""Telling clients that somebody signed out (OpenID Connect Back-Channel Logout 1.0).

The session knows which clients took part. The turn that ends it leaves one effect for each of
those that want to hear of it, so they are told if, and only if, the session ended; whichever node
gets the effect signs a logout token and posts it. What fails is tried again by the outbox, later
and later, with a token of its own, as each is good for two minutes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from gatehouse.actors.outbound import OutboundError
from gatehouse.engine.actor import Effect

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.engine.outbox import Delivery

LOGOUT_EFFECT: Final = "backchannel_logout"

TOKEN_AGE_S: Final = 120
"""How long a logout token is good (§2.4 recommends two minutes at most)."""

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

REFUSED: Final = 400
"""The client's answer to a token that it does not accept (§2.8): another would not help."""

_HEADERS: Final = {
    "user-agent": "Gatehouse",
    "content-type": "application/x-www-form-urlencoded",
}


class SignedOut(msgspec.Struct, frozen=True, kw_only=True):
    """A client is to hear that a session ended which is `sid` to it."""

    client_id: str
    user_id: str
    sid: str


class NotTold(Exception):  # noqa: N818 - told to the outbox: once more, later
    """The client did not take the logout token."""


def logout_effect(client_id: str, user_id: str, sid: str) -> Effect:
    """The effect by which a turn has a client told."""
    told = SignedOut(client_id=client_id, user_id=user_id, sid=sid)
    return Effect(LOGOUT_EFFECT, msgspec.msgpack.encode(told))


async def listening(core: Core, client_ids: tuple[str, ...]) -> frozenset[str]:
    """Those of the clients that want to hear of it."""
    clients = [await core.directory.client(client_id) for client_id in client_ids]
    return frozenset(one.id for one in clients if one is not None and one.backchannel_logout_uri)


def handle_backchannel_logout(core: Core) -> None:
    """Have the engine tell clients of what ended. Call before the engine runs."""

    async def tell(delivery: Delivery) -> None:
        await _tell(core, delivery)

    core.engine.on_effect(LOGOUT_EFFECT, tell)


async def _tell(core: Core, delivery: Delivery) -> None:
    told = msgspec.msgpack.decode(delivery.body, type=SignedOut)
    client = await core.directory.client(told.client_id)
    if client is None or client.backchannel_logout_uri is None:
        return
    jti = f"{delivery.id}-{delivery.attempt}"
    token = await _logout_token(core, told, jti, with_sid=client.wants_sid)
    body = urlencode({"logout_token": token}).encode()
    try:
        answer = await core.outbound.post(client.backchannel_logout_uri, body, _HEADERS)
    except OutboundError as failure:
        if failure.final:
            return
        raise NotTold(str(failure)) from None
    if not answer.succeeded and answer.status != REFUSED:
        raise NotTold(f"the client answered {answer.status}")


async def _logout_token(core: Core, told: SignedOut, jti: str, *, with_sid: bool) -> str:
    """§2.4. There is no `nonce`, so that it is never taken for an id token."""
    now = core.clock() // 1000
    claims: dict[str, Any] = {
        "iss": core.issuer,
        "sub": told.user_id,
        "aud": told.client_id,
        "iat": now,
        "exp": now + TOKEN_AGE_S,
        "jti": jti,
        "events": {EVENT: {}},
    }
    if with_sid:
        claims["sid"] = told.sid
    return (await core.keyring()).sign_logout_token(claims)
