"""An operator's permission to act for a user once (RFC 8693 §2.1): one actor for each token.

Neither token nor anything that could be presented is stored: the actor's address is a digest.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from gatehouse.engine.actor import Address, Kind, Turn, keep

SUBJECT_TOKEN_AGE_MS = 10 * 60 * 1000
"""How long a subject token can be exchanged, as in Logto."""

PREFIX = "sub_"


class SubjectToken(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the token is for, who made it, and what they noted about it. Times are in ms."""

    user_id: str
    creator_id: str
    created_at: int
    expires_at: int
    context: dict[str, Any] = {}
    used: bool = False


SUBJECT_TOKEN = Kind("subject_token", SubjectToken)


class Unusable(Enum):
    """Why a subject token is not exchanged."""

    UNKNOWN = "subject token not found"
    USED = "subject token is already consumed"


def new_subject_token() -> str:
    """A token that cannot be guessed: 192 bits."""
    return PREFIX + secrets.token_urlsafe(24)


def address(tenant: str, token: str) -> Address[SubjectToken]:
    """Where the token's actor is."""
    return SUBJECT_TOKEN.at(tenant, hashlib.sha256(token.encode()).hexdigest())


def usable(state: SubjectToken | None, now: int) -> SubjectToken | Unusable:
    """The state, if the token is good at this moment."""
    if state is None or now >= state.expires_at:
        return Unusable.UNKNOWN
    return Unusable.USED if state.used else state


@dataclass(frozen=True, slots=True)
class Create:
    """An operator makes the token."""

    user_id: str
    creator_id: str
    context: dict[str, Any]

    def apply(self, state: SubjectToken | None, now: int, /) -> Turn[SubjectToken, None]:
        """Tokens are random; a repeated message changes nothing."""
        if state is not None:
            return keep(state, None)
        expires_at = now + SUBJECT_TOKEN_AGE_MS
        fresh = SubjectToken(
            user_id=self.user_id,
            creator_id=self.creator_id,
            created_at=now,
            expires_at=expires_at,
            context=self.context,
        )
        return Turn(fresh, None, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Use:
    """The token is exchanged, everything else about the request being in order."""

    def apply(
        self, state: SubjectToken | None, now: int, /
    ) -> Turn[SubjectToken, SubjectToken | Unusable]:
        """Once: of two that present it at the same moment, one."""
        found = usable(state, now)
        if isinstance(found, Unusable):
            return keep(state, found)
        used = msgspec.structs.replace(found, used=True)
        return Turn(used, used, expires_at=found.expires_at)
