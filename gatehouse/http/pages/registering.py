"""The pages on which people make an account, and complete one that lacks something."""

from __future__ import annotations

from typing import Any

from gatehouse.actors import accounts, fulfilment, sign_in, sign_in_codes, sign_in_profile
from gatehouse.actors.factors.password import new_password_identity
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event, Identifier, IdentifierType
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages import providers
from gatehouse.http.pages.fields import inputs_of, read_fields
from gatehouse.http.pages.forms import identifier_input, identifier_label, read_address
from gatehouse.http.pages.guest import AccountForm, Guest, draw_page, show, take
from gatehouse.http.pages.messages import Message, password_hint

operations = Operations(tags=("Pages",))

_ADDRESSES: dict[str, tuple[IdentifierType, ...]] = {
    "email": (IdentifierType.EMAIL,),
    "phone": (IdentifierType.PHONE,),
    "emailOrPhone": (IdentifierType.EMAIL, IdentifierType.PHONE),
}
"""What is missing that a code has to prove, and what may be given for it."""


# Register


async def _draw_register(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    if not guest.registers:
        return redirect(guest.address("/sign-in"))
    identifiers = guest.rules.sign_up.identifiers
    return await draw_page(
        guest,
        "register.html",
        form,
        error,
        action=guest.address("/register"),
        by_form=bool(identifiers),
        by_name=IdentifierType.USERNAME in identifiers,
        with_password=guest.rules.sign_up.password,
        identifier_label=identifier_label(guest.words, identifiers),
        identifier_input=identifier_input(identifiers),
        password_hint=password_hint(guest.words, guest.rules.password_policy.length.min),
        sign_in=guest.address("/sign-in") if guest.rules.allows(Event.SIGN_IN) else None,
        providers=await providers.buttons(guest),
        one_tap=await guest.one_tap(),
    )


async def _register(guest: Guest, form: AccountForm) -> str | None:
    visit, sign_up = guest.visit, guest.rules.sign_up
    if not sign_up.identifiers:
        raise Refused(Reason.EVENT_NOT_ALLOWED)
    if guest.state.event is not Event.REGISTER or guest.state.user_id is None:
        await sign_in.start(visit, Event.REGISTER)
    if IdentifierType.USERNAME not in sign_up.identifiers:
        return await _send_code(guest, form.identifier, sign_up.identifiers)
    username = form.username.strip()
    if not sign_up.password:
        await sign_in_profile.add_username(visit, username)
        await sign_in.identify(visit, None)
        return await sign_in.submit(visit)
    identifier = Identifier(IdentifierType.USERNAME, username)
    verification_id = await sign_in.verify(
        visit,
        "NewPasswordIdentity",
        lambda record_id, rules: new_password_identity(
            visit.core, record_id, rules, identifier, form.password
        ),
        identifier=identifier,
    )
    await sign_in.identify(visit, verification_id)
    return await sign_in.submit(visit)


async def _send_code(guest: Guest, typed: str, kinds: tuple[IdentifierType, ...]) -> str:
    """Have a code sent to an address; it is given on a page of its own."""
    event = (await guest.visit.started())[1]
    identifier = read_address(typed, kinds)
    await sign_in_codes.send_code(guest.visit, identifier, event)
    return guest.address("/verification-code")


@operations.get("/register", "RegisterPage", documented=False)
async def register_page(call: Call) -> Reply:
    """The registration page."""
    return await providers.show_or_lead_on(call, _draw_register)


@operations.post("/register", "RegisterForm", body=AccountForm, form=True, documented=False)
async def register_form(call: Call[AccountForm]) -> Reply:
    """Somebody makes an account."""
    return await take(call, _draw_register, _register)


# Continue


async def _draw_continue(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    missing = await _missing(guest)
    if not missing:
        return redirect(guest.address("/sign-in"))
    asked = _asked(missing)
    kinds = next((_ADDRESSES[name] for name in asked if name in _ADDRESSES), ())
    fields: list[Any] = []
    if fulfilment.EXTRA_PROFILE in asked:
        wanted = await fulfilment.wanted_fields(guest.visit.core, guest.rules)
        fields = inputs_of(guest.words, wanted, form.model_extra or {})
    return await draw_page(
        guest,
        "continue.html",
        form,
        error,
        action=guest.address("/continue"),
        missing=asked,
        address=bool(kinds),
        address_label=identifier_label(guest.words, kinds) if kinds else "",
        address_input=identifier_input(kinds),
        fields=fields,
        password_hint=password_hint(guest.words, guest.rules.password_policy.length.min),
    )


def _asked(missing: list[str]) -> list[str]:
    """What one page asks for: a name and a password together, each address on its own."""
    together = [name for name in missing if name in ("username", "password")]
    return together or missing[:1]


async def _missing(guest: Guest) -> list[str]:
    """What the account still lacks that is being completed, or made; empty if there is none."""
    state, core = guest.state, guest.visit.core
    if state.event is None or (state.user_id is None and state.event is not Event.REGISTER):
        return []
    user = None
    if state.user_id is not None:
        user = await accounts.get_active(core, state.user_id)
    elif not state.records and not state.profile.submitted:
        return []
    return await fulfilment.missing_of(core, guest.rules, state.event, state.profile, user)


async def _continue(guest: Guest, form: AccountForm) -> str | None:
    visit, asked = guest.visit, _asked(await _missing(guest))
    for name in asked:
        if name in _ADDRESSES:
            return await _send_code(guest, form.identifier, _ADDRESSES[name])
    if "username" in asked:
        await sign_in_profile.add_username(visit, form.username.strip())
    if "password" in asked:
        await sign_in_profile.add_password(visit, form.password)
    if fulfilment.EXTRA_PROFILE in asked:
        wanted = await fulfilment.wanted_fields(visit.core, guest.rules)
        await sign_in_profile.add_fields(visit, read_fields(wanted, form.model_extra or {}))
    return await go_on(guest)


async def go_on(guest: Guest) -> str | None:
    """Make the account that is being made, and be done. Raises `Refused` if more is missing."""
    if guest.state.event is Event.REGISTER and guest.state.user_id is None:
        await sign_in.identify(guest.visit, None)
    return await sign_in.submit(guest.visit)


@operations.get("/continue", "ContinuePage", documented=False)
async def continue_page(call: Call) -> Reply:
    """The page that asks for what an account lacks."""
    return await show(call, _draw_continue)


@operations.post("/continue", "ContinueForm", body=AccountForm, form=True, documented=False)
async def continue_form(call: Call[AccountForm]) -> Reply:
    """Somebody completes their account."""
    return await take(call, _draw_continue, _continue)
