"""The authenticator app over the Experience API: set up, and used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import sign_in_mfa
from gatehouse.actors.factors.totp import qr_png
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import VerificationId, VerificationReply
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Maybe, Wire

operations = experience_operations()


class SecretReply(Wire):
    """A new key, as text and as a picture for the app."""

    verification_id: str
    secret: str
    secret_qr_code: str


class CodeBody(Wire):
    """A code that the app shows; with a verification's id, the first one of a new key."""

    code: Annotated[str, Field(min_length=1, max_length=64)]
    verification_id: Maybe[VerificationId] = None


@operations.post(
    "/api/experience/verification/totp/secret",
    "CreateTotpSecret",
    response=SecretReply,
    statuses=(400, 404),
)
async def make_secret(call: Call) -> SecretReply:
    """Make a key for an authenticator app; nothing is stored until it is bound and submitted."""
    offer = await sign_in_mfa.begin_totp(visit_of(call))
    return SecretReply(
        verification_id=offer.verification_id, secret=offer.key, secret_qr_code=qr_png(offer.uri)
    )


@operations.post(
    "/api/experience/verification/totp/verify",
    "VerifyTotpVerification",
    body=CodeBody,
    response=VerificationReply,
    statuses=(400, 404),
)
async def verify(call: Call[CodeBody]) -> VerificationReply:
    """Show a code: of the account's app, or the first of a new key."""
    verification_id = call.body.verification_id
    if verification_id is None:
        verification_id = await sign_in_mfa.use_totp(visit_of(call), call.body.code)
    else:
        await sign_in_mfa.show_first_code(visit_of(call), verification_id, call.body.code)
    return VerificationReply(verification_id=verification_id)
