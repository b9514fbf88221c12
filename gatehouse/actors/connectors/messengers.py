"""Carrying messages: by the connector that a tenant has set up, or into the development inbox.

A message comes out of the outbox at least once. What was carried is remembered for a day, so that
a repetition is dropped; only where a process dies between the carrying and the note of it does a
person get a message twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import trio

from gatehouse.actors.connectors.configs import (
    Config,
    HttpConfig,
    InboxConfig,
    MockEmailConfig,
    MockSmsConfig,
    SmtpConfig,
)
from gatehouse.actors.connectors.factories import FACTORIES
from gatehouse.actors.connectors.factory import Factory, InvalidConfig
from gatehouse.actors.connectors.mail_templates import stored_template
from gatehouse.actors.connectors.smtp import MailRefused, compose, send_mail
from gatehouse.actors.connectors.templates import (
    BUILT_IN,
    Template,
    TemplateNotFound,
    Worded,
    nested,
    word,
)
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.outbound import Outbound, OutboundError
from gatehouse.engine.actor import Kind, Turn
from gatehouse.storage.audit import Messages
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.records import Message

if TYPE_CHECKING:
    from gatehouse.engine.engine import Engine
    from gatehouse.storage.database import Database
    from gatehouse.storage.records import Channel, Connector
    from gatehouse.storage.transaction import Transaction

CARRIED_MS = 24 * 3600 * 1000
"""How long it is remembered that a message was carried."""

INBOX_AGE_MS = 7 * 24 * 3600 * 1000
"""How long the development inbox keeps a message."""

MOCK_FILES: dict[Channel, str] = {"email": "mock_email_record.txt", "sms": "mock_sms_record.txt"}
_PHONE = re.compile(r"\+?\d{3,20}")


class NotCarried(Exception):  # noqa: N818 - it reads as what happened
    """A message could not be handed over. The text is safe to show to an operator."""


class _Carried(msgspec.Struct, frozen=True):
    at: int


@dataclass(frozen=True, slots=True)
class _NoteCarried:
    def apply(self, state: _Carried | None, now: int, /) -> Turn[_Carried, None]:
        return Turn(state or _Carried(now), None, expires_at=now + CARRIED_MS)


_CARRIED = Kind("carried-message", _Carried)


@dataclass(frozen=True, slots=True)
class Messengers:
    """What carries messages in this process.

    `inbox`: whether the development inbox takes what no connector is set up for. `mock_directory`:
    where mock connectors write; None if there are none. `catalogue`: the factories there are.
    """

    db: Database
    outbound: Outbound
    inbox: bool = True
    mock_directory: Path | None = None
    catalogue: Mapping[str, Factory] = field(default_factory=lambda: FACTORIES)

    def factories(self) -> list[Factory]:
        """The factories that are offered here."""
        offered = self.mock_directory is not None
        return [one for one in self.catalogue.values() if offered or not one.mock]

    def factory(self, factory_id: str) -> Factory | None:
        """The factory of this id, if it is offered here."""
        return next((one for one in self.factories() if one.id == factory_id), None)

    async def carries(self, tenant_id: str, channel: Channel) -> bool:
        """Whether a message of this kind would be carried, or kept in the inbox."""
        return self.inbox or await self.db.read(_connector, tenant_id, channel) is not None

    async def deliver(self, engine: Engine, message_id: str, message: OutgoingMessage) -> bool:
        """Carry a message that came out of the outbox; whether that was still to be done.

        Raises NotCarried, and what database and engine raise: again, later.
        """
        address = _CARRIED.at(message.tenant_id, message_id)
        if await engine.read(address) is not None:
            return False
        connector = None
        if not message.to_inbox:
            connector = await self.db.read(_connector, message.tenant_id, message.channel)
        if connector is not None:
            factory = self.factory(connector.connector_id)
            if factory is None:
                raise NotCarried("the connector's factory is not offered any more")
            try:
                config = factory.read(msgspec.json.decode(connector.config))
            except InvalidConfig as error:
                raise NotCarried(f"the connector's configuration is not valid: {error}") from None
            await self.carry(config, message_id, message)
        elif self.inbox or message.to_inbox:
            await self.carry(InboxConfig(), message_id, message)
        else:
            raise NotCarried(f"there is no {message.channel} connector")
        await engine.turn(address, _NoteCarried())
        return True

    async def carry(self, config: Config, message_id: str, message: OutgoingMessage) -> None:
        """Hand a message over as a configuration says. Raises NotCarried."""
        if message.channel == "sms" and not _PHONE.fullmatch(message.recipient):
            raise NotCarried("the recipient is no phone number")
        try:
            match config:
                case SmtpConfig():
                    await self._mail(config, message_id, message)
                case HttpConfig():
                    await self._post(config, message_id, message)
                case InboxConfig():
                    await self._keep(message_id, message)
                case MockEmailConfig() | MockSmsConfig():
                    await self._write(config, message)
        except TemplateNotFound as error:
            raise NotCarried(f"there is no template for {error}") from None
        except (MailRefused, OutboundError) as error:
            raise NotCarried(str(error)) from None

    async def _mail(self, config: SmtpConfig, message_id: str, message: OutgoingMessage) -> None:
        worded = await self._word(config.templates, message)
        try:
            mail = compose(config, message_id, message.recipient, worded)
        except ValueError:
            raise NotCarried("the recipient is no mail address") from None
        addresses = await self.outbound.addresses(config.host, config.port)
        await send_mail(config, addresses, mail)

    async def _post(self, config: HttpConfig, message_id: str, message: OutgoingMessage) -> None:
        payload = nested(message.payload)
        body = {"to": message.recipient, "type": message.usage, "payload": payload}
        if message.ip is not None:
            body["ip"] = message.ip
        headers = {"content-type": "application/json", "idempotency-key": message_id}
        if config.authorization:
            headers["authorization"] = config.authorization
        answer = await self.outbound.post(config.endpoint, msgspec.json.encode(body), headers)
        if not answer.succeeded:
            raise NotCarried(f"the endpoint answered {answer.status}")

    async def _word(self, templates: Iterable[Template], message: OutgoingMessage) -> Worded:
        """The message in the words that the operator has stored, or in these."""
        stored = await self.db.read(stored_template, message)
        if stored is not None:
            return word((stored,), stored.usage_type, message.payload)
        return word(templates, message.usage, message.payload)

    async def _keep(self, message_id: str, message: OutgoingMessage) -> None:
        worded = await self._word(BUILT_IN, message)
        record = Message(
            tenant_id=message.tenant_id,
            id=message_id,
            channel=message.channel,
            recipient=message.recipient,
            subject=worded.subject if message.channel == "email" else None,
            body=worded.body,
            payload={"template": message.usage, **message.payload},
        )
        await self.db.write(_keep, record)

    async def _write(
        self, config: MockEmailConfig | MockSmsConfig, message: OutgoingMessage
    ) -> None:
        if self.mock_directory is None:
            raise NotCarried("there are no mock connectors here")
        code = message.payload.get("code")
        said = {"code": code, "type": message.usage, "payload": message.payload}
        if message.channel == "sms":
            shown = {"phone": message.recipient, **said}
        else:
            worded = await self._word(config.templates or BUILT_IN, message)
            shown = {"address": message.recipient, **said}
            shown |= {"subject": worded.subject, "content": worded.body}
        file = trio.Path(self.mock_directory) / MOCK_FILES[message.channel]
        try:
            await file.parent.mkdir(parents=True, exist_ok=True)
            await file.write_bytes(msgspec.json.encode(shown) + b"\n")
        except OSError as error:
            raise NotCarried(f"the file cannot be written ({error.strerror})") from None


def _connector(tx: Transaction, tenant_id: str, channel: Channel) -> Connector | None:
    return Connectors(tx, tenant_id).of_channel(channel)


def _keep(tx: Transaction, record: Message) -> None:
    messages = Messages(tx, record.tenant_id)
    if messages.find(record.id) is None:
        messages.create(record)
        messages.prune(tx.now - INBOX_AGE_MS)
