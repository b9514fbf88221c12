"""What the pages say when the core says no: a sentence and the fields it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatehouse.actors.refusal import Reason, Refused


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for a person; `points` are particulars, `fields` the inputs it is about."""

    text: str
    fields: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


STALE_FORM = Message("This page was open for too long. Please try again.")
_NAME = ("username",)
_CODE = ("code",)
_IDENTIFIER = ("identifier",)

_SENTENCES: Mapping[Reason, tuple[str, tuple[str, ...]]] = {
    Reason.INVALID_CREDENTIALS: (
        "The account or the password is not correct.",
        ("identifier", "password"),
    ),
    Reason.BLOCKED: ("Too many attempts. Please try again {relativeTime}.", ()),
    Reason.TOKEN_NOT_FOUND: ("This link does not work. Please ask for a new one.", ()),
    Reason.TOKEN_EMAIL_MISMATCH: ("This link is for somebody else.", ()),
    Reason.TOKEN_EVENT_MISMATCH: ("This link is for something else.", ()),
    Reason.TOKEN_EXPIRED: ("This link has expired. Please ask for a new one.", ()),
    Reason.TOKEN_CONSUMED: ("This link was used before. Please ask for a new one.", ()),
    Reason.TOKEN_REVOKED: ("This link is no longer good. Please ask for a new one.", ()),
    Reason.USER_SUSPENDED: ("This account is suspended. Please ask for help.", ()),
    Reason.METHOD_NOT_ENABLED: ("You cannot sign in here with this kind of account.", ()),
    Reason.EVENT_NOT_ALLOWED: ("This is not open here.", ()),
    Reason.CAPTCHA_REQUIRED: ("Please begin at the first page: a captcha is asked for.", ()),
    Reason.CAPTCHA_FAILED: ("That was not recognized. Please try once more.", ()),
    Reason.SSO_IDENTITY_UNKNOWN: ("No company is known by this address.", _IDENTIFIER),
    Reason.PASSKEY_OF_COMPANY: ("Please sign in with your company.", ()),
    Reason.SSO_ENABLED: ("Please sign in with your company.", ()),
    Reason.AUTHORIZATION_FAILED: ("You were not let in there. Please try again.", ()),
    Reason.HANDSHAKE_GONE: ("This took too long. Please try again.", ()),
    Reason.CONNECTOR_FAILED: ("It cannot be reached. Please try again in a while.", ()),
    Reason.PASSWORD_EXPIRED: ("Your password has expired. Please ask for a new one.", ()),
    Reason.PASSWORD_REJECTED: ("Please choose another password:", ("password",)),
    Reason.ACCOUNT_CENTER_OFF: ("There is no account centre here.", ()),
    Reason.FIELD_NOT_ENABLED: ("This is not shown here.", ()),
    Reason.FIELD_NOT_EDITABLE: ("This cannot be changed here.", ()),
    Reason.VERIFICATION_REQUIRED: ("Please show first that it is you.", ()),
    Reason.NO_SUCH_VERIFICATION: ("This took too long. Please start again.", ()),
    Reason.WRONG_PROVIDER: ("This is not the provider that you chose.", ()),
    Reason.NOT_ONES_IDENTITY: ("This is not linked to your account.", ()),
    Reason.NO_TOKENS_CAME: ("The provider did not let us act for you.", ()),
    Reason.NO_SUCH_SESSION: ("You are signed out there already.", ()),
    Reason.NO_SUCH_GRANT: ("This application has no access any more.", ()),
    Reason.LAST_IDENTIFIER: ("Your account needs one way to sign in. Add another first.", ()),
    Reason.SAME_PASSWORD: ("This is your password already. Choose another.", ("password",)),
    Reason.USERNAME_TAKEN: ("This username is taken. Please choose another.", _NAME),
    Reason.INVALID_TOTP_CODE: ("This is not the code. Please try the next one.", _CODE),
    Reason.INVALID_BACKUP_CODE: ("This code is not good, or was used before.", _CODE),
    Reason.WEBAUTHN_FAILED: ("The passkey did not work. Please try again.", ()),
    Reason.WEBAUTHN_NOT_FOUND: ("This passkey is not known here.", ()),
    Reason.MFA_NOT_PENDING: ("This took too long. Please try again.", ()),
    Reason.PASSKEY_NOT_PENDING: ("This took too long. Please try again.", ()),
    Reason.MFA_NOT_SKIPPABLE: ("A second step is needed here.", ()),
    Reason.MFA_FACTOR_NOT_ENABLED: ("This is not possible here.", ()),
    Reason.TOTP_EXISTS: ("Your account has an authenticator app already.", ()),
    Reason.CODE_NOT_FOUND: ("This code is not good any more. Please ask for a new one.", _CODE),
    Reason.CODE_MISMATCH: ("This is not the code. Please look again.", _CODE),
    Reason.CODE_EXPIRED: ("This code has expired. Please ask for a new one.", _CODE),
    Reason.CODE_EXHAUSTED: ("Too many tries. Please ask for a new code.", _CODE),
    Reason.VERIFICATION_NOT_FOUND: ("There is a newer code. Please use that one.", _CODE),
    Reason.MESSAGE_RATE_LIMITED: (
        "Too many messages were sent there. Please wait a few minutes.",
        _IDENTIFIER,
    ),
    Reason.CONNECTOR_MISSING: ("No message can be sent there from here.", _IDENTIFIER),
    Reason.PHONE_INVALID: (
        "This is no phone number. Please give it with the country code.",
        _IDENTIFIER,
    ),
    Reason.EMAIL_INVALID: ("This is no email address.", _IDENTIFIER),
    Reason.EMAIL_SUBADDRESS: (
        "Please give the address without the plus sign and what follows it.",
        _IDENTIFIER,
    ),
    Reason.EMAIL_NOT_ALLOWED: ("This email address is not accepted here.", _IDENTIFIER),
    Reason.EMAIL_TAKEN: ("This email address belongs to another account.", _IDENTIFIER),
    Reason.PHONE_TAKEN: ("This phone number belongs to another account.", _IDENTIFIER),
    Reason.USER_GONE: ("There is no account with this address.", ()),
    Reason.CANNOT_RESET_PASSWORD: ("A password cannot be recovered this way.", ()),
    Reason.PROFILE_VALUE_INVALID: ("Please look again at what you entered:", ()),
    Reason.IDENTITY_UNKNOWN: ("No account here is linked to this one.", ()),
    Reason.IDENTITY_TAKEN: ("This belongs to another account.", ()),
    Reason.VERIFICATION_FAILED: ("This did not work. Please sign in again.", ()),
    Reason.CONNECTOR_RESPONSE_INVALID: ("The other side gave no useful answer.", ()),
    Reason.AUTH_CODE_INVALID: ("This did not work. Please sign in again.", ()),
    Reason.ID_TOKEN_INVALID: ("This did not work. Please sign in again.", ()),
    Reason.PROVIDER_TOKEN_INVALID: ("This did not work. Please sign in again.", ()),
    Reason.USERNAME_STARTS_WITH_NUMBER: ("A username cannot start with a number.", _NAME),
    Reason.USERNAME_CHARACTERS: (
        "A username can have letters, numbers and underscores only.",
        _NAME,
    ),
    Reason.USERNAME_TOO_SHORT: ("This username is too short.", _NAME),
    Reason.USERNAME_TOO_LONG: ("This username is too long.", _NAME),
    Reason.USERNAME_UPPERCASE: ("A username cannot have upper-case letters here.", _NAME),
    Reason.USERNAME_LOWERCASE: ("A username cannot have lower-case letters here.", _NAME),
    Reason.USERNAME_NUMBERS: ("A username cannot have numbers here.", _NAME),
    Reason.USERNAME_UNDERSCORE: ("A username cannot have underscores here.", _NAME),
}
_OTHERWISE = ("This did not work. Please go back to the application and start again.", ())

_PASSWORD_POINTS: Mapping[str, str] = {
    "too_short": "It needs at least {min} characters.",
    "too_long": "It can have at most {max} characters.",
    "character_types": (
        "It needs {min} of: lower-case letters, upper-case letters, numbers, symbols."
    ),
    "unsupported_characters": "It has a character that cannot be used.",
    "restricted.repetition": "It should not repeat one character.",
    "restricted.sequence": "It should not follow the alphabet, the numbers or the keyboard.",
    "restricted.words": "It has a word that is not allowed.",
    "restricted.user_info": "It should not be made of your name or username.",
}


def message_for(refusal: Refused) -> Message:
    """What to tell a person about a refusal."""
    sentence, fields = _SENTENCES.get(refusal.reason, _OTHERWISE)
    points: tuple[str, ...] = ()
    if refusal.reason is Reason.PASSWORD_REJECTED and isinstance(refusal.data, Sequence):
        points = tuple(_point(issue) for issue in refusal.data)
    elif refusal.reason is Reason.PROFILE_VALUE_INVALID and "details" in refusal.params:
        points = (str(refusal.params["details"]),)
    return Message(sentence.format_map(refusal.params), fields, points)


def password_hint(minimum: int) -> str:
    """What a new password needs, said before anybody tries."""
    return f"At least {minimum} characters that are hard to guess."


def _point(issue: Mapping[str, Any]) -> str:
    code = str(issue["code"]).removeprefix("password_rejected.")
    return _PASSWORD_POINTS[code].format_map(issue.get("interpolation", {}))
