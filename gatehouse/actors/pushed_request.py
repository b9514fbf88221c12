"""An authorization request that its client sent ahead (RFC 9126): one actor, taken once.

The browser then carries a reference instead of the request, so nothing that passes through it can
be read or changed on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatehouse.engine.actor import Address, Kind, Turn, keep

PUSHED_AGE_MS = 60_000
"""How long the client has to send the browser here (RFC 9126 §2.2), as in Logto."""


class PushedRequest(msgspec.Struct, frozen=True):
    """The parameters as they were sent, sealed, and whose they are. Expires at a time in ms."""

    client_id: str
    sealed: str
    expires_at: int


PUSHED = Kind("pushed_request", PushedRequest)


def address(tenant: str, uid: str) -> Address[PushedRequest]:
    """Where the request of this id is."""
    return PUSHED.at(tenant, uid)


@dataclass(frozen=True, slots=True)
class Push:
    """A client sends a request ahead. It is sealed: a token that signs in may be part of it."""

    client_id: str
    sealed: str

    def apply(self, state: PushedRequest | None, now: int, /) -> Turn[PushedRequest, None]:
        """Ids are random and used once; a repeated message changes nothing."""
        if state is not None:
            return keep(state, None)
        expires_at = now + PUSHED_AGE_MS
        pushed = PushedRequest(self.client_id, self.sealed, expires_at)
        return Turn(pushed, None, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Take:
    """A browser arrives with the reference. The reply is what was sealed, if it is good."""

    client_id: str

    def apply(self, state: PushedRequest | None, now: int, /) -> Turn[PushedRequest, str | None]:
        """Used once, and only in the name of the client that pushed it (RFC 9126 §4 and §7)."""
        if state is None or now >= state.expires_at or state.client_id != self.client_id:
            return keep(state, None)
        return Turn(None, state.sealed)
