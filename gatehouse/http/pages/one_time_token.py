"""The page that a magic link leads to.

It asks for one press of a button, because programs that look through mails follow every link, and
the token behind this one counts once. Who has no account yet gets one.
"""

from __future__ import annotations

from gatehouse.actors import sign_in
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_one_time_token import give_one_time_token
from gatehouse.actors.verification import Event, Identifier, IdentifierType
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.guest import AccountForm, Guest, draw_page, show, take
from gatehouse.http.pages.messages import Message

operations = Operations(tags=("Pages",))

PATH = "/one-time-token"
_RECOVERING = "reset_password"
"""The first screen that a client asks for when the link is to replace a password."""


async def _draw(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    params = guest.state.params
    if not params.one_time_token or not params.login_hint:
        return redirect(guest.address("/sign-in"))
    return await draw_page(
        guest,
        "one_time_token.html",
        form,
        error,
        action=guest.address(PATH),
        email=params.login_hint,
        sign_in=guest.address("/sign-in"),
    )


async def _continue(guest: Guest, form: AccountForm) -> str | None:
    visit, params = guest.visit, guest.state.params.opened(guest.visit.core.vault)
    if not params.one_time_token or not params.login_hint:
        return guest.address("/sign-in")
    event = Event.FORGOT_PASSWORD if params.first_screen == _RECOVERING else Event.SIGN_IN
    await sign_in.start(visit, event)
    email = Identifier(IdentifierType.EMAIL, params.login_hint)
    verification_id = await give_one_time_token(visit, email, params.one_time_token)
    try:
        await sign_in.identify(visit, verification_id)
    except Refused as refusal:
        if refusal.reason is not Reason.USER_GONE or event is Event.FORGOT_PASSWORD:
            raise
        await sign_in.switch_event(visit, Event.REGISTER)
        await sign_in.identify(visit, verification_id)
    if event is Event.FORGOT_PASSWORD:
        return guest.address("/reset-password")
    return await sign_in.submit(visit)


@operations.get(PATH, "OneTimeTokenPage", documented=False)
async def one_time_token_page(call: Call) -> Reply:
    """The page that asks whether to go on."""
    return await show(call, _draw)


@operations.post(PATH, "OneTimeTokenForm", body=AccountForm, form=True, documented=False)
async def one_time_token_form(call: Call[AccountForm]) -> Reply:
    """Somebody goes on with their token."""
    return await take(call, _draw, _continue)
