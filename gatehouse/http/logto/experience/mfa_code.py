"""The verification code as a second factor over the Experience API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.actors import sign_in_mfa
from gatehouse.actors.verification import IdentifierType
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import VerificationId, VerificationReply
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()


class KindBody(Wire):
    """Which of the account's addresses."""

    identifier_type: Literal["email", "phone", "Email", "Phone"]

    @property
    def kind(self) -> IdentifierType:
        """The same, as the core says it."""
        return IdentifierType(self.identifier_type.lower())


class VerifyBody(KindBody):
    """The code that came."""

    verification_id: VerificationId
    code: Annotated[str, Field(max_length=64)]


@operations.post(
    "/api/experience/verification/mfa-verification-code",
    "CreateAndSendMfaVerificationCode",
    body=KindBody,
    response=VerificationReply,
    statuses=(400, 404, 429, 501),
)
async def send(call: Call[KindBody]) -> VerificationReply:
    """Send a code to the identified user's email address or phone number."""
    verification_id = await sign_in_mfa.send_mfa_code(visit_of(call), call.body.kind)
    return VerificationReply(verification_id=verification_id)


@operations.post(
    "/api/experience/verification/mfa-verification-code/verify",
    "VerifyMfaVerificationCode",
    body=VerifyBody,
    response=VerificationReply,
    statuses=(400, 404, 501),
)
async def verify(call: Call[VerifyBody]) -> VerificationReply:
    """Give the code that was sent."""
    body = call.body
    await sign_in_mfa.use_mfa_code(visit_of(call), body.kind, body.verification_id, body.code)
    return VerificationReply(verification_id=body.verification_id)
