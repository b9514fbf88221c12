"""The pages for people who sign in through their company.

Whoever types an email address of a company's domain is led to the company; a button leads there
too. On the way out there is a page that goes on by itself: after a form, browsers follow redirects
only to addresses that the form's page named, and which company it will be was not known then.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from gatehouse.actors import sign_in
from gatehouse.actors.cookies import INTERACTION_COOKIE, find_interaction
from gatehouse.actors.factors.sso import EnterpriseSsoVerification
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import connectors, flow, routing
from gatehouse.actors.verification import Event, Identifier, IdentifierType
from gatehouse.http.call import Call, Principal, Reply, redirect
from gatehouse.http.oidc import browser
from gatehouse.http.operation import Operations
from gatehouse.http.pages.forms import read_address
from gatehouse.http.pages.guest import AccountForm, Guest, draw_page, guest_of, show, take
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.http.wire import Query
from gatehouse.storage.errors import NotFound
from gatehouse.storage.sso_connectors import SsoConnector

operations = Operations(tags=("Pages",))

PATH = "/single-sign-on"
_DIRECT = "sso:"


class CallbackQuery(Query):
    """What an identity provider sends the browser back with: it differs."""

    model_config = ConfigDict(extra="allow")

    state: Annotated[str, Field(max_length=1024)] = ""


async def direct(call: Call[Any, Any], guest: Guest, wish: str) -> Reply | None:
    """Lead somebody to their company at once whose application says so (`direct_sign_in`)."""
    if not wish.startswith(_DIRECT):
        return None
    arrived = browser.arrival(call.core, call.cookies)
    try:
        _, uri = await _leave(guest, wish.removeprefix(_DIRECT), arrived)
    except (Refused, NotFound):
        return None
    forgotten = browser.forget_arrival(call.core) if arrived is not None else []
    return redirect(uri, cookies=forgotten)


async def routed(guest: Guest, identifier: Identifier) -> Reply | None:
    """Lead somebody to their company whose email address is of its domain."""
    if identifier.type is not IdentifierType.EMAIL:
        return None
    found = await routing.connectors_of_email(guest.visit.core, guest.rules, identifier.value)
    if not found:
        return None
    if len(found) == 1:
        return await _leaving(guest, found[0].id)
    return await _choose(guest, found)


async def _leaving(guest: Guest, connector_id: str) -> Reply:
    connector, uri = await _leave(guest, connector_id)
    form = AccountForm()
    return await draw_page(guest, "leaving.html", form, None, company=_name(connector), uri=uri)


async def _choose(guest: Guest, connectors: list[SsoConnector]) -> Reply:
    companies = [(one.id, _name(one)) for one in connectors]
    action = guest.address(PATH)
    return await draw_page(
        guest, "companies.html", AccountForm(), None, action=action, companies=companies
    )


async def _leave(
    guest: Guest, connector_id: str, arrived: str | None = None
) -> tuple[SsoConnector, str]:
    """Begin, and say where to go. Raises `NotFound`, `Refused`.

    The `state` names the application, so that of several tabs the right one is gone on with.
    """
    visit, core = guest.visit, guest.visit.core
    connector = await connectors.find_connector(core, connector_id)
    if not guest.rules.single_sign_on_enabled:
        raise Refused(Reason.METHOD_NOT_ENABLED)
    await sign_in.start(visit, Event.SIGN_IN)
    state = f"{secrets.token_urlsafe(24)}.{guest.state.client_id}"
    callback = f"{core.public_url}/callback/{connector.id}"
    _, uri = await flow.begin(visit, connector.id, callback, state, arrived=arrived)
    return connector, uri


def _name(connector: SsoConnector) -> str:
    return str(connector.branding.get("displayName") or connector.connector_name)


async def _draw(guest: Guest, form: AccountForm, error: Message | None) -> Reply:
    return await draw_page(
        guest,
        "single_sign_on.html",
        form,
        error,
        action=guest.address(PATH),
        back=guest.address("/sign-in"),
    )


async def _find(guest: Guest, form: AccountForm) -> Reply:
    if form.by:
        try:
            return await _leaving(guest, form.by)
        except NotFound:
            raise Refused(Reason.METHOD_NOT_ENABLED) from None
    email = read_address(form.identifier, (IdentifierType.EMAIL,))
    found = await routed(guest, email)
    if found is None:
        raise Refused(Reason.SSO_IDENTITY_UNKNOWN)
    return found


@operations.get(PATH, "SingleSignOnPage", documented=False)
async def single_sign_on_page(call: Call) -> Reply:
    """The page that asks which company somebody belongs to."""
    return await show(call, _draw)


@operations.post(PATH, "SingleSignOnForm", body=AccountForm, form=True, documented=False)
async def single_sign_on_form(call: Call[AccountForm]) -> Reply:
    """Somebody says which company they belong to."""
    return await take(call, _draw, _find)


async def returned(call: Call[None, CallbackQuery]) -> Reply | None:
    """Somebody is back from their company; None if that is not where they were.

    Raises `Refused(INTERACTION_GONE)`.
    """
    call.principal = _traveller(call)
    guest = await guest_of(call)
    if isinstance(guest, Reply):
        return guest
    record = next(
        (
            one
            for one in guest.state.records
            if isinstance(one, EnterpriseSsoVerification)
            and one.connector_id == call.path["connectorId"]
        ),
        None,
    )
    if record is None:
        return None
    try:
        return redirect(await _finish(call, guest, record))
    except (Refused, NotFound) as refusal:
        said = message_for(refusal if isinstance(refusal, Refused) else _GONE)
        return await _draw(guest, AccountForm(), said)


_GONE = Refused(Reason.METHOD_NOT_ENABLED)


def _traveller(call: Call[None, CallbackQuery]) -> Principal:
    """Whose browser this is: of the interactions it has open, the one of the state's application.

    Raises `Refused(INTERACTION_GONE)`.
    """
    cookie = call.core.cookies.read(call.cookies, INTERACTION_COOKIE)
    _, _, client_id = call.query.state.partition(".")
    found = find_interaction(cookie, client_id or None)
    if found is None:
        raise Refused(Reason.INTERACTION_GONE)
    return Principal(found[1], found[0], frozenset())


async def _finish(
    call: Call[None, CallbackQuery], guest: Guest, record: EnterpriseSsoVerification
) -> str:
    """Believe the answer, find or make the account, and go on. Raises `NotFound`, `Refused`."""
    visit, query = guest.visit, call.query
    handshake = record.handshake
    if handshake is not None and not _same(handshake.state, query.state):
        raise Refused(Reason.VERIFICATION_FAILED)
    answer = {"state": query.state, **(query.model_extra or {})}
    await flow.verify(visit, record.connector_id, record.id, answer)
    try:
        await sign_in.identify(visit, record.id)
    except Refused as refusal:
        if refusal.reason is not Reason.SSO_IDENTITY_UNKNOWN:
            raise
        await sign_in.switch_event(visit, Event.REGISTER)
        await sign_in.identify(visit, record.id)
    return await sign_in.submit(visit) or guest.address("/sign-in")


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
