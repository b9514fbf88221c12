"""The verification code over the Experience API: sent, and given."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import sign_in_codes
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import (
    CodeIdentifier,
    EventBody,
    VerificationId,
    VerificationReply,
)
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()


class SendBody(EventBody):
    """Where to send a code, and what for."""

    identifier: CodeIdentifier


class VerifyBody(Wire):
    """The code that came."""

    identifier: CodeIdentifier
    verification_id: VerificationId
    code: Annotated[str, Field(max_length=64)]


@operations.post(
    "/api/experience/verification/verification-code",
    "CreateAndSendVerificationCode",
    body=SendBody,
    response=VerificationReply,
    statuses=(400, 404, 422, 429, 501),
)
async def send(call: Call[SendBody]) -> VerificationReply:
    """Send a code to an email address or a phone number."""
    identifier = call.body.identifier.to_core()
    verification_id = await sign_in_codes.send_code(visit_of(call), identifier, call.body.event)
    return VerificationReply(verification_id=verification_id)


@operations.post(
    "/api/experience/verification/verification-code/verify",
    "VerifyVerificationCodeVerification",
    body=VerifyBody,
    response=VerificationReply,
    statuses=(400, 404, 501),
)
async def verify(call: Call[VerifyBody]) -> VerificationReply:
    """Give the code that was sent."""
    body = call.body
    await sign_in_codes.verify_code(
        visit_of(call), body.verification_id, body.identifier.to_core(), body.code
    )
    return VerificationReply(verification_id=body.verification_id)
