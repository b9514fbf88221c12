"""Adding a passkey to one's account: the one page here that needs a script, to ask the browser."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field, ValidationError

from gatehouse.actors import account_verification, own_factors
from gatehouse.actors.factors.webauthn import WebAuthnVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaFactor
from gatehouse.http.account.owner import HOME, Owner, OwnForm, for_owner, sensitive
from gatehouse.http.call import Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.http.pages.passkey_forms import creating
from gatehouse.http.web_authn import RegistrationPayload
from gatehouse.http.wire import Query
from gatehouse.storage.mfa import MfaVerification

operations = Operations(tags=("Pages",))

FACTORS = f"{HOME}/factors"
PASSKEY = f"{FACTORS}/passkey"
_NAMED = f"{FACTORS}/passkey/{{factorId}}"
MAX_NAME = 128


class Which(Query):
    """The verification that was begun with the page."""

    verification: str = Field("", max_length=64)


class PasskeyForm(OwnForm):
    """What the browser made, as the script puts it into the form."""

    credential: Annotated[str, Field(max_length=200_000)] = ""


class NameForm(OwnForm):
    """What to call a passkey."""

    name: Annotated[str, Field(max_length=4096)] = ""


@operations.get(PASSKEY, "AccountPasskeyPage", documented=False)
@for_owner
@sensitive
async def passkey_page(owner: Owner, form: object) -> Reply:
    """Ask the browser for a passkey."""
    await _check_editable(owner)
    return await _draw(owner)


@operations.post(
    PASSKEY, "AccountPasskeyForm", query=Which, body=PasskeyForm, form=True, documented=False
)
@for_owner
@sensitive
async def add_passkey(owner: Owner, form: PasskeyForm) -> Reply:
    """Take the passkey that the browser made."""
    await _check_editable(owner)
    core, who, shown = owner.core, owner.user.id, owner.call.query.verification
    try:
        payload = _payload(form)
        await own_factors.register(core, who, shown, payload.as_json(), owner.origin.shown_agent)
        record = await account_verification.passed(core, who, shown, WebAuthnVerification)
        await own_factors.add(core, who, record.to_factor())
    except Refused as refusal:
        return await _draw(owner, message_for(refusal))
    return redirect(FACTORS)


def _payload(form: PasskeyForm) -> RegistrationPayload:
    try:
        return RegistrationPayload.model_validate_json(form.credential)
    except ValidationError:
        raise Refused(Reason.WEBAUTHN_FAILED) from None


def named(factor_id: str) -> str:
    """Where a passkey is given a name."""
    return _NAMED.format(factorId=factor_id)


@operations.get(_NAMED, "AccountPasskeyNamePage", documented=False)
@for_owner
@sensitive
async def name_page(owner: Owner, form: object) -> Reply:
    """Ask what to call a passkey."""
    factor = await _named(owner)
    return await _draw_name(owner, factor.id, factor.name or "")


@operations.post(_NAMED, "AccountPasskeyNameForm", body=NameForm, form=True, documented=False)
@for_owner
@sensitive
async def rename_passkey(owner: Owner, form: NameForm) -> Reply:
    """Call it so."""
    factor, name = await _named(owner), form.name.strip()[:MAX_NAME]
    if not name:
        return await _draw_name(owner, factor.id, "")
    await own_factors.rename(owner.core, owner.user.id, factor.id, name)
    return redirect(FACTORS)


async def _named(owner: Owner) -> MfaVerification:
    """The passkey that the page is about. Raises `Refused`."""
    owner.center.check_editable("passkey")
    factor = await own_factors.find(owner.core, owner.user.id, owner.call.path["factorId"])
    if factor.type != "WebAuthn":
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    return factor


async def _draw_name(owner: Owner, factor_id: str, name: str) -> Reply:
    label = owner.words("profile.name")
    values = {
        "title": label,
        "lead": "",
        "action": named(factor_id),
        "inputs": [{"name": "name", "label": label, "value": name, "autocomplete": "off"}],
        "buttons": [(owner.words("action.save"), "")],
    }
    return await owner.draw("account_form.html", values)


async def _check_editable(owner: Owner) -> None:
    owner.center.check_editable("passkey")
    await own_factors.check_enabled(owner.core, MfaFactor.WEBAUTHN)


async def _draw(owner: Owner, error: Message | None = None) -> Reply:
    begun, options = await own_factors.begin_registration(owner.core, owner.user)
    values = {
        "action": f"{PASSKEY}?{urlencode({'verification': begun.record.id})}",
        "back": FACTORS,
        **creating(options),
    }
    return await owner.draw("account_passkey.html", values, error)
