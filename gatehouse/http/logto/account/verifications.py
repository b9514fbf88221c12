"""`/api/verifications`: showing that it is really oneself, or that something new is one's own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import account_verification, accounts
from gatehouse.actors.account_verification import Verification
from gatehouse.actors.webhook_payloads import iso_time
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    account_of,
    check_first_party,
    verification_operations,
)
from gatehouse.http.wire import Wire

operations = verification_operations()


class OwnPassword(Wire):
    """The password of one's account."""

    password: Annotated[str, Field(min_length=1, max_length=4096)]


class VerificationView(Wire):
    """A verification that was begun; `expires_at` is in ISO 8601."""

    verification_record_id: str
    expires_at: str


def verification_view(verification: Verification) -> VerificationView:
    """A verification as this API shows it."""
    return VerificationView(
        verification_record_id=verification.record.id,
        expires_at=iso_time(verification.expires_at),
    )


@operations.post(
    "/api/verifications/password",
    "CreateVerificationByPassword",
    body=OwnPassword,
    response=VerificationView,
    status=201,
    statuses=(422,),
)
async def verify_password(call: Call[OwnPassword]) -> VerificationView:
    """Verify one's own password."""
    await check_first_party(call)
    core, user = call.core, await account_of(call)
    rules = await accounts.rules(core)
    verified = await account_verification.verify_password(core, rules, user, call.body.password)
    return verification_view(verified)
