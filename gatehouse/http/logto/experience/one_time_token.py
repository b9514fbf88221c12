"""The one-time token over the Experience API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors.sign_in_one_time_token import give_one_time_token
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import EmailIdentifier, VerificationReply
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()


class TokenBody(Wire):
    """The token, and the address that it was made for."""

    identifier: EmailIdentifier
    token: Annotated[str, Field(min_length=1, max_length=256)]


@operations.post(
    "/api/experience/verification/one-time-token/verify",
    "VerifyOneTimeTokenVerification",
    body=TokenBody,
    response=VerificationReply,
    statuses=(400, 404),
)
async def verify(call: Call[TokenBody]) -> VerificationReply:
    """Show a one-time token, which is used up by that."""
    identifier = call.body.identifier.to_core()
    verification_id = await give_one_time_token(visit_of(call), identifier, call.body.token)
    return VerificationReply(verification_id=verification_id)
