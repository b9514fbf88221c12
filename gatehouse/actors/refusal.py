"""Why the core says no: one exception, and the closed list of reasons it can carry.

A rule of the core refuses by raising `Refused` with a reason; it knows nothing of status codes or
of sentences for people. Each dialect owns one table from reasons to its own answers, and the pages
own another. The reasons are spelled as Logto spells its error codes, because the audit log records
them and Logto's clients read that log.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Everything the core refuses for."""

    # The interaction
    INTERACTION_GONE = "session.not_found"
    NOT_STARTED = "session.interaction_not_found"
    WRONG_EVENT = "session.invalid_interaction_type"
    NOT_FOR_FORGOT_PASSWORD = "session.not_supported_for_forgot_password"  # noqa: S105
    EVENT_NOT_ALLOWED = "auth.forbidden"
    CAPTCHA_REQUIRED = "session.captcha_required"
    CAPTCHA_FAILED = "session.captcha_failed"

    # Verification
    INVALID_CREDENTIALS = "session.invalid_credentials"
    BLOCKED = "session.verification_blocked_too_many_attempts"
    VERIFICATION_MISSING = "guard.invalid_input"
    VERIFICATION_NOT_FOUND = "session.verification_session_not_found"
    VERIFICATION_FAILED = "session.verification_failed"
    SIGN_UP_METHOD_NOT_ENABLED = "user.sign_up_method_not_enabled"
    METHOD_NOT_ENABLED = "user.sign_in_method_not_enabled"
    CODE_NOT_FOUND = "verification_code.not_found"
    CODE_EMAIL_MISMATCH = "verification_code.email_mismatch"
    CODE_PHONE_MISMATCH = "verification_code.phone_mismatch"
    CODE_MISMATCH = "verification_code.code_mismatch"
    CODE_EXPIRED = "verification_code.expired"
    CODE_EXHAUSTED = "verification_code.exceed_max_try"
    MESSAGE_RATE_LIMITED = "request.message_rate_limited"
    CONNECTOR_MISSING = "connector.not_found"
    EMAIL_INVALID = "session.email_blocklist.invalid_email"
    PHONE_INVALID = "user.invalid_phone"
    EMAIL_SUBADDRESS = "session.email_blocklist.email_subaddressing_not_allowed"
    EMAIL_NOT_ALLOWED = "session.email_blocklist.email_not_allowed"
    CANNOT_RESET_PASSWORD = "session.forgot_password_method_not_enabled"  # noqa: S105

    # A person's own account
    ACCOUNT_CENTER_OFF = "account_center.not_enabled"
    FIELD_NOT_ENABLED = "account_center.field_not_enabled"
    FIELD_NOT_EDITABLE = "account_center.field_not_editable"
    VERIFICATION_REQUIRED = "verification_record.permission_denied"
    NO_SUCH_VERIFICATION = "verification_record.not_found"
    LAST_IDENTIFIER = "user.last_sign_in_method_required"
    WRONG_PROVIDER = "verification_record.social_verification.invalid_target"
    NOT_ONES_IDENTITY = "user.identity_not_exists_in_current_user"
    NO_TOKENS_CAME = "verification_record.social_verification.token_response_not_found"
    NO_SUCH_SESSION = "oidc.session_not_found"
    NO_SUCH_GRANT = "oidc.invalid_grant"

    # Second factors
    MFA_REQUIRED = "session.mfa.require_mfa_verification"
    MISSING_MFA = "user.missing_mfa"
    MFA_SUGGESTED = "user.suggest_mfa"
    ADDITIONAL_MFA_SUGGESTED = "session.mfa.suggest_additional_mfa"
    PASSKEY_PREFERRED = "user.passkey_preferred"
    BACKUP_CODE_REQUIRED = "session.mfa.backup_code_required"
    BACKUP_CODE_ALONE = "session.mfa.backup_code_can_not_be_alone"
    BACKUP_CODE_EXISTS = "user.backup_code_already_in_use"
    TOTP_EXISTS = "user.totp_already_in_use"
    MFA_NOT_SKIPPABLE = "session.mfa.mfa_policy_not_user_controlled"
    MFA_FACTOR_NOT_ENABLED = "session.mfa.mfa_factor_not_enabled"
    MFA_NOT_PENDING = "session.mfa.pending_info_not_found"
    INVALID_TOTP_CODE = "session.mfa.invalid_totp_code"
    INVALID_BACKUP_CODE = "session.mfa.invalid_backup_code"
    WEBAUTHN_FAILED = "session.mfa.webauthn_verification_failed"
    WEBAUTHN_NOT_FOUND = "session.mfa.webauthn_verification_not_found"
    PASSKEY_NOT_PENDING = "session.passkey_sign_in.pending_info_not_found"

    # Identification
    NOT_IDENTIFIED = "session.identifier_not_found"
    IDENTITY_CONFLICT = "session.identity_conflict"
    SIGN_IN_IDENTIFIER_CHANGED = "action.sign_in_identifier_changed"
    USER_SUSPENDED = "user.suspended"
    USER_GONE = "user.user_not_exist"

    # Identity providers
    HANDSHAKE_GONE = "session.connector_validation_session_not_found"
    NO_SUCH_CONNECTOR = "session.invalid_connector_id"
    CONNECTOR_GONE = "entity.not_found"
    UNEXPECTED_CONNECTOR = "connector.unexpected_type"
    CONNECTOR_MISCONFIGURED = "connector.invalid_config"
    CONNECTOR_METADATA_INVALID = "connector.invalid_metadata"
    CONNECTOR_CERTIFICATE_INVALID = "connector.invalid_certificate"
    THIRD_PARTY_TOKEN_NOT_FOUND = "secrets.third_party_token_set.token_not_found"  # noqa: S105
    THIRD_PARTY_TOKEN_EXPIRED = "secrets.third_party_token_set.access_token_expired"  # noqa: S105
    TOKEN_STORAGE_NOT_SUPPORTED = "connector.token_storage_not_supported"  # noqa: S105
    PASSKEY_OF_COMPANY = "session.passkey_sign_in.sso_users_not_allowed"
    SSO_ENABLED = "session.sso_enabled"
    SSO_IDENTITY_UNKNOWN = "user.sso_identity_not_exist"
    SSO_SIGNING_UNAVAILABLE = "single_sign_on.sso_signing_unavailable"
    CONNECTOR_FAILED = "connector.general"
    CONNECTOR_RESPONSE_INVALID = "connector.invalid_response"
    CONNECTOR_NEEDS_SESSION = "connector.not_implemented"
    AUTHORIZATION_FAILED = "connector.authorization_failed"
    AUTH_CODE_INVALID = "connector.social_auth_code_invalid"
    ID_TOKEN_INVALID = "connector.social_invalid_id_token"  # noqa: S105
    PROVIDER_TOKEN_INVALID = "connector.social_invalid_access_token"  # noqa: S105

    # One-time tokens
    TOKEN_NOT_FOUND = "one_time_token.token_not_found"  # noqa: S105
    TOKEN_EMAIL_MISMATCH = "one_time_token.email_mismatch"  # noqa: S105
    TOKEN_EVENT_MISMATCH = "one_time_token.interaction_event_mismatch"  # noqa: S105
    TOKEN_EXPIRED = "one_time_token.token_expired"  # noqa: S105
    TOKEN_CONSUMED = "one_time_token.token_consumed"  # noqa: S105
    TOKEN_REVOKED = "one_time_token.token_revoked"  # noqa: S105

    # Custom profile fields
    PROFILE_NAME_INVALID = "custom_profile_fields.invalid_name"
    PROFILE_NAME_BUILT_IN = "custom_profile_fields.name_conflict_built_in_prop"
    PROFILE_NAME_CUSTOM_DATA = "custom_profile_fields.name_conflict_custom_data"
    PROFILE_NAME_IDENTIFIER = "custom_profile_fields.name_conflict_sign_in_identifier"
    PROFILE_VALUE_INVALID = "request.invalid_input"

    # Profile
    MISSING_PROFILE = "user.missing_profile"
    PASSWORD_REJECTED = "password.rejected"  # noqa: S105
    PASSWORD_EXPIRED = "password.expired"  # noqa: S105
    SAME_PASSWORD = "user.same_password"  # noqa: S105
    PASSWORD_EXISTS = "user.password_exists_in_profile"  # noqa: S105
    NEW_PASSWORD_REQUIRED = "user.new_password_required_in_profile"  # noqa: S105
    EMAIL_EXISTS = "user.email_exists_in_profile"
    PHONE_EXISTS = "user.phone_exists_in_profile"
    USERNAME_EXISTS = "user.username_exists_in_profile"
    IDENTITY_UNKNOWN = "user.identity_not_exist"
    IDENTITY_TAKEN = "user.identity_already_in_use"
    USERNAME_TAKEN = "user.username_already_in_use"
    EMAIL_TAKEN = "user.email_already_in_use"
    PHONE_TAKEN = "user.phone_already_in_use"
    USERNAME_STARTS_WITH_NUMBER = "user.username_starts_with_number"
    USERNAME_CHARACTERS = "user.username_invalid_charset_hard"
    USERNAME_TOO_SHORT = "user.username_too_short"
    USERNAME_TOO_LONG = "user.username_too_long"
    USERNAME_UPPERCASE = "user.username_uppercase_not_allowed"
    USERNAME_LOWERCASE = "user.username_lowercase_not_allowed"
    USERNAME_NUMBERS = "user.username_numbers_not_allowed"
    USERNAME_UNDERSCORE = "user.username_underscore_not_allowed"


class Refused(Exception):  # noqa: N818 - it reads as what happened
    """A rule said no.

    `data` is for the caller, as JSON, and holds nothing secret: which profile fields are missing,
    what a password lacks. `params` are facts for the sentence a person reads.
    """

    def __init__(self, reason: Reason, data: object = None, **params: object) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.data = data
        self.params = params
