"""What every form of the pages has in common: its hidden token, and the name a person types.

The token is bound to the interaction: a MAC over its uid. A page of another site cannot know it,
and one person's token is of no use in another's interaction.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Collection
from typing import TYPE_CHECKING

from gatehouse.actors.addresses import is_email, is_phone
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Identifier, IdentifierType

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.http.pages.words import Words

_TOKEN_BYTES = 16
_MIN_DIGITS = 5
"""No telephone has a shorter number."""
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{4,20}")

_USERNAME, _ADDRESS, _NUMBER = IdentifierType.USERNAME, IdentifierType.EMAIL, IdentifierType.PHONE
_LABELS = {
    frozenset({_USERNAME}): "input.username",
    frozenset({_ADDRESS}): "input.email",
    frozenset({_NUMBER}): "input.phone_number",
    frozenset({_USERNAME, _ADDRESS}): "page.identifier.username_or_email",
    frozenset({_USERNAME, _NUMBER}): "page.identifier.username_or_phone",
    frozenset({_ADDRESS, _NUMBER}): "page.identifier.email_or_phone",
    frozenset({_USERNAME, _ADDRESS, _NUMBER}): "page.identifier.any",
}


def csrf_token(core: Core, subject: str) -> str:
    """The form token for an interaction (or another subject the browser cannot choose)."""
    mac = core.ring.derive("csrf").mac(subject.encode())[:_TOKEN_BYTES]
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def csrf_matches(core: Core, subject: str, token: str) -> bool:
    """Whether a form was ours, and for this subject."""
    try:
        mac = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (Base64Error, UnicodeEncodeError):
        return False
    if len(mac) != _TOKEN_BYTES:
        return False
    return core.ring.derive("csrf").verify(subject.encode(), mac)


def read_identifier(text: str, enabled: Collection[IdentifierType]) -> Identifier:
    """What a person typed, as the type of identifier it looks like among those enabled."""
    text = text.strip()
    guesses = (
        (IdentifierType.EMAIL, "@" in text),
        (IdentifierType.PHONE, _PHONE.fullmatch(text) is not None),
    )
    for kind, fits in guesses:
        if fits and kind in enabled:
            digits = re.sub(r"[^0-9]", "", text)
            return Identifier(kind, digits if kind is IdentifierType.PHONE else text)
    first = IdentifierType.USERNAME if IdentifierType.USERNAME in enabled else next(iter(enabled))
    return Identifier(first, text)


def read_address(text: str, enabled: Collection[IdentifierType]) -> Identifier:
    """What a person typed as an address that a code can be sent to.

    Raises `Refused`: `EMAIL_INVALID`, `PHONE_INVALID`.
    """
    address = read_identifier(text, enabled)
    if address.type is IdentifierType.PHONE:
        if len(address.value) < _MIN_DIGITS or not is_phone(address.value):
            raise Refused(Reason.PHONE_INVALID)
    elif not is_email(address.value):
        raise Refused(Reason.EMAIL_INVALID)
    return address


def identifier_input(enabled: Collection[IdentifierType]) -> str:
    """The type of the field, by which a browser picks a keyboard."""
    types = {IdentifierType.EMAIL: "email", IdentifierType.PHONE: "tel"}
    return types.get(next(iter(enabled)), "text") if len(enabled) == 1 else "text"


def identifier_label(words: Words, enabled: Collection[IdentifierType]) -> str:
    """The label of the field that takes any of these: "Username or email address"."""
    return words(_LABELS.get(frozenset(enabled), "input.username"))
