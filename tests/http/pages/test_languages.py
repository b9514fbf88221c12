"""The pages speak the language of whoever reads them: chosen as Logto chooses it, and escaped."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.cookies import INTERACTION_COOKIE, add_interaction
from gatehouse.actors.interaction import Begin, Prompt, address
from gatehouse.actors.tokens import new_uid
from gatehouse.storage.custom_phrases import CustomPhrases
from tests.http.logto.experience.browsing import APPLICATION, CALLBACK, Browser
from tests.http.logto.experience.house import TENANT, House
from tests.http.pages.visiting import alert, post

SIGN_IN = "/sign-in?app_id=demo-app"


async def speaks(house: House, fallback: str = "en", *, detect: bool = True) -> None:
    """Settle how the tenant's pages choose their language."""
    info = {"autoDetect": detect, "fallbackLanguage": fallback}
    await house.settle(language_info=info)


async def says(house: House, language: str, **translation: Any) -> None:
    """Store the tenant's own phrases of a language."""
    await house.core.db.write(lambda tx: CustomPhrases(tx, TENANT).put(language, translation))


async def read(
    browser: Browser, accepted: str | None = None, path: str = SIGN_IN
) -> httpx.Response:
    headers = {**browser.headers, **({} if accepted is None else {"accept-language": accepted})}
    return await browser.client.get(path, headers=headers)


async def arriving(house: House, ui_locales: str) -> Browser:
    """A browser whose application asks for languages."""
    browser = Browser(house.core, house.client)
    browser.uid = new_uid()
    params = AuthorizationRequest(
        client_id=APPLICATION, redirect_uri=CALLBACK, ui_locales=ui_locales
    )
    begin = Begin(APPLICATION, params, Prompt.LOGIN)
    await house.core.engine.turn(address(TENANT, browser.uid), begin)
    browser.keep(INTERACTION_COOKIE, add_interaction(None, APPLICATION, browser.uid))
    return browser


def language_of(page: httpx.Response) -> str:
    """The page's language, which its head and its element agree about."""
    found = re.search(r'<html lang="([^"]*)" dir="(ltr|rtl)"', page.text)
    assert found is not None
    assert page.headers["content-language"] == found[1]
    assert "accept-language" in page.headers["vary"]
    assert found[2] == ("rtl" if found[1] in ("ar", "fa-IR") else "ltr")
    return found[1]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("de-CH, fr;q=0.9", "de"),
        ("fr;q=0.3, it;q=0.8, tlh", "it"),
        ("pt-AO", "pt-PT"),
        ("zh-TW", "zh-TW"),
        ("fa", "fa-IR"),
        ("tlh", "en"),
        (";q=,,*" * 900, "en"),
    ],
)
async def test_a_page_is_in_a_language_that_the_browser_accepts(
    house: House, accepted: str | None, language: str
) -> None:
    await speaks(house)
    assert language_of(await read(await house.browser(), accepted)) == language


async def test_a_page_is_in_the_tenants_language_where_the_browser_is_not_asked(
    house: House,
) -> None:
    await speaks(house, "fr", detect=False)
    page = await read(await house.browser(), "de")
    assert language_of(page) == "fr"
    assert "Mot de passe" in page.text


async def test_a_page_falls_back_to_the_tenants_language(house: House) -> None:
    await speaks(house, "pl-PL")
    assert language_of(await read(await house.browser(), "tlh")) == "pl-PL"


async def test_what_the_application_asks_for_comes_first(house: House) -> None:
    await speaks(house, "fr", detect=False)
    browser = await arriving(house, "tlh uk ja")
    assert language_of(await read(browser, "de")) == "uk-UA"
    refused = await browser.client.post(
        SIGN_IN, data={"identifier": "ada"}, headers={**browser.headers, "accept-language": "de"}
    )
    assert language_of(refused) == "uk-UA"


async def test_a_language_of_the_operators_own_is_one_to_choose(house: House) -> None:
    await speaks(house)
    await says(house, "fi-FI", action={"sign_in": "Kirjaudu"})
    page = await read(await house.browser(), "fi, de;q=0.9")
    assert language_of(page) == "fi-FI"
    assert "Kirjaudu" in page.text
    assert "Password" in page.text


async def test_a_phrase_of_the_operators_takes_the_place_of_ours_at_once(house: House) -> None:
    await speaks(house)
    browser = await house.browser()
    assert "Anmelden" in (await read(browser, "de")).text
    await says(house, "de", action={"sign_in": "Herein"})
    page = (await read(browser, "de")).text
    assert ("Herein" in page, ">Anmelden<" in page, "Passwort" in page) == (True, False, True)
    assert "Sign in" in (await read(browser, "en")).text


async def test_what_operators_write_is_text(house: House) -> None:
    await speaks(house)
    hostile = '"><script>alert(1)</script>{{ 7 * 7 }}{% x %}'
    await says(
        house,
        "en",
        action={"sign_in": hostile, "forgot_password": hostile},
        input={"username": hostile, "password": hostile},
        page={
            "to_continue_to": hostile + "{{application}}{{csrf}}{{look.css}}",
            "sign_in_to": hostile + "{{application}}",
        },
    )
    page = await read(await house.browser())
    assert "<script" not in page.text
    assert "49" not in re.sub(r'value="[^"]*"', "", page.text)
    assert page.text.count("&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "{{ 7 * 7 }}{% x %}<strong><bdi>" in page.text
    assert "</bdi></strong></p>" in page.text


async def test_errors_are_told_in_the_language_too(house: House) -> None:
    await speaks(house)
    await house.add_user("ada")
    browser = await house.browser()
    browser.client.headers["accept-language"] = "es"
    answer = await post(browser, SIGN_IN, identifier="ada", password="guessed-it-7")
    assert language_of(answer) == "es"
    assert alert(answer) == "La cuenta o la contraseña no son correctas."
    assert "<title>Error: Iniciar sesión en" in answer.text
    gone = await browser.client.get("/sign-in?app_id=none", headers={"accept-language": "es"})
    assert gone.status_code == 400
    assert language_of(gone) == "es"
    assert "Vuelve a la aplicación" in gone.text


async def test_what_a_screen_reader_says_is_translated(house: House) -> None:
    await speaks(house)
    page = (await read(await house.browser(), "ja", "/device")).text
    assert 'lang="ja"' in page
    assert "コード" in page
    assert not re.search(r"(aria-label|placeholder|alt)=\"[A-Za-z]", page)


async def test_a_page_that_nobody_made_is_missed_in_the_language_too(house: House) -> None:
    there = {"accept-language": "fr"}
    missing = await house.client.get("/sign-in/nothing", headers=there)
    assert (missing.status_code, language_of(missing)) == (404, "fr")
    assert "rien ici" in missing.text
    impossible = await house.client.put("/sign-in", headers=there)
    assert (impossible.status_code, language_of(impossible)) == (405, "fr")


async def test_what_is_for_a_developer_is_marked_as_english(house: House) -> None:
    headers = {"accept": "text/html", "accept-language": "ar"}
    page = await house.client.get("/oidc/auth?client_id=nobody", headers=headers)
    assert language_of(page) == "ar"
    assert "طلب التطبيق" in page.text
    assert re.search(r'<p class="hint" lang="en" dir="ltr">The client [^<]+</p>', page.text)
