"""What connectors can be made of: one row each, with what the console shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatehouse.actors.connectors.configs import (
    AlternativeMockEmailConfig,
    HttpConfig,
    InboxConfig,
    MockEmailConfig,
    MockSmsConfig,
    SmtpConfig,
)
from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social import (
    apple,
    azuread,
    discord,
    facebook,
    github,
    google,
    mock,
    oauth2,
    oidc,
    saml,
)
from gatehouse.actors.connectors.templates import BUILT_IN, REQUIRED_USES

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
    field("host", "Host", required=True, placeholder="smtp.example.com"),
    field("port", "Port", "Number", required=True, placeholder="587"),
    field(
        "auth",
        "Credentials",
        "Json",
        required=True,
        defaultValue={"type": "login", "user": "", "pass": ""},
    ),
    field("fromEmail", "Sender", required=True, placeholder="Name <name@example.com>"),
    field("replyTo", "Reply to", placeholder="help@example.com"),
    field("templates", "Templates", "Json", required=True, defaultValue=_OFFERED_TEMPLATES),
    field("secure", "TLS from the start", "Switch", defaultValue=False),
    field("requireTLS", "Insist on STARTTLS", "Switch", defaultValue=False),
    field("ignoreTLS", "Never use STARTTLS", "Switch", defaultValue=False),
)
_HTTP_FORM = (
    field("endpoint", "Endpoint", required=True, placeholder="https://example.com/messages"),
    field("authorization", "Authorization header", placeholder="Bearer ...", isConfidential=True),
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
    apple.FACTORY,
    azuread.FACTORY,
    discord.FACTORY,
    facebook.FACTORY,
    github.FACTORY,
    google.FACTORY,
    oauth2.FACTORY,
    oidc.FACTORY,
    saml.FACTORY,
    mock.FACTORY,
)

FACTORIES: Final[Mapping[str, Factory]] = {factory.id: factory for factory in _EVERY}
"""Every factory by its id."""
