"""What a tenant's sign-in experience allows: the typed view of its settings, and pure rules on it.

The settings are stored and sent as Logto's JSON. Here they become values with defaults, and the
questions that flows ask of them become functions.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from gatehouse.actors.email_blocklist import BlocklistPolicy
from gatehouse.actors.password_policy import PasswordPolicy
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event, IdentifierType, Method, Profile, Record, Switch
from gatehouse.storage.records import SignInExperience

V = TypeVar("V", bound=msgspec.Struct)

DAY_MS = 24 * 60 * 60 * 1000

_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SignInMode(StrEnum):
    """Which events a tenant is open for."""

    SIGN_IN = "SignIn"
    REGISTER = "Register"
    BOTH = "SignInAndRegister"


class SignInMethod(msgspec.Struct, frozen=True, rename="camel"):
    """How people of one type of identifier may sign in."""

    identifier: IdentifierType
    password: bool = False
    verification_code: bool = False
    is_password_primary: bool = False


class _SignIn(msgspec.Struct, frozen=True):
    methods: tuple[SignInMethod, ...] = ()


class _SecondaryIdentifier(msgspec.Struct, frozen=True):
    identifier: str


class SignUp(msgspec.Struct, frozen=True, rename="camel"):
    """What a new account must have."""

    identifiers: tuple[IdentifierType, ...] = ()
    password: bool = False
    verify: bool = False
    secondary_identifiers: tuple[_SecondaryIdentifier, ...] = ()

    def asks_for(self, kind: IdentifierType) -> bool:
        """Whether a new account has, or may have, this type of identifier."""
        others = {item.identifier for item in self.secondary_identifiers}
        either = "emailOrPhone" in others and kind is not IdentifierType.USERNAME
        return either or kind in self.identifiers or kind.value in others


class SentinelPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """How many failures lock an identifier, and for how many minutes."""

    max_attempts: int = 100
    lockout_duration: int = 60


class _CaptchaPolicy(msgspec.Struct, frozen=True):
    enabled: bool = False


class PasswordExpiration(msgspec.Struct, frozen=True, rename="camel"):
    """How long a password is good for, in days; `enabled_at` (ms) is when that was decided."""

    enabled: bool = False
    valid_period_days: int = 0
    enabled_at: int | None = None

    @property
    def applies(self) -> bool:
        """Whether passwords expire here."""
        return self.enabled and self.valid_period_days > 0


class CodePolicy(msgspec.Struct, frozen=True, rename="camel"):
    """How long a code is good, in seconds, and for how many tries."""

    expiration_duration: int = 600
    max_retry_attempts: int = 10

    @property
    def lifetime_ms(self) -> int:
        """How long a code is good, in milliseconds."""
        return self.expiration_duration * 1000


class _AllowedCharacters(msgspec.Struct, frozen=True):
    lowercase: bool = True
    uppercase: bool = True
    numbers: bool = True
    underscore: bool = True


class PasskeySignIn(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a passkey alone signs in, and how the sign-in page offers that."""

    enabled: bool = False
    show_passkey_button: bool = False
    allow_autofill: bool = False


class SocialSignIn(msgspec.Struct, frozen=True, rename="camel"):
    """What happens once a provider has said who somebody is."""

    automatic_account_linking: bool = False
    skip_required_identifiers: bool = False


class UsernamePolicy(msgspec.Struct, frozen=True, rename="camel"):
    """Which usernames a tenant accepts."""

    case_sensitive: bool = True
    min_length: int = 1
    max_length: int = 128
    allowed_chars: _AllowedCharacters = _AllowedCharacters()


class SignInRules(msgspec.Struct, frozen=True, rename="camel"):
    """The settings of a sign-in experience that decide who may do what."""

    sign_in_mode: SignInMode = SignInMode.BOTH
    sign_in: _SignIn = _SignIn()
    sign_up: SignUp = SignUp()
    password_policy: PasswordPolicy = PasswordPolicy()
    username_policy: UsernamePolicy = UsernamePolicy()
    sentinel_policy: SentinelPolicy = SentinelPolicy()
    captcha_policy: _CaptchaPolicy = _CaptchaPolicy()
    password_expiration: PasswordExpiration = PasswordExpiration()
    verification_code_policy: CodePolicy = CodePolicy()
    email_blocklist_policy: BlocklistPolicy = BlocklistPolicy()
    forgot_password_methods: tuple[str, ...] | None = None
    passkey_sign_in: PasskeySignIn = PasskeySignIn()
    sign_up_profile_fields: tuple[dict[str, Any], ...] | None = None
    single_sign_on_enabled: bool = False
    social_sign_in: SocialSignIn = SocialSignIn()
    social_sign_in_connector_targets: tuple[str, ...] = ()

    def allows(self, event: Event) -> bool:
        """Whether the tenant is open for this event. Recovering a password is always allowed."""
        closed = {Event.SIGN_IN: SignInMode.REGISTER, Event.REGISTER: SignInMode.SIGN_IN}
        return closed.get(event) is not self.sign_in_mode

    def enables(self, identifier: IdentifierType, method: Method) -> bool:
        """Whether people with such an identifier may sign in by this method."""
        return any(
            allowed.password if method is Method.PASSWORD else allowed.verification_code
            for allowed in self.sign_in.methods
            if allowed.identifier is identifier
        )

    def switched_on(self, switch: Switch) -> bool:
        """Whether a kind of verification may sign in by itself."""
        switches = {
            Switch.PASSKEY: self.passkey_sign_in.enabled,
            Switch.SINGLE_SIGN_ON: self.single_sign_on_enabled,
            Switch.SOCIAL: True,
        }
        return switches[switch]


def view_settings(experience: SignInExperience, view: type[V]) -> V:
    """The settings of a stored sign-in experience that a view names, as values with defaults.

    Raises `msgspec.ValidationError` for settings that are none.
    """
    names = zip(view.__struct_fields__, view.__struct_encode_fields__, strict=True)
    given = {encoded: getattr(experience, name) for name, encoded in names}
    return msgspec.convert(given, view, strict=False)


def check_event(rules: SignInRules, event: Event, *, invited: bool = False) -> None:
    """Raises `Refused(EVENT_NOT_ALLOWED)` where the tenant is closed for the event.

    It is closed for nobody who was `invited`.
    """
    if not invited and not rules.allows(event):
        raise Refused(Reason.EVENT_NOT_ALLOWED)


def check_sign_in_method(rules: SignInRules, record: Record) -> None:
    """Raises `Refused(METHOD_NOT_ENABLED)` where the verification may not be used to sign in."""
    if record.invited:
        return
    method, switch = record.sign_in_method, record.sign_in_switch
    by_switch = switch is not None and rules.switched_on(switch)
    if not by_switch and (method is None or not rules.enables(*method)):
        raise Refused(Reason.METHOD_NOT_ENABLED)


def check_recovery_method(rules: SignInRules, record: Record) -> None:
    """Raises `Refused(CANNOT_RESET_PASSWORD)` where the verification may not recover a password.

    A tenant that names no methods allows all that there are.
    """
    if record.invited:
        return
    methods = rules.forgot_password_methods
    if not record.resets_password or (methods is not None and record.factor not in methods):
        raise Refused(Reason.CANNOT_RESET_PASSWORD)


def check_captcha(rules: SignInRules, *, passed: bool) -> None:
    """Raises `Refused(CAPTCHA_REQUIRED)` where the tenant asks for one and none was passed."""
    if rules.captcha_policy.enabled and not passed:
        raise Refused(Reason.CAPTCHA_REQUIRED)


def check_username(policy: UsernamePolicy, username: str) -> None:
    """Raises `Refused` with the first thing the policy has against the username."""
    allowed = policy.allowed_chars
    objections = (
        (Reason.USERNAME_STARTS_WITH_NUMBER, username[:1].isdigit()),
        (Reason.USERNAME_CHARACTERS, _USERNAME.fullmatch(username) is None),
        (Reason.USERNAME_TOO_SHORT, len(username) < policy.min_length),
        (Reason.USERNAME_TOO_LONG, len(username) > policy.max_length),
        (Reason.USERNAME_UPPERCASE, not allowed.uppercase and _has(r"[A-Z]", username)),
        (Reason.USERNAME_LOWERCASE, not allowed.lowercase and _has(r"[a-z]", username)),
        (Reason.USERNAME_NUMBERS, not allowed.numbers and _has(r"[0-9]", username)),
        (Reason.USERNAME_UNDERSCORE, not allowed.underscore and "_" in username),
    )
    for reason, applies in objections:
        if applies:
            raise Refused(reason, min=policy.min_length, max=policy.max_length)


def missing_profile(sign_up: SignUp, profile: Profile) -> list[str]:
    """What a complete account still lacks, in Logto's words and order; empty if it lacks nothing.

    `profile` is everything known: what the account has together with what was collected. Whoever
    can come back through another provider needs no password.
    """
    wanted = {_primary(sign_up), *(item.identifier for item in sign_up.secondary_identifiers)}
    if sign_up.password:
        wanted.add("password")
    has = {
        "username": profile.username,
        "emailOrPhone": profile.primary_email or profile.primary_phone,
        "email": profile.primary_email,
        "phone": profile.primary_phone,
        "password": profile.password or profile.social_identity or profile.sso_identity,
    }
    return [name for name, value in has.items() if name in wanted and not value]


def _primary(sign_up: SignUp) -> str | None:
    """The identifier an account is made with: email and phone together mean either of them."""
    identifiers = set(sign_up.identifiers)
    if IdentifierType.USERNAME in identifiers:
        return "username"
    if {IdentifierType.EMAIL, IdentifierType.PHONE} <= identifiers:
        return "emailOrPhone"
    return next(iter(identifiers)).value if identifiers else None


def password_expired(
    expiration: PasswordExpiration,
    *,
    marked: bool,
    changed_at: int | None,
    created_at: int,
    now: int,
) -> bool:
    """Whether a password has to be replaced. All times are in milliseconds since the epoch."""
    if not expiration.enabled:
        return False
    since = changed_at or expiration.enabled_at or created_at
    return marked or now >= since + expiration.valid_period_days * DAY_MS


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
