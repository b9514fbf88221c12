"""What a person gives of an account while signing in or registering, and a password chosen anew.

What is given is kept in the interaction, and stored with the account when the interaction is
submitted, or when the account is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatehouse.actors import accounts, fulfilment, mfa_checks
from gatehouse.actors.audit import AuditEntry
from gatehouse.actors.email_blocklist import check_email
from gatehouse.actors.factors.code import RECORDS
from gatehouse.actors.factors.password import accept_password
from gatehouse.actors.factors.social import social_record
from gatehouse.actors.interaction import Interaction, refuse
from gatehouse.actors.interaction_accounts import AddProfile
from gatehouse.actors.profile_fields import read_profile
from gatehouse.actors.refusal import Reason
from gatehouse.actors.sign_in_rules import check_username
from gatehouse.actors.sso import routing as sso_routing
from gatehouse.actors.verification import Event, IdentifierType, Profile
from gatehouse.actors.visit import Visit, effects_of, logged


async def add_username(visit: Visit, username: str) -> None:
    """Give the account a username. Raises `Refused`."""
    state, entry = await _begin(visit, "username")
    async with logged(visit, entry):
        profile = Profile(username=username)
        await _check_absent(visit, state, profile)
        check_username((await visit.rules()).username_policy, username)
        await accounts.check_available(visit.core, profile)
        await visit.tell(AddProfile(profile, effects_of(entry)))


async def add_address(visit: Visit, kind: IdentifierType, verification_id: str) -> None:
    """Give the account the email address or the phone number that a code has proved.

    Raises `Refused`.
    """
    state, entry = await _begin(visit, kind.value)
    async with logged(visit, entry):
        record = state.record(verification_id)
        if not isinstance(record, RECORDS[kind]):
            refuse(Reason.VERIFICATION_NOT_FOUND)
        if kind is IdentifierType.EMAIL:
            rules = await visit.rules()
            await sso_routing.check_email_open(visit.core, rules, record.identifier.value)
            check_email(rules.email_blocklist_policy, record.identifier.value)
        profile = record.new_profile
        if profile is None:
            refuse(Reason.VERIFICATION_FAILED)
        await _check_absent(visit, state, profile)
        await accounts.check_available(visit.core, profile)
        await visit.tell(AddProfile(profile, effects_of(entry)))


async def add_social(visit: Visit, verification_id: str) -> None:
    """Give the account a social identity, and what comes with it if it lacks that.

    Second factors may follow: nothing of it is stored before submission. Raises `Refused`.
    """
    state, entry = await _begin(visit, "social", second_factor=False)
    async with logged(visit, entry):
        record = social_record(state.record(verification_id))
        rules = await visit.rules()
        await sso_routing.check_open(visit.core, rules, record)
        if record.email is not None:
            check_email(rules.email_blocklist_policy, record.email)
        known = record.new_profile
        if known is None:
            refuse(Reason.VERIFICATION_FAILED)
        identity = Profile(social_identity=known.social_identity)
        await _check_absent(visit, state, identity)
        await accounts.check_available(visit.core, identity)
        added = known if state.user_id is None else record.linked_profile
        profile = added.merged(state.profile).merged(identity)
        await visit.tell(AddProfile(profile, effects_of(entry)))


async def add_password(visit: Visit, password: str) -> None:
    """Give the account its first password. Raises `Refused`."""
    state, entry = await _begin(visit, "password")
    async with logged(visit, entry):
        user = None
        if state.user_id is not None:
            user = await accounts.get_active(visit.core, state.user_id)
        accepted = await accept_password(
            visit.core, await visit.rules(), password, state.profile, user
        )
        profile = Profile(password=accepted)
        if user is not None:
            accounts.check_absent(user, profile)
        await visit.tell(AddProfile(profile, effects_of(entry)))


async def add_fields(visit: Visit, values: Mapping[str, Any]) -> None:
    """Fill in the form of the tenant's own fields. Raises `Refused`."""
    _, entry = await _begin(visit, fulfilment.EXTRA_PROFILE)
    async with logged(visit, entry):
        parts = read_profile(await fulfilment.catalog(visit.core), values)
        profile = Profile(
            name=parts.name,
            avatar=parts.avatar,
            profile=parts.profile,
            custom_data=parts.custom_data,
            submitted=True,
        )
        await visit.tell(AddProfile(profile, effects_of(entry)))


async def reset_password(visit: Visit, password: str) -> None:
    """Choose a new password in place of a forgotten one. Raises `Refused`."""
    state, event = await visit.started()
    entry = visit.entry("ForgotPassword.Profile.Update", userId=state.user_id)
    async with logged(visit, entry):
        if event is not Event.FORGOT_PASSWORD:
            refuse(Reason.WRONG_EVENT)
        if state.user_id is None:
            refuse(Reason.NOT_IDENTIFIED)
        user = await accounts.get_active(visit.core, state.user_id)
        accepted = await accept_password(
            visit.core, await visit.rules(), password, state.profile, user
        )
        await visit.tell(AddProfile(Profile(password=accepted), effects_of(entry)))


async def _begin(
    visit: Visit, kind: str, *, second_factor: bool = True
) -> tuple[Interaction, AuditEntry]:
    """Whose account it is, and the entry to write.

    Raises `Refused` where there is none yet, or where a `second_factor` has to be shown first.
    """
    state, event = await visit.started()
    entry = visit.entry(f"{event}.Profile.Update", userId=state.user_id, payload={"type": kind})
    async with logged(visit, entry):
        if event is Event.FORGOT_PASSWORD:
            refuse(Reason.NOT_FOR_FORGOT_PASSWORD)
        if event is Event.SIGN_IN and state.user_id is None:
            refuse(Reason.NOT_IDENTIFIED)
        if event is Event.SIGN_IN and state.user_id is not None and second_factor:
            user = await accounts.get_active(visit.core, state.user_id)
            await mfa_checks.check_verified(visit.core, state, user, visit.origin.signs)
    return state, entry


async def _check_absent(visit: Visit, state: Interaction, profile: Profile) -> None:
    """Raises `Refused` if the account has a value already that the profile would set."""
    if state.user_id is not None:
        accounts.check_absent(await accounts.get_active(visit.core, state.user_id), profile)
