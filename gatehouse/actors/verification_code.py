"""A code that was sent to an address: what is kept of it, and how a try is judged.

Six digits are few, so everything about them is counted: a code lives for minutes, is good for a few
tries, and for one success. Each try is a committed turn, whoever makes it: of two that send the
right code at the same moment one is believed, and no wrong one is forgotten. The code itself is
nowhere but in the message to the person; what is kept is a MAC under the server's own key, bound to
what the code was sent for.

Whoever keeps codes keeps a `CodeState` in the state of an actor of their own and judges with
`tried`. Codes that belong to nothing else have an actor here: `send_alone` and `check_alone`.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gatehouse.actors import accounts, code_messages
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.engine.actor import Address, Effect, Kind, Turn, keep

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.actors.sign_in_rules import CodePolicy

CODE_LENGTH = 6
"""Digits of a code, as in Logto."""

KEPT_MS = 60 * 60 * 1000
"""How long a code of its own is remembered: until then the answer is that it has expired."""

MISMATCH = {
    IdentifierType.EMAIL: Reason.CODE_EMAIL_MISMATCH,
    IdentifierType.PHONE: Reason.CODE_PHONE_MISMATCH,
}


class CodeState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a code. `issued_at` is in milliseconds since the epoch."""

    mac: bytes
    issued_at: int
    tries: int = 0
    used: bool = False


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody gave a code. Whether it is `right` was found out for the code with this MAC."""

    of: bytes
    right: bool


def issue(core: Core, bound_to: str) -> tuple[str, CodeState]:
    """A fresh code and what to keep of it. `bound_to` says for whom and what: it is no secret."""
    code = f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"
    mac = core.ring.derive("verification-code").mac(_message(bound_to, code))
    return code, CodeState(mac=mac, issued_at=core.clock())


def compare(core: Core, bound_to: str, state: CodeState | None, code: str) -> Try:
    """Find out whether this is the code, in constant time."""
    if state is None:
        return Try(b"", right=False)
    ring = core.ring.derive("verification-code")
    return Try(state.mac, ring.verify(_message(bound_to, code), state.mac))


def tried(
    state: CodeState | None, attempt: Try, policy: CodePolicy, now: int
) -> tuple[CodeState | None, Reason | None]:
    """Judge a try: the next state, and what there is against it (None: it passed). Pure.

    A code that was replaced, or has been used, is not found.
    """
    if state is None or state.used or state.mac != attempt.of:
        return state, Reason.CODE_NOT_FOUND
    if now > state.issued_at + policy.lifetime_ms:
        return state, Reason.CODE_EXPIRED
    if state.tries >= policy.max_retry_attempts:
        return state, Reason.CODE_EXHAUSTED
    if not attempt.right:
        return msgspec.structs.replace(state, tries=state.tries + 1), Reason.CODE_MISMATCH
    return msgspec.structs.replace(state, used=True), None


def _message(bound_to: str, code: str) -> bytes:
    return f"{bound_to}\n{code}".encode()


# Codes that belong to nothing else

VERIFICATION_CODE = Kind("verification-code", CodeState)


@dataclass(frozen=True, slots=True)
class KeepCode:
    """A code is sent; an older one for the same is good no more."""

    code: CodeState
    effects: tuple[Effect, ...]

    def apply(self, state: CodeState | None, now: int, /) -> Turn[CodeState, None]:
        """The message leaves with the state that knows its code."""
        return Turn(self.code, None, expires_at=now + KEPT_MS, effects=self.effects)


@dataclass(frozen=True, slots=True)
class TryCode:
    """Somebody gave a code. The reply is what there is against it."""

    attempt: Try
    policy: CodePolicy

    def apply(self, state: CodeState | None, now: int, /) -> Turn[CodeState, Reason | None]:
        """A code that was used is forgotten."""
        after, objection = tried(state, self.attempt, self.policy, now)
        if after is state or after is None:
            return keep(state, objection)
        if after.used:
            return Turn(None, objection)
        return Turn(after, objection, expires_at=now + KEPT_MS)


async def send_alone(core: Core, use: str, identifier: Identifier, *, ip: str) -> None:
    """Send a code that belongs to no interaction. `use` is Logto's template type.

    Raises `Refused`: `MESSAGE_RATE_LIMITED`, `CONNECTOR_MISSING`.
    """
    await code_messages.check_sendable(core, identifier)
    await code_messages.admit(core, identifier)
    code, state = issue(core, _bound(use, identifier))
    message = code_messages.code_message(core, use, identifier, code, ip=ip)
    await core.engine.turn(
        _address(core, use, identifier), KeepCode(state, (message.effect(core.vault),))
    )


async def check_alone(core: Core, use: str, identifier: Identifier, code: str) -> None:
    """Use a code that belongs to no interaction. Raises `Refused` with what is against it."""
    address = _address(core, use, identifier)
    attempt = compare(core, _bound(use, identifier), await core.engine.read(address), code)
    policy = (await accounts.rules(core)).verification_code_policy
    objection = await core.engine.turn(address, TryCode(attempt, policy))
    if objection is not None:
        raise Refused(objection)


def _bound(use: str, identifier: Identifier) -> str:
    return f"{use}:{identifier.type}:{identifier.value.lower()}"


def _address(core: Core, use: str, identifier: Identifier) -> Address[CodeState]:
    """Addresses are kept as digests: nobody reads them out of Redis."""
    digest = hashlib.sha256(_bound(use, identifier).encode()).hexdigest()
    return VERIFICATION_CODE.at(core.tenant_id, digest)
