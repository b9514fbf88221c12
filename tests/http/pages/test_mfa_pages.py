"""The pages about second factors over HTTP: what they show, what they take, where they lead."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import httpx
import pytest

from tests.http.authenticator import Authenticator
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.factors import (
    CODES,
    add_backup_codes,
    add_totp,
    code,
    factors_of,
    mfa,
    wrong_code,
)
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.pages.visiting import get, post

SIGN_IN, VERIFY, SETUP = "/sign-in", "/mfa-verification", "/mfa-setup"


def leads(answer: httpx.Response, path: str) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith(f"{path}?app_id=")


def finished(answer: httpx.Response, browser: Browser) -> bool:
    expected = f"{browser.core.public_url}/oidc/auth/{browser.uid}"
    return answer.status_code == 303 and answer.headers["location"] == expected


async def password_given(house: House, **settings: Any) -> tuple[Browser, httpx.Response]:
    await house.settle(**settings)
    browser = await house.browser()
    return browser, await post(browser, SIGN_IN, identifier="ada", password=PASSWORD)


def shown_key(answer: httpx.Response) -> str:
    found = re.search(r'<p class="key"><code>([A-Z2-7 ]+)</code>', answer.text)
    assert found is not None, answer.text
    return found[1].replace(" ", "")


async def test_a_second_factor_is_asked_for_after_the_password(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await add_backup_codes(house, user)
    browser, answer = await password_given(house, **mfa("Totp", "BackupCode"))
    assert leads(answer, VERIFY)
    page = await get(browser, VERIFY)
    assert "authenticator app" in page.text
    assert "Use a backup code" in page.text
    wrong = await post(browser, VERIFY, factor="Totp", code=wrong_code(house))
    assert wrong.status_code == 422
    assert "This is not the code." in wrong.text
    given = code(house)
    assert finished(
        await post(browser, VERIFY, factor="Totp", code=f"{given[:3]} {given[3:]}"), browser
    )


async def test_another_factor_can_be_chosen(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await add_backup_codes(house, user)
    browser, _ = await password_given(house, **mfa("Totp", "BackupCode"))
    chosen = await post(browser, VERIFY, factor="BackupCode", by="choose")
    assert chosen.status_code == 200
    assert "Each of them works once" in chosen.text
    assert finished(await post(browser, VERIFY, factor="BackupCode", code=CODES[0]), browser)


async def test_a_code_is_sent_when_it_is_asked_for(house: House) -> None:
    await house.add_user("ada", primary_email="lovelace@example.com")
    browser, _ = await password_given(house, **mfa("EmailVerificationCode"))
    page = await get(browser, VERIFY)
    assert "love****@example.com" in page.text
    assert "lovelace" not in page.text
    factor = "EmailVerificationCode"
    sent = await post(browser, VERIFY, factor=factor, by="send")
    assert "on its way" in sent.text
    given = await house.code("lovelace@example.com")
    assert finished(await post(browser, VERIFY, factor=factor, code=given), browser)


async def test_nobody_is_asked_for_a_second_factor_before_the_first(house: House) -> None:
    browser = await house.browser()
    for path in (VERIFY, SETUP):
        assert leads(await get(browser, path), SIGN_IN)
        assert leads(await post(browser, path, factor="Totp", code="123456"), SIGN_IN)
    assert (await browser.state()).result is None


async def test_a_form_without_its_token_shows_no_factor(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    browser, _ = await password_given(house, **mfa("Totp"))
    answer = await post(browser, VERIFY, csrf="forged", factor="Totp", code=code(house))
    assert answer.status_code == 422
    assert (await browser.state()).result is None


async def test_a_totp_and_backup_codes_are_set_up_one_after_the_other(house: House) -> None:
    user = await house.add_user("ada")
    browser, answer = await password_given(house, **mfa("Totp", "BackupCode", policy="Mandatory"))
    assert leads(answer, SETUP)
    page = await get(browser, SETUP)
    assert '<svg viewBox="0 0' in page.text
    assert "Not now" not in page.text
    key = shown_key(page)
    wrong = await post(browser, SETUP, factor="Totp", code=wrong_code(house, key))
    assert wrong.status_code == 422
    assert shown_key(wrong) == key
    answer = await post(browser, SETUP, factor="Totp", code=code(house, key))
    assert leads(answer, SETUP)
    page = await get(browser, SETUP)
    codes = [text.replace(" ", "") for text in re.findall(r"<li><code>(.*?)</code>", page.text)]
    assert len(codes) == 10
    assert finished(await post(browser, SETUP, factor="BackupCode"), browser)
    totp, backup = await factors_of(house, user.id)
    assert totp.secret == key
    assert [kept.code for kept in backup.codes] == codes
    assert finished(await get(browser, SETUP), browser)


async def test_a_suggestion_is_taken_up_or_put_off(house: House) -> None:
    user = await house.add_user("ada")
    browser, answer = await password_given(house, **mfa("Totp", "WebAuthn"))
    assert leads(answer, SETUP)
    assert "Protect your account" in (await get(browser, SETUP)).text
    assert leads(await post(browser, SETUP, by="enable"), SETUP)
    page = await get(browser, SETUP)
    assert "Authenticator app" in page.text
    assert "Passkey" in page.text
    chosen = await post(browser, SETUP, by="choose", factor="Totp")
    assert shown_key(chosen)
    assert "Choose a second step" in (await post(browser, SETUP, by="another")).text
    assert finished(await post(browser, SETUP, by="skip"), browser)
    assert (await house.user(user.id)).logto_config["mfa"]["skipped"] is True


async def test_what_is_mandatory_cannot_be_put_off(house: House) -> None:
    await house.add_user("ada")
    browser, _ = await password_given(house, **mfa("Totp", policy="Mandatory"))
    answer = await post(browser, SETUP, by="skip")
    assert answer.status_code == 422
    assert "A second step is needed here." in answer.text
    assert (await browser.state()).result is None


async def test_an_address_becomes_a_second_factor(house: House) -> None:
    user = await house.add_user("ada")
    browser, _ = await password_given(house, **mfa("EmailVerificationCode", policy="Mandatory"))
    page = await get(browser, SETUP)
    assert 'type="email"' in page.text
    answer = await post(
        browser, SETUP, factor="EmailVerificationCode", identifier="ada@example.com"
    )
    assert leads(answer, "/verification-code")
    given = await house.code("ada@example.com")
    assert finished(await post(browser, "/verification-code", code=given), browser)
    assert (await house.user(user.id)).primary_email == "ada@example.com"


async def test_only_a_page_with_a_passkey_may_run_its_one_script(house: House) -> None:
    browser = await house.browser()
    page = await get(browser, SIGN_IN)
    assert "script" not in page.headers["content-security-policy"]
    assert "<script" not in page.text
    await house.settle(passkey_sign_in={"enabled": True, "allowAutofill": True})
    page = await get(browser, SIGN_IN)
    policy = page.headers["content-security-policy"]
    found = re.search(
        r'<script nonce="([^"]+)" src="(/assets/webauthn-[0-9a-f]{12}\.js)"', page.text
    )
    assert found is not None
    assert f"script-src 'nonce-{found[1]}';" in policy
    assert "'unsafe" not in policy
    assert 'autocomplete="username webauthn"' in page.text
    script = await house.client.get(found[2])
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert "navigator.credentials" in script.text


@pytest.mark.parametrize("credential", ["", "{}", "[]", "no json", '{"type":"WebAuthn"}'])
async def test_a_passkey_form_with_nonsense_is_shown_again(house: House, credential: str) -> None:
    await house.settle(passkey_sign_in={"enabled": True})
    browser = await house.browser()
    answer = await post(browser, "/sign-in/passkey", credential=credential)
    assert answer.status_code == 422
    assert "The passkey did not work." in answer.text
    assert (await get(browser, "/sign-in/passkey")).status_code == 200


async def test_a_passkey_that_nobody_has_is_explained(house: House) -> None:
    await house.settle(passkey_sign_in={"enabled": True})
    browser = await house.browser()
    page = await get(browser, SIGN_IN)
    found = re.search(r'data-passkey="([^"]+)"', page.text)
    assert found is not None
    credential = Authenticator().sign(json.loads(unescape(found[1])))
    answer = await post(browser, "/sign-in/passkey", credential=json.dumps(credential))
    assert answer.status_code == 422
    assert "This passkey is not known here." in answer.text
