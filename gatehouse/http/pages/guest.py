"""Somebody at one of the pages of an interaction, and what every such page does alike.

A page is drawn by one function and its form is taken by another. Between them is what is the same
for all: finding out who it is, the form's token, showing the form again with a reason, and going on
to the page that asks for what is missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from gatehouse.actors import captcha, code_messages, fulfilment, sign_in
from gatehouse.actors.factors.password import NewPasswordIdentity
from gatehouse.actors.interaction import Interaction, Phase, Prompt
from gatehouse.actors.looks import experience_for
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInMethod, SignInRules
from gatehouse.actors.verification import (
    Event,
    Identifier,
    IdentifierType,
    Method,
    Profile,
)
from gatehouse.actors.visit import Visit
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.pages.captchas import answer_in, widget_of
from gatehouse.http.pages.context import application_name
from gatehouse.http.pages.custom_ui import custom_index
from gatehouse.http.pages.forms import csrf_matches, csrf_token
from gatehouse.http.pages.messages import STALE_FORM, Message, message_for
from gatehouse.http.pages.one_tap import OneTap, one_tap_of
from gatehouse.http.pages.render import CAPTCHA_SCRIPT_PATH, page
from gatehouse.http.pages.words import Words, words_for
from gatehouse.http.visit import visit_of

Typed = Annotated[str, Field(max_length=4096)]

HERE_TO_CONTINUE = {
    "username",
    "password",
    "email",
    "phone",
    "emailOrPhone",
    fulfilment.EXTRA_PROFILE,
}
"""What the continue page can ask for."""

_RECOVERY = {
    IdentifierType.EMAIL: "EmailVerificationCode",
    IdentifierType.PHONE: "PhoneVerificationCode",
}


class AccountForm(BaseModel):
    """Any of the forms: what a page has no field for is empty.

    `by` is the button that was pressed, where a form has more than one. Fields of the tenant's own
    come under names of their own.
    """

    model_config = ConfigDict(extra="allow")

    csrf: Typed = ""
    identifier: Typed = ""
    username: Typed = ""
    password: Typed = ""
    code: Typed = ""
    by: Typed = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody at a page: their interaction and what the tenant allows them."""

    visit: Visit
    state: Interaction
    rules: SignInRules
    words: Words

    async def now(self) -> Guest:
        """The same person, with the interaction as it is by now."""
        return replace(self, state=await self.visit.state())

    def address(self, path: str) -> str:
        """A page's address within this interaction."""
        return f"{path}?app_id={quote(self.state.client_id, safe='')}"

    def kinds(self, method: Method) -> tuple[IdentifierType, ...]:
        """With what a person can sign in by a method."""
        return tuple(kind for kind in IdentifierType if self.rules.enables(kind, method))

    @property
    def identifiers(self) -> tuple[IdentifierType, ...]:
        """With what a person can sign in, as far as the client does not want less."""
        usable = {*self.kinds(Method.PASSWORD), *self.kinds(Method.VERIFICATION_CODE)}
        asked = {kind for kind in usable if kind.value in self.state.params.asked_identifiers}
        return tuple(kind for kind in IdentifierType if kind in (asked or usable))

    def prefers_password(self, kind: IdentifierType) -> bool:
        """Whether a person with such an identifier is asked for a password first."""
        return any(
            _password_first(method)
            for method in self.rules.sign_in.methods
            if method.identifier is kind
        )

    @property
    def asks_for_password(self) -> bool:
        """Whether everybody is: then there is one form for both."""
        return all(self.prefers_password(kind) for kind in self.identifiers)

    @property
    def registers(self) -> bool:
        """Whether the register page can make an account."""
        open_to = self.rules.sign_up.identifiers or self.rules.social_sign_in_connector_targets
        return self.rules.allows(Event.REGISTER) and bool(open_to)

    async def one_tap(self) -> OneTap | None:
        """Google's One Tap, where the tenant has it."""
        targets = self.rules.social_sign_in_connector_targets
        return await one_tap_of(self.visit.core, targets, self.visit.uid)

    async def recovers(self) -> tuple[IdentifierType, ...]:
        """With what a person can have a forgotten password replaced."""
        core, methods = self.visit.core, self.rules.forgot_password_methods
        return tuple(
            [
                kind
                for kind, factor in _RECOVERY.items()
                if (methods is None or factor in methods)
                and await core.messengers.carries(core.tenant_id, code_messages.CHANNELS[kind])
            ]
        )


def _password_first(method: SignInMethod) -> bool:
    return method.password and (method.is_password_primary or not method.verification_code)


_NEXT_PAGE = {
    Reason.MFA_REQUIRED: "/mfa-verification",
    Reason.MFA_SUGGESTED: "/mfa-setup",
    Reason.MISSING_MFA: "/mfa-setup",
    Reason.ADDITIONAL_MFA_SUGGESTED: "/mfa-setup",
    Reason.BACKUP_CODE_REQUIRED: "/mfa-setup",
    Reason.PASSKEY_PREFERRED: "/mfa-setup",
}
"""Refusals that a page of its own helps out of."""

Draw = Callable[[Guest, AccountForm, Message | None], Awaitable[Reply]]
Act = Callable[[Guest, AccountForm], Awaitable[Reply | str | None]]


async def guest_of(call: Call[Any, Any]) -> Guest | Reply:
    """Who is at the page; or where they should be instead. Raises `Refused(INTERACTION_GONE)`."""
    visit = visit_of(call)
    state = await visit.state()
    words = await words_for(visit.core, visit.origin.accept_language, state.params.ui_locales)
    guest = Guest(visit, state, await visit.rules(), words)
    if guest.state.phase is Phase.ANSWERED:
        return redirect(visit.resume_url)
    if guest.state.prompt is Prompt.CONSENT:
        return redirect(guest.address("/consent"))
    return guest


async def show(call: Call[Any, Any], draw: Draw) -> Reply:
    """Draw the page for whoever is at it."""
    guest = await guest_of(call)
    return guest if isinstance(guest, Reply) else await drawn(guest, draw)


async def drawn(guest: Guest, draw: Draw) -> Reply:
    """The page as somebody finds it; where the tenant has pages of its own, those."""
    return await custom_index(guest.visit.core) or await draw(guest, AccountForm(), None)


async def take(call: Call[Any], draw: Draw, act: Act) -> Reply:
    """Check the form, take the step, go on; or show the form again and say why not.

    A step answers with a page, with the address to go on to, or with nothing: back to the start.
    """
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    form: AccountForm = call.body
    if not csrf_matches(call.core, guest.visit.uid, form.csrf):
        return await draw(guest, form, STALE_FORM)
    token = answer_in(form.model_extra)
    if token is not None:
        try:
            await sign_in.solve_captcha(guest.visit, token)
        except Refused as refusal:
            return await _ask_captcha(guest, form, call.url_path, message_for(refusal))
        guest = await guest.now()
        act = _interrupted(guest) or act
    return await attempt(guest, form, draw, act, call.url_path)


async def attempt(
    guest: Guest, form: AccountForm, draw: Draw, act: Act, path: str | None = None
) -> Reply:
    """Take the step, go on; or draw the page and say why not.

    `path` is where the step can be taken again, once a captcha has been solved.
    """
    try:
        done = await act(guest, form)
        return done if isinstance(done, Reply) else redirect(done or guest.address("/sign-in"))
    except Refused as refusal:
        if refusal.reason is Reason.CAPTCHA_REQUIRED and path is not None:
            return await _ask_captcha(guest, form, path)
        onward = next_page(refusal)
        if onward is not None:
            return redirect(guest.address(onward))
        # Of two clicks, the browser shows the second's answer; the first may have succeeded.
        guest = await guest.now()
        if guest.state.phase is Phase.ANSWERED:
            return redirect(guest.visit.resume_url)
        return await draw(guest, form, message_for(refusal))


async def _ask_captcha(
    guest: Guest, form: AccountForm, path: str, error: Message | None = None
) -> Reply:
    """A page with the provider's widget, which holds what the form held, but for passwords."""
    provider = await captcha.provider_of(guest.visit.core)
    if provider is None:
        error = error or Message("page.captcha.missing")
    widget = None if provider is None else widget_of(provider)
    kept = {"identifier": form.identifier, "username": form.username, "by": form.by}
    script = {"script": CAPTCHA_SCRIPT_PATH} if widget is not None and widget.invisible else {}
    return await draw_page(
        guest,
        "captcha.html",
        form,
        error,
        action=guest.address(path),
        kept=[(name, value) for name, value in kept.items() if value],
        widget=widget,
        **script,
    )


def _interrupted(guest: Guest) -> Act | None:
    """What is left to do of a step that a captcha interrupted after a password was given."""
    state = guest.state
    if state.user_id is not None:
        return lambda guest, form: sign_in.submit(guest.visit)
    if state.event is not Event.REGISTER:
        return None
    for record in state.records:
        if isinstance(record, NewPasswordIdentity):
            return partial(_register, verification_id=record.id)
    return partial(_register, verification_id=None) if state.profile != Profile() else None


async def _register(guest: Guest, form: AccountForm, verification_id: str | None) -> str | None:
    await sign_in.identify(guest.visit, verification_id)
    return await sign_in.submit(guest.visit)


def next_page(refusal: Refused) -> str | None:
    """The page that helps out of a refusal, if there is one."""
    if refusal.reason is Reason.MISSING_PROFILE:
        return "/continue" if _can_continue(refusal) else None
    return _NEXT_PAGE.get(refusal.reason)


def _can_continue(refusal: Refused) -> bool:
    data = refusal.data
    return isinstance(data, dict) and set(data["missingProfile"]) <= HERE_TO_CONTINUE


async def draw_page(
    guest: Guest, template: str, form: AccountForm, error: Message | None, **values: object
) -> Reply:
    """A page of an interaction."""
    core = guest.visit.core
    shared = {
        "application": await application_name(core, guest.words, guest.state.client_id),
        "csrf": csrf_token(core, guest.visit.uid),
        "values": form,
        "error": error,
    }
    return await page(
        core,
        guest.words,
        template,
        shared | values,
        status=200 if error is None else 422,
        form_targets=(guest.state.params.redirect_uri,),
        experience=await experience_for(
            core, guest.state.client_id, guest.state.params.organization_id
        ),
    )


def shown_identifier(identifier: Identifier) -> str:
    """An identifier as a person writes it."""
    return f"+{identifier.value}" if identifier.type is IdentifierType.PHONE else identifier.value
