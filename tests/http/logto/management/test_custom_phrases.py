"""Custom phrases: stored by language, and what a sign-in page is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

GERMAN = {"action": {"sign_in": "Rein da"}, "input": {"email": "E-Mail"}}
SAID = {"de": ("Rein da", "Weiter"), "ja": ("サインイン", "続ける"), "en": ("Sign in", "Continue")}
"""What a page is told to say for `action.sign_in` and `action.continue`."""


@BOTH_DATABASES
async def test_phrases_are_stored_replaced_and_deleted(api: Api) -> None:
    made = await api("ReplaceCustomPhrase", languageTag="de", json=GERMAN, expect=201)
    assert made["translation"] == GERMAN
    assert await api("GetCustomPhrase", languageTag="de") == made
    french = await api("ReplaceCustomPhrase", languageTag="fr-FR", json={}, expect=201)
    shorter = {"action": {"sign_in": "Los", "continue": ""}}
    again = await api("ReplaceCustomPhrase", languageTag="de", json=shorter, expect=201)
    assert again == {**made, "translation": {"action": {"sign_in": "Los"}}}
    assert await api("ListCustomPhrases") == [again, french]
    await api("DeleteCustomPhrase", languageTag="de", expect=204)
    await api("DeleteCustomPhrase", languageTag="de", expect=404)
    refused = await api("GetCustomPhrase", languageTag="de", expect=404)
    assert refused["code"] == "entity.not_found"


async def test_a_page_is_told_its_phrases_in_its_language(api: Api) -> None:
    await api("ReplaceCustomPhrase", languageTag="de", json=GERMAN, expect=201)
    page = api.with_token(None)
    for query, header, language in (
        ({"lng": "de"}, "en", "de"),
        ({}, "de-CH, en;q=0.5", "de"),
        ({}, "ja", "ja"),
        ({}, "tlh", "en"),
    ):
        answer = await page.send(
            "GetSignInExperiencePhrases", query=query, headers={"accept-language": header}
        )
        assert answer.headers["content-language"] == language
        phrases = answer.json()["translation"]
        said = (phrases["action"]["sign_in"], phrases["action"]["continue"])
        assert said == SAID[language]
    await page("GetSignInExperiencePhrases", query={"lng": "x" * 257}, expect=400)


async def test_the_language_that_pages_fall_back_to_stays(api: Api) -> None:
    await api("ReplaceCustomPhrase", languageTag="en", json={}, expect=201)
    refused = await api("DeleteCustomPhrase", languageTag="en", expect=409)
    assert refused["code"] == "localization.cannot_delete_default_language"
    assert len(await api("ListCustomPhrases")) == 1


@pytest.mark.parametrize("operation", ["GetCustomPhrase", "DeleteCustomPhrase"])
async def test_only_languages_that_there_are_have_phrases(api: Api, operation: str) -> None:
    refused = await api(operation, languageTag="xx", expect=400)
    assert refused["code"] == "guard.invalid_input"
    await api("ReplaceCustomPhrase", languageTag="xx", json=GERMAN, expect=400)


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"action": {"fly": "Fliegen"}}, 422, "localization.invalid_translation_structure"),
        ({"action": "x"}, 422, "localization.invalid_translation_structure"),
        ({"action": {"sign_in": 5}}, 400, "guard.invalid_input"),
        ({"action": ["sign_in"]}, 400, "guard.invalid_input"),
        (["action"], 400, "guard.invalid_input"),
    ],
)
async def test_phrases_have_the_structure_of_the_pages(
    api: Api, wrong: Any, status: int, code: str
) -> None:
    refused = await api("ReplaceCustomPhrase", languageTag="de", json=wrong, expect=status)
    assert refused["code"] == code
    assert await api("ListCustomPhrases") == []
