"""What a browser remembers for the authorization server: the cookies, written in one place.

All are `SameSite=Lax`, so no other site's page can submit a form with them, and signed. Only
`_logto`, which names the application to the pages, may be read by scripts, as Logto has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from gatehouse.actors.account_verification import AGE_MS as VERIFICATION_AGE_MS
from gatehouse.actors.authorization import MAX_INTERACTION_AGE_MS, AuthorizationRequest
from gatehouse.actors.cookies import (
    ACCOUNT_COOKIE,
    ACCOUNT_LINK_COOKIE,
    APPLICATION_COOKIE,
    ARRIVAL_COOKIE,
    DEVICE_COOKIE,
    INTERACTION_COOKIE,
    ONE_TAP_COOKIE,
    RESUME_COOKIE,
    SAML_COOKIE,
    SESSION_COOKIE,
    add_interaction,
)
from gatehouse.actors.device_authorization import DEVICE_AGE_MS
from gatehouse.actors.saml.session import SAML_SESSION_AGE_MS
from gatehouse.actors.sso.exchanges import EXCHANGE_MS
from gatehouse.actors.tokens import is_uid

if TYPE_CHECKING:
    from gatehouse.actors.core import Core


_PLAIN = re.compile(r"[A-Za-z0-9_ -]{1,64}")
_JWT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}")
ONE_TAP_AGE_S = 10
"""How long the credential of One Tap waits in its cookie, as in Logto."""


def session_id(core: Core, cookies: Mapping[str, str]) -> str | None:
    """The session this browser says it has, if the cookie is ours."""
    value = core.cookies.read(cookies, SESSION_COOKIE)
    return value if value is not None and is_uid(value) else None


def may_resume(core: Core, cookies: Mapping[str, str], uid: str) -> bool:
    """Whether the interaction began in this browser: a link to another's is not followed."""
    return core.cookies.read(cookies, RESUME_COOKIE) == uid


def remember_interaction(
    core: Core, cookies: Mapping[str, str], request: AuthorizationRequest, uid: str
) -> list[str]:
    """Cookies that make the interaction this browser's."""
    expires = core.clock() + MAX_INTERACTION_AGE_MS
    known = core.cookies.read(cookies, INTERACTION_COOKIE)
    interactions = add_interaction(known, request.client_id, uid)
    application = json.dumps(_shown(request), separators=(",", ":"))
    return [
        *_one_tap(core, request),
        *_signed(core, APPLICATION_COOKIE, application, http_only=False),
        *_signed(core, INTERACTION_COOKIE, interactions, expires=expires),
        *_signed(core, RESUME_COOKIE, uid, path=resume_path(uid), expires=expires),
    ]


def _one_tap(core: Core, request: AuthorizationRequest) -> list[str]:
    """What Google's One Tap gave the application, for pages of the tenant's own, for a moment."""
    credential = request.google_one_tap_credential or ""
    if not _JWT.fullmatch(credential):
        return []
    secure = "; secure" if core.public_url.startswith("https:") else ""
    age = f"max-age={ONE_TAP_AGE_S}"
    return [f"{ONE_TAP_COOKIE}={credential}; path=/; {age}; samesite=lax{secure}"]


def _shown(request: AuthorizationRequest) -> dict[str, str]:
    """What `_logto` says. Of what strangers send only what has the form of an id or a language:
    the cookie is neither quoted nor encoded."""
    given = {"organizationId": request.organization_id, "uiLocales": request.ui_locales}
    plain = {name: value for name, value in given.items() if value and _PLAIN.fullmatch(value)}
    return {"appId": request.client_id, **plain}


def forget_resumption(core: Core, uid: str) -> list[str]:
    """Cookies that forget an interaction that is over."""
    return _signed(core, RESUME_COOKIE, "", path=resume_path(uid), expires=0)


async def remember_session(core: Core, session: str) -> list[str]:
    """Cookies that keep the browser signed in as long as a session lasts."""
    age_ms = await core.directory.session_age_ms()
    return _signed(core, SESSION_COOKIE, session, expires=core.clock() + age_ms)


def forget_session(core: Core) -> list[str]:
    """Cookies that sign the browser out."""
    return _signed(core, SESSION_COOKIE, "", expires=0)


def device_visitor(core: Core, cookies: Mapping[str, str]) -> str | None:
    """Who this browser is to the page that takes a device's code."""
    value = core.cookies.read(cookies, DEVICE_COOKIE)
    return value if value is not None and is_uid(value) else None


def remember_device_visitor(core: Core, visitor: str, path: str) -> list[str]:
    """Cookies that make the form of a device's code this browser's."""
    expires = core.clock() + DEVICE_AGE_MS
    return _signed(core, DEVICE_COOKIE, visitor, path=path, expires=expires)


def saml_session(core: Core, cookies: Mapping[str, str]) -> str | None:
    """The service provider's request that this browser brought."""
    value = core.cookies.read(cookies, SAML_COOKIE)
    return value if value is not None and is_uid(value) else None


def remember_saml_session(core: Core, session: str) -> list[str]:
    """Cookies that make a service provider's request this browser's."""
    return _signed(core, SAML_COOKIE, session, expires=core.clock() + SAML_SESSION_AGE_MS)


def forget_saml_session(core: Core) -> list[str]:
    """Cookies that forget a request that was answered."""
    return _signed(core, SAML_COOKIE, "", expires=0)


def arrival(core: Core, cookies: Mapping[str, str]) -> str | None:
    """What a company's identity provider said of this browser's person without being asked."""
    value = core.cookies.read(cookies, ARRIVAL_COOKIE)
    return value if value is not None and is_uid(value) else None


def remember_arrival(core: Core, exchange_id: str) -> list[str]:
    """Cookies that make it this browser's."""
    return _signed(core, ARRIVAL_COOKIE, exchange_id, expires=core.clock() + EXCHANGE_MS)


def forget_arrival(core: Core) -> list[str]:
    """Cookies that forget it."""
    return _signed(core, ARRIVAL_COOKIE, "", expires=0)


def account_verification(core: Core, cookies: Mapping[str, str]) -> str | None:
    """The verification by which this browser's person showed that it is really them."""
    return core.cookies.read(cookies, ACCOUNT_COOKIE)


def remember_account_verification(core: Core, verification_id: str) -> list[str]:
    """Cookies that make a verification this browser's, for the account pages alone."""
    expires = core.clock() + VERIFICATION_AGE_MS
    return _signed(core, ACCOUNT_COOKIE, verification_id, path="/account", expires=expires)


def account_link(core: Core, cookies: Mapping[str, str]) -> str | None:
    """The verification with which this browser left the account pages for a provider."""
    return core.cookies.read(cookies, ACCOUNT_LINK_COOKIE) or None


def remember_account_link(core: Core, verification_id: str) -> list[str]:
    """Cookies that make it this browser's, for the way back alone."""
    expires = core.clock() + VERIFICATION_AGE_MS
    return _signed(core, ACCOUNT_LINK_COOKIE, verification_id, path="/callback", expires=expires)


def forget_account_link(core: Core) -> list[str]:
    """Cookies that forget it."""
    return _signed(core, ACCOUNT_LINK_COOKIE, "", path="/callback", expires=0)


def resume_path(uid: str) -> str:
    """Where the browser comes back to once the person has answered."""
    return f"/oidc/auth/{uid}"


def _signed(
    core: Core,
    name: str,
    value: str,
    *,
    path: str = "/",
    expires: int | None = None,
    http_only: bool = True,
) -> list[str]:
    """The `Set-Cookie` values of a cookie and its companion; `expires` in ms since the epoch."""
    attributes = f"; path={path}"
    if expires is not None:
        attributes += f"; expires={_date(expires // 1000)}"
    attributes += "; samesite=lax"
    if core.public_url.startswith("https:"):
        attributes += "; secure"
    if http_only:
        attributes += "; httponly"
    signature = core.cookies.signature(name, value)
    return [f"{name}={value}{attributes}", f"{name}.sig={signature}{attributes}"]


@lru_cache(maxsize=64)
def _date(second: int) -> str:
    """What most cookies of one second have in common."""
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)
