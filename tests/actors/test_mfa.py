"""What a tenant demands of second factors: every policy, without a server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gatehouse.actors import mfa
from gatehouse.actors.mfa import MfaPolicy, MfaRules, Standing, UserMfaConfig
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaChoices, MfaFactor, NewBackupCodes, NewTotp
from gatehouse.actors.verification import Event
from gatehouse.storage.mfa import BackupCode, FactorType, MfaVerification, backup_codes_json

TOTP, WEBAUTHN, BACKUP = MfaFactor.TOTP, MfaFactor.WEBAUTHN, MfaFactor.BACKUP_CODE
EMAIL, PHONE = MfaFactor.EMAIL, MfaFactor.PHONE
NEW_TOTP = NewTotp(id="new", sealed="key")
NEW_CODES = NewBackupCodes(id="codes", sealed="codes")
OFTEN = [policy for policy in MfaPolicy if policy is not MfaPolicy.NO_PROMPT]
OPTIONAL = [policy for policy in OFTEN if not policy.mandatory]
MANDATORY = [policy for policy in OFTEN if policy.mandatory]


def rules(*factors: MfaFactor, policy: MfaPolicy = MfaPolicy.USER_CONTROLLED, **more: Any) -> Any:
    settings = {"mfa": {"factors": list(factors), "policy": policy}, **more}
    return msgspec.convert(settings, MfaRules)


def has(kind: FactorType, used: int | None = None, codes: int = 1) -> MfaVerification:
    secret = backup_codes_json([BackupCode(str(number)) for number in range(codes)])
    return MfaVerification(type=kind, secret=secret, last_used_at=used)


def standing(*factors: MfaVerification, **more: Any) -> Standing:
    facts: dict[str, Any] = {
        "email": None,
        "phone": None,
        "config": UserMfaConfig(),
        "passkey_skipped": False,
        "organization_requires": False,
        "choices": MfaChoices(),
    }
    return Standing(factors=factors, **(facts | more))


def refusal(check: Any, *args: Any, **more: Any) -> Refused | None:
    try:
        check(*args, **more)
    except Refused as refused:
        return refused
    return None


def reason(check: Any, *args: Any, **more: Any) -> Reason | None:
    refused = refusal(check, *args, **more)
    return refused.reason if refused else None


# With what somebody can pass


def test_factors_are_offered_passkeys_first_then_the_latest_and_codes_last() -> None:
    person = standing(
        has("BackupCode"), has("Totp", used=5), has("WebAuthn"), email="ada@x.example"
    )
    enabled = rules(BACKUP, EMAIL, TOTP, WEBAUTHN)
    assert mfa.usable_factors(enabled, person) == [WEBAUTHN, TOTP, EMAIL, BACKUP]
    assert mfa.usable_factors(rules(TOTP), person) == [TOTP]


def test_codes_that_are_used_up_are_no_factor() -> None:
    assert mfa.usable_factors(rules(BACKUP), standing(has("BackupCode", codes=0))) == []


# Showing one


@pytest.mark.parametrize("policy", MfaPolicy)
def test_whatever_the_policy_who_has_a_factor_shows_it(policy: MfaPolicy) -> None:
    settings, person = rules(TOTP, policy=policy), standing(has("Totp"))
    assert reason(mfa.check_verified, settings, person, []) is Reason.MFA_REQUIRED
    assert reason(mfa.check_verified, settings, person, [BACKUP]) is Reason.MFA_REQUIRED
    assert reason(mfa.check_verified, settings, person, [TOTP]) is None
    assert reason(mfa.check_verified, settings, standing(), []) is None
    assert reason(mfa.check_verified, rules(WEBAUTHN, policy=policy), person, []) is None


@pytest.mark.parametrize(
    "config", [UserMfaConfig(enabled=False), UserMfaConfig(skip_mfa_on_sign_in=True)]
)
def test_who_opted_out_shows_none_unless_it_is_mandatory(config: UserMfaConfig) -> None:
    person = standing(has("Totp"), config=config)
    for policy in (*OPTIONAL, MfaPolicy.NO_PROMPT):
        assert reason(mfa.check_verified, rules(TOTP, policy=policy), person, []) is None
    for policy in MANDATORY:
        demanded = reason(mfa.check_verified, rules(TOTP, policy=policy), person, [])
        assert demanded is Reason.MFA_REQUIRED


def test_adaptive_mfa_asks_at_risk_alone() -> None:
    settings, person = rules(TOTP), standing(has("Totp"))
    assert reason(mfa.check_verified, settings, person, [], at_risk=False) is None
    at_risk = reason(mfa.check_verified, settings, person, [], at_risk=True)
    assert at_risk is Reason.MFA_REQUIRED
    assert reason(mfa.check_verified, settings, standing(), [], at_risk=True) is None


def test_addresses_are_shown_masked() -> None:
    person = standing(email="lovelace@x.example", phone="491701234567")
    refused = refusal(mfa.check_verified, rules(EMAIL, PHONE), person, [])
    assert refused is not None
    assert refused.data == {
        "availableFactors": ["PhoneVerificationCode", "EmailVerificationCode"],
        "maskedIdentifiers": {
            "EmailVerificationCode": "love****@x.example",
            "PhoneVerificationCode": "****4567",
        },
    }
    assert mfa.mask_email("ada@x.example") == "****@x.example"


# Having one


@pytest.mark.parametrize("policy", MANDATORY)
def test_mandatory_factors_are_asked_for_and_cannot_be_skipped(policy: MfaPolicy) -> None:
    settings = rules(TOTP, WEBAUTHN, policy=policy)
    refused = refusal(mfa.check_enrolled, settings, standing(), Event.SIGN_IN)
    assert refused is not None
    assert (refused.reason, refused.data) == (
        Reason.MISSING_MFA,
        {"availableFactors": ["WebAuthn", "Totp"]},
    )
    skipping = standing(choices=MfaChoices(skipped=True))
    again = reason(mfa.check_enrolled, settings, skipping, Event.SIGN_IN)
    assert again is Reason.MISSING_MFA
    assert reason(mfa.check_skippable, settings, standing()) is Reason.MFA_NOT_SKIPPABLE
    done = standing(choices=MfaChoices(factors=(NEW_TOTP,)))
    assert reason(mfa.check_enrolled, settings, done, Event.SIGN_IN) is None


@pytest.mark.parametrize("policy", OPTIONAL)
def test_optional_factors_are_suggested_first_and_then_asked_for(policy: MfaPolicy) -> None:
    settings = rules(TOTP, policy=policy)
    event = Event.SIGN_IN
    assert reason(mfa.check_enrolled, settings, standing(), event) is Reason.MFA_SUGGESTED
    agreed = standing(choices=MfaChoices(enabled=True))
    refused = refusal(mfa.check_enrolled, settings, agreed, event)
    assert refused is not None
    assert refused.data == {"availableFactors": ["Totp"], "skippable": True}
    for skipped in (
        standing(choices=MfaChoices(skipped=True)),
        standing(config=UserMfaConfig(skipped=True)),
    ):
        assert reason(mfa.check_enrolled, settings, skipped, event) is None
    assert reason(mfa.check_skippable, settings, standing()) is None


def test_who_had_factors_before_anybody_asked_has_them_enabled() -> None:
    settings = rules(TOTP)
    choices = mfa.check_enrolled(settings, standing(has("Totp")), Event.SIGN_IN)
    assert choices.enabled is True


def test_no_prompt_asks_nobody() -> None:
    settings = rules(TOTP, policy=MfaPolicy.NO_PROMPT)
    for event in (Event.SIGN_IN, Event.REGISTER):
        assert reason(mfa.check_enrolled, settings, standing(), event) is None


@pytest.mark.parametrize("policy", OFTEN)
def test_some_policies_leave_people_alone_who_register(policy: MfaPolicy) -> None:
    asked = reason(mfa.check_enrolled, rules(TOTP, policy=policy), standing(), Event.REGISTER)
    assert (asked is None) is policy.only_at_sign_in


@pytest.mark.parametrize("policy", MfaPolicy)
def test_an_organization_makes_factors_mandatory_for_its_members(policy: MfaPolicy) -> None:
    settings = rules(TOTP, policy=policy)
    member = standing(organization_requires=True, choices=MfaChoices(skipped=True))
    refused = refusal(mfa.check_enrolled, settings, member, Event.SIGN_IN)
    assert refused is not None
    assert refused.data == {"availableFactors": ["Totp"]}
    assert reason(mfa.check_skippable, settings, member) is Reason.MFA_NOT_SKIPPABLE


def test_backup_codes_are_asked_for_besides() -> None:
    settings = rules(TOTP, BACKUP, policy=MfaPolicy.MANDATORY)
    person = standing(has("Totp"))
    asked = reason(mfa.check_enrolled, settings, person, Event.SIGN_IN)
    assert asked is Reason.BACKUP_CODE_REQUIRED
    with_codes = standing(has("Totp"), choices=MfaChoices(factors=(NEW_CODES,)))
    assert reason(mfa.check_enrolled, settings, with_codes, Event.SIGN_IN) is None
    alone = standing(has("BackupCode"))
    assert reason(mfa.check_enrolled, settings, alone, Event.SIGN_IN) is Reason.MISSING_MFA
    assert reason(mfa.check_backup_codes_allowed, settings, alone) is Reason.BACKUP_CODE_ALONE
    assert reason(mfa.check_backup_codes_allowed, settings, person) is None


def test_who_has_only_the_address_they_signed_up_with_is_offered_more() -> None:
    settings = rules(
        EMAIL, TOTP, policy=MfaPolicy.MANDATORY, signUp={"identifiers": ["email"], "verify": True}
    )
    person = standing(email="lovelace@x.example")
    refused = refusal(mfa.check_enrolled, settings, person, Event.SIGN_IN)
    assert refused is not None
    assert refused.reason is Reason.ADDITIONAL_MFA_SUGGESTED
    assert refused.data == {
        "availableFactors": ["Totp", "EmailVerificationCode"],
        "maskedIdentifiers": {"EmailVerificationCode": "love****@x.example"},
        "isWebAuthnUsedAsSignInPasskey": False,
        "skippable": True,
        "suggestion": True,
    }
    for content in (
        standing(email="a@x.example", choices=MfaChoices(suggestion_skipped=True)),
        standing(has("Totp"), email="a@x.example"),
    ):
        assert reason(mfa.check_enrolled, settings, content, Event.SIGN_IN) is None
    bound = rules(EMAIL, TOTP, policy=MfaPolicy.MANDATORY, signUp={"identifiers": ["username"]})
    assert reason(mfa.check_enrolled, bound, person, Event.SIGN_IN) is None


# Passkeys


def test_a_passkey_is_suggested_where_passkeys_sign_in() -> None:
    settings = rules(passkeySignIn={"enabled": True})
    assert reason(mfa.check_passkey, settings, standing()) is Reason.PASSKEY_PREFERRED
    for content in (
        standing(has("WebAuthn")),
        standing(passkey_skipped=True),
        standing(choices=MfaChoices(passkey_skipped=True)),
    ):
        assert reason(mfa.check_passkey, settings, content) is None
    assert reason(mfa.check_passkey, rules(WEBAUTHN), standing()) is None
    assert reason(mfa.check_bindable, settings, [WEBAUTHN]) is None
    assert reason(mfa.check_bindable, settings, [TOTP]) is Reason.MFA_FACTOR_NOT_ENABLED


# What is remembered


def test_decisions_are_kept_beside_what_was_decided_before() -> None:
    before = {"mfa": {"skipMfaOnSignIn": True, "skipped": False}, "theme": "dark"}
    choices = MfaChoices(enabled=True, skipped=True, suggestion_skipped=True, passkey_skipped=True)
    after = mfa.config_changes(before, choices, Event.SIGN_IN)
    assert after == {
        "mfa": {
            "skipMfaOnSignIn": True,
            "skipped": True,
            "enabled": True,
            "additionalBindingSuggestionSkipped": True,
        },
        "passkey_sign_in": {"skipped": True},
        "theme": "dark",
    }
    registering = mfa.config_changes({}, MfaChoices(passkey_skipped=True), Event.REGISTER)
    assert registering == {}


@pytest.mark.parametrize("stored", [{"mfa": 1}, {"mfa": {"enabled": "yes"}}, {"mfa": None}, {}])
def test_a_config_that_makes_no_sense_is_the_default(stored: dict[str, Any]) -> None:
    assert mfa.user_config(stored) == UserMfaConfig()
