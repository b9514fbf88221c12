"""The pages that lead to a company and back, without a script."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
import pytest

from gatehouse.actors.cookies import ARRIVAL_COOKIE
from gatehouse.actors.interaction import Interaction, address
from gatehouse.actors.sso.saml import assertion_consumer_url, entity_id
from gatehouse.engine.actor import Turn
from gatehouse.storage.sso_connectors import SsoIdpInitiatedConfig, SsoIdpInitiatedConfigs
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.office import Office, open_office
from tests.http.pages.visiting import alert, get, post, resumed
from tests.http.running import TENANT, Server
from tests.servers.saml_identity_provider import SamlIdentityProvider, post_form

METHODS = [
    {
        "identifier": "email",
        "password": True,
        "verificationCode": False,
        "isPasswordPrimary": True,
    }
]


@pytest.fixture
async def office(server: Server, company: SamlIdentityProvider) -> AsyncIterator[Office]:
    async with open_office(server, company) as office:
        await office.settle(sign_in={"methods": METHODS})
        yield office


async def arrive(office: Office, **params: Any) -> Browser:
    browser = await Browser(office.server.core, office.server.client).arrive()
    if params:
        core = office.server.core

        class Wish:
            def apply(self, state: Interaction | None, now: int) -> Turn[Interaction, None]:
                assert state is not None
                changed = msgspec.structs.replace(state.params, **params)
                wished = msgspec.structs.replace(state, params=changed)
                return Turn(wished, None, expires_at=state.expires_at)

        await core.engine.turn(address(core.tenant_id, browser.uid), Wish())
    return browser


def destination(page: httpx.Response) -> str:
    """Where the page goes on to by itself."""
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None
    return html.unescape(found[1])


async def back(office: Office, browser: Browser, connector: str, protocol: str, uri: str) -> Any:
    """Through the company, and back to the callback page."""
    if protocol == "OIDC":
        query = urlencode(await office.provider.visit(uri))
    else:
        answer = await office.post(connector, office.company.answer(uri))
        assert answer.status_code == 302, answer.text
        location = urlsplit(answer.headers["location"])
        assert location.path == f"/callback/{connector}"
        query = location.query
    return await get(browser, f"/callback/{connector}?{query}")


@pytest.mark.parametrize("protocol", ["SAML", "OIDC"])
async def test_an_email_address_leads_to_its_company_and_into_an_account(
    office: Office, protocol: str
) -> None:
    connector = await office.connect(protocol, branding={"displayName": "Corp & Sons"})
    browser = await arrive(office)
    page = await post(browser, "/sign-in", identifier="anna@corp.example")
    assert "Go on to Corp &amp; Sons" in page.text
    answer = await back(office, browser, connector, protocol, destination(page))
    assert resumed(answer, browser), answer.text
    (user,) = await office.users()
    assert user.primary_email == "anna@corp.example"
    assert (await browser.state()).user_id == user.id


async def test_a_password_is_not_looked_at_for_an_address_of_a_company(office: Office) -> None:
    await office.connect()
    browser = await arrive(office)
    page = await post(browser, "/sign-in", identifier="anna@corp.example", password="x")
    assert destination(page).startswith(office.company.sign_in_endpoint)


async def test_the_company_is_asked_for_on_a_page_of_its_own(office: Office) -> None:
    connector = await office.connect()
    other = await office.connect(name="Second")
    browser = await arrive(office)
    assert "/single-sign-on?app_id=demo-app" in (await get(browser, "/sign-in")).text
    assert "Email address at work" in (await get(browser, "/single-sign-on")).text
    refused = await post(browser, "/single-sign-on", identifier="anna@nowhere.example")
    assert alert(refused) == "No company is known by this address."
    choice = await post(browser, "/single-sign-on", identifier="anna@corp.example")
    assert f'value="{connector}"' in choice.text
    assert f'value="{other}"' in choice.text
    page = await post(browser, "/single-sign-on", by=other)
    assert destination(page).startswith(office.company.sign_in_endpoint)
    gone = await post(browser, "/single-sign-on", by="nowhere")
    assert alert(gone) == "You cannot sign in here with this kind of account."
    stale = await post(browser, "/single-sign-on", by=other, csrf="x")
    assert stale.status_code == 422
    await office.settle(single_sign_on_enabled=False)
    assert "/single-sign-on" not in (await get(browser, "/sign-in")).text


async def test_an_application_can_lead_to_a_company_at_once(office: Office) -> None:
    connector = await office.connect("OIDC")
    browser = await arrive(office, direct_sign_in=f"sso:{connector}")
    leaving = await get(browser, "/sign-in")
    assert leaving.status_code == 303
    assert leaving.headers["location"].startswith(office.provider.at("authorize"))
    again = await get(browser, "/sign-in")
    assert again.status_code == 200
    strange = await arrive(office, direct_sign_in="sso:nowhere")
    assert (await get(strange, "/sign-in")).status_code == 200


@pytest.mark.parametrize("bend", [{"state": "another"}, {"state": ""}, {"code": "made up"}])
async def test_an_answer_that_was_not_asked_for_signs_nobody_in(
    office: Office, bend: dict[str, str]
) -> None:
    """Login CSRF: a link with somebody else's answer leads nowhere."""
    connector = await office.connect("OIDC")
    browser = await arrive(office)
    page = await post(browser, "/sign-in", identifier="anna@corp.example")
    answer = await office.provider.visit(destination(page))
    bent = urlencode(answer | bend)
    refused = await get(browser, f"/callback/{connector}?{bent}")
    assert refused.status_code == 422
    assert (await browser.state()).user_id is None
    assert await office.users() == []


async def test_a_callback_without_a_beginning_leads_nowhere(office: Office) -> None:
    connector = await office.connect("OIDC")
    browser = await arrive(office)
    for address_ in (f"/callback/{connector}?code=x&state=y", "/callback/nowhere"):
        answer = await get(browser, address_)
        assert answer.status_code in (400, 404), answer.text
    stranger = Browser(office.server.core, office.server.client)
    assert (await get(stranger, f"/callback/{connector}?code=x")).status_code in (400, 404)


async def test_a_company_can_send_its_people_unasked(office: Office) -> None:
    """IdP-initiated: the assertion waits for the sign-in that begins with it."""
    core, connector = office.server.core, await office.connect()
    record = SsoIdpInitiatedConfig(
        sso_connector_id=connector,
        default_application_id="demo-app",
        redirect_uri="https://app.example/callback",
        auth_parameters={"scope": "email"},
        auto_send_authorization_request=True,
    )
    await core.db.write(lambda tx: SsoIdpInitiatedConfigs(tx, TENANT).put(record))
    response = office.company.respond(
        sp_entity_id=entity_id(core.public_url, connector),
        acs_url=assertion_consumer_url(core.public_url, connector),
        in_response_to=None,
    )
    answer = await office.post(connector, post_form(response))
    assert answer.status_code == 302
    onward = urlsplit(answer.headers["location"])
    assert onward.path == "/oidc/auth"
    assert f"direct_sign_in=sso%3A{connector}" in onward.query
    assert "scope=openid+profile+email" in onward.query
    browser = await arrive(office, direct_sign_in=f"sso:{connector}")
    arrival = answer.cookies[ARRIVAL_COOKIE]
    browser.keep(ARRIVAL_COOKIE, arrival)
    office.server.client.cookies.clear()
    leaving = await get(browser, "/sign-in")
    callback = urlsplit(leaving.headers["location"])
    assert callback.path == f"/callback/{connector}"
    assert f"{ARRIVAL_COOKIE}=;" in str(leaving.headers.get_list("set-cookie"))
    assert resumed(await get(browser, f"{callback.path}?{callback.query}"), browser)
    second = await arrive(office, direct_sign_in=f"sso:{connector}")
    second.keep(ARRIVAL_COOKIE, arrival)
    leaving = await get(second, "/sign-in")
    assert leaving.headers["location"].startswith(office.company.sign_in_endpoint)
