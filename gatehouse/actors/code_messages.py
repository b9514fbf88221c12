"""Sending codes: to whom one may be sent, how often, and what the message says.

A message leaves as an effect of the turn that keeps the code, so a code that was kept is a code
that was sent. How many are sent to one address is counted over everything that sends them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.engine.sentinel import Quota

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import Channel

SENDS: Final = Quota(most=10, window=600_000)
"""Messages that one recipient gets of one kind: ten in ten minutes, as in Logto."""

CODE_SENDS = "verification-code-send"
"""The kind of message that carries a code."""

CHANNELS: Final[dict[IdentifierType, Channel]] = {
    IdentifierType.EMAIL: "email",
    IdentifierType.PHONE: "sms",
}
_CONNECTOR_TYPES: Final[dict[IdentifierType, str]] = {
    IdentifierType.EMAIL: "Email",
    IdentifierType.PHONE: "Sms",
}


async def check_sendable(core: Core, identifier: Identifier) -> None:
    """Raises `Refused(CONNECTOR_MISSING)` where nothing could carry a message there."""
    channel = CHANNELS[identifier.type]
    if not await core.messengers.carries(core.tenant_id, channel):
        raise Refused(Reason.CONNECTOR_MISSING, type=_CONNECTOR_TYPES[identifier.type])


async def admit(core: Core, identifier: Identifier, kind: str = CODE_SENDS) -> None:
    """Count one more message to an address. Raises `Refused(MESSAGE_RATE_LIMITED)`.

    Messages that are only pretended to be sent count too: the limit must not tell who exists.
    """
    digest = hashlib.sha256(identifier.value.strip().lower().encode()).hexdigest()
    allowance = await core.engine.sentinel.admit(SENDS, core.tenant_id, kind, digest)
    if not allowance.allowed:
        raise Refused(Reason.MESSAGE_RATE_LIMITED)


def code_message(
    core: Core,
    use: str,
    identifier: Identifier,
    code: str,
    *,
    ip: str | None = None,
    locales: str | None = None,
    payload: Mapping[str, str] | None = None,
) -> OutgoingMessage:
    """The message with a code. `use` is Logto's template type, `locales` as in the message."""
    return OutgoingMessage(
        tenant_id=core.tenant_id,
        channel=CHANNELS[identifier.type],
        recipient=identifier.value,
        usage=use,
        payload={"code": code, **(payload or {})},
        ip=ip,
        locales=locales,
    )
