"""Providers on the account pages: connected by way of the provider itself, and taken away."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest

from gatehouse.storage.identities import SocialIdentities
from tests.http.logto.account.people import (
    PASSWORD,
    add_user,
    authorize,
    open_account_centre,
    stored,
)
from tests.http.logto.account.test_identities import CONNECTOR, TARGET, provider
from tests.http.pages.test_account import Visitor, signed_in, visitor
from tests.http.running import TENANT, Server
from tests.servers.identity_provider import IdentityProvider

__all__ = ["provider", "visitor"]

PAGE = "/social"
LINKED = f"/account/social?linked={TARGET}"


@pytest.fixture
async def own(server: Server, provider: IdentityProvider, visitor: Visitor) -> Visitor:
    """Somebody who has just shown that it is them, where the tenant offers the provider."""
    manager = server.api(await server.management_token())
    await manager("UpdateSignInExp", json={"socialSignInConnectorTargets": [TARGET]})
    await visitor.post("/verify", then="/account/social", password=PASSWORD)
    return visitor


async def leave(visitor: Visitor) -> str:
    """Choose the provider; where the page leads."""
    page = await visitor.post(PAGE, connect=TARGET)
    assert page.status_code == 200, page.text
    found = re.search(r'class="button" href="([^"]+)"', page.text)
    assert found is not None
    return unescape(found[1])


async def back(visitor: Visitor, answer: dict[str, str], at: str = CONNECTOR) -> httpx.Response:
    """Come back with what the provider said."""
    query = urlencode(answer)
    reply = await visitor.http.get(f"/callback/{at}?{query}", headers=visitor.headers)
    for name, value in reply.cookies.items():
        visitor.cookies[name] = value
    return reply


async def test_a_provider_is_connected_and_taken_away(
    server: Server, own: Visitor, provider: IdentityProvider
) -> None:
    page = (await own.get(PAGE)).text
    assert "Acme" in page
    assert 'name="connect"' in page
    assert (await back(own, await provider.visit(await leave(own)))).headers["location"] == LINKED
    user = await stored(server, own.user_id)
    assert user.identities[TARGET]["userId"] == "person-1"
    page = (await own.get(f"{PAGE}?linked={TARGET}")).text
    assert "Acme is connected." in page
    assert 'name="remove"' in page
    assert 'name="connect"' not in page
    assert "Acme" in (await own.get("")).text
    assert (await own.post(PAGE, remove=TARGET)).headers["location"] == "/account/social"
    assert not (await stored(server, own.user_id)).identities


async def test_an_answer_counts_once_and_for_who_asked(
    server: Server, own: Visitor, provider: IdentityProvider
) -> None:
    answer = await provider.visit(await leave(own))
    eve = await add_user(server, "eve")
    stranger = signed_in(server, eve.id, (await authorize(server, eve))[0])
    await stranger.post("/verify", then="/account/social", password=PASSWORD)
    for browser in (stranger, own):
        forged = {**answer, "state": "account:another"}
        assert "location" not in (await back(browser, forged)).headers
    lifted = {name: own.cookies[name] for name in own.cookies if name.startswith("_account_link")}
    stranger.cookies.update(lifted)
    assert (await back(stranger, answer)).status_code == 400
    assert not (await stored(server, eve.id)).identities
    assert not (await stored(server, own.user_id)).identities


async def test_a_second_answer_is_not_looked_at(
    server: Server, own: Visitor, provider: IdentityProvider
) -> None:
    uri = await leave(own)
    kept = dict(own.cookies)
    answer = await provider.visit(uri)
    assert (await back(own, answer)).headers["location"] == LINKED
    await own.post(PAGE, remove=TARGET)
    own.cookies.update(kept)
    assert (await back(own, answer)).status_code == 400
    assert not (await stored(server, own.user_id)).identities


async def test_who_is_not_signed_in_or_has_not_shown_who_they_are_connects_nothing(
    server: Server, own: Visitor, provider: IdentityProvider
) -> None:
    answer = await provider.visit(await leave(own))
    shown = own.cookies.pop("_account_verification")
    assert (await back(own, answer)).headers["location"].startswith("/account/verify?")
    assert (await own.post(PAGE, connect=TARGET)).headers["location"].startswith("/account/verify?")
    assert (await own.post(PAGE, remove=TARGET)).headers["location"].startswith("/account/verify?")
    own.cookies["_account_verification"] = shown
    session = own.cookies.pop("_session")
    assert (await back(own, answer)).headers["location"].startswith("/sign-in?")
    own.cookies["_session"] = session
    assert not (await stored(server, own.user_id)).identities


async def test_what_is_somebody_elses_or_the_last_way_in_stays(
    server: Server, own: Visitor, provider: IdentityProvider
) -> None:
    eve = await add_user(server, None)
    link = lambda tx: SocialIdentities(tx, TENANT).link(eve.id, TARGET, "person-1", {})  # noqa: E731
    await server.core.db.write(link)
    taken = await back(own, await provider.visit(await leave(own)))
    assert taken.status_code == 400
    assert not (await stored(server, own.user_id)).identities
    hers = signed_in(server, eve.id, (await authorize(server, eve))[0])
    await hers.post("/verify", then="/account/social", password=PASSWORD)
    assert (await hers.post(PAGE, remove=TARGET)).status_code == 400
    assert (await stored(server, eve.id)).identities


async def test_the_tenant_decides_what_is_offered(server: Server, own: Visitor) -> None:
    await open_account_centre(server, social="ReadOnly")
    assert 'name="connect"' not in (await own.get(PAGE)).text
    assert (await own.post(PAGE, connect=TARGET)).status_code == 400
    await open_account_centre(server, social="Off")
    assert (await own.get(PAGE)).status_code == 400
    assert "/account/social" not in (await own.get("")).text
    await open_account_centre(server)
    manager = server.api(await server.management_token())
    await manager("UpdateSignInExp", json={"socialSignInConnectorTargets": []})
    assert 'name="connect"' not in (await own.get(PAGE)).text
    assert (await own.post(PAGE, connect=TARGET)).status_code == 400
