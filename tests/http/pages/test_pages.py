"""The pages over HTTP: what a form may do, and what no form may."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import trio

from gatehouse.actors.authorization import ConsentResult, LoginResult
from gatehouse.actors.cookies import SESSION_COOKIE
from gatehouse.actors.interaction import Denial, Prompt
from gatehouse.actors.session import SignIn, address
from gatehouse.actors.tokens import new_uid
from gatehouse.http.pages.forms import csrf_token
from gatehouse.storage.applications import Applications
from gatehouse.storage.records import Application
from tests.http.logto.experience.browsing import CALLBACK, Browser
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.pages.visiting import alert, get, post, resumed


async def test_a_form_signs_in(house: House) -> None:
    user = await house.add_user("ada")
    browser = await house.browser()
    page = await get(browser, "/sign-in?app_id=demo-app")
    assert page.status_code == 200
    assert csrf_token(house.core, browser.uid) in page.text
    answer = await post(browser, "/sign-in?app_id=demo-app", identifier=" ada ", password=PASSWORD)
    assert resumed(answer, browser)
    state = await browser.state()
    assert isinstance(state.result, LoginResult)
    assert state.result.user_id == user.id
    assert resumed(await get(browser, "/sign-in?app_id=demo-app"), browser)


async def test_a_page_cannot_be_framed_or_kept_and_leaks_nothing(house: House) -> None:
    browser = await house.browser()
    headers = (await get(browser, "/sign-in")).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (
        "form-action 'self' https://gatehouse.example https://app.example"
        in (headers["content-security-policy"])
    )
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    again = (await get(browser, "/sign-in")).headers
    assert again["content-security-policy"] != headers["content-security-policy"]


async def test_the_stylesheet_may_be_kept_for_ever(house: House) -> None:
    browser = await house.browser()
    page = await get(browser, "/sign-in")
    found = re.search(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert found is not None
    sheet = await house.client.get(found[1])
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert "http" not in sheet.text


@pytest.mark.parametrize("path", ["/sign-in", "/register", "/continue", "/consent"])
async def test_without_an_interaction_there_is_only_an_explanation(house: House, path: str) -> None:
    stranger = Browser(house.core, house.client)
    for answer in (await get(stranger, path), await post(stranger, path, identifier="ada")):
        assert answer.status_code == 400
        assert "This sign-in is over" in answer.text
        assert answer.headers["content-type"].startswith("text/html")


# CSRF


@pytest.mark.parametrize("token", ["", "wrong", "é", "A" * 22, "A" * 21 + "é"])
async def test_a_form_without_its_token_does_nothing(house: House, token: str) -> None:
    await house.add_user("ada")
    browser = await house.browser()
    before = await browser.state()
    form = {"identifier": "ada", "username": "ada", "password": PASSWORD, "csrf": token}
    for path in ("/sign-in", "/register"):
        answer = await post(browser, path, **form)
        assert answer.status_code == 422
        assert alert(answer) == "This page was open for too long. Please try again."
    assert await browser.state() == before


async def test_a_token_is_good_in_its_own_interaction_alone(house: House) -> None:
    await house.add_user("ada")
    mine, yours = await house.browser(), await house.browser()
    token = csrf_token(house.core, yours.uid)
    answer = await post(mine, "/sign-in", identifier="ada", password=PASSWORD, csrf=token)
    assert answer.status_code == 422
    assert (await mine.state()).event is None


async def test_json_is_not_a_form_with_a_token(house: House) -> None:
    browser = await house.browser()
    answer = await browser.client.post(
        "/sign-in", content=b"<form>", headers=browser.headers | {"content-type": "text/plain"}
    )
    assert answer.status_code == 400


# Errors in place


async def test_what_was_typed_stays_except_the_password(house: House) -> None:
    browser = await house.browser()
    answer = await post(
        browser, "/sign-in", identifier='a"><script>x</script>', password="guessed-it-7"
    )
    assert answer.status_code == 422
    assert alert(answer) == "The account or the password is not correct."
    assert 'value="a&#34;&gt;&lt;script&gt;x&lt;/script&gt;"' in answer.text
    assert "guessed-it-7" not in answer.text


async def test_an_unknown_name_and_a_wrong_password_show_the_same_page(house: House) -> None:
    await house.add_user("ada")
    pages = []
    for name in ("ada", "bob"):
        browser = await house.browser()
        answer = await post(browser, "/sign-in", identifier=name, password="wrong")
        text = re.sub(r"nonce=\"[^\"]+\"|value=\"[^\"]*\"", "", answer.text)
        pages.append((answer.status_code, text))
    assert pages[0] == pages[1]


async def test_a_locked_name_is_told_when_to_come_back(house: House) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 1, "lockoutDuration": 5})
    browser = await house.browser()
    answer = await post(browser, "/sign-in", identifier="ada", password="wrong")
    assert alert(answer) == "Too many attempts. Please try again in 5 min."


async def test_a_suspended_person_is_told_so(house: House) -> None:
    await house.add_user("ada", is_suspended=True)
    browser = await house.browser()
    answer = await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    assert alert(answer) == "This account is suspended. Please ask for help."


async def test_an_overlong_form_is_refused(house: House) -> None:
    browser = await house.browser()
    answer = await post(browser, "/sign-in", identifier="ada", password="x" * 5000)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_double_click_signs_in(house: House) -> None:
    await house.add_user("ada")
    browser = await house.browser()
    answers: list[httpx.Response] = []

    async def click() -> None:
        answers.append(await post(browser, "/sign-in", identifier="ada", password=PASSWORD))

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(click)
    assert any(resumed(answer, browser) for answer in answers)
    assert isinstance((await browser.state()).result, LoginResult)


# Identifiers


async def test_the_form_takes_whatever_names_the_tenant_enables(house: House) -> None:
    methods = [
        {"identifier": kind, "password": True, "verificationCode": False, "isPasswordPrimary": True}
        for kind in ("username", "email", "phone")
    ]
    await house.settle(sign_in={"methods": methods})
    await house.add_user("ada", primary_email="ada@example.com", primary_phone="491701234567")
    for typed in ("ada", "Ada@Example.com", "+49 170 1234567"):
        browser = await house.browser()
        page = await get(browser, "/sign-in")
        assert "Username, email address or phone number" in page.text
        answer = await post(browser, "/sign-in", identifier=typed, password=PASSWORD)
        assert resumed(answer, browser), alert(answer)


async def test_a_tenant_without_passwords_says_so(house: House) -> None:
    await house.settle(sign_in={"methods": []})
    browser = await house.browser()
    assert (await get(browser, "/sign-in")).status_code == 200
    answer = await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    assert alert(answer) == "You cannot sign in here with this kind of account."


# Registering and completing


async def test_a_form_registers(house: House) -> None:
    browser = await house.browser()
    assert (await get(browser, "/register")).status_code == 200
    answer = await post(browser, "/register", username="ada", password=PASSWORD)
    assert resumed(answer, browser)
    assert await house.find_user("ada") is not None


async def test_a_double_click_registers_once_and_goes_on(house: House) -> None:
    browser = await house.browser()
    await browser.start("Register")
    answers: list[httpx.Response] = []

    async def click() -> None:
        answers.append(await post(browser, "/register", username="ada", password=PASSWORD))

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(click)
    assert await house.count_users() == 1
    assert any(resumed(answer, browser) for answer in answers)
    again = await post(browser, "/register", username="ada", password=PASSWORD)
    assert resumed(again, browser)


@pytest.mark.parametrize(
    "settings",
    [
        {"sign_in_mode": "SignIn"},
        {"sign_up": {"identifiers": [], "password": True, "verify": True}},
    ],
)
async def test_registration_that_is_not_possible_is_not_offered(
    house: House, settings: dict[str, Any]
) -> None:
    await house.settle(**settings)
    browser = await house.browser()
    assert "Create an account" not in (await get(browser, "/sign-in")).text
    answer = await get(browser, "/register?app_id=demo-app")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?app_id=demo-app")
    await post(browser, "/register", username="ada", password=PASSWORD)
    assert await house.find_user("ada") is None


async def test_an_account_that_lacks_a_name_is_completed(house: House) -> None:
    method = {"identifier": "email", "password": True, "verificationCode": False}
    await house.settle(sign_in={"methods": [method | {"isPasswordPrimary": True}]})
    user = await house.add_user(None, primary_email="ada@example.com")
    await house.add_user("taken")
    browser = await house.browser()
    answer = await post(browser, "/sign-in", identifier="ada@example.com", password=PASSWORD)
    assert answer.headers["location"] == "/continue?app_id=demo-app"
    page = await get(browser, "/continue")
    assert 'name="username"' in page.text
    assert 'name="password"' not in page.text
    refused = await post(browser, "/continue", username="taken")
    assert alert(refused) == "This username is taken. Please choose another."
    assert resumed(await post(browser, "/continue", username="ada"), browser)
    assert (await house.user(user.id)).username == "ada"


async def test_who_is_not_known_has_nothing_to_complete(house: House) -> None:
    browser = await house.browser()
    answer = await get(browser, "/continue")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?app_id=demo-app")


# Consent


async def consenting(house: House, application: str = "reports") -> Browser:
    """A browser that is signed in and has been sent to be asked."""
    user = await house.add_user("ada", name="Ada Lovelace")
    metadata = {"redirectUris": [CALLBACK]}
    reports = Application(
        id="reports",
        name="Reports & <More>",
        type="SPA",
        is_third_party=True,
        oidc_client_metadata=metadata,  # type: ignore[arg-type]
    )
    await house.core.db.write(lambda tx: Applications(tx, TENANT).create(reports))
    session_id = new_uid()
    login = LoginResult(user_id=user.id, amr=("pwd",), auth_time=house.core.clock())
    await house.core.engine.turn(address(TENANT, session_id), SignIn(login))
    browser = Browser(house.core, house.client)
    browser.keep(SESSION_COOKIE, session_id)
    return await browser.arrive(Prompt.CONSENT, application, session_id)


async def test_another_application_is_asked_about(house: House) -> None:
    browser = await consenting(house)
    page = await get(browser, "/consent?app_id=reports")
    assert page.status_code == 200
    assert "Reports &amp; &lt;More&gt; asks for access" in page.text
    assert "Ada Lovelace" in page.text
    assert "This access also while you are away" in page.text
    assert (await browser.state()).result is None


@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_the_answer_is_taken(house: House, decision: str) -> None:
    browser = await consenting(house)
    answer = await post(browser, "/consent?app_id=reports", decision=decision)
    assert resumed(answer, browser)
    result = (await browser.state()).result
    if decision == "allow":
        expected = ("openid", "offline_access", "profile")
        assert isinstance(result, ConsentResult)
        assert result.scopes == expected
    else:
        assert isinstance(result, Denial)


async def test_no_consent_without_the_token_or_an_answer(house: House) -> None:
    browser = await consenting(house)
    for form in ({"decision": "allow", "csrf": "x"}, {}):
        answer = await post(browser, "/consent?app_id=reports", **form)
        assert answer.status_code == 200
    assert (await browser.state()).result is None


async def test_the_tenants_own_application_is_not_asked_about(house: House) -> None:
    browser = await consenting(house, "demo-app")
    answer = await get(browser, "/consent?app_id=demo-app")
    assert answer.status_code == 302
    assert resumed(answer, browser)
    assert isinstance((await browser.state()).result, ConsentResult)
    assert resumed(await get(browser, "/consent?app_id=demo-app"), browser)


async def test_each_question_has_its_own_page(house: House) -> None:
    browser = await consenting(house)
    answer = await get(browser, "/sign-in?app_id=reports")
    assert (answer.status_code, answer.headers["location"]) == (303, "/consent?app_id=reports")
    login = await house.browser()
    answer = await get(login, "/consent?app_id=demo-app")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?app_id=demo-app")
    answer = await post(login, "/consent?app_id=demo-app", decision="allow")
    assert answer.status_code == 400
