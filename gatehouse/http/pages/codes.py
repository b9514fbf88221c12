"""The page on which a code is entered, whatever it was sent for, and asked for again."""

from __future__ import annotations

from gatehouse.actors import sign_in, sign_in_codes, sign_in_profile
from gatehouse.actors.factors.code import EmailVerificationCode, PhoneVerificationCode
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event, Method, Profile
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.guest import (
    AccountForm,
    Guest,
    draw_page,
    show,
    shown_identifier,
    take,
)
from gatehouse.http.pages.messages import Message
from gatehouse.http.pages.passkey_forms import offering
from gatehouse.http.pages.registering import go_on

operations = Operations(tags=("Pages",))

CodeRecord = EmailVerificationCode | PhoneVerificationCode

_BACK = {
    Event.SIGN_IN: "/sign-in",
    Event.REGISTER: "/register",
    Event.FORGOT_PASSWORD: "/forgot-password",
}
_TAKEN = (Reason.EMAIL_TAKEN, Reason.PHONE_TAKEN)


def _waiting(guest: Guest) -> CodeRecord | None:
    """The verification whose code was sent last and has not been given."""
    for record in reversed(guest.state.records):
        if isinstance(record, CodeRecord) and not record.passed:
            return record
    return None


async def _draw(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    record = _waiting(guest)
    if record is None or guest.state.event is None:
        return redirect(guest.address("/sign-in"))
    completing = guest.state.user_id is not None or guest.state.profile != Profile()
    back = "/continue" if completing else _BACK[guest.state.event]
    signing_in = guest.state.event is Event.SIGN_IN and guest.state.user_id is None
    with_password = signing_in and guest.rules.enables(record.identifier.type, Method.PASSWORD)
    return await draw_page(
        guest,
        "verification_code.html",
        form,
        error,
        action=guest.address("/verification-code"),
        sent_to=shown_identifier(record.identifier),
        identifier=record.identifier.value,
        perhaps=guest.state.event is Event.FORGOT_PASSWORD,
        resent=error is None and form.by == "again",
        back=guest.address(back),
        sign_in=guest.address("/sign-in") if with_password else None,
        **(await offering(guest, second_page=True) if signing_in else {"passkey": None}),
    )


async def _give(guest: Guest, form: AccountForm) -> Reply | str | None:
    record = _waiting(guest)
    if record is None or guest.state.event is None:
        return guest.address("/sign-in")
    visit = guest.visit
    if form.by == "again":
        await sign_in_codes.send_code(visit, record.identifier, guest.state.event)
        return await _draw(await guest.now(), form, None)
    code = "".join(form.code.split())
    await sign_in_codes.verify_code(visit, record.id, record.identifier, code)
    if guest.state.event is Event.FORGOT_PASSWORD:
        await sign_in.identify(visit, record.id)
        return guest.address("/reset-password")
    if guest.state.event is Event.SIGN_IN and guest.state.user_id is None:
        return await _sign_in(guest, record)
    return await _add(guest, record)


async def _sign_in(guest: Guest, record: CodeRecord) -> str | None:
    """Whoever proves an address that nobody has yet makes an account with it, if they may."""
    visit = guest.visit
    try:
        await sign_in.identify(visit, record.id)
    except Refused as refusal:
        registers = guest.registers and record.identifier.type in guest.rules.sign_up.identifiers
        if refusal.reason is not Reason.USER_GONE or not registers:
            raise
        await sign_in.switch_event(visit, Event.REGISTER)
        await sign_in.identify(visit, record.id)
    return await sign_in.submit(visit)


async def _add(guest: Guest, record: CodeRecord) -> str | None:
    """Give the account the address; who had an account with it all along signs in."""
    visit, fresh = guest.visit, guest.state.user_id is None and guest.state.profile == Profile()
    try:
        await sign_in_profile.add_address(visit, record.identifier.type, record.id)
    except Refused as refusal:
        if refusal.reason not in _TAKEN or not fresh or not guest.rules.allows(Event.SIGN_IN):
            raise
        await sign_in.switch_event(visit, Event.SIGN_IN)
        await sign_in.identify(visit, record.id)
        return await sign_in.submit(visit)
    return await go_on(guest)


@operations.get("/verification-code", "VerificationCodePage", documented=False)
async def code_page(call: Call) -> Reply:
    """The page that asks for the code."""
    return await show(call, _draw)


@operations.post(
    "/verification-code", "VerificationCodeForm", body=AccountForm, form=True, documented=False
)
async def code_form(call: Call[AccountForm]) -> Reply:
    """Somebody gives a code, or asks for another."""
    return await take(call, _draw, _give)
