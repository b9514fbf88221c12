"""Texts are looked up by key; what fills them, and what operators write, stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

import gatehouse
from gatehouse.actors.phrases import LANGUAGES, PHRASES, translation_of
from gatehouse.http.pages.words import Words, own_words, words_in

PACKAGE = Path(gatehouse.__file__).parent
BY_DATA = (
    "account_center.email.",
    "account_center.phone.",
    "error.password_rejected.",
    "mfa.",
    "profile.",
    "user_scopes.descriptions.",
)
"""Texts whose keys are put together."""
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def texts(group: Mapping[str, Any], path: str = "") -> dict[str, str]:
    found = {}
    for key, value in group.items():
        if isinstance(value, str):
            found[path + key] = value
        else:
            found |= texts(value, f"{path}{key}.")
    return found


ENGLISH = texts(translation_of("en"))


def test_every_file_is_a_language_and_every_language_has_a_file() -> None:
    files = {path.stem for path in (PACKAGE / "actors" / "languages").glob("*.json")}
    assert files == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_that_english_says(language: str) -> None:
    own = texts(translation_of(language))
    assert set(own) == set(ENGLISH)
    assert list(own) == list(ENGLISH), "in the order of English"
    for key, text in own.items():
        assert text.strip() == text, key
        assert text, key
        assert sorted(set(PLACE.findall(text))) == sorted(set(PLACE.findall(ENGLISH[key]))), key
        assert "<" not in text, key


def test_pages_say_what_there_is_and_all_of_it() -> None:
    http = PACKAGE / "http"
    sources = [
        *(http / "pages").rglob("*.py"),
        *(http / "pages" / "templates").glob("*.html"),
        *(http / "account").glob("*.py"),
        *(http / "oidc").glob("*.py"),
    ]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    groups = "|".join(translation_of("en"))
    said = set(re.findall(rf'"((?:{groups})\.[\w.:]+)"', source))
    assert said <= set(ENGLISH)
    unsaid = [key for key in ENGLISH if key not in said and not key.startswith(BY_DATA)]
    assert unsaid == []


def test_no_text_is_kept_twice() -> None:
    path = PACKAGE / "actors" / "phrases.json"
    rest = texts(json.loads(path.read_text(encoding="utf-8")))
    assert not set(rest) & set(ENGLISH)
    assert set(rest) | set(ENGLISH) == set(texts(PHRASES))


def test_what_fills_a_text_is_text() -> None:
    words = Words("en", {"hello": "Hello {{ name }} <{{name}}>{{other}}"})
    assert words("hello", name="<b>{{other}}</b>") == "Hello <b>{{other}}</b> <<b>{{other}}</b>>"
    marked = words("hello", name=Markup("<b>Ada</b>"), other="<i>")
    assert marked == "Hello <b>Ada</b> &lt;<b>Ada</b>&gt;&lt;i&gt;"
    assert not isinstance(words("hello", name="Ada"), Markup)


def test_a_place_may_have_a_format_as_logtos_clients_write_it() -> None:
    words = Words("en", {"some": "{{types, list(type: disjunction;)}} {{- raw}} {{ }} {{a b}}"})
    assert words("some", types="email", raw="<b>") == "email <b> {{ }} {{a b}}"


def test_words_are_made_once_for_as_long_as_phrases_stay() -> None:
    german = {"action": {"sign_in": "Rein"}}
    words = own_words("t", "de", german)
    assert words("action.sign_in") == "Rein"
    assert own_words("t", "de", {"action": {"sign_in": "Rein"}}) is words
    assert own_words("other", "de", german) is not words
    changed = own_words("t", "de", {"action": {"sign_in": "Herein"}})
    assert changed("action.sign_in") == "Herein"
    assert words_in("de")("action.sign_in") not in ("Rein", "Herein")


def test_what_is_no_text_of_the_pages_changes_nothing() -> None:
    words = own_words("t", "fi", {"action": {"sign_in": 7}, "what": "ever", "input": "no"})
    assert words("action.sign_in") == words_in("en")("action.sign_in")
    assert "what" not in words


@pytest.mark.parametrize(
    ("language", "direction"), [("en", "ltr"), ("ar", "rtl"), ("fa-IR", "rtl"), ("ar-AR", "rtl")]
)
def test_a_language_has_a_direction(language: str, direction: str) -> None:
    assert words_in(language).direction == direction


@pytest.mark.parametrize(
    "template",
    sorted((PACKAGE / "http" / "pages" / "templates").glob("*.html")),
    ids=lambda path: path.stem,
)
def test_no_template_has_words_of_its_own(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    without_jinja = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', without_jinja)
    shown = re.sub(r"<[^>]*>", " ", without_jinja)
    assert [word for text in (*spoken, shown) for word in re.findall(r"[^\W\d_]+", text)] == []
    defaults = re.findall(r'parts\.\w+\((?:[^()"]|"[^"]*"|\([^()]*\))*\)', source)
    labels = [re.search(r'^parts\.field\("\w+", "', call) for call in defaults]
    assert not any(labels)
