"""Messages to people, as effects of turns: sent if, and only if, the turn was committed.

A message says what it is for and what it has to tell (a code). How it is worded and by whom it is
carried is decided when it is sent, by the connector that the tenant has set up then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gatehouse.engine.actor import Effect
from gatehouse.storage.records import Channel

if TYPE_CHECKING:
    from gatehouse.storage.vault import Vault

MESSAGE_EFFECT: Final = "message"
"""The kind of effect that carries a message."""


class OutgoingMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message to a person, before a connector has given it its form.

    `usage` is what it is for, in Logto's words (SignIn, Register, ForgotPassword, Generic);
    `payload` fills the template. `to_inbox`: it stays in the development inbox even where a
    connector is set up. `locales` are the languages that the person would like it in, best first,
    with spaces between. On its way through Redis the payload may be `sealed`.
    """

    tenant_id: str
    channel: Channel
    recipient: str
    usage: str
    payload: dict[str, str] = {}
    ip: str | None = None
    to_inbox: bool = False
    locales: str | None = None
    sealed: str | None = None

    def effect(self, vault: Vault) -> Effect:
        """The effect that has the message sent, its payload sealed: there is a code in it."""
        sealed = vault.seal(msgspec.json.encode(self.payload).decode(), self._place)
        closed = msgspec.structs.replace(self, payload={}, sealed=sealed)
        return Effect(MESSAGE_EFFECT, msgspec.msgpack.encode(closed))

    def opened(self, vault: Vault) -> OutgoingMessage:
        """The message with its payload. Raises `SealError`."""
        if self.sealed is None:
            return self
        payload = vault.open(self.sealed, self._place)
        return msgspec.structs.replace(
            self, payload=msgspec.json.decode(payload, type=dict[str, str]), sealed=None
        )

    @property
    def _place(self) -> str:
        """What the payload is sealed for: no other message to somebody else."""
        return f"message:{self.tenant_id}:{self.channel}:{self.recipient}"
