"""The records that storage hands out: immutable, typed, and free of any driver.

The fields of a record are the columns of its table, in order. `tenant_id`, `id`, `created_at` and
`updated_at` are given by the repository when a record is created and left blank. Times are integer
milliseconds since the epoch. A record shows its id alone when it is printed: the rest may be
personal or secret.

JSON documents whose shape belongs to a dialect stay `Json`; those that the core decides on are
structs with the wire's camel-case names.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]

ApplicationType = Literal["Native", "SPA", "Traditional", "MachineToMachine", "Protected", "SAML"]
RoleType = Literal["User", "MachineToMachine"]
KeyStatus = Literal["next", "current", "previous"]
Channel = Literal["email", "sms"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a table."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'id', '')}>"


class Tenant(Record, frozen=True, kw_only=True):
    """Logto's tenant: a world of users and applications of its own."""

    id: str
    name: str
    created_at: int = 0


class User(Record, frozen=True, kw_only=True):
    """A person.

    `password_hash` is in the form of `password_algorithm` (PHC form for the Argon2 family).
    Tokens and sessions that began before `tokens_valid_after` are no longer good.
    `identities` maps a social connector's target to who the user is there.
    """

    tenant_id: str = ""
    id: str = ""
    username: str | None = None
    primary_email: str | None = None
    primary_phone: str | None = None
    password_hash: str | None = None
    password_algorithm: str | None = None
    password_changed_at: int | None = None
    is_password_expired: bool = False
    name: str | None = None
    avatar: str | None = None
    profile: Json = {}
    identities: Json = {}
    custom_data: Json = {}
    logto_config: Json = {}
    application_id: str | None = None
    cimd_client_id: str | None = None
    is_suspended: bool = False
    tokens_valid_after: int = 0
    last_sign_in_at: int | None = None
    created_at: int = 0
    updated_at: int = 0


class SsoIdentity(Record, frozen=True, kw_only=True):
    """Who a user is at an enterprise identity provider."""

    tenant_id: str = ""
    id: str = ""
    user_id: str
    issuer: str
    identity_id: str
    sso_connector_id: str
    detail: Json = {}
    created_at: int = 0
    updated_at: int = 0


class OidcClientMetadata(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """What an application registers (OpenID Connect Dynamic Client Registration §2)."""

    redirect_uris: list[str] = msgspec.field(default_factory=list)
    post_logout_redirect_uris: list[str] = msgspec.field(default_factory=list)
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool | None = None
    logo_uri: str | None = None
    jwks: dict[str, Any] | None = None


class CustomClientMetadata(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True
):
    """An application's settings beyond the standard. Times to live are in seconds or days."""

    cors_allowed_origins: list[str] | None = None
    id_token_ttl: int | None = None
    refresh_token_ttl: int | None = None
    refresh_token_ttl_in_days: int | None = None
    tenant_id: str | None = None
    always_issue_refresh_token: bool | None = None
    rotate_refresh_token: bool | None = None
    allow_token_exchange: bool | None = None
    is_device_flow: bool | None = None
    max_allowed_grants: int | None = None


class Application(Record, frozen=True, kw_only=True):
    """A client of the authorization server. `secret` is the one from before secrets had names."""

    tenant_id: str = ""
    id: str = ""
    name: str
    secret: str | None = None
    description: str | None = None
    type: ApplicationType
    oidc_client_metadata: OidcClientMetadata = OidcClientMetadata()
    custom_client_metadata: CustomClientMetadata = CustomClientMetadata()
    protected_app_metadata: Json | None = None
    custom_data: Json = {}
    is_third_party: bool = False
    app_level_access_control_enabled: bool = False
    created_at: int = 0


class ApplicationSecret(Record, frozen=True, kw_only=True):
    """A named secret of an application, in the clear here and sealed in the database."""

    tenant_id: str = ""
    application_id: str
    name: str
    value: str
    expires_at: int | None = None
    created_at: int = 0

    def __repr__(self) -> str:
        return f"<ApplicationSecret {self.name!r} of {self.application_id}>"


class PersonalAccessToken(Record, frozen=True, kw_only=True):
    """A user's named token, in the clear here and sealed in the database."""

    tenant_id: str = ""
    user_id: str
    name: str
    value: str
    value_digest: str = ""
    expires_at: int | None = None
    created_at: int = 0

    def __repr__(self) -> str:
        return f"<PersonalAccessToken {self.name!r} of {self.user_id}>"


class Resource(Record, frozen=True, kw_only=True):
    """An API that tokens are issued for (RFC 8707). `access_token_ttl` is in seconds."""

    tenant_id: str = ""
    id: str = ""
    name: str
    indicator: str
    is_default: bool = False
    access_token_ttl: int = 3600
    created_at: int = 0


class Scope(Record, frozen=True, kw_only=True):
    """Something one may do at a resource."""

    tenant_id: str = ""
    id: str = ""
    resource_id: str
    name: str
    description: str | None = None
    created_at: int = 0


class Role(Record, frozen=True, kw_only=True):
    """A named set of scopes, for people or for programs. New users receive the default ones."""

    tenant_id: str = ""
    id: str = ""
    name: str
    description: str
    type: RoleType = "User"
    is_default: bool = False
    created_at: int = 0


_USERNAME_AND_PASSWORD: Json = {
    "identifier": "username",
    "password": True,
    "verificationCode": False,
    "isPasswordPrimary": True,
}


def _default(document: Json) -> Any:
    """A default that no two records share."""
    return msgspec.field(default_factory=lambda: deepcopy(document))


class SignInExperience(Record, frozen=True, kw_only=True):
    """How a tenant's people sign in: one row, all settings, in the wire's shape."""

    tenant_id: str = ""
    id: str = "default"
    color: Json = _default(
        {"primaryColor": "#0b57d0", "isDarkModeEnabled": True, "darkPrimaryColor": "#a8c7fa"}
    )
    branding: Json = {}
    hide_logto_branding: bool = False
    language_info: Json = _default({"autoDetect": True, "fallbackLanguage": "en"})
    terms_of_use_url: str | None = None
    privacy_policy_url: str | None = None
    agree_to_terms_policy: str = "Automatic"
    sign_in: Json = _default({"methods": [_USERNAME_AND_PASSWORD]})
    sign_up: Json = _default({"identifiers": ["username"], "password": True, "verify": False})
    social_sign_in: Json = {}
    social_sign_in_connector_targets: list[str] = []
    sign_in_mode: str = "SignInAndRegister"
    custom_css: str | None = None
    custom_content: Json = {}
    custom_ui_assets: Json | None = None
    custom_ui_csp: Json = {}
    password_policy: Json = {}
    mfa: Json = _default({"factors": [], "policy": "UserControlled"})
    adaptive_mfa: Json = {}
    single_sign_on_enabled: bool = False
    support_email: str | None = None
    support_website_url: str | None = None
    unknown_session_redirect_url: str | None = None
    captcha_policy: Json = {}
    sentinel_policy: Json = {}
    email_blocklist_policy: Json = {}
    verification_code_policy: Json = {}
    forgot_password_methods: list[str] | None = None
    passkey_sign_in: Json = {}
    sign_up_profile_fields: list[Json] | None = None
    password_expiration: Json = {}
    username_policy: Json = {}
    updated_at: int = 0


class SigningKey(Record, frozen=True, kw_only=True):
    """A key of the authorization server. `private_key` (PEM) is sealed in the database."""

    tenant_id: str = ""
    kid: str
    alg: str
    public_jwk: Json
    private_key: str
    status: KeyStatus
    effective_at: int | None = None
    created_at: int = 0

    def __repr__(self) -> str:
        return f"<SigningKey {self.kid} {self.status}>"


class Config(Record, frozen=True, kw_only=True):
    """A setting of a tenant that is one JSON document under a name."""

    tenant_id: str = ""
    key: str
    value: Any
    updated_at: int = 0


class AuditLog(Record, frozen=True, kw_only=True):
    """Something that happened. The other ids repeat the payload, for search.

    An entry with a `hook_id` is about a webhook's delivery, the others are about people.
    """

    tenant_id: str = ""
    id: str
    key: str
    payload: Json
    user_id: str | None = None
    application_id: str | None = None
    hook_id: str | None = None
    created_at: int


class DomainEvent(Record, frozen=True, kw_only=True):
    """A change of an aggregate, recorded in the transaction that made it.

    Until `claimed_until` somebody is busy with telling the world of it.
    """

    tenant_id: str
    id: str
    type: str
    payload: Json
    created_at: int
    claimed_until: int = 0


class CaptchaProvider(Record, frozen=True, kw_only=True):
    """Who checks that people are people. `config` is a JSON document with keys, sealed."""

    tenant_id: str = ""
    id: str = "default"
    config: str
    created_at: int = 0
    updated_at: int = 0


class EmailTemplate(Record, frozen=True, kw_only=True):
    """What mails of a kind say in a language: `details` have a `subject` and a `content`."""

    tenant_id: str = ""
    id: str = ""
    language_tag: str
    template_type: str
    details: Json
    created_at: int = 0


class Hook(Record, frozen=True, kw_only=True):
    """An address that wants to hear of events: of `event` alone, if there are no `events`."""

    tenant_id: str = ""
    id: str = ""
    name: str = ""
    event: str | None = None
    events: list[str] = []
    config: Json
    signing_key: str
    enabled: bool = True
    created_at: int = 0

    def listens_to(self, event: str) -> bool:
        """Whether it wants to hear of such an event now."""
        return self.enabled and (event in self.events if self.events else event == self.event)


class Connector(Record, frozen=True, kw_only=True):
    """A service that is set up: `connector_id` names its factory, `config` is JSON text.

    The configuration holds passwords: it is sealed in the database. `channel` says what messages
    it carries, None if it carries none.
    """

    tenant_id: str = ""
    id: str = ""
    connector_id: str
    channel: Channel | None = None
    config: str = "{}"
    metadata: Json = {}
    sync_profile: bool = False
    enable_token_storage: bool = False
    created_at: int = 0

    def __repr__(self) -> str:
        return f"<Connector {self.id!r} of {self.connector_id!r}>"


class Message(Record, frozen=True, kw_only=True):
    """A mail or text message in the development inbox."""

    tenant_id: str = ""
    id: str = ""
    channel: Channel
    recipient: str
    subject: str | None = None
    body: str
    payload: Json = {}
    created_at: int = 0
