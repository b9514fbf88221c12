"""What the pages say when the core says no: a sentence and the fields it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.pages.words import Words


@dataclass(frozen=True, slots=True)
class Said:
    """A message in somebody's language, as the templates show it."""

    text: str
    fields: tuple[str, ...]
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for a person, by the key of its text and what fills that.

    `fields` are the inputs it is about. `points` are particulars: messages, or
    what is text already.
    """

    key: str
    fields: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    points: tuple[Message | str, ...] = ()

    def about(self, *fields: str) -> Message:
        """The same, of other inputs."""
        return replace(self, fields=fields)

    def said(self, words: Words) -> Said:
        """The message in a language."""
        points = (one if isinstance(one, str) else one.said(words).text for one in self.points)
        return Said(words(self.key, **self.values), self.fields, tuple(points))


STALE_FORM = Message("page.refused.stale_form")
_NAME = ("username",)
_CODE = ("code",)
_PASSWORD = ("password",)
_IDENTIFIER = ("identifier",)

_SENTENCES: Mapping[Reason, tuple[str, tuple[str, ...]]] = {
    Reason.INVALID_CREDENTIALS: ("page.refused.invalid_credentials", ("identifier", "password")),
    Reason.BLOCKED: ("page.refused.blocked", ()),
    Reason.TOKEN_NOT_FOUND: ("page.refused.link_unknown", ()),
    Reason.TOKEN_EMAIL_MISMATCH: ("page.refused.link_of_another", ()),
    Reason.TOKEN_EVENT_MISMATCH: ("page.refused.link_for_else", ()),
    Reason.TOKEN_EXPIRED: ("page.refused.link_expired", ()),
    Reason.TOKEN_CONSUMED: ("page.refused.link_used", ()),
    Reason.TOKEN_REVOKED: ("page.refused.link_revoked", ()),
    Reason.USER_SUSPENDED: ("error.account_suspended", ()),
    Reason.METHOD_NOT_ENABLED: ("page.refused.method_not_enabled", ()),
    Reason.EVENT_NOT_ALLOWED: ("page.refused.not_open", ()),
    Reason.CAPTCHA_REQUIRED: ("page.refused.captcha_required", ()),
    Reason.CAPTCHA_FAILED: ("error.captcha_verification_failed", ()),
    Reason.SSO_IDENTITY_UNKNOWN: ("page.refused.company_unknown", _IDENTIFIER),
    Reason.PASSKEY_OF_COMPANY: ("page.refused.use_company", ()),
    Reason.SSO_ENABLED: ("page.refused.use_company", ()),
    Reason.AUTHORIZATION_FAILED: ("error.invalid_connector_auth", ()),
    Reason.HANDSHAKE_GONE: ("error.timeout", ()),
    Reason.CONNECTOR_FAILED: ("page.refused.unreachable", ()),
    Reason.PASSWORD_EXPIRED: ("page.refused.password_expired", ()),
    Reason.PASSWORD_REJECTED: ("page.refused.password_rejected", _PASSWORD),
    Reason.ACCOUNT_CENTER_OFF: ("page.refused.no_account_center", ()),
    Reason.FIELD_NOT_ENABLED: ("page.refused.not_shown", ()),
    Reason.FIELD_NOT_EDITABLE: ("page.refused.not_editable", ()),
    Reason.VERIFICATION_REQUIRED: ("page.refused.verify_first", ()),
    Reason.NO_SUCH_VERIFICATION: ("page.refused.start_again", ()),
    Reason.WRONG_PROVIDER: ("page.refused.wrong_provider", ()),
    Reason.NOT_ONES_IDENTITY: ("page.refused.not_linked", ()),
    Reason.NO_TOKENS_CAME: ("page.refused.no_tokens", ()),
    Reason.NO_SUCH_SESSION: ("page.refused.signed_out_there", ()),
    Reason.NO_SUCH_GRANT: ("page.refused.no_access_any_more", ()),
    Reason.LAST_IDENTIFIER: ("page.refused.last_identifier", ()),
    Reason.SAME_PASSWORD: ("page.refused.same_password", _PASSWORD),
    Reason.USERNAME_TAKEN: ("error.username_exists", _NAME),
    Reason.INVALID_TOTP_CODE: ("page.refused.totp_wrong", _CODE),
    Reason.INVALID_BACKUP_CODE: ("page.refused.backup_code_wrong", _CODE),
    Reason.WEBAUTHN_FAILED: ("mfa.webauthn_failed_to_verify", ()),
    Reason.WEBAUTHN_NOT_FOUND: ("page.refused.passkey_unknown", ()),
    Reason.MFA_NOT_PENDING: ("error.timeout", ()),
    Reason.PASSKEY_NOT_PENDING: ("error.timeout", ()),
    Reason.MFA_NOT_SKIPPABLE: ("page.refused.second_step_needed", ()),
    Reason.MFA_FACTOR_NOT_ENABLED: ("error.feature_not_enabled", ()),
    Reason.TOTP_EXISTS: ("page.refused.totp_exists", ()),
    Reason.CODE_NOT_FOUND: ("page.refused.code_not_good", _CODE),
    Reason.CODE_MISMATCH: ("error.invalid_passcode", _CODE),
    Reason.CODE_EXPIRED: ("page.refused.code_expired", _CODE),
    Reason.CODE_EXHAUSTED: ("page.refused.code_exhausted", _CODE),
    Reason.VERIFICATION_NOT_FOUND: ("page.refused.code_newer", _CODE),
    Reason.MESSAGE_RATE_LIMITED: ("page.refused.too_many_messages", _IDENTIFIER),
    Reason.CONNECTOR_MISSING: ("page.refused.cannot_send", _IDENTIFIER),
    Reason.PHONE_INVALID: ("error.invalid_phone", _IDENTIFIER),
    Reason.EMAIL_INVALID: ("error.invalid_email", _IDENTIFIER),
    Reason.EMAIL_SUBADDRESS: ("page.refused.email_subaddress", _IDENTIFIER),
    Reason.EMAIL_NOT_ALLOWED: ("page.refused.email_not_allowed", _IDENTIFIER),
    Reason.EMAIL_TAKEN: ("page.refused.email_taken", _IDENTIFIER),
    Reason.PHONE_TAKEN: ("page.refused.phone_taken", _IDENTIFIER),
    Reason.USER_GONE: ("page.refused.nobody", ()),
    Reason.CANNOT_RESET_PASSWORD: ("page.refused.cannot_recover", ()),
    Reason.PROFILE_VALUE_INVALID: ("page.refused.look_again", ()),
    Reason.IDENTITY_UNKNOWN: ("page.refused.identity_unknown", ()),
    Reason.IDENTITY_TAKEN: ("page.refused.identity_taken", ()),
    Reason.VERIFICATION_FAILED: ("page.refused.sign_in_again", ()),
    Reason.CONNECTOR_RESPONSE_INVALID: ("page.refused.no_useful_answer", ()),
    Reason.AUTH_CODE_INVALID: ("page.refused.sign_in_again", ()),
    Reason.ID_TOKEN_INVALID: ("page.refused.sign_in_again", ()),
    Reason.PROVIDER_TOKEN_INVALID: ("page.refused.sign_in_again", ()),
    Reason.USERNAME_STARTS_WITH_NUMBER: ("error.username_should_not_start_with_number", _NAME),
    Reason.USERNAME_CHARACTERS: ("error.username_invalid_charset", _NAME),
    Reason.USERNAME_TOO_SHORT: ("error.username_too_short", _NAME),
    Reason.USERNAME_TOO_LONG: ("error.username_too_long", _NAME),
    Reason.USERNAME_UPPERCASE: ("error.username_uppercase_not_allowed", _NAME),
    Reason.USERNAME_LOWERCASE: ("error.username_lowercase_not_allowed", _NAME),
    Reason.USERNAME_NUMBERS: ("error.username_numbers_not_allowed", _NAME),
    Reason.USERNAME_UNDERSCORE: ("error.username_underscore_not_allowed", _NAME),
}
_OTHERWISE = ("page.refused.otherwise", ())


def sentence_for(refusal: Refused) -> Message | None:
    """The same, if there is a sentence for this very reason."""
    return message_for(refusal) if refusal.reason in _SENTENCES else None


def message_for(refusal: Refused) -> Message:
    """What to tell a person about a refusal."""
    key, fields = _SENTENCES.get(refusal.reason, _OTHERWISE)
    points: tuple[Message | str, ...] = ()
    if refusal.reason is Reason.PASSWORD_REJECTED and isinstance(refusal.data, Sequence):
        points = tuple(_point(issue) for issue in refusal.data)
    elif "field" in refusal.params:
        points = (Message("page.refused.field_value", values=refusal.params),)
    elif refusal.reason is Reason.PROFILE_VALUE_INVALID and "details" in refusal.params:
        points = (str(refusal.params["details"]),)
    return Message(key, fields, refusal.params, points)


def password_hint(words: Words, minimum: int) -> str:
    """What a new password needs, said before anybody tries."""
    return words("page.password_hint", min=minimum)


def _point(issue: Mapping[str, Any]) -> Message:
    """What is against a password: the core's codes are the texts' keys."""
    code = str(issue["code"]).removeprefix("password_rejected.")
    return Message(f"error.password_rejected.{code}", values=issue.get("interpolation", {}))
