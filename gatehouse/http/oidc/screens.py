"""Which page somebody is sent to who is to sign in, and what its address tells of the request.

Our own pages know the request from the interaction; pages of an operator's own find in their
address what Logto would put there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from gatehouse.actors.interaction import Prompt

if TYPE_CHECKING:
    from gatehouse.actors.authorization import AuthorizationRequest
    from gatehouse.actors.core import Core

CONSENT, SIGN_IN, ONE_TIME_TOKEN = "/consent", "/sign-in", "/one-time-token"

_OURS: Mapping[str, str] = {
    "register": "/register",
    "identifier:register": "/register",
    "signUp": "/register",
    "reset_password": "/forgot-password",
    "single_sign_on": "/single-sign-on",
}
"""The page that a client may ask to be shown first; anything else is the sign-in page."""
_OPERATORS: Mapping[str, str] = {
    **_OURS,
    "identifier:sign_in": "/identifier-sign-in",
    "identifier:register": "/identifier-register",
    "reset_password": "/reset-password",
}
"""The same where the pages are an operator's own."""

_SHARED = ("organization_id", "ui_locales", "one_time_token", "login_hint", "identifier")
"""What a page is told of the request in its address."""
_ONE_TAP = ("social", "google")
"""Who vouches for a credential of Google's One Tap."""


async def page_of(core: Core, prompt: Prompt, request: AuthorizationRequest) -> str:
    """The address of the page that has the person answer a prompt."""
    if prompt is not Prompt.LOGIN:
        return f"{CONSENT}?{urlencode({'app_id': request.client_id})}"
    given = {name: getattr(request, name) for name in _SHARED}
    told = {"app_id": request.client_id} | {k: v for k, v in given.items() if v is not None}
    settings = await core.directory.sign_in_experience()
    if core.assets is not None and settings.custom_ui_assets:
        path = _operators_page(request, told)
    else:
        path = _our_page(request, told)
    return f"{path}?{urlencode(told)}"


def _our_page(request: AuthorizationRequest, told: dict[str, str]) -> str:
    if request.direct_sign_in is not None:
        told["direct_sign_in"] = request.direct_sign_in
    if request.one_time_token and request.login_hint:
        return ONE_TIME_TOKEN
    return _OURS.get(request.first_screen or "", SIGN_IN)


def _operators_page(request: AuthorizationRequest, told: dict[str, str]) -> str:
    """Somebody who is to go to a provider at once comes to a page that knows where to go back to
    (`fallback`)."""
    screen = _OPERATORS.get(request.first_screen or "", SIGN_IN)
    method, _, target = (request.direct_sign_in or "").partition(":")
    if not method and request.google_one_tap_credential:
        method, target = _ONE_TAP
    if not method:
        return screen
    told["fallback"] = screen.lstrip("/")
    return f"/direct/{quote(method, safe='')}/{quote(target, safe='')}"
