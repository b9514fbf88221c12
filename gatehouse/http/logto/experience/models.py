"""Wire models that several Experience operations share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gatehouse.actors.verification import Event
from gatehouse.actors.verification import Identifier as CoreIdentifier
from gatehouse.actors.verification import IdentifierType as CoreIdentifierType
from gatehouse.http.wire import Email, Maybe, Phone, Wire

IdentifierType = Literal["username", "email", "phone"]
InteractionEvent = Literal["SignIn", "Register", "ForgotPassword"]

Username = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
Password = Annotated[str, Field(max_length=4096)]
VerificationId = Annotated[str, Field(max_length=64)]


class Identifier(Wire):
    """A name a person can be found by."""

    type: IdentifierType
    value: Annotated[str, Field(max_length=256)]

    def to_core(self) -> CoreIdentifier:
        """The same, as the core says it."""
        return CoreIdentifier(CoreIdentifierType(self.type), self.value)


class UsernameIdentifier(Wire):
    """A name for a new account."""

    type: Literal["username"]
    value: Username

    def to_core(self) -> CoreIdentifier:
        """The same, as the core says it."""
        return CoreIdentifier(CoreIdentifierType.USERNAME, self.value)


class EmailIdentifier(Wire):
    """An email address."""

    type: Literal["email"]
    value: Email

    def to_core(self) -> CoreIdentifier:
        """The same, as the core says it."""
        return CoreIdentifier(CoreIdentifierType.EMAIL, self.value)


class PhoneIdentifier(Wire):
    """A phone number."""

    type: Literal["phone"]
    value: Phone

    def to_core(self) -> CoreIdentifier:
        """The same, as the core says it."""
        return CoreIdentifier(CoreIdentifierType.PHONE, self.value)


CodeIdentifier = Annotated[EmailIdentifier | PhoneIdentifier, Field(discriminator="type")]
"""Where a code can be sent."""


class EventBody(Wire):
    """What a person came to do."""

    interaction_event: InteractionEvent

    @property
    def event(self) -> Event:
        """The same, as the core says it."""
        return Event(self.interaction_event)


class StartBody(EventBody):
    """The beginning of an interaction."""

    captcha_token: Maybe[Annotated[str, Field(max_length=8192)]] = None


class IdentificationBody(Wire):
    """By which verification to identify somebody."""

    verification_id: Maybe[VerificationId] = None
    link_social_identity: Maybe[bool] = None


class VerificationReply(Wire):
    """The verification that was made."""

    verification_id: str


class SubmitReply(Wire):
    """Where the browser goes on."""

    redirect_to: str


class CaptchaView(Wire):
    """Whether a captcha was solved, or is not asked for because of how the person came."""

    verified: bool
    skipped: bool


class InteractionView(Wire):
    """An interaction as its own browser may see it: nothing secret in it."""

    interaction_event: InteractionEvent
    user_id: Maybe[str] = None
    profile: dict[str, Any]
    verification_records: list[dict[str, Any]]
    mfa: dict[str, Any]
    captcha: CaptchaView
