"""What connectors can be made of: one row each, with what the console shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gatehouse.actors.connectors.configs import (
    AlternativeMockEmailConfig,
    Config,
    HttpConfig,
    InboxConfig,
    MockEmailConfig,
    MockSmsConfig,
    SmtpConfig,
)
from gatehouse.actors.connectors.templates import BUILT_IN, REQUIRED_USES
from gatehouse.storage.records import Channel

MAX_CONFIG_BYTES = 128 * 1024
"""A configuration as JSON text."""


class InvalidConfig(Exception):  # noqa: N818 - named for what it is
    """A configuration that its factory cannot use; the message says where."""


@dataclass(frozen=True, slots=True)
class Factory:
    """One kind of connector. `form` describes its configuration to the console."""

    id: str
    target: str
    channel: Channel
    name: str
    description: str
    config: type[Config]
    form: tuple[Mapping[str, Any], ...] = ()
    readme: str = ""
    mock: bool = False

    def read(self, config: object) -> Config:
        """The configuration as a value. Raises InvalidConfig."""
        if len(msgspec.json.encode(config)) > MAX_CONFIG_BYTES:
            raise InvalidConfig(f"it is longer than {MAX_CONFIG_BYTES} bytes")
        try:
            return msgspec.convert(config, self.config)
        except msgspec.ValidationError as error:
            raise InvalidConfig(str(error)) from None


def _field(key: str, label: str, kind: str = "Text", **more: Any) -> Mapping[str, Any]:
    return {"key": key, "label": label, "type": kind, "required": False, **more}


_OFFERED_TEMPLATES = [
    {
        "usageType": one.usage_type,
        "contentType": one.content_type,
        "subject": one.subject,
        "content": one.content,
    }
    for one in BUILT_IN
    if one.usage_type in REQUIRED_USES
]
_SMTP_FORM = (
    _field("host", "Host", required=True, placeholder="smtp.example.com"),
    _field("port", "Port", "Number", required=True, placeholder="587"),
    _field(
        "auth",
        "Credentials",
        "Json",
        required=True,
        defaultValue={"type": "login", "user": "", "pass": ""},
    ),
    _field("fromEmail", "Sender", required=True, placeholder="Name <name@example.com>"),
    _field("replyTo", "Reply to", placeholder="help@example.com"),
    _field("templates", "Templates", "Json", required=True, defaultValue=_OFFERED_TEMPLATES),
    _field("secure", "TLS from the start", "Switch", defaultValue=False),
    _field("requireTLS", "Insist on STARTTLS", "Switch", defaultValue=False),
    _field("ignoreTLS", "Never use STARTTLS", "Switch", defaultValue=False),
)
_HTTP_FORM = (
    _field("endpoint", "Endpoint", required=True, placeholder="https://example.com/messages"),
    _field("authorization", "Authorization header", placeholder="Bearer ...", isConfidential=True),
)

_EVERY = (
    Factory(
        "simple-mail-transfer-protocol",
        "smtp",
        "email",
        "SMTP",
        "Sends mail through a mail server.",
        SmtpConfig,
        _SMTP_FORM,
    ),
    Factory(
        "http-email",
        "http-email",
        "email",
        "HTTP email",
        "Posts each mail to an endpoint as JSON: to, type, payload.",
        HttpConfig,
        _HTTP_FORM,
    ),
    Factory(
        "http-sms",
        "http-sms",
        "sms",
        "HTTP SMS",
        "Posts each text message to an endpoint as JSON: to, type, payload.",
        HttpConfig,
        _HTTP_FORM,
    ),
    Factory(
        "development-inbox-email",
        "development-inbox-email",
        "email",
        "Development inbox (email)",
        "Sends nothing and keeps mail for developers to read.",
        InboxConfig,
    ),
    Factory(
        "development-inbox-sms",
        "development-inbox-sms",
        "sms",
        "Development inbox (SMS)",
        "Sends nothing and keeps text messages for developers to read.",
        InboxConfig,
    ),
    Factory(
        "mock-email-service",
        "mock-mail",
        "email",
        "Mock mail service",
        "Writes the last mail into a file.",
        MockEmailConfig,
        mock=True,
    ),
    Factory(
        "mock-email-service-alternative",
        "mock-mail-alternative",
        "email",
        "Alternative mock mail service",
        "Writes the last mail into a file.",
        AlternativeMockEmailConfig,
        mock=True,
    ),
    Factory(
        "mock-short-message-service",
        "mock-sms",
        "sms",
        "Mock SMS service",
        "Writes the last text message into a file.",
        MockSmsConfig,
        mock=True,
    ),
)

FACTORIES: Final[Mapping[str, Factory]] = {factory.id: factory for factory in _EVERY}
"""Every factory by its id."""
