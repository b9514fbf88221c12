"""The social identities of one's account: connected by way of their provider, and taken away.

Somebody leaves for a provider with a verification of their own, which this browser holds in a
cookie; they come back to the address that the provider knows for everybody (`/callback/...`), and
are told from those who sign in there by the `state`. An answer counts for whoever asked for it, in
the browser in which they did, once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from gatehouse.actors import accounts, own_identities
from gatehouse.actors.account_center import Control
from gatehouse.actors.connectors.social.registry import SocialConnector
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.account.owner import HOME, Owner, OwnForm, for_owner, sensitive
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.oidc import browser
from gatehouse.http.operation import Operations
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.http.pages.sso import CallbackQuery
from gatehouse.http.wire import Query

operations = Operations(tags=("Pages",))

SOCIAL = f"{HOME}/social"
_STATE = "account:"
"""How every `state` of these pages begins; those of signing in begin with a random text."""


class Linked(Query):
    """The provider that was connected just before."""

    linked: str = Field("", max_length=128)


class SocialForm(OwnForm):
    """Which provider to connect, or to take away."""

    connect: Annotated[str, Field(max_length=128)] = ""
    remove: Annotated[str, Field(max_length=128)] = ""


@operations.get(SOCIAL, "AccountSocialPage", query=Linked, documented=False)
@for_owner
async def social_page(owner: Owner, form: object) -> Reply:
    """With which providers one can sign in."""
    owner.center.check_shown("social")
    return await _list(owner)


@operations.post(SOCIAL, "AccountSocialForm", body=SocialForm, form=True, documented=False)
@for_owner
@sensitive
async def change_social(owner: Owner, form: SocialForm) -> Reply:
    """Leave for a provider to connect it, or take one away."""
    owner.center.check_editable("social")
    try:
        if form.connect:
            return await _leave(owner, form.connect)
        if form.remove:
            await own_identities.unlink(owner.core, owner.user.id, form.remove)
    except Refused as refusal:
        if refusal.reason is not Reason.IDENTITY_UNKNOWN:
            return await _list(owner, message_for(refusal))
    return redirect(SOCIAL)


def comes_back(call: Call[None, CallbackQuery]) -> bool:
    """Whether somebody is back from a provider that these pages sent them to."""
    return call.query.state.startswith(_STATE)


@for_owner
@sensitive
async def returned(owner: Owner, form: object) -> Reply:
    """Somebody is back from a provider: what it says is theirs from now on."""
    owner.center.check_editable("social")
    forgotten = browser.forget_account_link(owner.core)
    try:
        linked = await _take(owner)
    except Refused as refusal:
        return await _list(owner, message_for(refusal), cookies=forgotten)
    return redirect(f"{SOCIAL}?{urlencode({'linked': linked})}", cookies=forgotten)


async def _take(owner: Owner) -> str:
    """Take the answer, and connect whose it is; the provider's name. Raises `Refused`."""
    core, query, who = owner.core, owner.call.query, owner.user
    begun = browser.account_link(core, owner.call.cookies)
    if begun is None:
        raise Refused(Reason.HANDSHAKE_GONE)
    answer = {"state": query.state, **(query.model_extra or {})}
    await own_identities.answer(core, who.id, begun, answer)
    identity = await own_identities.proven(core, who.id, begun)
    if identity.connector_id != owner.call.path["connectorId"]:
        raise Refused(Reason.HANDSHAKE_GONE)
    if identity.target in who.identities:
        raise Refused(Reason.IDENTITY_TAKEN)
    await own_identities.link(core, who.id, identity)
    return identity.target


async def _leave(owner: Owner, target: str) -> Reply:
    core = owner.core
    connector = next((one for one in await _offered(owner) if one.target == target), None)
    if connector is None:
        raise Refused(Reason.NO_SUCH_CONNECTOR)
    begun, uri = await own_identities.send(
        core,
        owner.user.id,
        connector.id,
        f"{core.public_url}/callback/{connector.id}",
        state=_STATE + secrets.token_urlsafe(24),
    )
    values = {
        "title": connector.name,
        "company": connector.name,
        "uri": uri,
    }
    # Browsers do not follow a form to another site that its page does not name.
    cookies = browser.remember_account_link(core, begun.record.id)
    return await owner.draw("leaving.html", values, cookies=cookies)


async def _offered(owner: Owner) -> list[SocialConnector]:
    """The providers that the tenant offers and the account has nothing of."""
    rules = await accounts.rules(owner.core)
    offered = await owner.core.social.offered(rules.social_sign_in_connector_targets)
    return [
        one
        for one in offered
        if one.target not in owner.user.identities and one.provider_or_none() is not None
    ]


async def _list(
    owner: Owner, error: Message | None = None, *, cookies: Sequence[str] = ()
) -> Reply:
    words = owner.words
    editable = owner.center.control("social") is Control.EDIT
    held = [
        {
            "id": target,
            "label": await _name(owner, target),
            "detail": _known_as(identity),
            "button": words("action.remove") if editable else None,
            "field": "remove",
        }
        for target, identity in owner.user.identities.items()
    ]
    offered = [
        {
            "id": one.target,
            "label": one.name,
            "detail": words("account_center.security.social_not_linked"),
            "button": words("page.account.connect"),
            "field": "connect",
        }
        for one in (await _offered(owner) if editable else [])
    ]
    linked = owner.call.query.linked if isinstance(owner.call.query, Linked) else ""
    note = None
    if linked in owner.user.identities:
        note = words("account_center.social.linked", connector=await _name(owner, linked))
    values = {
        "title": words("account_center.security.social_sign_in"),
        "action": SOCIAL,
        "lead": words("page.account.social_lead"),
        "note": note,
        "items": [*held, *offered],
        "empty": words("page.account.none"),
        "field": "",
        "offers": [],
        "sections": [],
    }
    return await owner.draw("account_list.html", values, error, cookies=cookies)


async def names(owner: Owner) -> list[str]:
    """The providers that are connected."""
    return [await _name(owner, target) for target in owner.user.identities]


async def _name(owner: Owner, target: str) -> str:
    connector = await owner.core.social.of_target(target)
    return target if connector is None else connector.name


def _known_as(identity: dict[str, Any]) -> str:
    """What the provider calls the person; the id there if nothing else is known."""
    details = identity.get("details") or {}
    names = (details.get("email"), details.get("name"), identity.get("userId"))
    return next((str(name) for name in names if name), "")
