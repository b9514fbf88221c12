"""What was asked of a SAML identity provider, and what it answered, until the browser is back.

An assertion does not arrive where it is used: the browser posts it to one address, and then comes
back to the page that it left. What lies in between is an *exchange*, found by its random id, which
travels as the `RelayState`. It takes one answer. An assertion that nobody asked for makes an
exchange of its own, whose id the browser keeps in a cookie.

Besides, every assertion is remembered until it expires, so that none is used twice, on whichever
node it is presented.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

import msgspec

from gatehouse.actors.client_assertion import UsedAssertion
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.engine.actor import Address, Kind, Turn

EXCHANGE_MS = 10 * 60_000
"""How long an identity provider may take, and how long an unasked answer waits."""


class Phase(StrEnum):
    """Where an exchange stands."""

    ASKED = "Asked"
    ANSWERED = "Answered"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Who the identity provider says that somebody is."""

    issuer: str
    user_info: dict[str, Any]


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of an exchange. `uid` is the interaction that asked; times are in ms."""

    connector_id: str
    expires_at: int
    uid: str | None = None
    request_id: str | None = None
    redirect_uri: str | None = None
    state: str | None = None
    answer: Answer | None = None

    @property
    def phase(self) -> Phase:
        """Where the exchange stands."""
        return Phase.ASKED if self.answer is None else Phase.ANSWERED


EXCHANGE = Kind("sso_exchange", Exchange)
USED = Kind("saml_assertion", UsedAssertion)


def address(tenant: str, exchange_id: str) -> Address[Exchange]:
    """Where the exchange of this id is; ids come from outside, so they are hashed."""
    return EXCHANGE.at(tenant, hashlib.sha256(exchange_id.encode()).hexdigest())


def assertion_address(tenant: str, issuer: str, assertion_id: str) -> Address[UsedAssertion]:
    """Where the use of an assertion is remembered."""
    return USED.at(tenant, hashlib.sha256(f"{issuer}\0{assertion_id}".encode()).hexdigest())


def gone() -> NoReturn:
    """Say that there is no such exchange, or not any more."""
    raise Refused(Reason.HANDSHAKE_GONE)


@dataclass(frozen=True, slots=True)
class Ask:
    """An interaction asks an identity provider; the id of the exchange is fresh."""

    exchange: Exchange

    def apply(self, state: Exchange | None, now: int, /) -> Turn[Exchange, None]:
        """An exchange is never overwritten."""
        if state is not None:
            gone()
        return Turn(self.exchange, None, expires_at=self.exchange.expires_at)


@dataclass(frozen=True, slots=True)
class Receive:
    """The verified answer to the exchange's request."""

    connector_id: str
    answer: Answer

    def apply(self, state: Exchange | None, now: int, /) -> Turn[Exchange, None]:
        """The first answer is the only one."""
        if state is None or state.connector_id != self.connector_id or state.answer is not None:
            gone()
        answered = msgspec.structs.replace(state, answer=self.answer)
        return Turn(answered, None, expires_at=state.expires_at)


@dataclass(frozen=True, slots=True)
class Take:
    """The browser is back for the answer. Whose it is: an interaction's, or nobody's (`None`)."""

    connector_id: str
    uid: str | None

    def apply(self, state: Exchange | None, now: int, /) -> Turn[Exchange, Answer]:
        """An answer is taken once, by whom it was asked for."""
        if (
            state is None
            or state.answer is None
            or (state.connector_id, state.uid) != (self.connector_id, self.uid)
        ):
            gone()
        return Turn(None, state.answer)


TRANSITIONS = (
    ("[*]", "Ask", "Asked"),
    ("[*]", "Ask, answered already", "Answered"),
    ("Asked", "Receive", "Answered"),
    ("Answered", "Take", "[*]"),
)
"""Every way an exchange can move; docs/diagrams/sso_exchange.mmd draws it."""
