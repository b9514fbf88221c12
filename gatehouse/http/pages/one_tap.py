"""Google's One Tap: Google's own script offers whoever is signed in there to go on as that person.

Only pages of a tenant whose Google connector says so load the script, from Google alone and in
frames of its own; without it they are what they are for everybody else. What it is given is an ID
token for this interaction: it has the page's nonce (OpenID Connect Core §3.1.2.1) in it, so that
one that was meant for another browser signs nobody in.

https://developers.google.com/identity/gsi/web/reference/html-reference
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gatehouse.actors.connectors.social.google import Google
from gatehouse.http.pages.forms import csrf_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatehouse.actors.connectors.social.registry import SocialConnector
    from gatehouse.actors.core import Core

_GOOGLE = "https://accounts.google.com/gsi/"


@dataclass(frozen=True, slots=True)
class OneTap:
    """What Google's script finds in a page, and from where such a page may load."""

    script: ClassVar[str] = f"{_GOOGLE}client"
    style: ClassVar[str] = f"{_GOOGLE}style"
    origins: ClassVar[tuple[str, ...]] = (_GOOGLE,)

    client_id: str
    login_uri: str
    nonce: str
    auto_select: bool
    close_on_tap_outside: bool
    itp_support: bool


async def one_tap_of(core: Core, targets: Sequence[str], uid: str) -> OneTap | None:
    """One Tap as it is set up among the providers that are offered; None if it is not.

    `uid` is the interaction's.
    """
    connector = await google_of(core, targets)
    provider = None if connector is None else connector.provider()
    if connector is None or not isinstance(provider, Google):
        return None
    settings = provider.config.one_tap
    if not settings.is_enabled:
        return None
    return OneTap(
        client_id=provider.config.client_id,
        login_uri=f"{core.public_url}/callback/{connector.id}",
        nonce=nonce_of(core, uid),
        auto_select=settings.auto_select,
        close_on_tap_outside=settings.close_on_tap_outside,
        itp_support=settings.itp_support,
    )


async def google_of(core: Core, targets: Sequence[str]) -> SocialConnector | None:
    """Google, if it is among the providers that are offered."""
    for connector in await core.social.offered(targets):
        if isinstance(connector.provider_or_none(), Google):
            return connector
    return None


def nonce_of(core: Core, uid: str) -> str:
    """The nonce of an ID token for an interaction: nobody else can know it."""
    return csrf_token(core, f"one-tap:{uid}")
