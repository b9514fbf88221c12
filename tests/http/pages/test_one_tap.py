"""Google's One Tap on the pages: only where the tenant has it, and only for this very browser."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.connectors.factories import FACTORIES
from gatehouse.actors.connectors.social.google import Google
from gatehouse.actors.connectors.social.provider import Endpoints
from gatehouse.actors.cookies import INTERACTION_COOKIE, add_interaction
from gatehouse.actors.interaction import Begin, Prompt, address
from gatehouse.actors.tokens import new_uid
from tests.http.logto.experience.browsing import APPLICATION, CALLBACK, SCOPES, Browser
from tests.http.logto.experience.house import TENANT, House, open_house
from tests.http.logto.experience.social import Social
from tests.http.pages.visiting import alert, get, resumed
from tests.servers.identity_provider import CLIENT_ID, CLIENT_SECRET, open_identity_provider

ADA = {"sub": "g-1", "email": "ada@example.com", "email_verified": True, "name": "Ada"}
CONFIG = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
SIGN_IN = "/sign-in?app_id=demo-app"


@dataclass
class Site:
    """A server whose Google is on this machine."""

    house: House
    social: Social

    def credential(self, **claims: Any) -> str:
        """An ID token as One Tap gives them."""
        idp = self.social.idp
        known = {"iss": idp.issuer, "aud": CLIENT_ID, "exp": int(time.time()) + 60, **ADA}
        return str(idp.key.sign({**known, **claims}))

    async def tap(self, browser: Browser, credential: str, **changes: Any) -> httpx.Response:
        """What Google's script does when somebody has pressed."""
        form = {"credential": credential, "g_csrf_token": "token", **changes}
        browser.cookies.setdefault("g_csrf_token", "token")
        return await browser.client.post("/callback/g", data=form, headers=browser.headers)


@pytest.fixture
async def site(redis_url: str, database_url: str) -> AsyncIterator[Site]:
    async with open_identity_provider() as idp:
        endpoints = Endpoints(
            authorization=idp.at("authorize"), jwks=idp.at("jwks"), issuers=(idp.issuer,)
        )
        google = replace(
            FACTORIES["google-universal"], provider=partial(Google, endpoints=endpoints)
        )
        async with open_house(redis_url, database_url, 1, {google.id: google}) as house:
            social = Social(house, idp)
            config = {**CONFIG, "oneTap": {"isEnabled": True, "closeOnTapOutside": False}}
            await social.connect("g", "google", "google-universal", config=config)
            await house.settle(
                social_sign_in_connector_targets=["google"],
                sign_up={"identifiers": ["username"], "password": True, "verify": False},
            )
            yield Site(house, social)


def tag_of(page: httpx.Response) -> dict[str, str]:
    """What Google's script finds in a page; nothing if it finds nothing."""
    found = re.search(r'<div id="g_id_onload" ([^>]*)>', page.text)
    return dict(re.findall(r'data-(\w+)="([^"]*)"', found[1])) if found else {}


async def test_the_pages_load_googles_script_by_their_nonce_and_from_google_alone(
    site: Site,
) -> None:
    browser = await site.house.browser()
    for path, context in ((SIGN_IN, "signin"), ("/register?app_id=demo-app", "signup")):
        page = await get(browser, path)
        tag = tag_of(page)
        assert tag.pop("nonce")
        assert tag == {
            "client_id": CLIENT_ID,
            "login_uri": f"{site.house.core.public_url}/callback/g",
            "context": context,
            "auto_select": "false",
            "cancel_on_tap_outside": "false",
            "itp_support": "true",
        }
        nonce = re.search(
            r'<script nonce="([^"]+)" src="https://accounts.google.com/gsi/', page.text
        )
        assert nonce is not None
        policy = page.headers["content-security-policy"]
        google = "https://accounts.google.com/gsi/"
        assert f"script-src 'nonce-{nonce[1]}' {google};" in policy
        assert f"frame-src {google}; connect-src {google};" in policy
        assert page.headers["cross-origin-opener-policy"] == "same-origin-allow-popups"


async def test_whoever_presses_is_let_in(site: Site) -> None:
    browser = await site.house.browser()
    nonce = tag_of(await get(browser, SIGN_IN))["nonce"]
    await site.house.settle(sign_up={"identifiers": [], "password": False, "verify": False})
    answer = await site.tap(browser, site.credential(nonce=nonce))
    assert resumed(answer, browser), answer.text
    user_id = (await browser.state()).result.user_id  # type: ignore[union-attr]
    user = await site.house.user(user_id)
    assert user.identities["google"]["userId"] == "g-1"


async def test_what_was_given_to_another_browser_lets_nobody_in(site: Site) -> None:
    browser, other = await site.house.browser(), await site.house.browser()
    nonce = tag_of(await get(browser, SIGN_IN))["nonce"]
    for claims in ({"nonce": tag_of(await get(other, SIGN_IN))["nonce"]}, {}, {"nonce": 1}):
        answer = await site.tap(browser, site.credential(**claims))
        assert answer.status_code == 422
        assert alert(answer)
    for wrong in ({"aud": "another"}, {"exp": 1}, {"iss": "https://evil.example"}):
        answer = await site.tap(browser, site.credential(nonce=nonce, **wrong))
        assert answer.status_code == 422
    forged = site.credential(nonce=nonce)[:-8] + "AAAAAAAA"
    assert (await site.tap(browser, forged)).status_code == 422
    assert (await browser.state()).result is None


@pytest.mark.parametrize("token", ["", "another"])
async def test_a_form_from_elsewhere_lets_nobody_in(site: Site, token: str) -> None:
    browser = await site.house.browser()
    nonce = tag_of(await get(browser, SIGN_IN))["nonce"]
    answer = await site.tap(browser, site.credential(nonce=nonce), g_csrf_token=token)
    assert answer.status_code == 400
    assert (await browser.state()).result is None


async def test_without_the_setting_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    await site.house.settle(social_sign_in_connector_targets=[])
    page = await get(await site.house.browser(), SIGN_IN)
    assert "google" not in page.text
    assert "google" not in page.headers["content-security-policy"]
    assert page.headers["cross-origin-opener-policy"] == "same-origin"


async def arrive(site: Site, credential: str) -> Browser:
    """A browser whose application passed on what One Tap gave it."""
    browser = await site.house.browser()
    browser.uid = new_uid()
    request = AuthorizationRequest(
        client_id=APPLICATION,
        redirect_uri=CALLBACK,
        scopes=SCOPES,
        google_one_tap_credential=credential,
    )
    begin = Begin(APPLICATION, request.sealed(site.house.core.vault), Prompt.LOGIN, None)
    await site.house.core.engine.turn(address(TENANT, browser.uid), begin)
    browser.keep(INTERACTION_COOKIE, add_interaction(None, APPLICATION, browser.uid))
    return browser


async def test_an_application_may_pass_on_what_it_was_given(site: Site) -> None:
    await site.house.settle(sign_up={"identifiers": [], "password": False, "verify": False})
    browser = await arrive(site, site.credential())
    led = await get(browser, SIGN_IN)
    assert led.headers["location"] == "/social/one-tap?app_id=demo-app"
    assert resumed(await get(browser, led.headers["location"]), browser)
    user_id = (await browser.state()).result.user_id  # type: ignore[union-attr]
    assert (await site.house.user(user_id)).identities["google"]["userId"] == "g-1"


async def test_what_is_passed_on_has_to_be_googles_and_is_looked_at_once(site: Site) -> None:
    browser = await arrive(site, site.credential(aud="another"))
    answer = await get(browser, "/social/one-tap?app_id=demo-app")
    assert answer.status_code == 422
    assert alert(answer)
    again = await get(browser, "/social/one-tap?app_id=demo-app")
    assert again.status_code == 200
    assert not alert(again)
    assert (await get(browser, SIGN_IN)).status_code == 200
    assert (await browser.state()).result is None
