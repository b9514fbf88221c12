"""What leaves the house as effects of turns: messages, webhooks, logout tokens, the audit log.

A turn that wants somebody to receive a message returns an effect of kind `message`. It is carried
if, and only if, that turn was committed; at least once, so the effect's id travels along and what
was carried before is dropped. Without a connector messages stay in the development inbox, where
`/inbox` of the metrics address shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from gatehouse.actors.audit import keep_audit_log
from gatehouse.actors.backchannel_logout import handle_backchannel_logout
from gatehouse.actors.messages import MESSAGE_EFFECT, OutgoingMessage
from gatehouse.actors.webhooks import handle_webhooks
from gatehouse.storage.audit import Messages

if TYPE_CHECKING:
    from gatehouse.actors.connectors.messengers import Messengers
    from gatehouse.actors.core import Core
    from gatehouse.engine.engine import Engine
    from gatehouse.engine.outbox import Delivery
    from gatehouse.ops.metrics import Recorder
    from gatehouse.storage.records import Message
    from gatehouse.storage.transaction import Transaction
    from gatehouse.storage.vault import Vault


def handle_effects(core: Core, recorder: Recorder) -> None:
    """Have the engine deliver what turns leave for the world. Call before it runs."""
    messages = recorder.counts("messages_total")
    handle_messages(core.engine, core.messengers, core.vault, messages.add)
    keep_audit_log(core.engine, core.db)
    handle_webhooks(core)
    handle_backchannel_logout(core)


def handle_messages(
    engine: Engine,
    messengers: Messengers,
    vault: Vault,
    sent: Callable[[str], None] | None = None,
) -> None:
    """Have the engine hand messages to whoever carries them; `sent(channel)` after each.

    `vault` is the one they were sealed with.
    """

    async def send(delivery: Delivery) -> None:
        message = msgspec.msgpack.decode(delivery.body, type=OutgoingMessage).opened(vault)
        if await messengers.deliver(engine, delivery.id, message) and sent is not None:
            sent(message.channel)

    engine.on_effect(MESSAGE_EFFECT, send)


def newest_messages(tx: Transaction, tenant_id: str, limit: int) -> list[Message]:
    """The newest messages of the development inbox."""
    return Messages(tx, tenant_id).search(limit).items
