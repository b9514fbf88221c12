"""The steps of Logto's older Interaction API, over the same interaction.

There the order is another: identifiers are shown and a profile is laid down first, and who that
makes of the person is found out on submission. So submission here is the same steps taken at once:
identify or register, then submit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatehouse.actors import sign_in, sign_in_codes, sign_in_password, sign_in_profile
from gatehouse.actors.email_blocklist import check_email
from gatehouse.actors.factors.code import RECORDS
from gatehouse.actors.factors.password import accept_password
from gatehouse.actors.factors.social import social_record
from gatehouse.actors.interaction import Interaction, refuse
from gatehouse.actors.interaction_accounts import AddProfile, ReplaceProfile
from gatehouse.actors.interaction_answers import Abort
from gatehouse.actors.refusal import Reason
from gatehouse.actors.sign_in_rules import check_event, check_username
from gatehouse.actors.sign_in_social import answer, pending
from gatehouse.actors.verification import (
    Event,
    Identifier,
    IdentifierType,
    Method,
    Profile,
    Record,
)
from gatehouse.actors.visit import Visit, effects_of, logged

_COLUMNS = {
    IdentifierType.EMAIL: "primary_email",
    IdentifierType.PHONE: "primary_phone",
}


async def begin(visit: Visit, event: Event) -> None:
    """Say what the person came to do. Raises `Refused`."""
    check_event(await visit.rules(), event)
    await sign_in.start(visit, event)


async def abort(visit: Visit) -> None:
    """Give up: the client is told that access was denied. Raises `Refused`."""
    await visit.tell(Abort())


async def send_code(visit: Visit, identifier: Identifier) -> None:
    """Send a code to an address. Raises `Refused`."""
    _, event = await visit.started()
    await sign_in_codes.send_code(visit, identifier, event)


async def show_password(visit: Visit, identifier: Identifier, password: str) -> None:
    """Show an identifier by its account's password. Raises `Refused`."""
    _, event = await visit.started()
    if event is Event.FORGOT_PASSWORD:
        refuse(Reason.NOT_FOR_FORGOT_PASSWORD)
    if not (await visit.rules()).enables(identifier.type, Method.PASSWORD):
        refuse(Reason.METHOD_NOT_ENABLED)
    await sign_in_password.show_password(visit, identifier, password)


async def show_social(visit: Visit, connector_id: str, answered: Mapping[str, Any]) -> None:
    """Show a social identity by the provider's answer. Raises `Refused`."""
    record = await pending(visit, connector_id)
    await answer(visit, connector_id, record.id, answered)


async def show_social_address(visit: Visit, connector_id: str) -> None:
    """Sign in to the account that has the address which the provider has verified.

    Raises `Refused`.
    """
    record = await pending(visit, connector_id)
    await sign_in.identify(visit, record.id, linking=True)


async def show_code(visit: Visit, identifier: Identifier, code: str) -> None:
    """Show an address by the code that was sent there last. Raises `Refused`."""
    state, event = await visit.started()
    rules = await visit.rules()
    signs_up = rules.sign_up.verify and rules.sign_up.asks_for(identifier.type)
    enabled = rules.enables(identifier.type, Method.VERIFICATION_CODE) or signs_up
    if event is not Event.FORGOT_PASSWORD and not enabled:
        refuse(Reason.METHOD_NOT_ENABLED)
    for record in state.records:
        if isinstance(record, RECORDS[identifier.type]):
            await sign_in_codes.verify_code(visit, record.id, identifier, code)
            return
    refuse(Reason.CODE_NOT_FOUND)


async def lay_down(
    visit: Visit,
    names: Mapping[IdentifierType, str],
    password: str | None,
    connector_id: str | None = None,
    *,
    replace: bool,
) -> None:
    """Say what the account is to have. Addresses must have been shown by the time of submission.

    `connector_id` is that of a social identity which was shown. Raises `Refused`:
    `SIGN_UP_METHOD_NOT_ENABLED`, or what is wrong with a name or the password.
    """
    state, event = await visit.started()
    rules = await visit.rules()
    if event is Event.FORGOT_PASSWORD:
        if password is not None:
            await _identify(visit, state, event)
            await sign_in_profile.reset_password(visit, password)
        return
    entry = visit.entry(f"{event}.Profile.{'Create' if replace else 'Update'}")
    async with logged(visit, entry):
        if not all(rules.sign_up.asks_for(kind) for kind in names):
            refuse(Reason.SIGN_UP_METHOD_NOT_ENABLED)
        if password is not None and not rules.sign_up.password:
            refuse(Reason.SIGN_UP_METHOD_NOT_ENABLED)
        if IdentifierType.USERNAME in names:
            check_username(rules.username_policy, names[IdentifierType.USERNAME])
        profile = Profile(
            username=names.get(IdentifierType.USERNAME),
            primary_email=names.get(IdentifierType.EMAIL),
            primary_phone=names.get(IdentifierType.PHONE),
        )
        if password is not None:
            known = profile if replace else state.profile.merged(profile)
            accepted = await accept_password(visit.core, rules, password, known, None)
            profile = profile.merged(Profile(password=accepted))
        if connector_id is not None:
            social = social_record(await pending(visit, connector_id), connector_id)
            added = social.new_profile if event is Event.REGISTER else social.linked_profile
            if not social.verified or added is None:
                refuse(Reason.HANDSHAKE_GONE)
            profile = added.merged(profile)
        message = ReplaceProfile if replace else AddProfile
        await visit.tell(message(profile, effects_of(entry)))


async def forget(visit: Visit) -> None:
    """Forget what was laid down. Raises `Refused`."""
    _, event = await visit.started()
    entry = visit.entry(f"{event}.Profile.Delete")
    await visit.tell(ReplaceProfile(Profile(), effects_of(entry)))


async def submit(visit: Visit) -> str | None:
    """The person is done. Returns where to go on, or None after a recovery. Raises `Refused`."""
    state, event = await visit.started()
    if state.result is None:
        await identify(visit, state, event)
    return await sign_in.submit(visit)


async def identify(visit: Visit, state: Interaction, event: Event) -> None:
    """Find out who the person is by what was shown, or make the account. Raises `Refused`."""
    if state.user_id is None and event is Event.REGISTER:
        await _register(visit, state)
    else:
        await _identify(visit, state, event)
        _check_shown(await visit.state())


async def _identify(visit: Visit, state: Interaction, event: Event) -> None:
    if state.user_id is not None:
        return
    for record in reversed(state.records):
        shown: Record = record
        if shown.verified and (shown.user_id or shown.names or shown.identity):
            await sign_in.identify(visit, shown.id)
            return
    refuse(Reason.NOT_IDENTIFIED)


async def _register(visit: Visit, state: Interaction) -> None:
    _check_shown(state)
    rules = await visit.rules()
    if state.profile.primary_email is not None:
        check_email(rules.email_blocklist_policy, state.profile.primary_email)
    await sign_in.identify(visit, None)


def _check_shown(state: Interaction) -> None:
    """Raises `Refused(VERIFICATION_NOT_FOUND)` for an address that nobody has shown."""
    started_with = [record.new_profile for record in state.records if record.verified]
    for kind in RECORDS:
        value = getattr(state.profile, _COLUMNS[kind])
        shown = (getattr(profile, _COLUMNS[kind]) for profile in started_with if profile)
        if value is not None and value not in shown:
            refuse(Reason.VERIFICATION_NOT_FOUND)
