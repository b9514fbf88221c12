"""Every code this dialect refuses with: its status and its sentence, in one table.

The codes are Logto's, because clients switch on them; the sentences are ours, except where a client
is known to show one as it is. `{name}` is filled from the refusal's parameters.
"""

from __future__ import annotations

MESSAGES: dict[str, tuple[int, str]] = {
    # Input
    "guard.invalid_input": (400, "The request {part} is not valid."),
    "guard.invalid_pagination": (400, "The page or the page size is not valid."),
    "request.invalid_input": (400, "The input is not valid. {details}"),
    "request.too_large": (413, "The request is larger than this operation accepts."),
    "request.rate_limited": (429, "Too many requests. Please try again later."),
    "request.message_rate_limited": (429, "Too many messages were sent to this recipient."),
    "request.overloaded": (503, "The server is busy. Please try again in a moment."),
    "request.unavailable": (503, "The server cannot answer at the moment. Please try again soon."),
    "request.deadline_exceeded": (503, "The request took too long and was given up."),
    "request.feature_not_supported": (501, "This server does not offer that."),
    # Access
    "auth.authorization_header_missing": (401, "The Authorization header is missing."),
    "auth.authorization_token_type_not_supported": (401, "Only Bearer tokens are accepted."),
    "auth.unauthorized": (401, "The access token is not valid here."),
    "auth.jwt_sub_missing": (401, "The access token names no subject."),
    "auth.forbidden": (403, "You are not allowed to do this."),
    # Records
    "entity.invalid_input": (422, "The database refused a value."),
    "entity.value_too_long": (422, "A value is longer than its field allows."),
    "entity.create_failed": (422, "The {name} could not be created."),
    "entity.db_constraint_violated": (422, "A rule of the stored data would be broken."),
    "entity.not_exists": (404, "The {name} does not exist."),
    "entity.not_exists_with_id": (404, "There is no {name} with the id `{id}`."),
    "entity.not_found": (404, "What was asked for does not exist."),
    "entity.relation_foreign_key_not_found": (404, "A record that was referred to does not exist."),
    "entity.unique_integrity_violation": (422, "A record with these values exists already."),
    # Users
    "user.personal_access_token_name_exists": (422, "The user has a token with this name already."),
    "user.username_already_in_use": (422, "This username is taken."),
    "user.username_starts_with_number": (422, "A username must not start with a digit."),
    "user.username_invalid_charset_hard": (
        422,
        "A username has only letters, digits and underscores.",
    ),
    "user.username_too_short": (422, "The username is too short."),
    "user.username_too_long": (422, "The username is too long."),
    "user.username_uppercase_not_allowed": (422, "Upper-case letters are not allowed here."),
    "user.username_lowercase_not_allowed": (422, "Lower-case letters are not allowed here."),
    "user.username_numbers_not_allowed": (422, "Digits are not allowed here."),
    "user.username_underscore_not_allowed": (422, "Underscores are not allowed here."),
    "user.email_already_in_use": (422, "This email address belongs to another account."),
    "user.phone_already_in_use": (422, "This phone number belongs to another account."),
    "user.identity_already_in_use": (422, "This identity belongs to another account."),
    "user.enterprise_sso_identity_not_exists": (404, "The user is not known at this provider."),
    "user.sso_identity_not_exist": (404, "This company account is not registered here yet."),
    "user.cannot_delete_self": (400, "You cannot delete the account that you are using."),
    "user.same_password": (422, "The new password must differ from the present one."),
    "user.suspended": (401, "This account is suspended."),
    "user.user_not_exist": (404, "There is no such account."),
    "user.missing_profile": (422, "More about you is needed before you can go on."),
    "user.sign_in_method_not_enabled": (422, "This way to sign in is not enabled."),
    "user.password_exists_in_profile": (422, "This account has a password already."),
    "user.new_password_required_in_profile": (422, "A new password is needed."),
    "user.email_exists_in_profile": (422, "This account has an email address already."),
    "user.phone_exists_in_profile": (422, "This account has a phone number already."),
    "user.username_exists_in_profile": (422, "This account has a username already."),
    "user.role_exists": (422, "The user has the role `{roleId}` already."),
    "user.invalid_role_type": (422, "The role `{roleId}` is for applications, not for users."),
    "user.password_algorithm_required": (400, "A password digest needs its algorithm."),
    "user.password_and_digest": (400, "Give a password or a digest of it, not both."),
    # Roles, resources, scopes
    "role.name_in_use": (422, "A role with this name exists already."),
    "role.scope_exists": (422, "The role has the scope `{scopeId}` already."),
    "role.user_exists": (422, "The user `{userId}` has this role already."),
    "role.application_exists": (422, "The application `{applicationId}` has this role already."),
    "role.management_api_scopes_not_assignable_to_user_role": (
        403,
        "A role for users cannot hold scopes of the Management API.",
    ),
    "role.internal_role_violation": (403, "A built-in role cannot be changed."),
    "resource.resource_identifier_in_use": (422, "A resource with this indicator exists already."),
    "resource.cannot_delete_management_api": (400, "The Management API cannot be deleted."),
    "resource.cannot_modify_management_api": (400, "The Management API cannot be changed."),
    "scope.name_exists": (422, "The resource has a scope with this name already."),
    "scope.name_with_space": (400, "A scope's name must not contain spaces."),
    # Logs
    "log.invalid_time_window": (400, "The start of the time window lies after its end."),
    "connector.not_found": (501, "There is no {type} connector to send this through."),
    # Connectors
    "connector.general": (400, "The connector failed: {description}."),
    "connector.invalid_response": (400, "The connector's service gave an answer of no use."),
    "connector.not_implemented": (501, "The connector does not work without a sign-in session."),
    "connector.authorization_failed": (401, "The person did not authorize this."),
    "connector.social_auth_code_invalid": (401, "The authorization code is not valid."),
    "connector.social_invalid_id_token": (401, "The connector's ID token is not valid."),
    "connector.social_invalid_access_token": (401, "The connector's access token is not valid."),
    "connector.invalid_config": (400, "The connector's configuration is not valid."),
    "connector.unexpected_type": (400, "The connector is for another kind of message."),
    "connector.should_specify_target": (400, "The connector needs a target of its own."),
    "connector.can_not_modify_target": (400, "The target of a connector stays what it is."),
    "connector.multiple_instances_not_supported": (422, "There can be one connector of this kind."),
    "connector.multiple_target_with_same_platform": (
        422,
        "There is another connector with this target.",
    ),
    "connector.not_found_with_connector_id": (422, "There is no connector of this kind."),
    "connector.cannot_overwrite_metadata_for_non_standard_connector": (
        400,
        "The metadata of this connector are given by its kind.",
    ),
    "connector.invalid_type_for_syncing_profile": (
        422,
        "Profiles are only taken over from social connectors.",
    ),
    "connector.token_storage_not_supported": (422, "This connector has no tokens to store."),
    "connector.invalid_metadata": (400, "The connector's metadata are not valid."),
    "connector.invalid_certificate": (400, "The connector's certificate is not valid."),
    # Enterprise single sign-on
    "single_sign_on.forbidden_domains": (422, "Public email domains belong to nobody."),
    "single_sign_on.duplicated_domains": (422, "A domain is named more than once."),
    "single_sign_on.duplicate_connector_name": (409, "Another connector has this name already."),
    "single_sign_on.active_signing_key_required": (
        400,
        "Requests can be signed as soon as there is an active signing key.",
    ),
    "single_sign_on.can_not_delete_active_signing_key": (
        400,
        "The active signing key cannot be deleted.",
    ),
    "single_sign_on.can_not_deactivate_signing_key_in_use": (
        400,
        "The key is needed as long as requests are signed.",
    ),
    "single_sign_on.sso_signing_unavailable": (
        500,
        "Signing in with this company is not possible at the moment.",
    ),
    "single_sign_on.idp_initiated_authentication_not_supported": (
        400,
        "Only SAML connectors can start a sign-in by themselves.",
    ),
    "single_sign_on.idp_initiated_authentication_invalid_application_type": (
        400,
        "Only applications of these types can be signed in to like this: {type}.",
    ),
    "single_sign_on.idp_initiated_authentication_redirect_uri_not_registered": (
        400,
        "The redirect URI is not one of the application's.",
    ),
    # Organizations
    "organization.require_membership": (422, "Only members of the organization have roles there."),
    "organization.role_names_not_found": (422, "There are no roles with these names: {names}."),
    # Email templates
    "connector.email_connector.bulk_deletion_no_filter": (
        422,
        "Say by language or by type which templates to delete.",
    ),
    # Webhooks
    "hook.missing_events": (400, "A webhook listens to one event at least."),
    "hook.endpoint_responded_with_error": (422, "The endpoint answered with an error."),
    "hook.send_test_payload_failed": (422, "The test could not be sent: {reason}."),
    # Applications
    "application.invalid_type": (422, "Only machine-to-machine applications have roles."),
    "application.role_exists": (422, "The application has the role `{roleId}` already."),
    "application.invalid_role_type": (
        422,
        "The role `{roleId}` is for users, not for applications.",
    ),
    "application.invalid_third_party_application_type": (
        400,
        "A third-party application must be a traditional, single-page or native one.",
    ),
    "application.third_party_application_cannot_enable_token_exchange": (
        422,
        "A third-party application cannot exchange tokens.",
    ),
    "application.device_flow_native_only": (422, "Only native applications have a device flow."),
    "application.device_flow_not_changeable": (422, "The device flow is chosen at creation."),
    "application.protected_app_metadata_is_required": (
        400,
        "A protected application needs its metadata.",
    ),
    "application.protected_app_not_configured": (
        501,
        "Protected applications are not set up on this server.",
    ),
    "application.invalid_subdomain": (422, "The subdomain is not a part of a host name."),
    "application.protected_application_subdomain_exists": (422, "The subdomain is taken."),
    "application.custom_domain_not_found": (404, "The site has no such domain."),
    "application.should_delete_custom_domains_first": (422, "Delete its custom domains first."),
    "application.third_party_application_only": (422, "Only for third-party applications."),
    "application.user_consent_scopes_not_found": (422, "Some of the scopes do not exist."),
    "application.consent_management_api_scopes_not_allowed": (
        422,
        "Scopes of the Management API are never given by consent.",
    ),
    "domain.domain_is_not_allowed": (422, "This is no domain that can be used here."),
    "domain.limit_to_one_domain": (422, "There can be one custom domain."),
    "domain.hostname_already_exists": (422, "The domain is in use here."),
    "application.protected_application_only": (400, "Only for protected applications."),
    "application.no_legacy_secret_found": (400, "The application has no legacy secret."),
    "application.secret_name_exists": (422, "The application has a secret with this name already."),
    "application.saml.use_saml_app_api": (400, "SAML applications have an API of their own."),
    # Scripts
    "jwt_customizer.general": (422, "The script did not succeed. {message}"),
    "action.general": (422, "The script did not succeed. {message}"),
    # Keys
    "oidc.invalid_request": (422, "The request is not valid for this kind of key."),
    "oidc.key_required": (422, "One key must stay."),
    "oidc.key_not_found": (404, "There is no key `{id}`."),
    "oidc.only_previous_key_can_be_deleted": (422, "Only a key that signs no more can go."),
    # Passwords
    "password.rejected": (422, "The password does not meet the rules."),
    "password.expired": (422, "The password has expired."),
    "password.unsupported_encryption_method": (400, "`{name}` is no password hash known here."),
    "password.invalid_legacy_password_format": (400, "The legacy password is not well-formed."),
    # Domains
    "domain.domain_in_use": (422, "The domain is used already."),
    "domain.exceed_domain_limit": (422, "There are as many domains as there can be."),
    # Custom phrases
    "localization.cannot_delete_default_language": (
        409,
        "Pages fall back to {languageTag}, so it cannot be deleted.",
    ),
    "localization.invalid_translation_structure": (
        422,
        "The translation has keys that no page has.",
    ),
    # Custom profile fields
    "custom_profile_fields.entity_not_exists_with_names": (
        400,
        "There are no fields with these names: {names}.",
    ),
    "custom_profile_fields.invalid_min_max_input": (400, "The least is more than the most."),
    "custom_profile_fields.invalid_default_value": (400, "The default value is not valid."),
    "custom_profile_fields.invalid_options": (400, "There must be options to choose from."),
    "custom_profile_fields.invalid_regex_format": (
        400,
        "The regular expression cannot be used: look-around and back-references are not offered.",
    ),
    "custom_profile_fields.invalid_address_components": (400, "An address has parts."),
    "custom_profile_fields.invalid_fullname_components": (400, "A full name has parts."),
    "custom_profile_fields.invalid_sub_component_type": (400, "A part cannot have parts itself."),
    "custom_profile_fields.name_exists": (422, "There is a field with this name already."),
    "custom_profile_fields.invalid_name": (400, "A field's name is made of letters and digits."),
    "custom_profile_fields.name_conflict_sign_in_identifier": (
        400,
        "The name is taken by an identifier: {name}.",
    ),
    "custom_profile_fields.name_conflict_built_in_prop": (
        400,
        "The name is taken by a claim of every profile: {name}.",
    ),
    "custom_profile_fields.name_conflict_custom_data": (
        400,
        "The name is kept for other custom data: {name}.",
    ),
    # Sign-in experience
    "sign_in_experiences.not_one_and_only_one_primary_sign_in_method": (
        400,
        "Each identifier may be listed once among the sign-in methods.",
    ),
    "sign_in_experiences.username_requires_password": (
        400,
        "Sign-up with a username needs a password.",
    ),
    "sign_in_experiences.passwordless_requires_verify": (
        400,
        "Sign-up by email or phone must verify it.",
    ),
    "sign_in_experiences.miss_sign_up_identifier_in_sign_in": (
        400,
        "Everybody who can sign up must be able to sign in with the same identifier.",
    ),
    "sign_in_experiences.password_sign_in_must_be_enabled": (
        400,
        "Sign-up asks for a password, so sign-in must accept it.",
    ),
    "sign_in_experiences.code_sign_in_must_be_enabled": (
        400,
        "Sign-up asks for no password, so sign-in must accept a code.",
    ),
    "sign_in_experiences.at_least_one_authentication_factor": (
        400,
        "Every sign-in method needs a password or a verification code.",
    ),
    "sign_in_experiences.duplicated_mfa_factors": (400, "A factor is listed twice."),
    "sign_in_experiences.backup_code_cannot_be_enabled_alone": (
        400,
        "Backup codes need another factor beside them.",
    ),
    "sign_in_experiences.duplicated_sign_up_identifiers": (400, "An identifier is listed twice."),
    "sign_in_experiences.missing_sign_up_identifiers": (
        400,
        "Secondary identifiers need a first one.",
    ),
    "sign_in_experiences.enabled_connector_not_found": (
        400,
        "There is no connector that could send these messages.",
    ),
    "sign_in_experiences.email_verification_code_cannot_be_used_for_sign_in": (
        400,
        "A code by email is a second factor and cannot be the first.",
    ),
    "sign_in_experiences.phone_verification_code_cannot_be_used_for_sign_in": (
        400,
        "A code by SMS is a second factor and cannot be the first.",
    ),
    "sign_in_experiences.email_verification_code_cannot_be_used_for_mfa": (
        400,
        "A code by email is a first factor and cannot be the second.",
    ),
    "sign_in_experiences.phone_verification_code_cannot_be_used_for_mfa": (
        400,
        "A code by SMS is a first factor and cannot be the second.",
    ),
    "sign_in_experiences.forgot_password_method_requires_connector": (
        400,
        "There is no connector that could send these codes.",
    ),
    "sign_in_experiences.password_expiration_requires_forgot_password": (
        422,
        "Passwords can expire only where people can reset them.",
    ),
    # A person's own account
    "account_center.not_enabled": (400, "There is no account centre here."),
    "account_center.field_not_enabled": (400, "This is not shown in the account centre."),
    "account_center.field_not_editable": (400, "This cannot be changed in the account centre."),
    "auth.third_party_application_forbidden": (
        403,
        "A third-party application must not change an account.",
    ),
    "verification_record.permission_denied": (401, "Please verify first that it is you."),
    "verification_record.not_found": (400, "There is no such verification."),
    "user.last_sign_in_method_required": (400, "An account needs one way to sign in."),
    "sign_in_experiences.password_expiration_not_enabled": (400, "Passwords do not expire here."),
    # Verification codes
    "verification_code.not_found": (400, "There is no such code. Please ask for a new one."),
    "verification_code.email_mismatch": (400, "The code was sent to another email address."),
    "verification_code.phone_mismatch": (400, "The code was sent to another phone number."),
    "verification_code.code_mismatch": (400, "The code is not correct."),
    "verification_code.expired": (400, "The code has expired. Please ask for a new one."),
    "verification_code.exceed_max_try": (400, "Too many tries. Please ask for a new code."),
    "user.invalid_phone": (400, "This is no phone number."),
    "session.email_blocklist.invalid_email": (400, "This is no email address."),
    "session.email_blocklist.email_subaddressing_not_allowed": (
        422,
        "Please give the address without what follows the plus sign.",
    ),
    "session.email_blocklist.email_not_allowed": (422, "This email address is not accepted here."),
    # Interaction and session
    "session.sso_enabled": (422, "People of this company sign in through their company."),
    "session.connector_validation_session_not_found": (
        404,
        "Nobody waits for this answer: please sign in again.",
    ),
    "session.not_found": (400, "The session has ended. Please go back and sign in again."),
    "session.interaction_not_found": (404, "The sign-in has not been started."),
    "session.invalid_interaction_type": (400, "This does not belong to what was started."),
    "session.not_supported_for_forgot_password": (400, "This is not possible here."),
    "session.captcha_failed": (422, "The captcha was not solved."),
    "session.captcha_required": (422, "Please solve the captcha first."),
    "session.invalid_credentials": (422, "Incorrect account or password. Please check your input."),
    "session.verification_blocked_too_many_attempts": (
        400,
        "Too many failed attempts. Please try again {relativeTime}.",
    ),
    "session.verification_session_not_found": (404, "The verification was not found."),
    "session.verification_failed": (400, "The verification did not succeed."),
    "session.forgot_password_method_not_enabled": (422, "Resetting the password is not enabled."),
    "session.insufficient_info": (400, "Something is missing to begin with."),
    "session.invalid_connector_id": (422, "There is no connector with this id."),
    "session.identifier_not_found": (404, "Nobody has been identified yet."),
    "session.identity_conflict": (409, "This belongs to another person than the one before."),
    # Second factors
    "session.mfa.require_mfa_verification": (403, "A second factor is needed to sign in."),
    "session.mfa.suggest_additional_mfa": (422, "Another second factor would be safer."),
    "session.mfa.backup_code_required": (422, "Backup codes are needed."),
    "session.mfa.backup_code_can_not_be_alone": (
        422,
        "Backup codes stand in for another factor, which there is none of.",
    ),
    "session.mfa.mfa_policy_not_user_controlled": (422, "Second factors are mandatory here."),
    "session.mfa.mfa_factor_not_enabled": (400, "This second factor is not enabled."),
    "session.mfa.pending_info_not_found": (400, "Nothing is waiting for this: please begin again."),
    "session.mfa.invalid_totp_code": (400, "The code is not correct."),
    "session.mfa.invalid_backup_code": (400, "The backup code is not correct."),
    "session.mfa.webauthn_verification_failed": (400, "The passkey could not be verified."),
    "session.mfa.webauthn_verification_not_found": (400, "This account has no passkey."),
    "session.passkey_sign_in.pending_info_not_found": (
        400,
        "No passkey is waited for: please begin again.",
    ),
    "user.missing_mfa": (422, "A second factor has to be set up first."),
    "user.suggest_mfa": (422, "A second factor could be set up now."),
    "user.passkey_preferred": (422, "A passkey could be set up now."),
    "user.totp_already_in_use": (422, "The account has an authenticator app already."),
    "user.totp_secret_invalid": (422, "The secret is not 80 to 160 bits in base32."),
    "user.backup_code_already_in_use": (422, "The account has backup codes left."),
    "user.wrong_backup_code_format": (422, "Backup codes are ten of ten hexadecimal digits."),
}
