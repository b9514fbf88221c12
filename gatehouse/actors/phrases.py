"""What a sign-in page says: phrases by Logto's keys, and in which language.

`languages/<tag>.json` holds what our pages say, all of it in every language; `phrases.json` holds,
in English alone, what is left of the phrases that pages of an operator's own may ask for. Operators
put phrases of their own in the place of any of them and add languages; whatever a translation
leaves out stays English, so that no page ever lacks a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

BUILT_IN = "en"
"""The language that whatever has no translation is in."""
LANGUAGES = (
    *("ar", "cs", "de", "en", "es", "fa-IR", "fr", "it", "ja", "ko", "pl-PL", "pt-PT", "pt-BR"),
    *("ru", "th", "tr-TR", "uk-UA", "zh-CN", "zh-HK", "zh-TW"),
)
"""The languages that are built in (BCP 47). Of several regions the first serves all others."""
MAX_LANGUAGES = 32
"""Languages of an Accept-Language header that are looked at; browsers send a handful."""
MAX_WISH_LENGTH = 512
"""Characters of a header, or of `ui_locales`, that are looked at; browsers send below a hundred."""
MAX_WISHES = 2048
"""Wishes whose language is remembered; strangers can make up any number."""

_FOLDER = files("gatehouse.actors")
_WEIGHTED = re.compile(
    r"\s*([A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*"
)


@cache
def translation_of(language: str) -> Mapping[str, Any]:
    """What our pages say in a built-in language: groups of groups of texts."""
    return _read(f"languages/{language}.json")


def _read(path: str) -> Mapping[str, Any]:
    text = _FOLDER.joinpath(path).read_text(encoding="utf-8")
    phrases: Mapping[str, Any] = json.loads(text)
    return phrases


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(under, value)
        else:
            merged[key] = value
    return merged


PHRASES: Mapping[str, Any] = _merged(_read("phrases.json"), translation_of(BUILT_IN))
"""All phrases there are, in English, in which `{{name}}` stands for a value."""


def flat(group: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """The texts in groups of groups, by their whole keys."""
    for key, value in group.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}{key}.")
        elif isinstance(value, str):
            yield path + key, value


def cleaned(translation: Mapping[str, Any]) -> dict[str, Any]:
    """The translation without its empty texts and groups: they say nothing."""
    kept = {
        key: cleaned(value) if isinstance(value, Mapping) else value
        for key, value in translation.items()
    }
    return {key: value for key, value in kept.items() if value not in ("", {}, None)}


def is_part_of(translation: Mapping[str, Any], whole: Mapping[str, Any] = PHRASES) -> bool:
    """Whether the translation has no keys but those of the built-in phrases, in their groups."""
    for key, value in translation.items():
        known = whole.get(key)
        if isinstance(known, Mapping):
            if not isinstance(value, Mapping) or not is_part_of(value, known):
                return False
        elif known is None or not isinstance(value, str):
            return False
    return True


def phrases_of(language: str, custom: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All phrases in a language: the operator's own, else ours, and English where there is none."""
    return _merged(_built_in_phrases(language), custom.get(language, {}))


@cache
def _built_in_phrases(language: str) -> Mapping[str, Any]:
    if language not in LANGUAGES:
        return PHRASES
    return _merged(PHRASES, translation_of(language))


def choose_language(
    wanted: str | None,
    accept_language: str | None,
    settings: Mapping[str, Any],
    custom: Collection[str],
) -> str:
    """The language of a page.

    What was asked for comes first (`wanted`, tags between spaces), then what the browser accepts
    (RFC 9110, 12.5.4) where the tenant's `languageInfo` says so, then the tenant's fallback. For
    each the language itself is taken, the operator's (`custom`) or ours, and else one of another
    region, ours first.
    """
    return _chosen(
        (wanted or "")[:MAX_WISH_LENGTH],
        (accept_language or "")[:MAX_WISH_LENGTH] if settings.get("autoDetect") else "",
        str(settings.get("fallbackLanguage", BUILT_IN)),
        tuple(custom),
    )


@lru_cache(maxsize=MAX_WISHES)
def _chosen(wanted: str, accepted: str, fallback: str, custom: tuple[str, ...]) -> str:
    known = (custom, LANGUAGES)
    for tag in (*_tags(wanted), *accepted_languages(accepted), fallback):
        wish = tag.lower().replace("_", "-")
        found = next((one for some in known for one in some if one.lower() == wish), None)
        base = wish.partition("-")[0]
        if found is None:
            found = next((one for some in known[::-1] for one in some if _base(one) == base), None)
        if found is not None:
            return found
    return BUILT_IN


def _base(tag: str) -> str:
    return tag.lower().partition("-")[0]


def accepted_languages(header: str | None) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first (RFC 9110, 12.5.4)."""
    weighted = []
    for place, part in enumerate((header or "").split(",")[:MAX_LANGUAGES]):
        found = _WEIGHTED.fullmatch(part)
        if found is not None and float(found[2] or 1) > 0:
            weighted.append((-float(found[2] or 1), place, found[1]))
    return [tag for _, _, tag in sorted(weighted)]


def wanted_languages(
    wanted: str | None, accept_language: str | None, settings: Mapping[str, Any]
) -> Iterator[str]:
    """The tags that would do, best first; the tenant's fallback comes last."""
    yield from _tags(wanted)
    if settings.get("autoDetect"):
        yield from accepted_languages(accept_language)
    yield str(settings.get("fallbackLanguage", BUILT_IN))


def _tags(wanted: str | None) -> list[str]:
    return (wanted or "").split()[:MAX_LANGUAGES]
