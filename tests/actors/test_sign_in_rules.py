"""What the settings of a sign-in experience allow."""

from __future__ import annotations

import msgspec
import pytest

from gatehouse.actors.factors.password import NewPasswordIdentity, PasswordVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import (
    DAY_MS,
    PasswordExpiration,
    SignInRules,
    SignUp,
    UsernamePolicy,
    check_captcha,
    check_event,
    check_sign_in_method,
    check_username,
    missing_profile,
    password_expired,
    view_settings,
)
from gatehouse.actors.verification import (
    Event,
    Identifier,
    IdentifierType,
    Method,
    NewPassword,
    Profile,
)
from gatehouse.storage.records import SignInExperience

PASSWORD = NewPassword("digest", "Argon2id")


def rules(**settings: object) -> SignInRules:
    return msgspec.convert(settings, SignInRules)


def reason(check: object, *arguments: object, **named: object) -> Reason | None:
    try:
        check(*arguments, **named)  # type: ignore[operator]
    except Refused as refusal:
        return refusal.reason
    return None


def test_the_stored_settings_become_rules() -> None:
    stored = SignInExperience(
        sign_in_mode="SignIn",
        sentinel_policy={"maxAttempts": 7},
        password_policy={"characterTypes": {"min": 3}},
        username_policy={"allowedChars": {"uppercase": False}},
    )
    read = view_settings(stored, SignInRules)
    assert not read.allows(Event.REGISTER)
    assert read.enables(IdentifierType.USERNAME, Method.PASSWORD)
    assert (read.sentinel_policy.max_attempts, read.sentinel_policy.lockout_duration) == (7, 60)
    assert read.password_policy.character_types.min == 3
    assert not read.username_policy.allowed_chars.uppercase
    assert read.username_policy.allowed_chars.lowercase


@pytest.mark.parametrize(
    ("mode", "event", "allowed"),
    [
        ("SignInAndRegister", Event.SIGN_IN, True),
        ("SignInAndRegister", Event.REGISTER, True),
        ("SignIn", Event.SIGN_IN, True),
        ("SignIn", Event.REGISTER, False),
        ("Register", Event.SIGN_IN, False),
        ("Register", Event.REGISTER, True),
        ("Register", Event.FORGOT_PASSWORD, True),
        ("SignIn", Event.FORGOT_PASSWORD, True),
    ],
)
def test_the_mode_opens_and_closes_events(mode: str, event: Event, allowed: bool) -> None:
    refused = reason(check_event, rules(signInMode=mode), event)
    assert refused is (None if allowed else Reason.EVENT_NOT_ALLOWED)


def test_a_password_signs_in_only_the_identifiers_it_is_enabled_for() -> None:
    by_email = rules(
        signIn={"methods": [{"identifier": "email", "password": True, "verificationCode": False}]}
    )
    record = PasswordVerification(
        id="v", identifier=Identifier(IdentifierType.USERNAME, "ada"), account="u"
    )
    assert reason(check_sign_in_method, by_email, record) is Reason.METHOD_NOT_ENABLED
    mail = msgspec.structs.replace(
        record, identifier=Identifier(IdentifierType.EMAIL, "ada@example.com")
    )
    assert reason(check_sign_in_method, by_email, mail) is None


def test_a_new_identity_is_no_way_to_sign_in() -> None:
    record = NewPasswordIdentity(
        id="v", identifier=Identifier(IdentifierType.USERNAME, "ada"), password=PASSWORD
    )
    assert reason(check_sign_in_method, rules(), record) is Reason.METHOD_NOT_ENABLED


def test_a_captcha_is_asked_for_where_the_tenant_wants_one() -> None:
    wanted = rules(captchaPolicy={"enabled": True})
    assert reason(check_captcha, wanted, passed=False) is Reason.CAPTCHA_REQUIRED
    assert reason(check_captcha, wanted, passed=True) is None
    assert reason(check_captcha, rules(), passed=False) is None


@pytest.mark.parametrize(
    ("username", "policy", "objection"),
    [
        ("ada_l0velace", {}, None),
        ("1ada", {}, Reason.USERNAME_STARTS_WITH_NUMBER),
        ("", {}, Reason.USERNAME_CHARACTERS),
        ("ada lovelace", {}, Reason.USERNAME_CHARACTERS),
        ("adá", {}, Reason.USERNAME_CHARACTERS),
        ("ada\n", {}, Reason.USERNAME_CHARACTERS),
        ("ada", {"minLength": 4}, Reason.USERNAME_TOO_SHORT),
        ("adalove", {"maxLength": 4}, Reason.USERNAME_TOO_LONG),
        ("a" * 129, {}, Reason.USERNAME_TOO_LONG),
        ("Ada", {"allowedChars": {"uppercase": False}}, Reason.USERNAME_UPPERCASE),
        ("ADa", {"allowedChars": {"lowercase": False}}, Reason.USERNAME_LOWERCASE),
        ("ada1", {"allowedChars": {"numbers": False}}, Reason.USERNAME_NUMBERS),
        ("a_da", {"allowedChars": {"underscore": False}}, Reason.USERNAME_UNDERSCORE),
    ],
)
def test_usernames(username: str, policy: object, objection: Reason | None) -> None:
    assert reason(check_username, msgspec.convert(policy, UsernamePolicy), username) is objection


@pytest.mark.parametrize(
    ("sign_up", "profile", "missing"),
    [
        ({"identifiers": ["username"], "password": True}, {}, ["username", "password"]),
        ({"identifiers": ["username"], "password": True}, {"username": "ada"}, ["password"]),
        ({"identifiers": ["email", "phone"]}, {}, ["emailOrPhone"]),
        ({"identifiers": ["email", "phone"]}, {"primary_phone": "4912345678"}, []),
        ({"identifiers": ["email"]}, {"primary_phone": "4912345678"}, ["email"]),
        ({"identifiers": []}, {}, []),
        (
            {"identifiers": ["username"], "secondaryIdentifiers": [{"identifier": "emailOrPhone"}]},
            {"username": "ada"},
            ["emailOrPhone"],
        ),
    ],
)
def test_what_an_account_lacks(
    sign_up: object, profile: dict[str, str], missing: list[str]
) -> None:
    assert missing_profile(msgspec.convert(sign_up, SignUp), Profile(**profile)) == missing


@pytest.mark.parametrize(
    ("settings", "marked", "changed_at", "expired"),
    [
        ({}, True, None, False),
        ({"enabled": True, "validPeriodDays": 10}, False, 95 * DAY_MS, False),
        ({"enabled": True, "validPeriodDays": 10}, False, 90 * DAY_MS, True),
        ({"enabled": True, "validPeriodDays": 10}, True, 95 * DAY_MS, True),
        ({"enabled": True, "validPeriodDays": 10}, False, None, True),
        ({"enabled": True, "validPeriodDays": 10, "enabledAt": 95 * DAY_MS}, False, None, False),
    ],
)
def test_passwords_expire(
    settings: object, marked: bool, changed_at: int | None, expired: bool
) -> None:
    expiration = msgspec.convert(settings, PasswordExpiration)
    found = password_expired(
        expiration, marked=marked, changed_at=changed_at, created_at=DAY_MS, now=100 * DAY_MS
    )
    assert found is expired
