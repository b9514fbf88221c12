"""The way to social providers: buttons on the pages, and applications that name one at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gatehouse.actors import sign_in, sign_in_social
from gatehouse.actors.interaction import Phase
from gatehouse.actors.verification import Event
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages import sso
from gatehouse.http.pages.custom_ui import custom_index
from gatehouse.http.pages.guest import Draw, Guest, drawn, guest_of

operations = Operations(tags=("Pages",))

_WISH = "social:"
ONE_TAP_PATH = "/social/one-tap"
"""Where an application leads on with what Google's One Tap gave it."""
_PATH = "/direct/social/{target}"


@dataclass(frozen=True, slots=True)
class Button:
    """What leads to a provider."""

    name: str
    logo: str
    href: str


async def buttons(guest: Guest) -> list[Button]:
    """The providers that the tenant offers, in its order."""
    offered = await guest.visit.core.social.offered(guest.rules.social_sign_in_connector_targets)
    return [
        Button(one.name, one.logo, guest.address(_PATH.format(target=quote(one.target, safe=""))))
        for one in offered
        if one.provider_or_none() is not None
    ]


async def show_or_lead_on(call: Call[Any, Any], draw: Draw) -> Reply:
    """Draw the page, or lead somebody on at once whose application says so (`direct_sign_in`).

    Only who has just arrived: whoever comes back without having signed in may want another way.
    """
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    params = guest.state.params
    arrived = guest.state.phase is Phase.ARRIVED
    if params.google_one_tap_credential and arrived and not await custom_index(call.core):
        return redirect(guest.address(ONE_TAP_PATH))
    wish = params.direct_sign_in
    if wish and arrived:
        led = await sso.direct(call, guest, wish) or await _direct(guest, wish)
        if led is not None:
            return led
    return await drawn(guest, draw)


async def _direct(guest: Guest, wish: str) -> Reply | None:
    if not wish.startswith(_WISH):
        return None
    return await _leave(guest, wish.removeprefix(_WISH))


async def _leave(guest: Guest, target: str) -> Reply | None:
    """Begin, and send the browser to the provider of this name, if it is offered.

    The `state` names the application, so that of several tabs the right one is gone on with.
    """
    core = guest.visit.core
    offered = await core.social.offered(guest.rules.social_sign_in_connector_targets)
    connector = next((one for one in offered if one.target == target), None)
    if connector is None or connector.provider_or_none() is None:
        return None
    if guest.state.event is not Event.SIGN_IN or guest.state.user_id is not None:
        await sign_in.start(guest.visit, Event.SIGN_IN)
    state = f"{secrets.token_urlsafe(24)}.{guest.state.client_id}"
    callback = f"{core.public_url}/callback/{connector.id}"
    _, uri = await sign_in_social.begin(guest.visit, connector.id, callback, state)
    return redirect(uri)


@operations.get(_PATH, "DirectSocialPage", documented=False)
async def direct_page(call: Call) -> Reply:
    """Somebody has chosen a provider."""
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    return await _leave(guest, call.path["target"]) or redirect(guest.address("/sign-in"))
