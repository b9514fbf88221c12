"""The verification code: whoever reads what was sent to an address owns that address.

It takes two steps, each a turn of the interaction: a code is sent, and a code is given. In between
the record waits. An owner is looked for when the record is used, since they may come into being
in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import msgspec

from gatehouse.actors import accounts
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import CodePolicy
from gatehouse.actors.verification import (
    Event,
    Identifier,
    IdentifierType,
    Method,
    Profile,
    Record,
)
from gatehouse.actors.verification_code import MISMATCH, CodeState, Try, tried


class CodeVerification(Record, frozen=True, kw_only=True):
    """A code was sent to the address; `passed` once it was given.

    `template_type` is what the message was for, in Logto's words.
    """

    shown: ClassVar[tuple[str, ...]] = ("id", "identifier", "template_type", "verified")

    identifier: Identifier
    template_type: str
    code: CodeState | None = None
    passed: bool = False

    def waiting(self, code: CodeState) -> Self:
        """The record, waiting for this code."""
        return msgspec.structs.replace(self, code=code)

    @property
    def verified(self) -> bool:
        """Whether the code was given."""
        return self.passed

    @property
    def names(self) -> Identifier | None:
        """The owner of the address."""
        return self.identifier if self.passed else None

    @property
    def sign_in_method(self) -> tuple[IdentifierType, Method] | None:
        """Codes are enabled for each type of identifier."""
        return self.identifier.type, Method.VERIFICATION_CODE

    @property
    def new_profile(self) -> Profile | None:
        """The address."""
        return accounts.profile_of(self.identifier) if self.passed else None

    @property
    def resets_password(self) -> bool:
        """Whoever reads the account's mail may choose a new password."""
        return True


class EmailVerificationCode(
    CodeVerification, frozen=True, kw_only=True, tag="EmailVerificationCode"
):
    """A code sent by mail."""

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2 has no word of its own for mail."""
        return ("otp",)


class PhoneVerificationCode(
    CodeVerification, frozen=True, kw_only=True, tag="PhoneVerificationCode"
):
    """A code sent as a text message."""

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2."""
        return ("sms",)


RECORDS: dict[IdentifierType, type[EmailVerificationCode | PhoneVerificationCode]] = {
    IdentifierType.EMAIL: EmailVerificationCode,
    IdentifierType.PHONE: PhoneVerificationCode,
}

TEMPLATES = {event: event.value for event in Event}
"""What a code is for, by what the person came to do."""


def bound_to(record: CodeVerification) -> str:
    """What a record's code is bound to: this verification, this address, this use."""
    return f"{record.id}:{record.template_type}:{record.identifier.value}"


def code_record(
    record: Record, record_type: type[CodeVerification] = CodeVerification
) -> CodeVerification:
    """The record, as one of a code. Raises `Refused(VERIFICATION_NOT_FOUND)`."""
    if not isinstance(record, record_type):
        raise Refused(Reason.VERIFICATION_NOT_FOUND)
    return record


@dataclass(frozen=True, slots=True)
class GiveCode:
    """A step of a verification: somebody gave a code for an address."""

    identifier: Identifier
    attempt: Try
    policy: CodePolicy

    def advance(self, record: Record, now: int) -> tuple[Record, Reason | None]:
        """The tries are counted; the reply is what there is against this one."""
        record = code_record(record)
        if self.identifier.value != record.identifier.value:
            return record, MISMATCH[self.identifier.type]
        code, objection = tried(record.code, self.attempt, self.policy, now)
        if code is record.code:
            return record, objection
        return msgspec.structs.replace(record, code=code), objection


@dataclass(frozen=True, slots=True)
class Pass:
    """A step of a verification: the code was right, and nothing else stands against it."""

    of: bytes

    def advance(self, record: Record, now: int) -> tuple[Record, None]:
        """Only the very code that was given counts."""
        record = code_record(record)
        if record.code is None or not record.code.used or record.code.mac != self.of:
            raise Refused(Reason.CODE_NOT_FOUND)
        return msgspec.structs.replace(record, passed=True, code=None), None
