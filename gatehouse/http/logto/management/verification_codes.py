"""`/api/verification-codes`: codes that an operator's own service sends and checks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from gatehouse.actors import verification_code
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Email, Phone, Wire

operations = Operations(tags=("Verification codes",), access=MANAGEMENT, cors=CONSOLE_ONLY)

USE = "Generic"
"""What these codes are for, in Logto's words."""

Code = Annotated[str, Field(min_length=1, max_length=64)]


class ToEmail(Wire):
    """A mail address."""

    email: Email

    def to_core(self) -> Identifier:
        """The same, as the core says it."""
        return Identifier(IdentifierType.EMAIL, self.email)


class ToPhone(Wire):
    """A phone number."""

    phone: Phone

    def to_core(self) -> Identifier:
        """The same, as the core says it."""
        return Identifier(IdentifierType.PHONE, self.phone)


class CodeByEmail(ToEmail):
    """The code that came by mail."""

    verification_code: Code


class CodeByPhone(ToPhone):
    """The code that came as a text message."""

    verification_code: Code


def _kind(body: Any) -> str:
    return (
        "email"
        if isinstance(body, ToEmail) or (isinstance(body, dict) and "email" in body)
        else "phone"
    )


Recipient = Annotated[
    Annotated[ToEmail, Tag("email")] | Annotated[ToPhone, Tag("phone")], Discriminator(_kind)
]
GivenCode = Annotated[
    Annotated[CodeByEmail, Tag("email")] | Annotated[CodeByPhone, Tag("phone")],
    Discriminator(_kind),
]


@operations.post(
    "/api/verification-codes",
    "CreateVerificationCode",
    body=Recipient,
    status=204,
    statuses=(400, 429, 501),
)
async def send(call: Call[ToEmail | ToPhone]) -> None:
    """Send a code; one that was sent to the same address before is good no more."""
    await verification_code.send_alone(call.core, USE, call.body.to_core(), ip=call.client_address)


@operations.post(
    "/api/verification-codes/verify",
    "VerifyVerificationCode",
    body=GivenCode,
    status=204,
    statuses=(400,),
)
async def verify(call: Call[CodeByEmail | CodeByPhone]) -> None:
    """Use a code."""
    await verification_code.check_alone(
        call.core, USE, call.body.to_core(), call.body.verification_code
    )
