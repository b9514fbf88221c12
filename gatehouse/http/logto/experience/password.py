"""The password factor over the Experience API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import sign_in
from gatehouse.actors.factors.password import new_password_identity
from gatehouse.actors.sign_in_password import show_password
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import (
    Identifier,
    Password,
    UsernameIdentifier,
    VerificationReply,
)
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()


class PasswordBody(Wire):
    """A name and the password that goes with it."""

    identifier: Identifier
    password: Annotated[str, Field(min_length=1, max_length=4096)]


class NewPasswordIdentityBody(Wire):
    """A name and a password for a new account."""

    identifier: UsernameIdentifier
    password: Password


@operations.post(
    "/api/experience/verification/password",
    "CreatePasswordVerification",
    body=PasswordBody,
    response=VerificationReply,
    statuses=(400, 401, 409, 422),
    hot=True,
)
async def verify(call: Call[PasswordBody]) -> VerificationReply:
    """Verify the password of an existing account."""
    identifier = call.body.identifier.to_core()
    verification_id = await show_password(visit_of(call), identifier, call.body.password)
    return VerificationReply(verification_id=verification_id)


@operations.post(
    "/api/experience/verification/new-password-identity",
    "CreateNewPasswordIdentityVerification",
    body=NewPasswordIdentityBody,
    response=VerificationReply,
    statuses=(400, 422),
)
async def new_identity(call: Call[NewPasswordIdentityBody]) -> VerificationReply:
    """Prepare a new account from a free username and an acceptable password."""
    identifier, password = call.body.identifier.to_core(), call.body.password
    core = call.core
    verification_id = await sign_in.verify(
        visit_of(call),
        "NewPasswordIdentity",
        lambda record_id, rules: new_password_identity(
            core, record_id, rules, identifier, password
        ),
        identifier=identifier,
    )
    return VerificationReply(verification_id=verification_id)
