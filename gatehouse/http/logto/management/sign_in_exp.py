"""`/api/sign-in-exp`: how a tenant's people sign in, and what its pages look like."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from pydantic.alias_generators import to_camel

from gatehouse.actors import sign_in_settings
from gatehouse.actors.password_policy import PasswordPolicy, PersonalFacts, check_password
from gatehouse.actors.phrases import LANGUAGES
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError, StrangeInput
from gatehouse.http.logto.management.sign_in_exp_models import (
    HowMany,
    PasswordToCheck,
    PasswordVerdict,
    PatchQuery,
    SignInExpPatch,
    SignInExpView,
    UsernameConflict,
    UsernameConflicts,
)
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import record_json
from gatehouse.storage.records import SignInExperience, User

SHOWN_CONFLICTS = 20
"""Names in conflict that a refusal tells of."""

operations = Operations(tags=("Sign-in experience",), access=MANAGEMENT, cors=CONSOLE_ONLY)


def sign_in_exp_view(settings: SignInExperience) -> dict[str, Any]:
    """The settings as this API shows them: they are stored in the wire's shape."""
    return record_json(settings, "updated_at")


@operations.get("/api/sign-in-exp", "GetSignInExp", response=SignInExpView, statuses=(404,))
async def get_sign_in_exp(call: Call) -> Reply:
    """Read all settings."""
    current = await read(call, lambda store: store.sign_in_experience.current())
    return Reply(200, sign_in_exp_view(current))


@operations.patch(
    "/api/sign-in-exp",
    "UpdateSignInExp",
    query=PatchQuery,
    body=SignInExpPatch,
    response=SignInExpView,
    statuses=(404, 409, 422),
)
async def update_sign_in_exp(call: Call[SignInExpPatch, PatchQuery]) -> Reply:
    """Change settings; each is replaced as a whole."""
    sent = call.body.as_json()
    if call.body.hide_logto_branding:
        raise StrangeInput("There is no Logto branding here that could be hidden.")
    blocklist = call.body.email_blocklist_policy
    if blocklist is not None and blocklist.block_disposable_addresses:
        raise StrangeInput("It is not known here which addresses are disposable.")
    changes = {name: sent[to_camel(name)] for name in call.body.model_fields_set}
    wanted = changes.get("social_sign_in_connector_targets", ())
    now = call.core.clock()

    def change(store: Store) -> SignInExperience:
        if changes.get("sign_up_profile_fields"):
            changes["sign_up_profile_fields"] = existing_fields(
                store, changes["sign_up_profile_fields"]
            )
        if "social_sign_in_connector_targets" in changes:
            known = {one.target for one in call.core.social.among(store.connectors.all())}
            changes["social_sign_in_connector_targets"] = [one for one in wanted if one in known]
        current = store.sign_in_experience.current()
        if "language_info" in changes:
            _check_language(store, changes["language_info"]["fallbackLanguage"])
        if "username_policy" in changes:
            _check_case(store, changes["username_policy"], current.username_policy)
        if "mfa" in changes and not changes["mfa"]["factors"]:
            changes.setdefault("adaptive_mfa", {"enabled": False})
        if "password_expiration" in changes:
            changes["password_expiration"] = _expiration(
                changes["password_expiration"], current.password_expiration, now
            )
        channels = {one.channel for one in store.connectors.all()}
        check_settings(changes, current, channels)
        return store.sign_in_experience.change(**changes)

    return Reply(200, sign_in_exp_view(await write(call, change)))


@operations.get(
    "/api/sign-in-exp/username-policy/case-sensitivity-conflicts",
    "GetUsernameCaseSensitivityConflicts",
    query=HowMany,
    response=UsernameConflicts,
)
async def get_username_conflicts(call: Call[None, HowMany]) -> UsernameConflicts:
    """Find usernames that differ in nothing but their case: they forbid to disregard it."""
    return await read(call, lambda store: _conflicts(store, call.query.limit))


@operations.post(
    "/api/sign-in-exp/default/check-password",
    "CheckPasswordWithDefaultSignInExperience",
    body=PasswordToCheck,
    response=PasswordVerdict,
    statuses=(400,),
)
async def check_password_policy(call: Call[PasswordToCheck]) -> Reply:
    """Find out whether a password meets the policy."""
    user_id = call.body.user_id

    def look(store: Store) -> tuple[SignInExperience, User | None]:
        user = None if user_id is None else store.users.get(user_id)
        return store.sign_in_experience.current(), user

    settings, user = await read(call, look)
    policy = msgspec.convert(settings.password_policy, PasswordPolicy)
    facts = PersonalFacts()
    if user is not None:
        facts = PersonalFacts(user.name, user.username, user.primary_email, user.primary_phone)
    issues = check_password(policy, call.body.password, facts)
    if not issues:
        return Reply(200, {"result": True})
    return Reply(400, {"result": False, "issues": [issue.as_json() for issue in issues]})


def check_settings(
    changes: dict[str, Any], current: SignInExperience, channels: Collection[str | None]
) -> None:
    """Whether the settings will make sense together. Raises SenselessSettings.

    `channels` are the kinds of message that a connector is set up for.
    """

    def then(name: str) -> Any:
        return changes.get(name, getattr(current, name))

    if "email_blocklist_policy" in changes:
        sign_in_settings.check_blocklist(changes["email_blocklist_policy"])
    if "sign_up" in changes:
        sign_in_settings.check_sign_up(then("sign_up"), channels)
    if "sign_in" in changes:
        sign_in_settings.check_sign_in(then("sign_in"), then("sign_up"), then("mfa"), channels)
    if "mfa" in changes:
        sign_in_settings.check_mfa(then("mfa"), then("sign_in"))
    sign_in_settings.check_adaptive_mfa(
        changes.get("adaptive_mfa"),
        then("mfa"),
        adapts=bool(current.adaptive_mfa.get("enabled")),
        mfa_is_changed="mfa" in changes,
    )
    if changes.get("forgot_password_methods"):
        sign_in_settings.check_forgot_password(changes["forgot_password_methods"], channels)
    if then("password_expiration").get("enabled"):
        sign_in_settings.check_recovery(then("forgot_password_methods"), channels)


def _check_language(store: Store, fallback: str) -> None:
    """There are phrases in the language to fall back to. Raises ApiError."""
    known = {phrase.language_tag for phrase in store.custom_phrases.all()}
    if fallback not in (*LANGUAGES, *known):
        raise ApiError(
            "sign_in_experiences.unsupported_default_language", params={"language": fallback}
        )


def _check_case(store: Store, wanted: dict[str, Any], before: dict[str, Any]) -> None:
    """Nobody's name becomes somebody else's when case is no longer regarded. Raises ApiError."""
    if wanted["caseSensitive"] or not before.get("caseSensitive", True):
        return
    conflicts = _conflicts(store, SHOWN_CONFLICTS)
    if conflicts.total_conflicts:
        raise ApiError(
            "sign_in_experiences.username_policy_case_conflicts_exist", data=conflicts.as_json()
        )


def _conflicts(store: Store, limit: int) -> UsernameConflicts:
    total, samples = store.users.alike(limit)
    return UsernameConflicts(
        total_conflicts=total,
        samples=[
            UsernameConflict(username_lower=name, user_ids=ids) for name, ids in samples.items()
        ],
    )


def existing_fields(store: Store, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the profile fields that there are. Raises StrangeInput for one named twice."""
    names = [one["name"] for one in wanted]
    if len(set(names)) < len(names):
        raise StrangeInput("A profile field is named twice.")
    known = {field.name for field in store.custom_profile_fields.named(names)}
    return [one for one in wanted if one["name"] in known]


def _expiration(wanted: dict[str, Any], before: dict[str, Any], now: int) -> dict[str, Any]:
    """The policy to store: since when it holds is ours to say."""
    if "enabled" not in wanted:
        return before
    if not wanted["enabled"]:
        return {"enabled": False}
    return {**wanted, "enabledAt": before.get("enabledAt", now) if before.get("enabled") else now}
