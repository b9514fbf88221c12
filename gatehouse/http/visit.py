"""Which interaction a browser's request is about.

The `_interaction` cookie says which interactions this browser has open; the `Logto-App-Id` header
or `?app_id=` says which of them is meant. The cookie is signed and `SameSite=Lax`, so another
site's page can neither name an interaction nor act on one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from gatehouse.actors.adaptive_mfa import read_signs
from gatehouse.actors.audit import Origin
from gatehouse.actors.cookies import INTERACTION_COOKIE, find_interaction
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.visit import Visit
from gatehouse.http.call import Call, Principal

AnyCall = Call[Any, Any]

MAX_PARAMETERS = 20
"""Parameters a page's address may have."""


def visit_of(call: AnyCall) -> Visit:
    """The visit a request makes. Raises `Refused(INTERACTION_GONE)` if its browser has none."""
    guest = call.principal or guest_of(call)
    headers = call.headers
    origin = Origin(
        call.client_address,
        headers.get("user-agent"),
        guest.client_id,
        headers.get("accept-language"),
        read_signs(headers.get) if call.via_proxy else None,
    )
    return Visit(call.core, guest.subject, origin)


def guest_of(call: AnyCall) -> Principal:
    """The interaction and its application, as whoever holds the cookie.

    Raises `Refused(INTERACTION_GONE)` if this browser has no such interaction.
    """
    cookie = call.core.cookies.read(call.cookies, INTERACTION_COOKIE)
    found = find_interaction(cookie, application_of(call))
    if found is None:
        raise Refused(Reason.INTERACTION_GONE)
    client_id, uid = found
    return Principal(uid, client_id, frozenset())


def application_of(call: AnyCall) -> str | None:
    """The application a request says it is about."""
    return call.headers.get("logto-app-id") or _query_value(call.raw_query, "app_id")


def _query_value(raw: bytes, name: str) -> str | None:
    if not raw:
        return None
    try:
        values = parse_qs(raw.decode("ascii"), max_num_fields=MAX_PARAMETERS).get(name)
    except ValueError:
        return None
    return values[0] if values else None
