"""What each kind of connector has to be told, as types: validated when set up and when used."""

from __future__ import annotations

import re
from email.headerregistry import Address
from typing import Annotated, Literal

import msgspec

from gatehouse.actors.connectors.templates import MAX_TEMPLATES, ContentType, Template, require_uses

Line = Annotated[str, msgspec.Meta(max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text without a line break or any other control character."""
HostName = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9_.:-]+$")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Endpoint = Annotated[str, msgspec.Meta(max_length=2048, pattern=r"^https?://[^\x00-\x20\x7f]+$")]
Templates = Annotated[tuple[Template, ...], msgspec.Meta(max_length=MAX_TEMPLATES)]

_WORD = r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]"
_ADDRESS = rf"({_WORD}{{1,64}})@({_WORD}{{1,253}})"
_MAILBOX = re.compile(rf"([^\x00-\x1f\x7f<>@]*)<{_ADDRESS}>|{_ADDRESS}")


def mailbox(text: str) -> Address:
    """The one mailbox that a text names: an address, or `Name <address>` (RFC 5322 §3.4).

    Raises ValueError, also for the rarer forms that the standard allows.
    """
    found = _MAILBOX.fullmatch(text)
    if found is None:
        raise ValueError("not a mail address")
    name, *bracketed = found.group(1, 2, 3)
    user, domain = bracketed if name is not None else found.group(4, 5)
    try:
        return Address((name or "").strip().strip('"'), user, domain)
    except (IndexError, ValueError):
        raise ValueError("not a mail address") from None


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Credentials of a mail server; without a user none are presented."""

    user: Line = ""
    password: Line = msgspec.field(default="", name="pass")
    type: Literal["login", "Login", "LOGIN"] = "login"

    def __repr__(self) -> str:
        return f"<Login {self.user!r}>"


class SmtpConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A mail server (RFC 5321), and what to send through it.

    `secure`: TLS from the first byte; otherwise STARTTLS (RFC 3207) is used where it is offered,
    must be offered with `requireTLS`, and is not asked for with `ignoreTLS`.
    """

    host: HostName
    port: Port
    auth: Login = Login()
    from_email: Line
    reply_to: Line = ""
    templates: Templates
    secure: bool = False
    ignore_tls: bool = msgspec.field(default=False, name="ignoreTLS")
    require_tls: bool = msgspec.field(default=False, name="requireTLS")

    def __post_init__(self) -> None:
        require_uses(self.templates)
        mailbox(self.from_email)
        if self.reply_to:
            mailbox(self.reply_to)


class HttpConfig(msgspec.Struct, frozen=True, rename="camel"):
    """An endpoint that takes messages as JSON, and the Authorization header it wants."""

    endpoint: Endpoint
    authorization: Line = ""

    def __repr__(self) -> str:
        return f"<HttpConfig {self.endpoint!r}>"


class InboxConfig(msgspec.Struct, frozen=True):
    """The development inbox needs to be told nothing."""


class MockTemplate(Template, frozen=True, rename="camel"):
    """A template of a mock: the type of its content goes by a shorter name."""

    type: ContentType = "text/plain"


MockTemplates = Annotated[tuple[MockTemplate, ...], msgspec.Meta(max_length=MAX_TEMPLATES)]


class MockEmailConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A mock that writes the last mail into a file."""

    api_key: Line
    from_email: Line
    from_name: Line = ""
    templates: MockTemplates


class AlternativeMockEmailConfig(MockEmailConfig, frozen=True, kw_only=True, rename="camel"):
    """Another mock of the same kind, for which everything is optional."""

    api_key: Line = ""
    from_email: Line = ""
    templates: MockTemplates = ()


class MockSmsConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A mock that writes the last text message into a file."""

    account_sid: Line = msgspec.field(name="accountSID")
    auth_token: Line
    from_messaging_service_sid: Line = msgspec.field(name="fromMessagingServiceSID")
    templates: MockTemplates


Config = SmtpConfig | HttpConfig | InboxConfig | MockEmailConfig | MockSmsConfig
