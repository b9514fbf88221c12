"""Back from a social provider.

Whom the provider vouches for is let in if an account has the identity, is asked about an account
that has the same address, and gets an account otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from gatehouse.actors import sign_in, sign_in_social
from gatehouse.actors.connectors.social.backchannel import PROVIDER_DEADLINE
from gatehouse.actors.factors.social import SocialVerification, social_record
from gatehouse.actors.interaction import Phase
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.guest import (
    AccountForm,
    Guest,
    attempt,
    draw_page,
    drawn,
    guest_of,
    show,
    take,
)
from gatehouse.http.pages.messages import Message
from gatehouse.http.pages.one_tap import google_of, nonce_of
from gatehouse.http.pages.providers import ONE_TAP_PATH
from gatehouse.http.pages.signing_in import draw_sign_in
from gatehouse.http.pages.sso import CallbackQuery

operations = Operations(tags=("Pages",))

_LINK_PATH = "/social/link/{connectorId}"


async def returned(call: Call[None, CallbackQuery]) -> Reply | None:
    """Somebody is back from a provider; None if that is not where they were.

    Raises `Refused(INTERACTION_GONE)`.
    """
    query = call.query
    answer = {"state": query.state, **(query.model_extra or {})}
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    try:
        record = await sign_in_social.pending(guest.visit, call.path["connectorId"])
    except Refused:
        return None

    async def finish(guest: Guest, form: AccountForm) -> str | None:
        await sign_in_social.answer(guest.visit, record.connector_id, record.id, answer)
        return await _identify(guest, record)

    return await attempt(guest, AccountForm(), draw_sign_in, finish)


async def tapped(call: Call[Any], credential: str) -> Reply:
    """Google's One Tap was pressed on a page of ours, which it posts its ID token from.

    It is for the interaction whose nonce it has. Raises `Refused(INTERACTION_GONE)`.
    """
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    nonce = nonce_of(guest.visit.core, guest.visit.uid)
    return await _tapped(guest, call.path["connectorId"], credential, nonce)


@operations.get(ONE_TAP_PATH, "OneTapPage", documented=False, deadline=PROVIDER_DEADLINE)
async def tapped_elsewhere(call: Call) -> Reply:
    """An application leads somebody on who pressed One Tap on its own page, once."""
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    core = guest.visit.core
    credential = guest.state.params.opened(core.vault).google_one_tap_credential
    connector = await google_of(core, guest.rules.social_sign_in_connector_targets)
    if not credential or connector is None or guest.state.phase is not Phase.ARRIVED:
        return await drawn(guest, draw_sign_in)
    return await _tapped(guest, connector.id, credential, None)


async def _tapped(guest: Guest, connector_id: str, credential: str, nonce: str | None) -> Reply:
    visit = guest.visit

    async def finish(guest: Guest, form: AccountForm) -> str | None:
        if guest.state.event is not Event.SIGN_IN or guest.state.user_id is not None:
            await sign_in.start(visit, Event.SIGN_IN)
        record_id = await sign_in_social.one_tap(visit, connector_id, credential, nonce)
        return await _identify(guest, social_record((await visit.state()).record(record_id)))

    return await attempt(guest, AccountForm(), draw_sign_in, finish)


async def _identify(guest: Guest, record: SocialVerification) -> str | None:
    """Let them in, ask about an account like theirs, or make one. Raises `Refused`."""
    try:
        await sign_in.identify(guest.visit, record.id)
    except Refused as refusal:
        if refusal.reason is not Reason.IDENTITY_UNKNOWN:
            raise
        if refusal.data is None:
            return await _register(guest, record, refusal)
        if not guest.rules.social_sign_in.automatic_account_linking:
            return guest.address(_LINK_PATH.format(connectorId=quote(record.connector_id)))
        await sign_in.identify(guest.visit, record.id, linking=True)
    return await sign_in.submit(guest.visit)


async def _register(
    guest: Guest, record: SocialVerification, refusal: Refused | None = None
) -> str | None:
    if refusal is not None and not guest.rules.allows(Event.REGISTER):
        raise refusal
    await sign_in.switch_event(guest.visit, Event.REGISTER)
    await sign_in.identify(guest.visit, record.id)
    return await sign_in.submit(guest.visit)


# An account that has the same address


def _verified(guest: Guest) -> SocialVerification | None:
    """Whom a provider has vouched for, if nobody has been identified since."""
    for record in guest.state.records:
        if isinstance(record, SocialVerification) and record.verified:
            return record if guest.state.user_id is None else None
    return None


async def _draw_link(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    core = guest.visit.core
    record = _verified(guest)
    info = None if record is None else record.social_user_info
    if record is None or info is None:
        return redirect(guest.address("/sign-in"))
    connector = await core.social.get(record.connector_id)
    return await draw_page(
        guest,
        "social_link.html",
        form,
        error,
        action=guest.address(_LINK_PATH.format(connectorId=quote(record.connector_id))),
        provider=connector.name,
        address=info.email if info.phone is None else f"+{info.phone}",
        registers=guest.rules.allows(Event.REGISTER),
        back=guest.address("/sign-in"),
    )


async def _answer_link(guest: Guest, form: AccountForm) -> str | None:
    record = _verified(guest)
    if record is None:
        raise Refused(Reason.VERIFICATION_FAILED)
    if form.by == "register":
        return await _register(guest, record)
    if guest.state.event is not Event.SIGN_IN:
        await sign_in.switch_event(guest.visit, Event.SIGN_IN)
    await sign_in.identify(guest.visit, record.id, linking=True)
    return await sign_in.submit(guest.visit)


@operations.get(_LINK_PATH, "SocialLinkPage", documented=False)
async def link_page(call: Call) -> Reply:
    """The page that asks whether an account is theirs."""
    return await show(call, _draw_link)


@operations.post(_LINK_PATH, "SocialLinkForm", body=AccountForm, form=True, documented=False)
async def link_form(call: Call[AccountForm]) -> Reply:
    """Somebody says whether it is."""
    return await take(call, _draw_link, _answer_link)
