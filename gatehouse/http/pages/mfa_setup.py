"""The page on which second factors and passkeys are set up, because they must be or could be.

What is still to be decided follows from the interaction: the page asks the rules each time, so it
leads through a suggestion, a factor and backup codes, one after the other, and can be reloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from markupsafe import Markup

from gatehouse.actors import (
    accounts,
    mfa_checks,
    sign_in,
    sign_in_codes,
    sign_in_mfa,
    sign_in_mfa_choices,
    sign_in_webauthn,
)
from gatehouse.actors.factors.backup_code import BackupCodeVerification
from gatehouse.actors.factors.totp import TotpVerification, qr_svg
from gatehouse.actors.factors.webauthn import WebAuthnVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaChoices, MfaFactor
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.forms import identifier_input, identifier_label, read_address
from gatehouse.http.pages.guest import AccountForm, Guest, draw_page, show, take
from gatehouse.http.pages.messages import Message
from gatehouse.http.pages.mfa import ADDRESSES, MfaForm, factor_in
from gatehouse.http.pages.passkey_forms import creating, read_credential
from gatehouse.http.pages.words import Words
from gatehouse.http.web_authn import RegistrationPayload

operations = Operations(tags=("Pages",))

V = TypeVar("V", TotpVerification, WebAuthnVerification, BackupCodeVerification)

_PATH = "/mfa-setup"
_GROUP = 4
"""Characters of a key that are written together."""

_OFFERED = {
    MfaFactor.TOTP: "totp",
    MfaFactor.WEBAUTHN: "webauthn",
    MfaFactor.EMAIL: "email_verification_code",
    MfaFactor.PHONE: "phone_verification_code",
}
"""What each is called among the texts."""


async def _demand(guest: Guest) -> Refused | None:
    """What there is still to decide; `MFA_REQUIRED` if a factor has to be shown first."""
    core, state = guest.visit.core, guest.state
    if state.user_id is None:
        return Refused(Reason.NOT_IDENTIFIED)
    user = await accounts.get_active(core, state.user_id)
    try:
        await mfa_checks.check_verified(core, state, user, guest.visit.origin.signs)
        await mfa_checks.check_complete(core, state, user)
    except Refused as demand:
        return demand
    return None


async def _draw(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    demand = await _demand(guest)
    if demand is None or demand.reason is Reason.NOT_IDENTIFIED:
        return redirect(guest.address("/sign-in"))
    match demand.reason:
        case Reason.MFA_REQUIRED:
            return redirect(guest.address("/mfa-verification"))
        case Reason.MFA_SUGGESTED:
            return await _page(guest, "mfa_suggestion.html", form, error)
        case Reason.PASSKEY_PREFERRED:
            return await _draw_passkey(guest, form, error, skippable=True, others=False)
        case Reason.BACKUP_CODE_REQUIRED:
            return await _draw_codes(guest, form, error)
        case Reason.MISSING_MFA | Reason.ADDITIONAL_MFA_SUGGESTED:
            return await _draw_factor(guest, form, error, demand)
        case _:
            raise demand


async def _draw_factor(
    guest: Guest, form: AccountForm, error: Message | None, demand: Refused
) -> Reply:
    data: Any = demand.data
    offered = [MfaFactor(name) for name in data["availableFactors"]]
    if data.get("suggestion"):
        usable = await sign_in_mfa.usable(guest.visit)
        offered = [factor for factor in offered if factor not in usable]
    skippable = bool(data.get("skippable"))
    factor = factor_in(form) if form.by != "another" else None
    if len(offered) == 1:
        factor = offered[0]
    others = len(offered) > 1
    if factor not in offered:
        return await _draw_choice(guest, form, error, offered, skippable=skippable)
    if factor is MfaFactor.TOTP:
        return await _draw_totp(guest, form, error, skippable=skippable, others=others)
    if factor is MfaFactor.WEBAUTHN:
        return await _draw_passkey(guest, form, error, skippable=skippable, others=others)
    kinds = (ADDRESSES[factor],)
    return await _page(
        guest,
        "mfa_address.html",
        form,
        error,
        factor=factor.value,
        identifier_label=identifier_label(guest.words, kinds),
        identifier_input=identifier_input(kinds),
        skippable=skippable,
        others=others,
    )


async def _draw_choice(
    guest: Guest,
    form: AccountForm,
    error: Message | None,
    offered: Sequence[MfaFactor],
    *,
    skippable: bool,
) -> Reply:
    choices = [(factor.value, *_offer(guest.words, factor)) for factor in offered]
    return await _page(guest, "mfa_choice.html", form, error, choices=choices, skippable=skippable)


def _offer(words: Words, factor: MfaFactor) -> tuple[str, str]:
    """The name of a factor, and what to expect of it."""
    name = _OFFERED[factor]
    return words(f"mfa.{name}"), words(f"mfa.link_{name}_description")


async def _draw_totp(
    guest: Guest, form: AccountForm, error: Message | None, *, skippable: bool, others: bool
) -> Reply:
    offer = await sign_in_mfa.pending_totp(guest.visit)
    key = offer.key
    return await _page(
        guest,
        "mfa_totp.html",
        form,
        error,
        factor=MfaFactor.TOTP.value,
        picture=Markup(qr_svg(offer.uri)),  # noqa: S704 - made here, of nothing that is markup
        key=" ".join(key[start : start + _GROUP] for start in range(0, len(key), _GROUP)),
        uri=offer.uri,
        skippable=skippable,
        others=others,
    )


async def _draw_passkey(
    guest: Guest, form: AccountForm, error: Message | None, *, skippable: bool, others: bool
) -> Reply:
    _, options = await sign_in_webauthn.begin_registration(guest.visit)
    return await _page(
        guest,
        "mfa_passkey.html",
        form,
        error,
        factor=MfaFactor.WEBAUTHN.value,
        skippable=skippable,
        others=others,
        **creating(options),
    )


async def _draw_codes(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    _, codes = await sign_in_mfa.begin_backup_codes(guest.visit)
    return await _page(
        guest,
        "mfa_backup_codes.html",
        form,
        error,
        factor=MfaFactor.BACKUP_CODE.value,
        codes=codes,
    )


async def _page(
    guest: Guest, template: str, form: AccountForm, error: Message | None, **values: object
) -> Reply:
    return await draw_page(guest, template, form, error, action=guest.address(_PATH), **values)


def _pending(guest: Guest, kind: type[V]) -> V | None:
    """What the person has begun to set up."""
    for record in guest.state.records:
        if isinstance(record, kind) and record.owner == guest.state.user_id:
            return record
    return None


def _begun(guest: Guest, kind: type[V]) -> str:
    record = _pending(guest, kind)
    if record is None:
        raise Refused(Reason.MFA_NOT_PENDING)
    return record.id


async def _decide(guest: Guest, form: AccountForm) -> Reply | str | None:
    visit, factor = guest.visit, factor_in(form)
    match form.by:
        case "enable":
            await sign_in_mfa_choices.choose(visit, MfaChoices(enabled=True))
        case "skip":
            await _skip(guest)
        case "choose" | "another":
            return await _draw(guest, form, None)
        case _ if factor in ADDRESSES:
            address = read_address(form.identifier, (ADDRESSES[factor],))
            _, event = await visit.started()
            await sign_in_codes.send_code(visit, address, event)
            return guest.address("/verification-code")
        case _:
            await _set_up(guest, form, factor)
    return await sign_in.submit(visit)


async def _set_up(guest: Guest, form: AccountForm, factor: MfaFactor | None) -> None:
    """Finish what was begun, and have it stored on submission."""
    visit = guest.visit
    if factor is MfaFactor.TOTP:
        verification_id = _begun(guest, TotpVerification)
        code = "".join(form.code.split())
        await sign_in_mfa.show_first_code(visit, verification_id, code)
    elif factor is MfaFactor.WEBAUTHN:
        verification_id = _begun(guest, WebAuthnVerification)
        payload = read_credential(form, RegistrationPayload)
        await sign_in_webauthn.register_credential(visit, verification_id, payload)
        if await _wanted(guest) is Reason.PASSKEY_PREFERRED:
            await sign_in_mfa_choices.bind_passkey(visit, verification_id)
            return
    elif factor is MfaFactor.BACKUP_CODE:
        verification_id = _begun(guest, BackupCodeVerification)
    else:
        raise Refused(Reason.MFA_NOT_PENDING)
    await sign_in_mfa_choices.bind(visit, factor, verification_id)


async def _wanted(guest: Guest) -> Reason | None:
    """Why something is asked for at the moment."""
    demand = await _demand(guest)
    return None if demand is None else demand.reason


async def _skip(guest: Guest) -> None:
    """Decline what is asked for at the moment."""
    reason = await _wanted(guest)
    if reason is Reason.PASSKEY_PREFERRED:
        await sign_in_mfa_choices.choose(guest.visit, MfaChoices(passkey_skipped=True))
    elif reason is Reason.ADDITIONAL_MFA_SUGGESTED:
        await sign_in_mfa_choices.choose(guest.visit, MfaChoices(suggestion_skipped=True))
    else:
        await sign_in_mfa_choices.skip_mfa(guest.visit)


@operations.get(_PATH, "MfaSetupPage", documented=False)
async def setup_page(call: Call) -> Reply:
    """The page on which second factors are set up."""
    return await show(call, _draw)


@operations.post(_PATH, "MfaSetupForm", body=MfaForm, form=True, documented=False)
async def setup_form(call: Call[MfaForm]) -> Reply:
    """Somebody sets a second factor up, or declines."""
    return await take(call, _draw, _decide)
