"""The email address and the phone number of one's account: set by a code, or removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from gatehouse.actors import account_codes, account_verification, own_account
from gatehouse.actors.factors.code import CodeVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.http.account.owner import HOME, Owner, OwnForm, for_owner, home, sensitive
from gatehouse.http.call import Call, Reply
from gatehouse.http.operation import Operations
from gatehouse.http.pages.forms import read_address
from gatehouse.http.pages.messages import Message, message_for

operations = Operations(tags=("Pages",))


@dataclass(frozen=True, slots=True)
class _Kind:
    type: IdentifierType
    column: str
    label: str
    input: str

    @property
    def path(self) -> str:
        return f"{HOME}/{self.type.value}"


_EMAIL = _Kind(IdentifierType.EMAIL, "primary_email", "input.email", "email")
_PHONE = _Kind(IdentifierType.PHONE, "primary_phone", "input.phone_number", "tel")


class AddressForm(OwnForm):
    """An address, and then the code that was sent there."""

    address: Annotated[str, Field(max_length=256)] = ""
    code: Annotated[str, Field(max_length=64)] = ""
    verification_id: Annotated[str, Field(max_length=64)] = ""


@operations.get(_EMAIL.path, "AccountEmailPage", documented=False)
@operations.get(_PHONE.path, "AccountPhonePage", documented=False)
@for_owner
@sensitive
async def address_page(owner: Owner, form: object) -> Reply:
    """Ask for the address."""
    kind = _kind(owner.call)
    owner.center.check_editable(kind.type.value)
    return await _ask(owner, kind)


@operations.post(_EMAIL.path, "AccountEmailForm", body=AddressForm, form=True, documented=False)
@operations.post(_PHONE.path, "AccountPhoneForm", body=AddressForm, form=True, documented=False)
@for_owner
@sensitive
async def change_address(owner: Owner, form: AddressForm) -> Reply:
    """Send a code to an address, take the code, or remove the address."""
    kind = _kind(owner.call)
    owner.center.check_editable(kind.type.value)
    try:
        if form.by == "remove":
            await own_account.change(owner.core, owner.user.id, {kind.column: None})
            return home(kind.type.value)
        if form.verification_id:
            return await _take_code(owner, kind, form)
        identifier = read_address(form.address, (kind.type,))
        sent = await account_codes.send(
            owner.core, owner.user, identifier, None, origin=owner.origin
        )
    except Refused as refusal:
        error = message_for(refusal)
        return await _ask(owner, kind, error.about("address"))
    return await _ask_code(owner, kind, identifier.value, sent.record.id)


async def _take_code(owner: Owner, kind: _Kind, form: AddressForm) -> Reply:
    core, who = owner.core, owner.user.id
    identifier = Identifier(kind.type, form.address)
    try:
        await account_codes.give(
            core,
            who,
            form.verification_id,
            identifier,
            form.code.strip(),
            origin=owner.origin,
        )
    except Refused as refusal:
        if refusal.reason is Reason.NO_SUCH_VERIFICATION:
            raise
        error = message_for(refusal)
        return await _ask_code(owner, kind, form.address, form.verification_id, error)
    await account_verification.passed(core, who, form.verification_id, CodeVerification)
    if kind is _EMAIL:
        await account_codes.check_new_email(core, identifier.value)
    await own_account.change(core, who, {kind.column: identifier.value})
    return home(kind.type.value)


async def _ask(owner: Owner, kind: _Kind, error: Message | None = None) -> Reply:
    held, words = getattr(owner.user, kind.column), owner.words
    address = {
        "name": "address",
        "label": words(kind.label),
        "type": kind.input,
        "autocomplete": kind.input,
        "value": held or "",
        "max": 256,
    }
    buttons = [(words("page.send_code"), "")]
    if held:
        buttons.append((words("action.remove"), "remove"))
    values = {
        "title": words(f"account_center.{kind.type}.title"),
        "lead": words(f"account_center.{kind.type}.description"),
        "action": kind.path,
        "inputs": [address],
        "buttons": buttons,
    }
    return await owner.draw("account_form.html", values, error)


async def _ask_code(
    owner: Owner, kind: _Kind, address: str, verification_id: str, error: Message | None = None
) -> Reply:
    words = owner.words
    code = {
        "name": "code",
        "label": words("input.code"),
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "max": 16,
    }
    values = {
        "title": words("action.enter_passcode"),
        "lead": words("page.account.code_sent_to", target=address),
        "action": kind.path,
        "inputs": [code],
        "hidden": {"address": address, "verification_id": verification_id},
        "buttons": [(words("action.continue"), "")],
    }
    return await owner.draw("account_form.html", values, error)


def _kind(call: Call) -> _Kind:
    return _EMAIL if call.operation.path == _EMAIL.path else _PHONE
