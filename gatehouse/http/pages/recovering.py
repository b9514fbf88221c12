"""The pages on which people who forgot their password choose another."""

from __future__ import annotations

from gatehouse.actors import sign_in, sign_in_codes, sign_in_profile
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.forms import identifier_input, identifier_label, read_address
from gatehouse.http.pages.guest import AccountForm, Guest, draw_page, show, take
from gatehouse.http.pages.messages import Message, password_hint

operations = Operations(tags=("Pages",))


async def _draw_forgot(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    kinds = await guest.recovers()
    if not kinds:
        return redirect(guest.address("/sign-in"))
    return await draw_page(
        guest,
        "forgot_password.html",
        form,
        error,
        action=guest.address("/forgot-password"),
        identifier_label=identifier_label(guest.words, kinds),
        identifier_input=identifier_input(kinds),
        sign_in=guest.address("/sign-in"),
    )


async def _send_code(guest: Guest, form: AccountForm) -> str:
    kinds = await guest.recovers()
    if not kinds:
        raise Refused(Reason.CANNOT_RESET_PASSWORD)
    identifier = read_address(form.identifier, kinds)
    await sign_in.start(guest.visit, Event.FORGOT_PASSWORD)
    await sign_in_codes.send_code(guest.visit, identifier, Event.FORGOT_PASSWORD)
    return guest.address("/verification-code")


@operations.get("/forgot-password", "ForgotPasswordPage", documented=False)
async def forgot_page(call: Call) -> Reply:
    """The page that asks whose password it was."""
    return await show(call, _draw_forgot)


@operations.post(
    "/forgot-password", "ForgotPasswordForm", body=AccountForm, form=True, documented=False
)
async def forgot_form(call: Call[AccountForm]) -> Reply:
    """Somebody forgot their password."""
    return await take(call, _draw_forgot, _send_code)


async def _draw_reset(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    if guest.state.event is not Event.FORGOT_PASSWORD or guest.state.user_id is None:
        return redirect(guest.address("/forgot-password"))
    return await draw_page(
        guest,
        "reset_password.html",
        form,
        error,
        action=guest.address("/reset-password"),
        password_hint=password_hint(guest.words, guest.rules.password_policy.length.min),
    )


async def _reset(guest: Guest, form: AccountForm) -> str:
    await sign_in_profile.reset_password(guest.visit, form.password)
    await sign_in.submit(guest.visit)
    return guest.address("/reset-password/done")


async def _draw_done(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    return await draw_page(
        guest,
        "message.html",
        form,
        error,
        title=guest.words("description.password_changed"),
        text=guest.words("page.sign_in_with_new_password"),
        good=True,
        facts=(),
        link=(guest.words("action.sign_in"), guest.address("/sign-in")),
    )


@operations.get("/reset-password", "ResetPasswordPage", documented=False)
async def reset_page(call: Call) -> Reply:
    """The page that asks for a new password."""
    return await show(call, _draw_reset)


@operations.post(
    "/reset-password", "ResetPasswordForm", body=AccountForm, form=True, documented=False
)
async def reset_form(call: Call[AccountForm]) -> Reply:
    """Somebody chooses a new password."""
    return await take(call, _draw_reset, _reset)


@operations.get("/reset-password/done", "PasswordChangedPage", documented=False)
async def done_page(call: Call) -> Reply:
    """The page that says that it is done."""
    return await show(call, _draw_done)
