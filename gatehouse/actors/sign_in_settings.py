"""Which settings of a tenant's sign-in make sense together.

Checked when an operator changes them, so that nobody is locked out by a combination: everyone who
can sign up can prove who they are, and every way to sign in has something to prove it with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from gatehouse.actors.email_blocklist import is_entry

CHANNEL_OF = {"email": "email", "phone": "sms"}
"""What a code for this identifier is sent through."""

CODE_FACTORS = {"email": "EmailVerificationCode", "phone": "PhoneVerificationCode"}

BINDING_POLICIES = ("PromptAtSignInAndSignUpMandatory", "PromptOnlyAtSignInMandatory")
"""Policies of adaptive second factors: whoever is asked for one cannot put it off."""

Settings = Mapping[str, Any]


class SenselessSettings(Exception):  # noqa: N818 - named for what they are
    """Settings that contradict each other; `rule` is a fixed word that says which was broken."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise SenselessSettings(rule)


def check_sign_up(sign_up: Settings, channels: Collection[str | None]) -> None:
    """Identifiers are unique, and those that a code proves can be sent one.

    `channels` are the kinds of message ("email", "sms") that can be sent. Raises SenselessSettings.
    """
    primary: Sequence[str] = sign_up["identifiers"]
    secondary = {
        entry["identifier"]: bool(entry.get("verify"))
        for entry in sign_up.get("secondaryIdentifiers", ())
    }
    _require(bool(primary) or not secondary, "missing_sign_up_identifiers")
    listed = [*primary, *_spelled_out(secondary)]
    _require(len(set(listed)) == len(listed), "duplicated_sign_up_identifiers")
    _require(
        len(secondary) == len(sign_up.get("secondaryIdentifiers", ())),
        "duplicated_sign_up_identifiers",
    )
    proved_by_code = [name for name in listed if name != "username"]
    _require(not proved_by_code or bool(sign_up["verify"]), "passwordless_requires_verify")
    for name, verified in secondary.items():
        _require(name == "username" or verified, "passwordless_requires_verify")
    for name in proved_by_code:
        _require(CHANNEL_OF[name] in channels, "enabled_connector_not_found")


def _spelled_out(secondary: Iterable[str]) -> list[str]:
    names: list[str] = []
    for name in secondary:
        names += ("email", "phone") if name == "emailOrPhone" else (name,)
    return names


def check_sign_in(
    sign_in: Settings, sign_up: Settings, mfa: Settings, channels: Collection[str | None]
) -> None:
    """Every method has something to prove it with, and a code proves only one thing.

    Raises SenselessSettings.
    """
    methods: Sequence[Settings] = sign_in["methods"]
    names = [method["identifier"] for method in methods]
    _require(len(set(names)) == len(names), "not_one_and_only_one_primary_sign_in_method")
    for method in methods:
        name = method["identifier"]
        by_code = bool(method["verificationCode"])
        _require(by_code or bool(method["password"]), "at_least_one_authentication_factor")
        if by_code and name in CHANNEL_OF:
            _require(CHANNEL_OF[name] in channels, "enabled_connector_not_found")
            _require(
                CODE_FACTORS[name] not in mfa["factors"],
                f"{name}_verification_code_cannot_be_used_for_sign_in",
            )
        if sign_up["verify"] and not sign_up["password"]:
            _require(by_code or name == "username", "code_sign_in_must_be_enabled")


def check_blocklist(policy: Settings) -> None:
    """Every entry is an address or a domain. Raises SenselessSettings."""
    for name in ("customAllowlist", "customBlocklist"):
        listed = policy.get(name) or ()
        _require(all(map(is_entry, listed)), "invalid_custom_email_blocklist_format")


def check_mfa(mfa: Settings, sign_in: Settings) -> None:
    """Factors are unique and second ones. Raises SenselessSettings."""
    factors: Sequence[str] = mfa["factors"]
    _require(len(set(factors)) == len(factors), "duplicated_mfa_factors")
    _require(factors != ["BackupCode"], "backup_code_cannot_be_enabled_alone")
    for name, factor in CODE_FACTORS.items():
        first = any(
            method["identifier"] == name and method["verificationCode"]
            for method in sign_in["methods"]
        )
        _require(
            not (first and factor in factors), f"{name}_verification_code_cannot_be_used_for_mfa"
        )


def check_adaptive_mfa(
    adaptive: Settings | None, mfa: Settings, *, adapts: bool, mfa_is_changed: bool
) -> None:
    """A second factor that depends on the risk is one that nobody may skip, and the reverse.

    `adaptive` is the change, None without one, and `adapts` what holds before. Raises
    SenselessSettings.
    """
    binding = mfa["policy"] in BINDING_POLICIES
    if adaptive is not None and "enabled" in adaptive:
        adapts = bool(adaptive["enabled"])
        _require(bool(mfa["factors"]) or not adapts, "adaptive_mfa_requires_mfa")
    elif adaptive is not None or not mfa_is_changed or not mfa["factors"]:
        return
    if adapts:
        _require(binding, "adaptive_mfa_requires_non_skippable_policy")
    else:
        _require(not binding, "non_adaptive_mfa_requires_skippable_policy")


def check_forgot_password(methods: Iterable[str], channels: Collection[str | None]) -> None:
    """Codes to reset a password can be sent. Raises SenselessSettings."""
    for name, factor in CODE_FACTORS.items():
        if factor in methods:
            _require(CHANNEL_OF[name] in channels, "forgot_password_method_requires_connector")


def check_recovery(methods: Collection[str] | None, channels: Collection[str | None]) -> None:
    """A code to recover a password can still be sent. Raises SenselessSettings."""
    usable = [
        name
        for name, factor in CODE_FACTORS.items()
        if CHANNEL_OF[name] in channels and (methods is None or factor in methods)
    ]
    _require(bool(usable), "password_expiration_requires_forgot_password")
