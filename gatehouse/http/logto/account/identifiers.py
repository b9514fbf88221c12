"""`/api/my-account/primary-email` and `primary-phone`: addresses that are shown to be one's own."""

from __future__ import annotations

from gatehouse.actors import account_verification, own_account
from gatehouse.actors.account_codes import check_new_email
from gatehouse.actors.factors.code import (
    CodeVerification,
    EmailVerificationCode,
    PhoneVerificationCode,
)
from gatehouse.actors.refusal import Reason, Refused
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
from gatehouse.http.logto.account.models import RecordId
from gatehouse.http.wire import Email, Phone, Wire

operations = account_operations()


class NewEmail(Wire):
    """An address, and the verification that it is one's own."""

    email: Email
    new_identifier_verification_record_id: RecordId


class NewPhone(Wire):
    """A phone number, and the verification that it is one's own."""

    phone: Phone
    new_identifier_verification_record_id: RecordId


async def _check(call: AnyCall, kind: str) -> None:
    await check_verified(call)
    (await center_of(call)).check_editable(kind)
    check_scope(call, kind, 400)
    await check_first_party(call)


async def _check_owned(
    call: AnyCall, record_id: str, kind: type[CodeVerification], value: str
) -> None:
    """Raises `Refused` unless a code that was sent to this address was given."""
    core, who = call.core, person_of(call).subject
    record = await account_verification.passed(core, who, record_id, kind)
    if record.identifier.value != value:
        raise Refused(Reason.NO_SUCH_VERIFICATION)


@operations.post(
    "/api/my-account/primary-email",
    "UpdatePrimaryEmail",
    body=NewEmail,
    status=204,
    statuses=(422,),
)
async def set_email(call: Call[NewEmail]) -> None:
    """Set the email address of one's account."""
    await _check(call, "email")
    new, shown = call.body.email, call.body.new_identifier_verification_record_id
    await check_new_email(call.core, new)
    await _check_owned(call, shown, EmailVerificationCode, new)
    await own_account.change(call.core, person_of(call).subject, {"primary_email": new})


@operations.post(
    "/api/my-account/primary-phone",
    "UpdatePrimaryPhone",
    body=NewPhone,
    status=204,
    statuses=(422,),
)
async def set_phone(call: Call[NewPhone]) -> None:
    """Set the phone number of one's account."""
    await _check(call, "phone")
    new, shown = call.body.phone, call.body.new_identifier_verification_record_id
    await _check_owned(call, shown, PhoneVerificationCode, new)
    await own_account.change(call.core, person_of(call).subject, {"primary_phone": new})


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
