"""A device that asks a person elsewhere to sign in for it (RFC 8628): two actors.

The *device authorization* is what the device polls: who asks for what, and whether a person has
answered. The *user code* is what the person types, and only leads to it. The device's own code is
a token of this server (`tokens.py`), so neither actor holds anything that could be presented.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.tokens import new_family_id
from gatehouse.engine.actor import Address, Kind, Turn, keep

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

DEVICE_AGE_MS = 10 * 60 * 1000
"""How long a person has to answer (RFC 8628 §3.2), as in Logto."""

INTERVAL_MS = 5_000
"""How long a device waits between two questions, and how much longer each time it does not
(RFC 8628 §3.5)."""

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Easy to read aloud, and no words (RFC 8628 §6.1)."""
_CODE_LENGTH = 8
_CODE = re.compile(f"[{_ALPHABET}]{{{_CODE_LENGTH}}}")
_NOT_IN_CODE = re.compile(r"[^A-Z]")
_MAX_TYPED = 64


class Device(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a device authorization. Times are in milliseconds.

    `family_id` is the token family that a person's consent began; `denied` is their refusal.
    `interval` is what the device has to wait after `polled_at`.
    """

    request: AuthorizationRequest
    user_code: str
    expires_at: int
    interval: int = INTERVAL_MS
    polled_at: int = 0
    family_id: str | None = None
    denied: bool = False

    @property
    def answered(self) -> bool:
        """Whether a person said yes or no."""
        return self.denied or self.family_id is not None


class UserCode(msgspec.Struct, frozen=True):
    """The device authorization that a user code is about, until a time in ms."""

    device_id: str
    expires_at: int


DEVICE = Kind("device", Device)
USER_CODE = Kind("user_code", UserCode)


def address(tenant: str, device_id: str) -> Address[Device]:
    """Where the device authorization of this id is."""
    return DEVICE.at(tenant, device_id)


class Pending(Enum):
    """Why a device has no tokens (RFC 8628 §3.5); the value is the OAuth error."""

    WAITING = "authorization_pending"
    TOO_FAST = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    OTHER_CLIENT = "invalid_grant"


@dataclass(frozen=True, slots=True)
class Claim:
    """A device authorization wants this user code. The reply is whether it has it."""

    device_id: str

    def apply(self, state: UserCode | None, now: int, /) -> Turn[UserCode, bool]:
        """One user code leads to one device."""
        if state is not None and now < state.expires_at:
            return keep(state, state.device_id == self.device_id)
        expires_at = now + DEVICE_AGE_MS
        return Turn(UserCode(self.device_id, expires_at), True, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Ask:
    """A device asks (RFC 8628 §3.1)."""

    request: AuthorizationRequest
    user_code: str

    def apply(self, state: Device | None, now: int, /) -> Turn[Device, None]:
        """Ids are random and used once; a repeated message changes nothing."""
        if state is not None:
            return keep(state, None)
        expires_at = now + DEVICE_AGE_MS
        fresh = Device(request=self.request, user_code=self.user_code, expires_at=expires_at)
        return Turn(fresh, None, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Poll:
    """The device asks whether there is an answer. The reply is the family it may redeem."""

    client_id: str

    def apply(self, state: Device | None, now: int, /) -> Turn[Device, str | Pending]:
        """RFC 8628 §3.5. Asking too soon is answered with nothing else, whatever the person said.

        The answer stays, so that a second question after a yes reaches the family, which takes it
        for the replay that it is.
        """
        if state is None or now >= state.expires_at:
            return keep(state, Pending.EXPIRED)
        if state.request.client_id != self.client_id:
            return keep(state, Pending.OTHER_CLIENT)
        too_fast = now - state.polled_at < state.interval
        interval = state.interval + INTERVAL_MS if too_fast else state.interval
        asked = msgspec.structs.replace(state, polled_at=now, interval=interval)
        reply: str | Pending = state.family_id or Pending.WAITING
        if too_fast:
            reply = Pending.TOO_FAST
        elif state.denied:
            reply = Pending.DENIED
        return Turn(asked, reply, expires_at=state.expires_at)


@dataclass(frozen=True, slots=True)
class Answer:
    """A person answers: the family they consented to, None if they refused.

    The reply is whether it counts: the first answer does, in time.
    """

    family_id: str | None

    def apply(self, state: Device | None, now: int, /) -> Turn[Device, bool]:
        """Of two people who answer for one device, one does."""
        if state is None or now >= state.expires_at or state.answered:
            return keep(state, False)
        answered = msgspec.structs.replace(
            state, family_id=self.family_id, denied=self.family_id is None
        )
        return Turn(answered, True, expires_at=state.expires_at)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device is told: its id, and the code that it shows."""

    device_id: str
    user_code: str


async def ask(core: Core, request: AuthorizationRequest) -> Asked:
    """Begin a device authorization."""
    device_id = new_family_id()
    request = msgspec.structs.replace(request, device_id=device_id)
    while True:
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        if await core.engine.turn(USER_CODE.at(core.tenant_id, code), Claim(device_id)):
            break
    await core.engine.turn(address(core.tenant_id, device_id), Ask(request, code))
    return Asked(device_id, shown(code))


async def find(core: Core, typed: str) -> Device | None:
    """The device authorization of a code that a person typed, if it waits for an answer."""
    code = _NOT_IN_CODE.sub("", typed[:_MAX_TYPED].upper())
    if not _CODE.fullmatch(code):
        return None
    pointer = await core.engine.read(USER_CODE.at(core.tenant_id, code))
    if pointer is None:
        return None
    state = await core.engine.read(address(core.tenant_id, pointer.device_id))
    if state is None or state.answered or core.clock() >= state.expires_at:
        return None
    return state if state.user_code == code else None


def shown(code: str) -> str:
    """A user code as people read it, in two halves."""
    half = _CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
