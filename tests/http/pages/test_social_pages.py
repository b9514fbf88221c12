"""The pages around social providers: the way there, the way back, and what may be asked then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.cookies import INTERACTION_COOKIE, add_interaction
from gatehouse.actors.interaction import Begin, Phase, Prompt, address
from gatehouse.actors.tokens import new_uid
from tests.http.logto.experience.browsing import CALLBACK, Browser
from tests.http.logto.experience.factors import add_totp, mfa
from tests.http.logto.experience.house import House
from tests.http.logto.experience.social import CONNECTOR, TARGET, Social
from tests.http.pages.visiting import alert, get, post, resumed
from tests.servers.identity_provider import open_identity_provider

DIRECT = f"/direct/social/{TARGET}"
LINK = f"/social/link/{CONNECTOR}?app_id=demo-app"
PERSON = {
    "sub": "person-1",
    "name": "Ada",
    "email": "ada@example.com",
    "email_verified": True,
}


@pytest.fixture
async def social(house: House) -> AsyncIterator[Social]:
    async with open_identity_provider() as idp:
        idp.person = dict(PERSON)
        social = Social(house, idp)
        await social.connect()
        await house.settle(
            social_sign_in_connector_targets=[TARGET],
            sign_up={"identifiers": ["username"], "password": True, "verify": False},
        )
        yield social


async def leave(browser: Browser, path: str = DIRECT) -> str:
    """Choose the provider; where the browser is sent."""
    answer = await get(browser, f"{path}?app_id=demo-app")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def come_back(
    social: Social, browser: Browser, uri: str | None = None, **changes: Any
) -> httpx.Response:
    """Go there, and come back with the answer."""
    answer = await social.idp.visit(uri or await leave(browser))
    return await get(browser, f"/callback/{CONNECTOR}?{urlencode({**answer, **changes})}")


async def test_the_pages_offer_what_the_tenant_offers(house: House, social: Social) -> None:
    await social.connect("hidden", "hidden-people")
    browser = await house.browser()
    for path in ("/sign-in", "/register"):
        page = (await get(browser, path)).text
        assert page.count("Continue with Acme") == 1
        assert f'href="{DIRECT}?app_id=demo-app"' in page
        assert "data:image/svg+xml" in page
    await house.settle(social_sign_in_connector_targets=[])
    assert "Continue with" not in (await get(browser, "/sign-in")).text


async def test_where_there_are_providers_alone_there_is_no_form(
    house: House, social: Social
) -> None:
    await house.settle(
        sign_in={"methods": []}, sign_up={"identifiers": [], "password": False, "verify": False}
    )
    browser = await house.browser()
    for path in ("/sign-in", "/register"):
        page = (await get(browser, path)).text
        assert "Continue with Acme" in page
        assert "<form" not in page
        assert "<span>or</span>" not in page


async def test_a_button_leads_to_the_provider_and_the_callback_lets_in(
    house: House, social: Social
) -> None:
    user = await house.add_user("ada")
    await social.link(user.id)
    browser = await house.browser()
    uri = await leave(browser)
    asked = parse_qs(urlsplit(uri).query)
    assert asked["redirect_uri"] == [f"https://gatehouse.example/callback/{CONNECTOR}"]
    assert asked["state"][0].endswith(".demo-app")
    assert resumed(await come_back(social, browser, uri), browser)
    assert (await browser.state()).user_id == user.id


async def test_a_second_factor_is_asked_for_all_the_same(house: House, social: Social) -> None:
    """A provider vouches for who it is; whether that is enough is the tenant's decision."""
    user = await house.add_user("ada")
    await social.link(user.id)
    await add_totp(house, user)
    await house.settle(**mfa("Totp"))
    browser = await house.browser()
    answer = await come_back(social, browser)
    assert answer.headers["location"] == "/mfa-verification?app_id=demo-app"
    state = await browser.state()
    assert (state.user_id, state.result) == (user.id, None)


async def test_an_application_can_lead_there_at_once(house: House, social: Social) -> None:
    async def arrive(wish: str) -> Browser:
        browser = await house.browser()
        browser.uid = new_uid()
        params = AuthorizationRequest(
            client_id="demo-app", redirect_uri=CALLBACK, direct_sign_in=wish
        )
        begin = Begin("demo-app", params, Prompt.LOGIN)
        await house.core.engine.turn(address(house.core.tenant_id, browser.uid), begin)
        browser.keep(INTERACTION_COOKIE, add_interaction(None, "demo-app", browser.uid))
        return browser

    browser = await arrive(f"social:{TARGET}")
    answer = await get(browser, "/sign-in")
    assert answer.headers["location"].startswith(social.idp.at("authorize"))
    assert (await get(browser, "/sign-in")).status_code == 200  # back without having signed in
    answer = await get(await arrive(f"social:{TARGET}"), "/register")
    assert answer.headers["location"].startswith(social.idp.at("authorize"))
    for wish in ("social:nobody", "social:", "magic:acme"):
        assert (await get(await arrive(wish), "/sign-in")).status_code == 200


async def test_who_is_not_offered_is_not_led_to(house: House, social: Social) -> None:
    await house.settle(social_sign_in_connector_targets=[])
    browser = await house.browser()
    assert await leave(browser) == "/sign-in?app_id=demo-app"


async def test_somebody_new_gets_an_account_and_is_asked_for_what_is_missing(
    house: House, social: Social
) -> None:
    browser = await house.browser()
    answer = await come_back(social, browser)
    assert answer.headers["location"] == "/continue?app_id=demo-app"
    page = (await get(browser, "/continue?app_id=demo-app")).text
    assert 'name="username"' in page
    assert 'name="password"' not in page  # the provider stands in for it
    answer = await post(browser, "/continue?app_id=demo-app", username="ada")
    assert resumed(answer, browser)
    owner = await social.owner()
    assert owner is not None
    assert (owner.username, owner.primary_email) == ("ada", "ada@example.com")


async def test_somebody_new_gets_an_account_at_once_where_nothing_is_missing(
    house: House, social: Social
) -> None:
    await house.settle(social_sign_in={"skipRequiredIdentifiers": True})
    browser = await house.browser()
    assert resumed(await come_back(social, browser), browser)
    assert await social.owner() is not None


async def test_nobody_new_is_let_in_where_that_is_closed(house: House, social: Social) -> None:
    await house.settle(sign_in_mode="SignIn")
    answer = await come_back(social, await house.browser())
    assert answer.status_code == 422
    assert alert(answer) == "No account here is linked to this one."


async def test_an_account_with_the_same_address_is_offered_and_linked(
    house: House, social: Social
) -> None:
    user = await house.add_user("ada", primary_email="ada@example.com")
    browser = await house.browser()
    answer = await come_back(social, browser)
    assert answer.headers["location"] == LINK
    page = await get(browser, LINK)
    assert "<bdi>ada@example.com</bdi>" in page.text
    assert "with Acme from now on" in page.text
    assert await social.owner() is None
    stale = await post(browser, LINK, by="link", csrf="another")
    assert stale.status_code == 422
    assert resumed(await post(browser, LINK, by="link"), browser)
    owner = await social.owner()
    assert owner is not None
    assert owner.id == user.id


async def test_an_account_of_ones_own_can_be_had_instead(house: House, social: Social) -> None:
    await house.settle(social_sign_in={"skipRequiredIdentifiers": True})
    user = await house.add_user("ada", primary_email="ada@example.com")
    browser = await house.browser()
    await come_back(social, browser)
    assert resumed(await post(browser, LINK, by="register"), browser)
    owner = await social.owner()
    assert owner is not None
    assert owner.id != user.id
    assert owner.primary_email is None


async def test_accounts_are_linked_without_asking_where_that_is_set(
    house: House, social: Social
) -> None:
    await house.settle(social_sign_in={"automaticAccountLinking": True})
    user = await house.add_user("ada", primary_email="ada@example.com")
    browser = await house.browser()
    assert resumed(await come_back(social, browser), browser)
    owner = await social.owner()
    assert owner is not None
    assert owner.id == user.id


async def test_who_was_not_at_a_provider_is_asked_nothing(house: House, social: Social) -> None:
    browser = await house.browser()
    assert (await get(browser, LINK)).headers["location"] == "/sign-in?app_id=demo-app"
    await leave(browser)
    assert (await get(browser, LINK)).headers["location"] == "/sign-in?app_id=demo-app"
    answer = await post(browser, LINK, by="link")
    assert answer.status_code == 303
    assert (await browser.state()).user_id is None


async def test_rfc_9700_4_7_an_answer_belongs_to_the_browser_that_asked(
    house: House, social: Social
) -> None:
    """Login CSRF: a link with the attacker's answer signs nobody in as the attacker."""
    attacker = await house.browser()
    answer = await social.idp.visit(await leave(attacker))
    query = urlencode(answer)
    stranger = await house.browser()
    for _ in range(2):
        given = await get(stranger, f"/callback/{CONNECTOR}?{query}")
        assert given.status_code in (400, 422)
        assert (await stranger.state()).user_id is None
        await leave(stranger)
    nobody = Browser(house.core, house.client)
    assert (await get(nobody, f"/callback/{CONNECTOR}?{query}")).status_code == 400
    assert social.idp.count("token") == 0


async def test_what_goes_wrong_there_is_said_on_the_sign_in_page(
    house: House, social: Social
) -> None:
    browser = await house.browser()
    for changes in ({"state": ""}, {"state": "another"}, {"iss": "https://evil.example"}):
        answer = await come_back(social, browser, **changes)
        assert answer.status_code == 422
        assert alert(answer) == "This did not work. Please sign in again."
    social.idp.denies = "access_denied"
    answer = await come_back(social, browser)
    assert answer.status_code == 422
    assert "Continue with Acme" in answer.text
    assert alert(answer)
    assert (await browser.state()).phase is Phase.STARTED


async def test_an_answer_counts_once(house: House, social: Social) -> None:
    user = await house.add_user("ada", is_suspended=True)
    await social.link(user.id)
    browser = await house.browser()
    answer = await social.idp.visit(await leave(browser))
    path = f"/callback/{CONNECTOR}?{urlencode(answer)}"
    assert "suspended" in alert(await get(browser, path))
    again = await get(browser, path)
    assert again.status_code == 422
    assert "suspended" not in alert(again)
    assert social.idp.count("token") == 1


async def test_a_link_from_elsewhere_does_not_spoil_a_sign_in(house: House, social: Social) -> None:
    user = await house.add_user("ada")
    await social.link(user.id)
    browser = await house.browser()
    uri = await leave(browser)
    for forged in ("code=x&state=y.demo-app", "error=access_denied", "code=x"):
        assert (await get(browser, f"/callback/{CONNECTOR}?{forged}")).status_code == 422
    assert resumed(await come_back(social, browser, uri), browser)


async def test_of_two_tabs_the_right_one_is_gone_on_with(house: House, social: Social) -> None:
    user = await house.add_user("ada")
    await social.link(user.id)
    browser = await house.browser()
    uri = await leave(browser)
    first = browser.uid
    await browser.arrive(application="other-app")
    second = browser.uid
    answer = await come_back(social, browser, uri)
    assert answer.headers["location"].endswith(f"/oidc/auth/{first}")
    browser.uid = second
    assert (await browser.state()).user_id is None


async def test_a_form_from_the_provider_is_led_on_as_a_query(house: House, social: Social) -> None:
    form = {"state": "s.demo-app", "code": "c", "id_token": "t", "user": '{"a":1}', "more": "no"}
    answer = await house.client.post(f"/callback/{CONNECTOR}", data=form)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert location.path == f"/callback/{CONNECTOR}"
    sent = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert sent == {name: value for name, value in form.items() if name != "more"}
    long = await house.client.post(f"/callback/{CONNECTOR}", data={"code": "c" * 7000})
    assert long.status_code == 400


async def test_no_address_of_these_pages_can_break_anything(house: House, social: Social) -> None:
    browser = await house.browser()
    for path in (
        "/direct/social/%00",
        "/direct/social/%FF%FE",
        f"/direct/social/{'x' * 1500}",
        "/callback/%00",
        f"/callback/{CONNECTOR}",
        f"/callback/{CONNECTOR}?state=%00",
        f"/callback/{CONNECTOR}?state=a&state=b",
        f"/callback/{CONNECTOR}?state={'s' * 2000}",
        f"/callback/{CONNECTOR}?code={'c' * 7000}",
        f"/callback/{CONNECTOR}?state=%F0%9F%92%A9.demo-app&code=%C3%A9",
        "/social/link/%00",
        "/social/link/nobody",
    ):
        for beginning in (False, True):
            if beginning:
                await leave(browser)
            assert (await get(browser, path)).status_code < 500, path
    for form in ({"state": "\ud83d"}, {"code": ["a", "b"]}, {"user": "u" * 2000}):
        answer = await house.client.post(
            f"/callback/{CONNECTOR}",
            content=str(form).encode("utf-8", "surrogatepass"),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code < 500
    assert (await browser.state()).user_id is None
