"""The pages on which people sign in and register, and complete an account that lacks something.

Plain forms that post to their own address. What a person typed stays in the form when it did not
work, except for the password. The steps are those of the Experience API, through the same services.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from gatehouse.actors import accounts, sign_in, sign_in_profile
from gatehouse.actors.factors.password import new_password_identity, verify_password
from gatehouse.actors.interaction import Interaction, Phase, Prompt
from gatehouse.actors.lockout import Pool
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in import Visit
from gatehouse.actors.sign_in_rules import SignInRules, missing_profile
from gatehouse.actors.verification import Event, Identifier, IdentifierType, Method, Profile
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.context import application_name
from gatehouse.http.pages.forms import (
    csrf_matches,
    csrf_token,
    identifier_label,
    read_identifier,
)
from gatehouse.http.pages.messages import STALE_FORM, Message, message_for, password_hint
from gatehouse.http.pages.render import page
from gatehouse.http.visit import visit_of

operations = Operations(tags=("Pages",))

Typed = Annotated[str, Field(max_length=4096)]

HERE_TO_CONTINUE = {"username", "password"}
"""What the continue page can ask for."""


class AccountForm(BaseModel):
    """Any of the forms: what a page has no field for is empty."""

    csrf: Typed = ""
    identifier: Typed = ""
    username: Typed = ""
    password: Typed = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody at a page: their interaction and what the tenant allows them."""

    visit: Visit
    state: Interaction
    rules: SignInRules

    def address(self, path: str) -> str:
        """A page's address within this interaction."""
        return f"{path}?app_id={quote(self.state.client_id, safe='')}"

    @property
    def identifiers(self) -> tuple[IdentifierType, ...]:
        """With what a person can sign in by password."""
        return tuple(kind for kind in IdentifierType if self.rules.enables(kind, Method.PASSWORD))

    @property
    def registers(self) -> bool:
        """Whether the register page can make the kind of account this tenant wants."""
        wanted = missing_profile(self.rules.sign_up, Profile())
        return self.rules.allows(Event.REGISTER) and set(wanted) <= HERE_TO_CONTINUE


Draw = Callable[[Guest, AccountForm, Message | None], Awaitable[Reply]]
Act = Callable[[Guest, AccountForm], Awaitable[str | None]]


async def guest_of(call: Call[Any, Any]) -> Guest | Reply:
    """Who is at the page; or where they should be instead. Raises `Refused(INTERACTION_GONE)`."""
    visit = visit_of(call)
    guest = Guest(visit, await visit.state(), await visit.rules())
    if guest.state.phase is Phase.ANSWERED:
        return redirect(visit.resume_url)
    if guest.state.prompt is Prompt.CONSENT:
        return redirect(guest.address("/consent"))
    return guest


async def _show(call: Call[Any, Any], draw: Draw) -> Reply:
    guest = await guest_of(call)
    return guest if isinstance(guest, Reply) else await draw(guest, AccountForm(), None)


async def _take(call: Call[AccountForm], draw: Draw, act: Act) -> Reply:
    """Check the form, take the step, go on; or show the form again and say why not."""
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    form = call.body
    if not csrf_matches(call.core, guest.visit.uid, form.csrf):
        return await draw(guest, form, STALE_FORM)
    try:
        return redirect(await act(guest, form) or guest.address("/sign-in"))
    except Refused as refusal:
        if refusal.reason is Reason.MISSING_PROFILE and _can_continue(refusal):
            return redirect(guest.address("/continue"))
        # Of two clicks, the browser shows the second's answer; the first may have succeeded.
        if (await guest.visit.state()).phase is Phase.ANSWERED:
            return redirect(guest.visit.resume_url)
        return await draw(guest, form, message_for(refusal))


def _can_continue(refusal: Refused) -> bool:
    data = refusal.data
    return isinstance(data, dict) and set(data["missingProfile"]) <= HERE_TO_CONTINUE


async def _page(
    guest: Guest, template: str, form: AccountForm, error: Message | None, **values: object
) -> Reply:
    core = guest.visit.core
    shared = {
        "application": await application_name(core, guest.state.client_id),
        "csrf": csrf_token(core, guest.visit.uid),
        "values": form,
        "error": error,
    }
    return await page(
        core,
        template,
        shared | values,
        status=200 if error is None else 422,
        form_targets=(guest.state.params.redirect_uri,),
    )


# Sign in


async def _draw_sign_in(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    only_email = guest.identifiers == (IdentifierType.EMAIL,)
    if not form.identifier and guest.state.params.login_hint:
        form = form.model_copy(update={"identifier": guest.state.params.login_hint[:128]})
    return await _page(
        guest,
        "sign_in.html",
        form,
        error,
        action=guest.address("/sign-in"),
        identifier_label=identifier_label(guest.identifiers),
        identifier_input="email" if only_email else "text",
        register=guest.address("/register") if guest.registers else None,
    )


async def _sign_in(guest: Guest, form: AccountForm) -> str | None:
    visit, core = guest.visit, guest.visit.core
    if not guest.identifiers:
        raise Refused(Reason.METHOD_NOT_ENABLED)
    identifier = read_identifier(form.identifier, guest.identifiers)
    await sign_in.start(visit, Event.SIGN_IN)
    verification_id = await sign_in.verify(
        visit,
        "Password",
        lambda record_id, rules: verify_password(core, record_id, rules, identifier, form.password),
        identifier=identifier,
        pool=Pool.SIGN_IN,
    )
    await sign_in.identify(visit, verification_id)
    return await sign_in.submit(visit)


@operations.get("/sign-in", "SignInPage", documented=False)
async def sign_in_page(call: Call) -> Reply:
    """The sign-in page."""
    return await _show(call, _draw_sign_in)


@operations.post("/sign-in", "SignInForm", body=AccountForm, form=True, documented=False)
async def sign_in_form(call: Call[AccountForm]) -> Reply:
    """Somebody tries to sign in."""
    return await _take(call, _draw_sign_in, _sign_in)


# Register


async def _draw_register(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    if not guest.registers:
        return redirect(guest.address("/sign-in"))
    return await _page(
        guest,
        "register.html",
        form,
        error,
        action=guest.address("/register"),
        password_hint=password_hint(guest.rules.password_policy.length.min),
        sign_in=guest.address("/sign-in") if guest.rules.allows(Event.SIGN_IN) else None,
    )


async def _register(guest: Guest, form: AccountForm) -> str | None:
    visit, core = guest.visit, guest.visit.core
    identifier = Identifier(IdentifierType.USERNAME, form.username.strip())
    if guest.state.event is not Event.REGISTER:
        await sign_in.start(visit, Event.REGISTER)
    verification_id = await sign_in.verify(
        visit,
        "NewPasswordIdentity",
        lambda record_id, rules: new_password_identity(
            core, record_id, rules, identifier, form.password
        ),
        identifier=identifier,
    )
    await sign_in.identify(visit, verification_id)
    return await sign_in.submit(visit)


@operations.get("/register", "RegisterPage", documented=False)
async def register_page(call: Call) -> Reply:
    """The registration page."""
    return await _show(call, _draw_register)


@operations.post("/register", "RegisterForm", body=AccountForm, form=True, documented=False)
async def register_form(call: Call[AccountForm]) -> Reply:
    """Somebody makes an account."""
    return await _take(call, _draw_register, _register)


# Continue


async def _draw_continue(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    missing = await _missing(guest)
    if not missing:
        return redirect(guest.address("/sign-in"))
    return await _page(
        guest,
        "continue.html",
        form,
        error,
        action=guest.address("/continue"),
        missing=missing,
        password_hint=password_hint(guest.rules.password_policy.length.min),
    )


async def _missing(guest: Guest) -> list[str]:
    """What the identified person's account still lacks; empty if nobody is identified."""
    if guest.state.user_id is None:
        return []
    user = await accounts.get_active(guest.visit.core, guest.state.user_id)
    known = accounts.known_profile(user).merged(guest.state.profile)
    return missing_profile(guest.rules.sign_up, known)


async def _continue(guest: Guest, form: AccountForm) -> str | None:
    missing = await _missing(guest)
    if "username" in missing:
        await sign_in_profile.add_username(guest.visit, form.username.strip())
    if "password" in missing:
        await sign_in_profile.add_password(guest.visit, form.password)
    return await sign_in.submit(guest.visit)


@operations.get("/continue", "ContinuePage", documented=False)
async def continue_page(call: Call) -> Reply:
    """The page that asks for what an account lacks."""
    return await _show(call, _draw_continue)


@operations.post("/continue", "ContinueForm", body=AccountForm, form=True, documented=False)
async def continue_form(call: Call[AccountForm]) -> Reply:
    """Somebody completes their account."""
    return await _take(call, _draw_continue, _continue)
