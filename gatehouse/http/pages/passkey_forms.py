"""How a page talks to the browser about passkeys.

The pages work without a script but for this: only a script can ask a browser for a passkey. It
finds the options in the page and puts the browser's answer into a form like all others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from gatehouse.actors import sign_in_webauthn
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event
from gatehouse.http.pages.guest import AccountForm, Guest
from gatehouse.http.pages.render import SCRIPT_PATH
from gatehouse.http.web_authn import AuthenticationPayload, RegistrationPayload

P = TypeVar("P", AuthenticationPayload, RegistrationPayload)


class PasskeyForm(AccountForm):
    """A form into which the script puts what the browser answered."""

    credential: Annotated[str, Field(max_length=200_000)] = ""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What the script finds in a page: what to do, and with which options."""

    kind: str
    options: str
    button: bool = True
    autofill: bool = False


def creating(options: Mapping[str, Any]) -> dict[str, object]:
    """What a page needs that has a passkey made."""
    return {"script": SCRIPT_PATH, "passkey": Ceremony("create", json.dumps(options))}


def asking(options: Mapping[str, Any]) -> dict[str, object]:
    """What a page needs that asks for a passkey."""
    return {"script": SCRIPT_PATH, "passkey": Ceremony("get", json.dumps(options))}


async def offering(guest: Guest, *, second_page: bool = False) -> dict[str, object]:
    """What a page needs to offer passkeys, as far as the tenant has them.

    On the first page it is the tenant's decision whether there is a button; on a `second_page`,
    that asks for a password or a code, a passkey is another way. Neither tells who has one.
    """
    settings = guest.rules.passkey_sign_in
    only_page = guest.asks_for_password and not settings.allow_autofill
    button = settings.show_passkey_button or second_page or only_page
    offers = settings.enabled and (button or settings.allow_autofill)
    if not offers or not guest.rules.allows(Event.SIGN_IN):
        return {"passkey": None}
    options = json.dumps(await sign_in_webauthn.offer_passkey(guest.visit))
    offer = Ceremony("get", options, button=button, autofill=settings.allow_autofill)
    return {
        "script": SCRIPT_PATH,
        "passkey": offer,
        "passkey_action": guest.address("/sign-in/passkey"),
    }


def read_credential(form: AccountForm, payload: type[P]) -> dict[str, Any]:
    """What the script put into the form. Raises `Refused(WEBAUTHN_FAILED)`."""
    try:
        return payload.model_validate_json(getattr(form, "credential", "")).as_json()
    except ValidationError:
        raise Refused(Reason.WEBAUTHN_FAILED) from None
