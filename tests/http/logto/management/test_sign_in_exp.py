"""The sign-in experience: read, changed, refused where it makes no sense, and shown to pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server

USERNAME = {
    "identifier": "username",
    "password": True,
    "verificationCode": False,
    "isPasswordPrimary": True,
}


@BOTH_DATABASES
async def test_settings_are_changed_one_by_one(api: Api) -> None:
    before = await api("GetSignInExp")
    color = {"primaryColor": "#abc", "isDarkModeEnabled": False, "darkPrimaryColor": "#000000"}
    changed = await api(
        "UpdateSignInExp",
        json={"color": color, "termsOfUseUrl": "https://t.example", "signInMode": "SignIn"},
    )
    assert changed == {
        **before,
        "color": color,
        "termsOfUseUrl": "https://t.example",
        "signInMode": "SignIn",
    }
    assert await api("GetSignInExp") == changed
    assert (await api("UpdateSignInExp", json={"termsOfUseUrl": ""}))["termsOfUseUrl"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"color": {"primaryColor": "red", "isDarkModeEnabled": True, "darkPrimaryColor": "#000"}},
        {"color": None},
        {"branding": {"logoUrl": "no url"}},
        {"languageInfo": {"autoDetect": True, "fallbackLanguage": "tlh"}},
        {"signInMode": "Maybe"},
        {"signIn": {"methods": [{**USERNAME, "identifier": "face"}]}},
        {"supportEmail": "nobody"},
        {"passwordPolicy": {"length": {"min": 0}}},
        {"sentinelPolicy": {"maxAttempts": 0}},
        {"passwordExpiration": {"enabled": True}},
        {
            "usernamePolicy": {
                "caseSensitive": True,
                "minLength": 9,
                "maxLength": 3,
                "allowedChars": {
                    "lowercase": True,
                    "uppercase": True,
                    "numbers": True,
                    "underscore": True,
                },
            }
        },
    ],
)
async def test_values_that_cannot_be_are_refused(api: Api, body: dict[str, Any]) -> None:
    before = await api("GetSignInExp")
    assert (await api("UpdateSignInExp", json=body, expect=400))["code"] == "guard.invalid_input"
    assert await api("GetSignInExp") == before


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        (
            {"signIn": {"methods": [{**USERNAME, "password": False}]}},
            400,
            "at_least_one_authentication_factor",
        ),
        (
            {"signIn": {"methods": [USERNAME, USERNAME]}},
            400,
            "not_one_and_only_one_primary_sign_in_method",
        ),
        (
            {"signUp": {"identifiers": ["email"], "password": True, "verify": False}},
            400,
            "passwordless_requires_verify",
        ),
        (
            {"signUp": {"identifiers": ["email"], "password": True, "verify": True}},
            400,
            "enabled_connector_not_found",
        ),
        (
            {"signUp": {"identifiers": ["username"] * 2, "password": True, "verify": False}},
            400,
            "duplicated_sign_up_identifiers",
        ),
        (
            {"mfa": {"factors": ["BackupCode"], "policy": "Mandatory"}},
            400,
            "backup_code_cannot_be_enabled_alone",
        ),
        (
            {"mfa": {"factors": ["Totp", "Totp"], "policy": "Mandatory"}},
            400,
            "duplicated_mfa_factors",
        ),
        (
            {"forgotPasswordMethods": ["EmailVerificationCode"]},
            400,
            "forgot_password_method_requires_connector",
        ),
        (
            {"emailBlocklistPolicy": {"customBlocklist": ["@example.com", "example"]}},
            400,
            "invalid_custom_email_blocklist_format",
        ),
        (
            {"emailBlocklistPolicy": {"customAllowlist": ["@*"]}},
            400,
            "invalid_custom_email_blocklist_format",
        ),
        (
            {"passwordExpiration": {"enabled": True, "validPeriodDays": 30}},
            422,
            "password_expiration_requires_forgot_password",
        ),
    ],
)
async def test_settings_that_contradict_each_other_are_refused(
    api: Api, body: dict[str, Any], status: int, rule: str
) -> None:
    before = await api("GetSignInExp")
    refused = await api("UpdateSignInExp", json=body, expect=status)
    assert refused["code"] == f"sign_in_experiences.{rule}"
    assert await api("GetSignInExp") == before


ADAPTIVE = {"factors": ["Totp"], "policy": "PromptOnlyAtSignInMandatory"}
USUAL = {"factors": ["Totp"], "policy": "PromptOnlyAtSignIn"}
ON, OFF = {"enabled": True}, {"enabled": False}


@pytest.mark.parametrize(
    ("before", "body", "rule"),
    [
        ({}, {"adaptiveMfa": ON}, "adaptive_mfa_requires_mfa"),
        ({"mfa": USUAL}, {"adaptiveMfa": ON}, "adaptive_mfa_requires_non_skippable_policy"),
        (
            {"mfa": ADAPTIVE, "adaptiveMfa": ON},
            {"mfa": USUAL},
            "adaptive_mfa_requires_non_skippable_policy",
        ),
        ({}, {"mfa": ADAPTIVE}, "non_adaptive_mfa_requires_skippable_policy"),
        (
            {"mfa": ADAPTIVE, "adaptiveMfa": ON},
            {"adaptiveMfa": OFF},
            "non_adaptive_mfa_requires_skippable_policy",
        ),
    ],
)
async def test_whether_a_second_factor_adapts_must_fit_who_may_skip_it(
    api: Api, before: dict[str, Any], body: dict[str, Any], rule: str
) -> None:
    await api("UpdateSignInExp", json=before)
    refused = await api("UpdateSignInExp", json=body, expect=422)
    assert refused["code"] == f"sign_in_experiences.{rule}"


async def test_without_second_factors_none_adapts(api: Api) -> None:
    await api("UpdateSignInExp", json={"mfa": ADAPTIVE, "adaptiveMfa": ON})
    none = {"factors": [], "policy": "NoPrompt"}
    assert (await api("UpdateSignInExp", json={"mfa": none}))["adaptiveMfa"] == OFF


async def test_pages_fall_back_to_a_language_that_there_are_phrases_in(api: Api) -> None:
    body = {"languageInfo": {"autoDetect": True, "fallbackLanguage": "sv-SE"}}
    refused = await api("UpdateSignInExp", json=body, expect=400)
    assert refused["code"] == "sign_in_experiences.unsupported_default_language"
    await api("ReplaceCustomPhrase", languageTag="sv-SE", json={"action": {"sign_in": "In"}})
    assert (await api("UpdateSignInExp", json=body))["languageInfo"] == body["languageInfo"]


async def test_case_matters_as_long_as_names_differ_in_it_alone(api: Api) -> None:
    ids = {(await api("CreateUser", json={"username": name}))["id"] for name in ("ada", "Ada")}
    chars = {"lowercase": True, "uppercase": True, "numbers": True, "underscore": True}
    policy = {"caseSensitive": False, "minLength": 1, "maxLength": 128, "allowedChars": chars}
    refused = await api("UpdateSignInExp", json={"usernamePolicy": policy}, expect=409)
    assert refused["code"] == "sign_in_experiences.username_policy_case_conflicts_exist"
    assert refused["data"]["totalConflicts"] == 1
    (sample,) = refused["data"]["samples"]
    assert (sample["usernameLower"], set(sample["userIds"])) == ("ada", ids)
    await api("DeleteUser", userId=ids.pop())
    changed = await api("UpdateSignInExp", json={"usernamePolicy": policy})
    assert changed["usernamePolicy"] == policy


async def test_passwords_expire_where_a_code_can_be_sent(api: Api) -> None:
    await api("CreateConnector", json={"connectorId": "development-inbox-email", "config": {}})
    expiring = {"passwordExpiration": {"enabled": True, "validPeriodDays": 30}}
    refused = {**expiring, "forgotPasswordMethods": []}
    assert (await api("UpdateSignInExp", json=refused, expect=422))["code"] == (
        "sign_in_experiences.password_expiration_requires_forgot_password"
    )
    kept = await api("UpdateSignInExp", json={**expiring, "forgotPasswordMethods": None})
    assert kept["passwordExpiration"]["validPeriodDays"] == 30
    again = await api("UpdateSignInExp", json={"passwordExpiration": {}})
    assert again["passwordExpiration"] == kept["passwordExpiration"]


async def test_a_password_is_held_against_the_policy(api: Api) -> None:
    await api("UpdateSignInExp", json={"passwordPolicy": {"length": {"min": 12, "max": 256}}})
    operation = "CheckPasswordWithDefaultSignInExperience"
    assert await api(operation, json={"password": "Correct-Horse-99"}) == {"result": True}
    verdict = await api(operation, json={"password": "Short-1"}, expect=400)
    assert verdict["result"] is False
    assert [issue["code"] for issue in verdict["issues"]] == ["password_rejected.too_short"]


async def test_a_password_is_held_against_whose_it_is(api: Api) -> None:
    user = await api("CreateUser", json={"username": "adalovelace"})
    operation = "CheckPasswordWithDefaultSignInExperience"
    body = {"password": "adalovelace", "userId": user["id"]}
    verdict = await api(operation, json=body, expect=400)
    assert "password_rejected.restricted.user_info" in [one["code"] for one in verdict["issues"]]


async def test_pages_see_a_change_at_once_and_nothing_internal(api: Api, server: Server) -> None:
    page = server.api()
    for operation in ("GetSignInExperienceConfig", "GetWellKnownExperience"):
        assert (await page(operation, query={"appId": "demo-app"}))["signInMode"] != "Register"
    await api("UpdateSignInExp", json={"signInMode": "Register"})
    for operation in ("GetSignInExperienceConfig", "GetWellKnownExperience"):
        shown = await page(operation)
        assert shown["signInMode"] == "Register"
        assert "emailBlocklistPolicy" not in shown


async def test_a_blocklist_is_kept_without_repetitions(api: Api) -> None:
    listed = ["@example.com", "ada*@*.example.org", "@example.com"]
    body = {"emailBlocklistPolicy": {"customBlocklist": listed, "blockSubaddressing": True}}
    kept = (await api("UpdateSignInExp", json=body))["emailBlocklistPolicy"]
    assert kept == {"customBlocklist": listed[:2], "blockSubaddressing": True}
    disposable = {"emailBlocklistPolicy": {"blockDisposableAddresses": True}}
    refused = await api("UpdateSignInExp", json=disposable, expect=400)
    assert refused["code"] == "request.invalid_input"


async def test_codes_can_be_asked_for_where_a_connector_sends_them(api: Api) -> None:
    body = {"connectorId": "development-inbox-email", "config": {}}
    await api("CreateConnector", json=body)
    method = {"identifier": "email", "password": True, "verificationCode": True}
    settings = {
        "signUp": {"identifiers": ["email"], "password": True, "verify": True},
        "signIn": {"methods": [USERNAME, {**method, "isPasswordPrimary": True}]},
        "forgotPasswordMethods": ["EmailVerificationCode"],
        "passwordExpiration": {"enabled": True, "validPeriodDays": 30},
    }
    assert (await api("UpdateSignInExp", json=settings))["signUp"]["identifiers"] == ["email"]


async def test_pages_are_told_what_can_be_recovered_and_which_captcha_there_is(
    api: Api, server: Server
) -> None:
    page = server.api()

    async def shown() -> dict[str, Any]:
        answer: dict[str, Any] = await page("GetSignInExperienceConfig")
        return answer

    assert (await shown())["forgotPassword"] == {"email": False, "phone": False}
    await api("CreateConnector", json={"connectorId": "development-inbox-email", "config": {}})
    await api("UpdateSignInExp", json={"forgotPasswordMethods": None})
    assert (await shown())["forgotPassword"] == {"email": True, "phone": False}
    await api("UpdateSignInExp", json={"forgotPasswordMethods": []})
    assert (await shown())["forgotPassword"] == {"email": False, "phone": False}
    keys = {"type": "Turnstile", "siteKey": "site", "secretKey": "secret"}
    await api("UpdateCaptchaProvider", json={"config": keys})
    assert "captchaConfig" not in await shown()
    await api("UpdateSignInExp", json={"captchaPolicy": {"enabled": True}})
    assert (await shown())["captchaConfig"] == {"type": "Turnstile", "siteKey": "site"}
