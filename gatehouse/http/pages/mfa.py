"""The page that asks for a second factor: one of those the person has, and a way to the others."""

from __future__ import annotations

from gatehouse.actors import sign_in, sign_in_mfa, sign_in_webauthn
from gatehouse.actors.factors.mfa_code import MFA_RECORDS, MfaCodeVerification
from gatehouse.actors.factors.webauthn import WebAuthnVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaFactor
from gatehouse.actors.verification import IdentifierType
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.guest import AccountForm, Guest, Typed, draw_page, show, take
from gatehouse.http.pages.messages import Message
from gatehouse.http.pages.passkey_forms import PasskeyForm, asking, read_credential
from gatehouse.http.web_authn import AuthenticationPayload

operations = Operations(tags=("Pages",))

ADDRESSES = {MfaFactor.EMAIL: IdentifierType.EMAIL, MfaFactor.PHONE: IdentifierType.PHONE}

_CALLED = {
    MfaFactor.TOTP: "mfa.verify_totp_description",
    MfaFactor.WEBAUTHN: "mfa.verify_webauthn_description",
    MfaFactor.BACKUP_CODE: "mfa.verify_backup_code_description",
    MfaFactor.EMAIL: "mfa.verify_email_verification_code_description",
    MfaFactor.PHONE: "mfa.verify_phone_verification_code_description",
}
"""The keys of what each is called where it can be chosen."""


class MfaForm(PasskeyForm):
    """A second factor, and what is shown of it."""

    factor: Typed = ""


def factor_in(form: AccountForm) -> MfaFactor | None:
    """The factor that a form is about."""
    try:
        return MfaFactor(getattr(form, "factor", ""))
    except ValueError:
        return None


async def _draw(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    if guest.state.user_id is None:
        return redirect(guest.address("/sign-in"))
    usable = await sign_in_mfa.usable(guest.visit)
    if not usable:
        return redirect(guest.address("/sign-in"))
    factor = factor_in(form)
    if factor not in usable:
        factor = next(iter(usable))
    values: dict[str, object] = {
        "action": guest.address("/mfa-verification"),
        "factor": factor.value,
        "sent_to": usable[factor],
        "sent": _waiting(guest, factor) is not None,
        "passkey": None,
        "others": [
            (other.value, guest.words(_CALLED[other])) for other in usable if other is not factor
        ],
        "back": guest.address("/sign-in"),
    }
    if factor is MfaFactor.WEBAUTHN:
        _, options = await sign_in_webauthn.begin_authentication(guest.visit)
        values |= asking(options)
    return await draw_page(guest, "mfa_verification.html", form, error, **values)


def _waiting(guest: Guest, factor: MfaFactor) -> MfaCodeVerification | None:
    """The verification whose code was sent and has not been given."""
    if factor not in ADDRESSES:
        return None
    kind = MFA_RECORDS[ADDRESSES[factor]]
    for record in guest.state.records:
        if isinstance(record, kind) and not record.passed:
            return record
    return None


async def _use(guest: Guest, form: AccountForm) -> Reply | str | None:
    visit, factor = guest.visit, factor_in(form)
    code = "".join(form.code.split())
    if form.by == "send" and factor in ADDRESSES:
        await sign_in_mfa.send_mfa_code(visit, ADDRESSES[factor])
        return await _draw(await guest.now(), form, None)
    if factor is None or form.by == "choose":
        return await _draw(guest, form, None)
    if factor is MfaFactor.TOTP:
        await sign_in_mfa.use_totp(visit, code)
    elif factor is MfaFactor.BACKUP_CODE:
        await sign_in_mfa.use_backup_code(visit, code)
    elif factor is MfaFactor.WEBAUTHN:
        payload = read_credential(form, AuthenticationPayload)
        await sign_in_webauthn.use_credential(visit, _ceremony(guest), payload)
    else:
        record = _waiting(guest, factor)
        if record is None:
            return await _draw(guest, form, None)
        await sign_in_mfa.use_mfa_code(visit, ADDRESSES[factor], record.id, code)
    return await sign_in.submit(visit)


def _ceremony(guest: Guest) -> str:
    for record in guest.state.records:
        if isinstance(record, WebAuthnVerification):
            return record.id
    raise Refused(Reason.MFA_NOT_PENDING)


@operations.get("/mfa-verification", "MfaVerificationPage", documented=False)
async def mfa_page(call: Call) -> Reply:
    """The page that asks for a second factor."""
    return await show(call, _draw)


@operations.post(
    "/mfa-verification", "MfaVerificationForm", body=MfaForm, form=True, documented=False
)
async def mfa_form(call: Call[MfaForm]) -> Reply:
    """Somebody shows a second factor, or chooses another."""
    return await take(call, _draw, _use)
