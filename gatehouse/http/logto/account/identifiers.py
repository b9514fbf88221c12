"""`/api/my-account/primary-email` and `primary-phone`: addresses that are shown to be one's own."""

from __future__ import annotations

from gatehouse.actors import own_account
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    AnyCall,
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    check_verified,
    person_of,
)

operations = account_operations()


async def _check(call: AnyCall, kind: str) -> None:
    await check_verified(call)
    (await center_of(call)).check_editable(kind)
    check_scope(call, kind, 400)
    await check_first_party(call)


@operations.delete("/api/my-account/primary-email", "DeletePrimaryEmail", statuses=(400,))
async def remove_email(call: Call) -> None:
    """Remove the email address of one's account."""
    await _check(call, "email")
    await own_account.change(call.core, person_of(call).subject, {"primary_email": None})


@operations.delete("/api/my-account/primary-phone", "DeletePrimaryPhone", statuses=(400,))
async def remove_phone(call: Call) -> None:
    """Remove the phone number of one's account."""
    await _check(call, "phone")
    await own_account.change(call.core, person_of(call).subject, {"primary_phone": None})
