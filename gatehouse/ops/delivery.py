"""What leaves the house: mail and text messages, webhooks, and the audit log, as effects of turns.

A turn that wants somebody to receive a message returns an effect of kind `message`. It is handed
to a sender if, and only if, that turn was committed; at least once, so the effect's id travels
along and a sender drops what it has seen. The embedded default sends nothing: it keeps messages
in the development inbox, where `/inbox` of the metrics address shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from gatehouse.actors.audit import keep_audit_log
from gatehouse.actors.webhooks import handle_webhooks
from gatehouse.engine.actor import Effect
from gatehouse.storage.audit import Messages
from gatehouse.storage.records import Message

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.engine.engine import Engine
    from gatehouse.engine.outbox import Delivery
    from gatehouse.ops.metrics import Recorder
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

MESSAGE_EFFECT: Final = "message"
"""The kind of effect that carries a message."""

INBOX_AGE_MS: Final = 7 * 24 * 3600 * 1000
"""How long the development inbox keeps a message."""


class OutgoingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to a person, before a sender has given it its form.

    `template` says what it is for; `payload` is what the template needs (a code, a link).
    """

    tenant_id: str
    channel: Literal["email", "sms"]
    recipient: str
    template: str
    subject: str | None = None
    body: str
    payload: dict[str, Any] = {}

    def effect(self) -> Effect:
        """The effect that has the message sent."""
        return Effect(MESSAGE_EFFECT, msgspec.msgpack.encode(self))


class Sender(Protocol):
    """Something that can send a message."""

    async def send(self, message_id: str, message: OutgoingMessage) -> None:
        """Send it; a repetition has the same id. What is raised means: again, later."""


class DevelopmentInbox:
    """Keeps messages in the database instead of sending them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def send(self, message_id: str, message: OutgoingMessage) -> None:
        """Keep the message, once for each id."""
        record = Message(
            tenant_id=message.tenant_id,
            id=message_id,
            channel=message.channel,
            recipient=message.recipient,
            subject=message.subject,
            body=message.body,
            payload={"template": message.template, **message.payload},
        )
        await self._db.write(_keep, record)


def handle_effects(core: Core, recorder: Recorder, sender: Sender | None = None) -> None:
    """Have the engine deliver messages, audit entries and webhooks. Call before it runs."""
    messages = recorder.counts("messages_total")
    handle_messages(core.engine, sender or DevelopmentInbox(core.db), messages.add)
    keep_audit_log(core.engine, core.db)
    handle_webhooks(core)


def handle_messages(
    engine: Engine, sender: Sender, sent: Callable[[str], None] | None = None
) -> None:
    """Have the engine hand messages to a sender; `sent(channel)` is called after each."""

    async def send(delivery: Delivery) -> None:
        message = msgspec.msgpack.decode(delivery.body, type=OutgoingMessage)
        await sender.send(delivery.id, message)
        if sent is not None:
            sent(message.channel)

    engine.on_effect(MESSAGE_EFFECT, send)


def _keep(tx: Transaction, record: Message) -> None:
    messages = Messages(tx, record.tenant_id)
    if messages.find(record.id) is None:
        messages.create(record)
        messages.prune(tx.now - INBOX_AGE_MS)


def newest_messages(tx: Transaction, tenant_id: str, limit: int) -> list[Message]:
    """The newest messages of the development inbox."""
    return Messages(tx, tenant_id).search(limit).items
