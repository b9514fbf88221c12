"""The pages for codes: signing in, registering, recovering and completing without a script."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from gatehouse.actors.interaction import Phase
from gatehouse.storage.custom_profile_fields import CustomProfileField, CustomProfileFields
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.pages.visiting import alert, get, post, resumed

ADA = "ada@example.com"
CODE = "/verification-code?app_id=demo-app"


def methods(*kinds: str, password: bool = True, primary: bool = False) -> dict[str, Any]:
    """Ways to sign in: by code, and by password too unless said otherwise."""
    how = {"password": password, "verificationCode": True, "isPasswordPrimary": primary}
    return {"sign_in": {"methods": [{"identifier": kind, **how} for kind in kinds]}}


def sign_up(*identifiers: str, password: bool = False, **more: Any) -> dict[str, Any]:
    settings = {"identifiers": list(identifiers), "password": password, "verify": True}
    return {"sign_up": {**settings, **more}}


def goes_to(answer: httpx.Response, address: str) -> bool:
    return answer.status_code == 303 and answer.headers["location"] == address


def text_of(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


async def enter(house: House, browser: Browser, address: str = ADA, number: int = 1) -> Any:
    """Enter the code that was sent."""
    return await post(browser, "/verification-code", code=await house.code(address, number))


# Signing in


async def test_where_codes_come_first_the_name_alone_is_asked_for(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    user = await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    page = await get(browser, "/sign-in")
    assert 'name="identifier" type="email"' in page.text
    assert 'type="password"' not in page.text
    assert goes_to(await post(browser, "/sign-in", identifier=f" {ADA} "), CODE)
    page = await get(browser, "/verification-code")
    assert f"is on its way to {ADA}" in text_of(page)
    assert 'autocomplete="one-time-code"' in page.text
    assert 'inputmode="numeric"' in page.text
    assert resumed(await enter(house, browser), browser)
    assert (await browser.state()).user_id == user.id


async def test_where_passwords_come_first_a_code_can_be_had_instead(house: House) -> None:
    await house.settle(**methods("email", "phone", primary=True), **sign_up("email"))
    await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    page = await get(browser, "/sign-in")
    assert 'type="password"' in page.text
    assert "Send me a code instead" in page.text
    assert goes_to(await post(browser, "/sign-in", identifier=ADA, by="code"), CODE)
    assert resumed(await enter(house, browser), browser)


async def test_each_kind_of_name_has_its_own_first_question(house: House) -> None:
    username = {"identifier": "username", "password": True, "verificationCode": False}
    settings = methods("email", password=False)
    settings["sign_in"]["methods"].append({**username, "isPasswordPrimary": True})
    await house.settle(**settings)
    await house.add_user("ada")
    browser = await house.browser()
    page = await post(browser, "/sign-in", identifier="ada")
    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert "Send me a code" not in page.text
    answer = await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    assert resumed(answer, browser)
    other = await house.browser()
    assert goes_to(await post(other, "/sign-in", identifier=ADA), CODE)


async def test_who_was_sent_a_code_may_use_the_password(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    await post(browser, "/sign-in", identifier=ADA)
    assert "Use your password instead" in (await get(browser, "/verification-code")).text
    page = await post(browser, "/sign-in", identifier=ADA, by="password")
    assert "You sign in as" in page.text
    answer = await post(browser, "/sign-in", identifier=ADA, password=PASSWORD)
    assert resumed(answer, browser)


async def test_a_wrong_code_is_explained_in_place_and_another_can_be_had(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    await post(browser, "/sign-in", identifier=ADA)
    await house.code(ADA)
    wrong = await post(browser, "/verification-code", code="no")
    assert (wrong.status_code, alert(wrong)) == (422, "This is not the code. Please look again.")
    assert 'aria-invalid="true"' in wrong.text
    again = await post(browser, "/verification-code", by="again")
    assert 'role="status"' in again.text
    code = await house.code(ADA, 2)
    spaced = await post(browser, "/verification-code", code=f" {code[:3]} {code[3:]} ")
    assert resumed(spaced, browser)


async def test_what_is_no_address_is_explained_in_place(house: House) -> None:
    await house.settle(**methods("email", "phone", password=False))
    browser = await house.browser()
    answer = await post(browser, "/sign-in", identifier="ada")
    assert alert(answer) == "This is no email address."
    assert 'value="ada"' in answer.text


async def test_nobody_sees_on_a_page_who_has_an_account(house: House) -> None:
    await house.settle(sign_in_mode="SignIn", **methods("email"))
    await house.add_user(None, primary_email=ADA)
    pages = []
    for address in (ADA, "bob@example.com"):
        browser = await house.browser()
        assert goes_to(await post(browser, "/sign-in", identifier=address), CODE)
        page = await get(browser, "/verification-code")
        pages.append(text_of(page).replace(address, "X"))
        wrong = await post(browser, "/verification-code", code="no")
        pages.append(alert(wrong))
    assert pages[:2] == pages[2:]


async def test_without_a_code_there_is_nothing_to_enter(house: House) -> None:
    browser = await house.browser()
    for answer in (
        await get(browser, "/verification-code"),
        await post(browser, "/verification-code", code="123456"),
    ):
        assert goes_to(answer, "/sign-in?app_id=demo-app")
    assert (await browser.state()).phase is Phase.ARRIVED


async def test_a_form_without_its_token_sends_no_code(house: House) -> None:
    await house.settle(**methods("email"))
    browser = await house.browser()
    for path in ("/sign-in", "/register", "/forgot-password", "/reset-password"):
        await post(browser, path, identifier=ADA, csrf="wrong")
    assert (await browser.state()).event is None


# Registering


async def test_an_account_is_made_with_a_proved_address(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    browser = await house.browser()
    page = await get(browser, "/register")
    assert 'type="email"' in page.text
    assert 'name="password"' not in page.text
    assert goes_to(await post(browser, "/register", identifier=ADA), CODE)
    assert resumed(await enter(house, browser), browser)
    user = await house.user(str((await browser.state()).user_id))
    assert user.primary_email == ADA


async def test_a_password_is_asked_for_once_the_address_is_proved(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email", password=True))
    browser = await house.browser()
    await post(browser, "/register", identifier=ADA)
    assert goes_to(await enter(house, browser), "/continue?app_id=demo-app")
    page = await get(browser, "/continue")
    assert 'autocomplete="new-password"' in page.text
    weak = await post(browser, "/continue", password="12345")
    assert "Please choose another password" in alert(weak)
    assert resumed(await post(browser, "/continue", password=PASSWORD), browser)
    assert (await house.user(str((await browser.state()).user_id))).password_hash is not None


async def test_who_has_an_account_already_is_signed_in(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    user = await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    await post(browser, "/register", identifier=ADA)
    assert resumed(await enter(house, browser), browser)
    assert (await browser.state()).user_id == user.id
    assert await house.count_users() == 1


async def test_who_has_no_account_yet_is_given_one_while_signing_in(house: House) -> None:
    await house.settle(**methods("email"), **sign_up("email"))
    browser = await house.browser()
    await post(browser, "/sign-in", identifier=ADA)
    assert resumed(await enter(house, browser), browser)
    assert await house.count_users() == 1


async def test_a_second_address_is_proved_on_the_way(house: House) -> None:
    second = [{"identifier": "phone", "verify": True}]
    await house.settle(
        **methods("email"), **sign_up("username", password=True, secondaryIdentifiers=second)
    )
    browser = await house.browser()
    answer = await post(browser, "/register", username="ada", password=PASSWORD)
    assert goes_to(answer, "/continue?app_id=demo-app")
    assert 'type="tel"' in (await get(browser, "/continue")).text
    no_number = await post(browser, "/continue", identifier="12")
    assert alert(no_number).startswith("This is no phone number.")
    assert goes_to(await post(browser, "/continue", identifier="+49 170 1234567"), CODE)
    assert "+491701234567" in (await get(browser, "/verification-code")).text
    assert resumed(await enter(house, browser, "491701234567"), browser)
    user = await house.find_user("ada")
    assert user is not None
    assert user.primary_phone == "491701234567"


async def test_an_account_that_lacks_an_address_is_completed(house: House) -> None:
    second = [{"identifier": "emailOrPhone", "verify": True}]
    user = await house.add_user("ada")
    await house.settle(**sign_up("username", password=True, secondaryIdentifiers=second))
    browser = await house.browser()
    answer = await post(browser, "/sign-in", identifier="ada", password=PASSWORD)
    assert goes_to(answer, "/continue?app_id=demo-app")
    assert goes_to(await post(browser, "/continue", identifier=ADA), CODE)
    assert resumed(await enter(house, browser), browser)
    assert (await house.user(user.id)).primary_email == ADA


async def test_the_tenants_own_fields_are_a_form(house: House) -> None:
    parts = [
        {"name": name, "type": "Text", "enabled": name != "middleName", "required": True}
        for name in ("givenName", "middleName", "familyName")
    ]
    options = [{"value": "b", "label": "Blue"}, {"value": "r"}]
    fields = (
        CustomProfileField(
            name="fullname", type="Fullname", required=True, config={"parts": parts}
        ),
        CustomProfileField(
            name="colour", type="Select", label="Colour", config={"options": options}, sie_order=1
        ),
        CustomProfileField(name="news", type="Checkbox", label="Write to me", sie_order=2),
        CustomProfileField(
            name="site", type="Url", label='Your <b>"site"', required=True, sie_order=3
        ),
    )
    await house.core.db.write(
        lambda tx: [CustomProfileFields(tx, TENANT).create(field) for field in fields]
    )
    browser = await house.browser()
    answer = await post(browser, "/register", username="ada", password=PASSWORD)
    assert goes_to(answer, "/continue?app_id=demo-app")
    page = await get(browser, "/continue")
    assert "Given name" in page.text
    assert "middleName" not in page.text
    assert "Your &lt;b&gt;&#34;site&#34;" in page.text
    form = {"field.givenName": "Ada", "field.familyName": "Lovelace", "field.colour": "b"}
    wrong = await post(browser, "/continue", **form, **{"field.site": "nowhere"})
    assert wrong.status_code == 422
    assert 'value="Lovelace"' in wrong.text
    assert '<option value="b" selected>' in wrong.text
    good = {**form, "field.site": "https://ada.example", "field.news": "true"}
    assert resumed(await post(browser, "/continue", **good), browser)
    user = await house.find_user("ada")
    assert user is not None
    assert user.profile == {"givenName": "Ada", "familyName": "Lovelace"}
    assert user.custom_data == {
        "colour": "b",
        "news": "true",
        "site": "https://ada.example",
    }


# Recovering


async def test_a_forgotten_password_is_replaced(house: House) -> None:
    user = await house.add_user("ada", primary_email=ADA)
    browser = await house.browser()
    assert "/forgot-password?app_id=demo-app" in (await get(browser, "/sign-in")).text
    assert (await get(browser, "/forgot-password")).status_code == 200
    assert goes_to(await post(browser, "/forgot-password", identifier=ADA), CODE)
    page = await get(browser, "/verification-code")
    assert f"If there is an account for {ADA}" in text_of(page)
    assert goes_to(await enter(house, browser), "/reset-password?app_id=demo-app")
    assert 'autocomplete="new-password"' in (await get(browser, "/reset-password")).text
    same = await post(browser, "/reset-password", password=PASSWORD)
    assert alert(same) == "This is your password already. Choose another."
    done = await post(browser, "/reset-password", password="another-wombat-7")
    assert goes_to(done, "/reset-password/done?app_id=demo-app")
    assert "Your password was changed" in (await get(browser, "/reset-password/done")).text
    assert (await house.user(user.id)).password_hash != user.password_hash
    answer = await post(browser, "/sign-in", identifier="ada", password="another-wombat-7")
    assert resumed(answer, browser)


async def test_a_stranger_sees_the_same_and_gets_nowhere(house: House) -> None:
    browser = await house.browser()
    assert goes_to(await post(browser, "/forgot-password", identifier="bob@example.com"), CODE)
    page = await get(browser, "/verification-code")
    assert "If there is an account for bob@example.com" in text_of(page)
    wrong = await post(browser, "/verification-code", code="000000")
    assert alert(wrong) == "This is not the code. Please look again."
    for answer in (
        await get(browser, "/reset-password"),
        await post(browser, "/reset-password/", password=PASSWORD),
    ):
        assert answer.status_code in (303, 422)
    assert (await browser.state()).user_id is None


@pytest.mark.parametrize("recovery", [[], ["PhoneVerificationCode"]])
async def test_only_the_tenants_ways_to_recover_are_offered(
    house: House, recovery: list[str]
) -> None:
    await house.settle(forgot_password_methods=recovery)
    browser = await house.browser()
    assert ("/forgot-password" in (await get(browser, "/sign-in")).text) is bool(recovery)
    answer = await get(browser, "/forgot-password")
    if recovery:
        assert 'type="tel"' in answer.text
    else:
        assert goes_to(answer, "/sign-in?app_id=demo-app")
