"""What the sign-in experience looks like on the wire: a model for each of its settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gatehouse.http.logto.languages import LANGUAGES
from gatehouse.http.wire import Email, JsonObject, Maybe, Query, Text, Url, Wire, empty_is_null

Color = Annotated[str, Field(pattern=r"^#[\da-fA-F]{3}([\da-fA-F]{3})?$")]
UrlOrNothing = Annotated[Url | None, empty_is_null]
Identifier = Literal["username", "email", "phone"]
CodeMethod = Literal["EmailVerificationCode", "PhoneVerificationCode"]
LongText = Annotated[str, Field(max_length=64 * 1024)]


def _known_language(tag: str) -> str:
    if tag not in LANGUAGES:
        raise PydanticCustomError("literal_error", "The language is not known.")
    return tag


def _once(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


class Colors(Wire):
    """The colours of the pages."""

    primary_color: Color
    is_dark_mode_enabled: bool
    dark_primary_color: Color


class Branding(Wire):
    """The pictures of the pages."""

    logo_url: Maybe[Url] = None
    dark_logo_url: Maybe[Url] = None
    favicon: Maybe[Url] = None
    dark_favicon: Maybe[Url] = None


class LanguageInfo(Wire):
    """Which language a page is in."""

    auto_detect: bool
    fallback_language: Annotated[str, AfterValidator(_known_language)]


class SignInMethod(Wire):
    """How an identifier is proved."""

    identifier: Identifier
    password: bool
    verification_code: bool
    is_password_primary: bool


class SignIn(Wire):
    """The ways to sign in."""

    methods: list[SignInMethod]


class SecondaryIdentifier(Wire):
    """What is asked for besides."""

    identifier: Literal["username", "email", "phone", "emailOrPhone"]
    verify: Maybe[bool] = None


class SignUp(Wire):
    """What a new user gives."""

    identifiers: list[Identifier]
    password: bool
    verify: bool
    secondary_identifiers: Maybe[list[SecondaryIdentifier]] = None


class SocialSignIn(Wire):
    """What happens after a social sign-in."""

    automatic_account_linking: Maybe[bool] = None
    skip_required_identifiers: Maybe[bool] = None


class CustomUiAssets(Wire):
    """An uploaded page."""

    id: str
    created_at: float


class CustomUiCsp(Wire):
    """What an uploaded page may load."""

    script_src: Maybe[list[str]] = None
    connect_src: Maybe[list[str]] = None


class Length(Wire):
    """How long a password is."""

    min: Annotated[int, Field(ge=1, le=256)] = 8
    max: Annotated[int, Field(ge=1, le=256)] = 256


class CharacterTypes(Wire):
    """How varied a password is."""

    min: Annotated[int, Field(ge=1, le=4)] = 1


class Rejects(Wire):
    """What a password must not be."""

    pwned: bool = True
    repetition_and_sequence: bool = True
    user_info: bool = True
    words: Annotated[list[str], Field(max_length=1000, default_factory=list)]


class PasswordRules(Wire):
    """The password policy."""

    length: Maybe[Length] = None
    character_types: Maybe[CharacterTypes] = None
    rejects: Maybe[Rejects] = None


class Mfa(Wire):
    """The second factors."""

    factors: list[
        Literal["Totp", "WebAuthn", "BackupCode", "EmailVerificationCode", "PhoneVerificationCode"]
    ]
    policy: Literal[
        "UserControlled",
        "Mandatory",
        "PromptOnlyAtSignIn",
        "PromptAtSignInAndSignUp",
        "NoPrompt",
        "PromptAtSignInAndSignUpMandatory",
        "PromptOnlyAtSignInMandatory",
    ]
    organization_required_mfa_policy: Maybe[Literal["NoPrompt", "Mandatory"]] = None


class Switch(Wire):
    """Something that is on or off."""

    enabled: Maybe[bool] = None


class SentinelPolicy(Wire):
    """When an identifier is locked: failures within an hour, and minutes."""

    max_attempts: Maybe[Annotated[int, Field(ge=1, le=1_000_000)]] = None
    lockout_duration: Maybe[Annotated[int, Field(ge=1, le=1_000_000)]] = None


Addresses = Annotated[list[str], Field(max_length=1000), AfterValidator(_once)]
"""Mail addresses and domains; what a list says twice it says once."""


class EmailBlocklistPolicy(Wire):
    """Which addresses may not sign up."""

    block_disposable_addresses: Maybe[bool] = None
    block_subaddressing: Maybe[bool] = None
    custom_allowlist: Maybe[Addresses] = None
    custom_blocklist: Maybe[Addresses] = None


class PasskeySignIn(Wire):
    """Signing in with a passkey alone."""

    enabled: Maybe[bool] = None
    show_passkey_button: Maybe[bool] = None
    allow_autofill: Maybe[bool] = None


class ProfileField(Wire):
    """A field that sign-up asks for."""

    name: str


class PasswordExpiration(Wire):
    """When a password must be changed; nothing leaves it as it is."""

    enabled: Maybe[bool] = None
    valid_period_days: Maybe[Annotated[int, Field(ge=1, le=36500)]] = None

    @model_validator(mode="after")
    def _has_a_period(self) -> PasswordExpiration:
        if self.enabled and self.valid_period_days is None:
            raise PydanticCustomError("missing", "A period in days is needed.")
        return self


class VerificationCodePolicy(Wire):
    """How long a code is good (seconds), and for how many tries."""

    expiration_duration: Maybe[Annotated[int, Field(ge=60, le=3600)]] = None
    max_retry_attempts: Maybe[Annotated[int, Field(ge=1, le=100)]] = None


class AllowedCharacters(Wire):
    """What a username is made of."""

    lowercase: bool
    uppercase: bool
    numbers: bool
    underscore: bool


class UsernamePolicy(Wire):
    """What a username looks like."""

    case_sensitive: bool
    min_length: Annotated[int, Field(ge=1, le=128)]
    max_length: Annotated[int, Field(ge=1, le=128)]
    allowed_chars: AllowedCharacters

    @model_validator(mode="after")
    def _is_possible(self) -> UsernamePolicy:
        if self.min_length > self.max_length:
            raise PydanticCustomError("custom", "The shortest is longer than the longest.")
        chars = self.allowed_chars
        if not (chars.lowercase or chars.uppercase or chars.underscore):
            raise PydanticCustomError("custom", "A username cannot consist of digits alone.")
        return self


class SignInExpPatch(Wire):
    """What can be changed."""

    color: Maybe[Colors] = None
    branding: Maybe[Branding] = None
    hide_logto_branding: Maybe[bool] = None
    language_info: Maybe[LanguageInfo] = None
    terms_of_use_url: UrlOrNothing = None
    privacy_policy_url: UrlOrNothing = None
    agree_to_terms_policy: Maybe[Literal["Automatic", "ManualRegistrationOnly", "Manual"]] = None
    sign_in: Maybe[SignIn] = None
    sign_up: Maybe[SignUp] = None
    social_sign_in: Maybe[SocialSignIn] = None
    social_sign_in_connector_targets: Maybe[list[str]] = None
    sign_in_mode: Maybe[Literal["SignIn", "Register", "SignInAndRegister"]] = None
    custom_css: LongText | None = None
    custom_content: Maybe[dict[str, LongText]] = None
    custom_ui_assets: CustomUiAssets | None = None
    custom_ui_csp: Maybe[CustomUiCsp] = None
    password_policy: Maybe[PasswordRules] = None
    mfa: Maybe[Mfa] = None
    adaptive_mfa: Maybe[Switch] = None
    single_sign_on_enabled: Maybe[bool] = None
    support_email: Annotated[Email | None, empty_is_null] = None
    support_website_url: UrlOrNothing = None
    unknown_session_redirect_url: UrlOrNothing = None
    captcha_policy: Maybe[Switch] = None
    sentinel_policy: Maybe[SentinelPolicy] = None
    email_blocklist_policy: Maybe[EmailBlocklistPolicy] = None
    verification_code_policy: Maybe[VerificationCodePolicy] = None
    forgot_password_methods: list[CodeMethod] | None = None
    passkey_sign_in: Maybe[PasskeySignIn] = None
    sign_up_profile_fields: Annotated[list[ProfileField], Field(max_length=200)] | None = None
    password_expiration: Maybe[PasswordExpiration] = None
    username_policy: Maybe[UsernamePolicy] = None


class SignInExpView(SignInExpPatch):
    """All settings of the sign-in experience; an empty policy is the usual one."""

    tenant_id: str
    id: str
    username_policy: JsonObject  # type: ignore[assignment]


class PatchQuery(Query):
    """Accepted for the clients that send it; there are no demo connectors here."""

    remove_unused_demo_social_connector: str | None = Field(
        None, alias="removeUnusedDemoSocialConnector"
    )


class HowMany(Query):
    """How many samples to show."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class UsernameConflict(Wire):
    """Users whose names differ in nothing but their case."""

    username_lower: str
    user_ids: list[str]


class UsernameConflicts(Wire):
    """How many names are shared without regard to case, and some of them."""

    total_conflicts: int
    samples: list[UsernameConflict]


class PasswordToCheck(Wire):
    """A password, and whose it would be."""

    password: Annotated[str, Field(max_length=4096)]
    user_id: Maybe[Text] = None


class PasswordVerdict(Wire):
    """Whether the password meets the policy, and what it lacks."""

    result: bool
    issues: Maybe[list[JsonObject]] = None
