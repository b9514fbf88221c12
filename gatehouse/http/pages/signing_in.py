"""The page on which people sign in.

The tenant decides for each kind of identifier whether people prove themselves by password or by
code, and which comes first. Where everybody starts with a password, name and password are one form;
else the name comes first, and the next page asks for what goes with it. Nothing on the way depends
on whether there is such an account.
"""

from __future__ import annotations

from gatehouse.actors import sign_in, sign_in_codes, sign_in_webauthn
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_password import show_password
from gatehouse.actors.verification import Event, Identifier, IdentifierType, Method
from gatehouse.http.call import Call, Reply
from gatehouse.http.operation import Operations
from gatehouse.http.pages import providers, sso
from gatehouse.http.pages.forms import (
    identifier_input,
    identifier_label,
    read_address,
    read_identifier,
)
from gatehouse.http.pages.guest import AccountForm, Guest, draw_page, show, take
from gatehouse.http.pages.messages import Message
from gatehouse.http.pages.passkey_forms import PasskeyForm, offering, read_credential
from gatehouse.http.web_authn import AuthenticationPayload

operations = Operations(tags=("Pages",))


async def draw_sign_in(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    hint = guest.state.params.login_hint
    if not form.identifier and hint:
        form = form.model_copy(update={"identifier": hint[:128]})
    identifiers = guest.identifiers
    with_password = guest.asks_for_password or (bool(error) and bool(form.password))
    return await draw_page(
        guest,
        "sign_in.html",
        form,
        error,
        action=guest.address("/sign-in"),
        identifier_label=identifier_label(guest.words, identifiers),
        identifier_input=identifier_input(identifiers),
        with_password=with_password,
        by_code=with_password and bool(guest.kinds(Method.VERIFICATION_CODE)),
        forgot=await _forgot(guest) if with_password else None,
        register=guest.address("/register") if guest.registers else None,
        **await offering(guest),
        company=guest.address(sso.PATH) if guest.rules.single_sign_on_enabled else None,
        by_form=bool(identifiers),
        providers=await providers.buttons(guest),
        one_tap=await guest.one_tap(),
    )


async def _draw_password(
    guest: Guest, form: AccountForm, error: Message | None, identifier: Identifier
) -> Reply:
    """The second step: the password of the name that was given."""
    return await draw_page(
        guest,
        "password.html",
        form,
        error,
        action=guest.address("/sign-in"),
        by_code=guest.rules.enables(identifier.type, Method.VERIFICATION_CODE),
        forgot=await _forgot(guest),
        back=guest.address("/sign-in"),
        **await offering(guest, second_page=True),
    )


async def _forgot(guest: Guest) -> str | None:
    return guest.address("/forgot-password") if await guest.recovers() else None


async def _sign_in(guest: Guest, form: AccountForm) -> Reply | str | None:
    if not guest.identifiers:
        raise Refused(Reason.METHOD_NOT_ENABLED)
    identifier = read_identifier(form.identifier, guest.identifiers)
    company = await sso.routed(guest, identifier)
    if company is not None:
        return company
    by_password = guest.rules.enables(identifier.type, Method.PASSWORD)
    if form.by == "code" or not by_password:
        return await _send_code(guest, identifier)
    if form.password:
        return await _by_password(guest, identifier, form.password)
    if form.by == "password" or guest.prefers_password(identifier.type):
        return await _draw_password(guest, form, None, identifier)
    return await _send_code(guest, identifier)


async def _send_code(guest: Guest, identifier: Identifier) -> str:
    if identifier.type is IdentifierType.USERNAME:
        raise Refused(Reason.METHOD_NOT_ENABLED)
    if not guest.rules.enables(identifier.type, Method.VERIFICATION_CODE):
        raise Refused(Reason.METHOD_NOT_ENABLED)
    address = read_address(identifier.value, (identifier.type,))
    await sign_in.start(guest.visit, Event.SIGN_IN)
    await sign_in_codes.send_code(guest.visit, address, Event.SIGN_IN)
    return guest.address("/verification-code")


async def _by_password(guest: Guest, identifier: Identifier, password: str) -> str | None:
    visit = guest.visit
    await sign_in.start(visit, Event.SIGN_IN)
    verification_id = await show_password(visit, identifier, password)
    await sign_in.identify(visit, verification_id)
    return await sign_in.submit(visit)


@operations.get("/sign-in", "SignInPage", documented=False)
async def sign_in_page(call: Call) -> Reply:
    """The sign-in page."""
    return await providers.show_or_lead_on(call, draw_sign_in)


@operations.post("/sign-in", "SignInForm", body=AccountForm, form=True, documented=False)
async def sign_in_form(call: Call[AccountForm]) -> Reply:
    """Somebody tries to sign in."""
    return await take(call, draw_sign_in, _sign_in)


async def _by_passkey(guest: Guest, form: AccountForm) -> str | None:
    visit, payload = guest.visit, read_credential(form, AuthenticationPayload)
    await sign_in.start(visit, Event.SIGN_IN)
    try:
        verification_id = await sign_in_webauthn.use_passkey(visit, None, payload)
    except Refused as refusal:
        if refusal.reason is Reason.NOT_IDENTIFIED:
            raise Refused(Reason.WEBAUTHN_NOT_FOUND) from None
        raise
    await sign_in.identify(visit, verification_id)
    return await sign_in.submit(visit)


@operations.get("/sign-in/passkey", "PasskeyPage", documented=False)
async def passkey_page(call: Call) -> Reply:
    """The sign-in page: passkeys are offered there."""
    return await show(call, draw_sign_in)


@operations.post("/sign-in/passkey", "PasskeyForm", body=PasskeyForm, form=True, documented=False)
async def passkey_form(call: Call[PasskeyForm]) -> Reply:
    """Somebody signs in with a passkey."""
    return await take(call, draw_sign_in, _by_passkey)
