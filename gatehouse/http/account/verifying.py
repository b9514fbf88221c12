"""Showing that it is really oneself, before something sensitive is changed."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from gatehouse.actors import account_codes, account_verification, accounts
from gatehouse.actors.account_verification import PERMISSION, Verification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.http.account.owner import HOME, VERIFY, Owner, OwnForm, Typed, for_owner
from gatehouse.http.call import Reply, redirect
from gatehouse.http.oidc import browser
from gatehouse.http.operation import Operations
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.http.wire import Query

operations = Operations(tags=("Pages",))

_THERE = re.compile(rf"{HOME}(/[a-z0-9-]+){{1,3}}")


class Then(Query):
    """Where to go on afterwards."""

    then: str = Field(HOME, max_length=64)


class VerifyForm(OwnForm):
    """A password, or a code that was sent; `by` is which."""

    then: Annotated[str, Field(max_length=64)] = HOME
    password: Typed = ""
    code: Annotated[str, Field(max_length=64)] = ""
    verification_id: Annotated[str, Field(max_length=64)] = ""


@operations.get(VERIFY, "AccountVerifyPage", query=Then, documented=False)
@for_owner
async def verify_page(owner: Owner, form: object) -> Reply:
    """Ask for the password, or offer a code."""
    return await _ask(owner, _there(owner.call.query.then))


@operations.post(VERIFY, "AccountVerifyForm", body=VerifyForm, form=True, documented=False)
@for_owner
async def verify(owner: Owner, form: VerifyForm) -> Reply:
    """Take the password, send a code, or take the code."""
    there, core = _there(form.then), owner.core
    kinds = {kind.value: kind for kind in _addresses(owner)}
    try:
        if form.by in kinds:
            sent = await _send(owner, kinds[form.by])
            return await _ask_code(owner, there, form.by, sent.record.id)
        if form.verification_id:
            return await _take_code(owner, form, there)
        rules = await accounts.rules(core)
        made = await account_verification.verify_password(
            core, rules, owner.user, form.password, owner.origin
        )
    except Refused as refusal:
        error = message_for(refusal)
        if refusal.reason is Reason.INVALID_CREDENTIALS:
            error = Message("page.account.wrong_password", ("password",))
        return await _ask(owner, there, error)
    return _on(owner, there, made.record.id)


async def _take_code(owner: Owner, form: VerifyForm, there: str) -> Reply:
    kind = "email" if form.by == "give-email" else "phone"
    address = _addresses(owner).get(IdentifierType(kind))
    if address is None:
        return await _ask(owner, there)
    identifier = Identifier(IdentifierType(kind), address)
    try:
        code = form.code.strip()
        shown = form.verification_id
        await account_codes.give(
            owner.core, owner.user.id, shown, identifier, code, origin=owner.origin
        )
    except Refused as refusal:
        if refusal.reason is Reason.NO_SUCH_VERIFICATION:
            return await _ask(owner, there, message_for(refusal))
        return await _ask_code(owner, there, kind, form.verification_id, message_for(refusal))
    return _on(owner, there, form.verification_id)


async def _send(owner: Owner, kind: IdentifierType) -> Verification:
    identifier = Identifier(kind, _addresses(owner)[kind])
    return await account_codes.send(
        owner.core, owner.user, identifier, PERMISSION, origin=owner.origin
    )


def _on(owner: Owner, there: str, verification_id: str) -> Reply:
    cookies = browser.remember_account_verification(owner.core, verification_id)
    return redirect(there, cookies=cookies)


async def _ask(owner: Owner, there: str, error: Message | None = None) -> Reply:
    has_password, words = owner.user.password_hash is not None, owner.words
    password = {
        "name": "password",
        "label": words("description.enter_password"),
        "type": "password",
        "autocomplete": "current-password",
    }
    others = [
        (words("page.send_code_to", target=address), kind.value)
        for kind, address in _addresses(owner).items()
    ]
    values = {
        "title": words("description.verify_identity"),
        "lead": words("account_center.verification.description"),
        "action": VERIFY,
        "inputs": [password] if has_password else [],
        "hidden": {"then": there},
        "buttons": [(words("action.continue"), ""), *others] if has_password else others,
    }
    return await owner.draw("account_form.html", values, error)


async def _ask_code(
    owner: Owner, there: str, kind: str, verification_id: str, error: Message | None = None
) -> Reply:
    words, sent_to = owner.words, _addresses(owner)[IdentifierType(kind)]
    code = {
        "name": "code",
        "label": words("input.code"),
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "max": 16,
    }
    values = {
        "title": words("action.enter_passcode"),
        "lead": words("page.account.code_sent_to", target=sent_to),
        "action": VERIFY,
        "inputs": [code],
        "hidden": {"then": there, "verification_id": verification_id},
        "buttons": [(words("action.continue"), f"give-{kind}")],
    }
    return await owner.draw("account_form.html", values, error)


def _addresses(owner: Owner) -> dict[IdentifierType, str]:
    """Where a code can be sent: addresses that the account has."""
    held = (
        (IdentifierType.EMAIL, owner.user.primary_email),
        (IdentifierType.PHONE, owner.user.primary_phone),
    )
    return {kind: address for kind, address in held if address}


def _there(path: str) -> str:
    """One of our own pages: nobody is led elsewhere."""
    return path if _THERE.fullmatch(path) else HOME
