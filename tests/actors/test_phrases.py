"""Phrases: what may be translated, and in which language a page is."""

from __future__ import annotations

import pytest

from gatehouse.actors.phrases import (
    PHRASES,
    accepted_languages,
    choose_language,
    cleaned,
    is_part_of,
    phrases_of,
)

DETECT = {"autoDetect": True, "fallbackLanguage": "en"}
FIXED = {"autoDetect": False, "fallbackLanguage": "de"}


@pytest.mark.parametrize(
    ("wanted", "header", "settings", "expected"),
    [
        (None, None, DETECT, "en"),
        (None, "de-AT, fr;q=0.5", DETECT, "de"),
        (None, "tlh, fi;q=0.5", DETECT, "fi-FI"),
        (None, "de;q=0.1, fr-CA;q=0.9", DETECT, "fr-CA"),
        (None, "de;q=0, tlh", DETECT, "en"),
        (None, "FR-ca", DETECT, "fr-CA"),
        (None, "fr-BE", DETECT, "fr"),
        (None, "fr", FIXED, "de"),
        (None, "fr", {"autoDetect": False, "fallbackLanguage": "ko-KR"}, "ko"),
        (None, "pl", DETECT, "pl-PL"),
        (None, "pt", DETECT, "pt-PT"),
        (None, "pt-BR", DETECT, "pt-BR"),
        (None, "pt-AO", DETECT, "pt-PT"),
        (None, "zh", DETECT, "zh-CN"),
        (None, "zh-TW", DETECT, "zh-TW"),
        (None, "zh-HK;q=0.9, zh-TW;q=0.8", DETECT, "zh-HK"),
        (None, "zh-SG", DETECT, "zh-CN"),
        (None, "en-GB", DETECT, "en"),
        ("fr", "de", DETECT, "fr"),
        ("pt_BR", "de", DETECT, "pt-BR"),
        ("tlh fi", "de", FIXED, "fi-FI"),
        ("tlh en-GB", None, FIXED, "en"),
        ("zz", None, {"fallbackLanguage": "zz"}, "en"),
        (None, ",;q=,*, *;q=0.5, " + "x" * 9000, DETECT, "en"),
    ],
)
def test_a_page_is_in_the_language_that_is_wanted_most(
    wanted: str | None, header: str | None, settings: dict[str, object], expected: str
) -> None:
    assert choose_language(wanted, header, settings, ["de", "fr-CA", "fi-FI", "en-AU"]) == expected


def test_languages_that_are_not_acceptable_are_left_out() -> None:
    assert accepted_languages("de;q=0.2, en;q=0.0, fr, it;q=2, *;q=0.1") == ["fr", "de"]


def test_a_translation_has_no_keys_but_those_there_are() -> None:
    assert is_part_of({"action": {"sign_in": "Anmelden"}})
    assert is_part_of({"error": {"password_rejected": {"too_short": "zu kurz"}}})
    assert not is_part_of({"action": {"fly": "Fliegen"}})
    assert not is_part_of({"action": "Anmelden"})
    assert not is_part_of({"action": {"sign_in": {"now": "Jetzt"}}})


def test_empty_texts_say_nothing() -> None:
    translation = {"action": {"sign_in": ""}, "input": {"email": "E-Mail", "code": ""}}
    assert cleaned(translation) == {"input": {"email": "E-Mail"}}


def test_what_operators_leave_out_is_ours_and_what_we_leave_out_is_english() -> None:
    phrases = phrases_of("de", {"de": {"action": {"sign_in": "Rein da"}}})
    assert phrases["action"]["sign_in"] == "Rein da"
    assert phrases["action"]["continue"] == "Weiter"
    assert phrases["action"]["switch_to"] == PHRASES["action"]["switch_to"]
    assert phrases_of("fi", {})["action"] == PHRASES["action"]
    assert PHRASES["action"]["sign_in"] == "Sign in"
