"""What an account lacks before its person can go on: identifiers, a password, what a form asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatehouse.actors import accounts
from gatehouse.actors.profile_fields import fields_of_sign_up, missing_fields
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SignInRules, missing_profile
from gatehouse.actors.verification import Event, Profile
from gatehouse.storage.custom_profile_fields import CustomProfileField

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User

EXTRA_PROFILE = "extraProfile"
"""Logto's word for the fields that a tenant asks for besides."""


async def check_complete(
    core: Core, rules: SignInRules, event: Event, profile: Profile, user: User | None = None
) -> None:
    """Raises `Refused(MISSING_PROFILE)` with what is missing, in Logto's words."""
    if missing := await missing_of(core, rules, event, profile, user):
        raise Refused(Reason.MISSING_PROFILE, {"missingProfile": missing})


async def missing_of(
    core: Core, rules: SignInRules, event: Event, profile: Profile, user: User | None = None
) -> list[str]:
    """What an account lacks: identifiers and password first; then, to register, the fields."""
    known = profile if user is None else accounts.known_profile(user).merged(profile)
    missing = missing_profile(rules.sign_up, known)
    if missing or event is not Event.REGISTER:
        return missing
    places = _places(profile)
    if user is not None:
        places += [{"name": user.name, "avatar": user.avatar}, user.profile, user.custom_data]
    wanted = await wanted_fields(core, rules)
    if missing_fields(wanted, places, submitted=bool(profile.submitted)):
        return [EXTRA_PROFILE]
    return []


async def catalog(core: Core) -> list[CustomProfileField]:
    """Every field that the tenant has defined."""
    return await core.directory.custom_profile_fields()


async def wanted_fields(core: Core, rules: SignInRules) -> list[CustomProfileField]:
    """The fields that signing up asks for."""
    return fields_of_sign_up(await catalog(core), rules.sign_up_profile_fields)


def _places(profile: Profile) -> list[dict[str, Any]]:
    """Where the value of a field may be in what was collected."""
    named = {"name": profile.name, "avatar": profile.avatar}
    return [named, profile.profile or {}, profile.custom_data or {}]
