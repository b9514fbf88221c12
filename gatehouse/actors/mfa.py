"""What a tenant demands of second factors: pure rules over settings and what a person has.

Two questions are asked when somebody submits. Signing in: was a second factor shown, where the
person has one? Then, also after registering: does the account have the factors that the policy
wants, or should the person be asked for them? The order and the words of the answers are Logto's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaChoices, MfaFactor
from gatehouse.actors.sign_in_rules import PasskeySignIn, SignUp
from gatehouse.actors.verification import Event, IdentifierType
from gatehouse.storage.mfa import MfaVerification

CONFIG_KEY = "mfa"
PASSKEY_CONFIG_KEY = "passkey_sign_in"
"""Where a user's `logto_config` holds what the user decided."""


class MfaPolicy(StrEnum):
    """Whether and when people are asked to set up second factors."""

    USER_CONTROLLED = "UserControlled"
    MANDATORY = "Mandatory"
    PROMPT_ONLY_AT_SIGN_IN = "PromptOnlyAtSignIn"
    PROMPT_AT_SIGN_IN_AND_SIGN_UP = "PromptAtSignInAndSignUp"
    NO_PROMPT = "NoPrompt"
    PROMPT_AT_SIGN_IN_AND_SIGN_UP_MANDATORY = "PromptAtSignInAndSignUpMandatory"
    PROMPT_ONLY_AT_SIGN_IN_MANDATORY = "PromptOnlyAtSignInMandatory"

    @property
    def mandatory(self) -> bool:
        """Whether nobody can go without."""
        return self in _MANDATORY

    @property
    def only_at_sign_in(self) -> bool:
        """Whether people who register are left alone."""
        return self in _ONLY_AT_SIGN_IN


_MANDATORY = {
    MfaPolicy.MANDATORY,
    MfaPolicy.PROMPT_AT_SIGN_IN_AND_SIGN_UP_MANDATORY,
    MfaPolicy.PROMPT_ONLY_AT_SIGN_IN_MANDATORY,
}
_ONLY_AT_SIGN_IN = {MfaPolicy.PROMPT_ONLY_AT_SIGN_IN, MfaPolicy.PROMPT_ONLY_AT_SIGN_IN_MANDATORY}

_BINDING_ORDER = (
    MfaFactor.WEBAUTHN,
    MfaFactor.TOTP,
    MfaFactor.PHONE,
    MfaFactor.EMAIL,
    MfaFactor.BACKUP_CODE,
)


class _Mfa(msgspec.Struct, frozen=True, rename="camel"):
    factors: tuple[MfaFactor, ...] = ()
    policy: MfaPolicy = MfaPolicy.USER_CONTROLLED
    organization_required_mfa_policy: str | None = None


class _AdaptiveMfa(msgspec.Struct, frozen=True):
    enabled: bool = False


class MfaRules(msgspec.Struct, frozen=True, rename="camel"):
    """The settings of a sign-in experience that are about second factors."""

    mfa: _Mfa = _Mfa()
    passkey_sign_in: PasskeySignIn = PasskeySignIn()
    adaptive_mfa: _AdaptiveMfa = _AdaptiveMfa()
    sign_up: SignUp = SignUp()

    @property
    def factors(self) -> tuple[MfaFactor, ...]:
        """What is enabled as a second factor."""
        return self.mfa.factors

    @property
    def policy(self) -> MfaPolicy:
        """When people are asked to set up factors."""
        return self.mfa.policy

    @property
    def primary_factors(self) -> list[MfaFactor]:
        """Every factor but backup codes, which only stand in for one."""
        return in_order(factor for factor in self.factors if factor is not MfaFactor.BACKUP_CODE)

    def binds(self, factor: MfaFactor) -> bool:
        """Whether people may set up this factor here."""
        passkey = factor is MfaFactor.WEBAUTHN and self.passkey_sign_in.enabled
        return passkey or factor in self.factors

    @property
    def heeds_organizations(self) -> bool:
        """Whether an organization can make second factors mandatory for its members."""
        return self.mfa.organization_required_mfa_policy == "Mandatory"


class UserMfaConfig(msgspec.Struct, frozen=True, rename="camel"):
    """What a user decided about second factors, as their `logto_config` holds it.

    `enabled` is None for whom nobody ever asked.
    """

    enabled: bool | None = None
    skipped: bool = False
    additional_binding_suggestion_skipped: bool = False
    skip_mfa_on_sign_in: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a person: the facts that the rules are asked about.

    `factors` are those stored, `email` and `phone` those of the account with what was collected.
    """

    factors: Sequence[MfaVerification]
    email: str | None
    phone: str | None
    config: UserMfaConfig
    passkey_skipped: bool
    organization_requires: bool
    choices: MfaChoices


def in_order(factors: Iterable[MfaFactor]) -> list[MfaFactor]:
    """Factors as people are offered them: the strongest first, backup codes last."""
    return sorted(dict.fromkeys(factors), key=_BINDING_ORDER.index)


def user_config(logto_config: Mapping[str, Any]) -> UserMfaConfig:
    """What a user decided; the defaults where the stored config makes no sense."""
    try:
        return msgspec.convert(logto_config.get(CONFIG_KEY) or {}, UserMfaConfig)
    except msgspec.ValidationError:
        return UserMfaConfig()


def passkey_skipped(logto_config: Mapping[str, Any]) -> bool:
    """Whether the user does not want to be asked for a passkey."""
    stored = logto_config.get(PASSKEY_CONFIG_KEY)
    return isinstance(stored, dict) and stored.get("skipped") is True


def usable_factors(rules: MfaRules, standing: Standing) -> list[MfaFactor]:
    """With what the person could pass now: WebAuthn first, then what was used last, codes last."""
    stored = [factor for factor in standing.factors if factor.usable]
    stored.sort(key=lambda factor: -(factor.last_used_at or 0))
    kinds = [MfaFactor(factor.type) for factor in stored]
    implied = (
        (MfaFactor.PHONE, standing.phone),
        (MfaFactor.EMAIL, standing.email),
    )
    kinds += [factor for factor, address in implied if address]
    enabled = dict.fromkeys(kind for kind in kinds if kind in rules.factors)
    place = {MfaFactor.WEBAUTHN: -1, MfaFactor.BACKUP_CODE: 1}
    return sorted(enabled, key=lambda kind: place.get(kind, 0))


def requires_verification(
    rules: MfaRules, standing: Standing, *, at_risk: bool | None = None
) -> bool:
    """Whether signing in takes a second factor.

    `at_risk` is what adaptive MFA found out, None where that is off.
    """
    has_factors = bool(usable_factors(rules, standing))
    if at_risk is not None:
        return at_risk and has_factors
    config = standing.config
    opted_out = config.enabled is False or config.skip_mfa_on_sign_in
    if opted_out and not rules.policy.mandatory:
        return False
    return has_factors


def check_verified(
    rules: MfaRules,
    standing: Standing,
    shown: Iterable[MfaFactor],
    *,
    at_risk: bool | None = None,
) -> None:
    """Raises `Refused(MFA_REQUIRED)` where a second factor is needed and none was shown."""
    if not requires_verification(rules, standing, at_risk=at_risk):
        return
    usable = usable_factors(rules, standing)
    if not any(factor in usable for factor in shown):
        data = {
            "availableFactors": [factor.value for factor in usable],
            "maskedIdentifiers": masked(usable, standing),
        }
        raise Refused(Reason.MFA_REQUIRED, data)


def check_passkey(rules: MfaRules, standing: Standing) -> None:
    """Raises `Refused(PASSKEY_PREFERRED)` to suggest a passkey where those sign in."""
    if not rules.passkey_sign_in.enabled:
        return
    if standing.choices.passkey_skipped or standing.passkey_skipped:
        return
    kinds = {factor.type for factor in standing.factors}
    if MfaFactor.WEBAUTHN.value not in kinds and MfaFactor.WEBAUTHN not in standing.choices.kinds:
        raise Refused(Reason.PASSKEY_PREFERRED)


def check_bindable(rules: MfaRules, kinds: Iterable[MfaFactor]) -> None:
    """Raises `Refused(MFA_FACTOR_NOT_ENABLED)` for a factor that cannot be set up here."""
    if not all(rules.binds(kind) for kind in kinds):
        raise Refused(Reason.MFA_FACTOR_NOT_ENABLED)


def check_skippable(rules: MfaRules, standing: Standing) -> None:
    """Raises `Refused(MFA_NOT_SKIPPABLE)` where second factors are mandatory."""
    if rules.policy.mandatory or standing.organization_requires:
        raise Refused(Reason.MFA_NOT_SKIPPABLE)


def check_backup_codes_allowed(rules: MfaRules, standing: Standing) -> None:
    """Raises `Refused(BACKUP_CODE_ALONE)`: backup codes stand in for another factor."""
    if all(factor is MfaFactor.BACKUP_CODE for factor in _held(rules, standing)):
        raise Refused(Reason.BACKUP_CODE_ALONE)


def check_enrolled(rules: MfaRules, standing: Standing, event: Event) -> MfaChoices:
    """Whether the account has the factors it needs; returns the choices to store.

    Raises `Refused`: `MFA_SUGGESTED` to offer second factors, `MISSING_MFA` to ask for one,
    `ADDITIONAL_MFA_SUGGESTED` to offer one more, `BACKUP_CODE_REQUIRED`.
    """
    choices = standing.choices
    if not rules.factors:
        return choices
    if event is Event.REGISTER and rules.policy.only_at_sign_in:
        return choices
    choices = _check_suggestion(rules, standing)
    if rules.policy is MfaPolicy.NO_PROMPT and not standing.organization_requires:
        return choices
    mandatory = rules.policy.mandatory or standing.organization_requires
    if not mandatory and (choices.skipped or standing.config.skipped):
        return choices
    held = _held(rules, standing)
    linked = {*held, *choices.kinds}
    wanted = rules.primary_factors
    if not linked.intersection(wanted):
        missing: dict[str, Any] = {"availableFactors": [factor.value for factor in wanted]}
        raise Refused(Reason.MISSING_MFA, missing if mandatory else missing | {"skippable": True})
    _check_additional_suggestion(rules, standing, held)
    if MfaFactor.BACKUP_CODE in rules.factors and MfaFactor.BACKUP_CODE not in linked:
        raise Refused(Reason.BACKUP_CODE_REQUIRED)
    return choices


def _held(rules: MfaRules, standing: Standing) -> list[MfaFactor]:
    """What the person has, with what was just set up; new backup codes count separately."""
    added = (kind for kind in standing.choices.kinds if kind is not MfaFactor.BACKUP_CODE)
    return list(dict.fromkeys((*usable_factors(rules, standing), *added)))


def _check_suggestion(rules: MfaRules, standing: Standing) -> MfaChoices:
    """Offer second factors to who never decided; who has some is noted as having them enabled."""
    choices, config = standing.choices, standing.config
    if rules.policy.mandatory or rules.policy is MfaPolicy.NO_PROMPT:
        return choices
    if choices.skipped or config.skipped or standing.organization_requires:
        return choices
    enabled = config.enabled if choices.enabled is None else choices.enabled
    if enabled is None and _held(rules, standing):
        return choices.merged(MfaChoices(enabled=True))
    if not enabled:
        raise Refused(Reason.MFA_SUGGESTED)
    return choices


def _check_additional_suggestion(
    rules: MfaRules, standing: Standing, held: Sequence[MfaFactor]
) -> None:
    """Offer one more factor to who has only such as also sign in by themselves."""
    skipped = standing.config.additional_binding_suggestion_skipped
    if skipped or standing.choices.suggestion_skipped:
        return
    offered = rules.primary_factors
    passkeys = rules.passkey_sign_in.enabled
    if all(factor in held for factor in offered):
        return
    bound_on_purpose = (
        MfaFactor.TOTP in held,
        MfaFactor.BACKUP_CODE in held,
        MfaFactor.WEBAUTHN in held and not passkeys,
        MfaFactor.EMAIL in held and not rules.sign_up.asks_for(IdentifierType.EMAIL),
        MfaFactor.PHONE in held and not rules.sign_up.asks_for(IdentifierType.PHONE),
    )
    if any(bound_on_purpose):
        return
    data = {
        "availableFactors": [factor.value for factor in offered],
        "maskedIdentifiers": masked(held, standing),
        "isWebAuthnUsedAsSignInPasskey": passkeys and MfaFactor.WEBAUTHN in held,
        "skippable": True,
        "suggestion": True,
    }
    raise Refused(Reason.ADDITIONAL_MFA_SUGGESTED, data)


def masked(factors: Iterable[MfaFactor], standing: Standing) -> dict[str, str]:
    """Where codes would be sent, as much of it as the person needs to recognize it."""
    masked = {}
    if MfaFactor.EMAIL in factors and standing.email:
        masked[MfaFactor.EMAIL.value] = mask_email(standing.email)
    if MfaFactor.PHONE in factors and standing.phone:
        masked[MfaFactor.PHONE.value] = mask_phone(standing.phone)
    return masked


def mask_email(email: str) -> str:
    """`lovelace@example.com` as `love****@example.com`; nothing of a name as short as that."""
    name, _, domain = email.partition("@")
    return f"{name[:4] if len(name) > 4 else ''}****@{domain}"


def mask_phone(phone: str) -> str:
    """The last four digits."""
    return "****" + phone[-4:]


def config_changes(
    logto_config: Mapping[str, Any], choices: MfaChoices, event: Event
) -> dict[str, Any]:
    """The user's `logto_config` with what was decided.

    A passkey refused while registering is offered again at the first sign-in.
    """
    config = dict(logto_config)
    given: dict[str, Any] = {}
    if choices.enabled is not None:
        given["enabled"] = choices.enabled
    if choices.skipped:
        given["skipped"] = True
    if choices.suggestion_skipped:
        given["additionalBindingSuggestionSkipped"] = True
    if given:
        before = config.get(CONFIG_KEY)
        config[CONFIG_KEY] = (before if isinstance(before, dict) else {}) | given
    if choices.passkey_skipped and event is Event.SIGN_IN:
        config[PASSKEY_CONFIG_KEY] = {"skipped": True}
    return config
