"""What a sign-in page says: phrases by Logto's keys, and in which language.

English is built in. Operators put phrases of their own in its place and add languages; whatever a
translation leaves out stays English, so that no page ever lacks a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

BUILT_IN = "en"
"""The language that is always there."""
MAX_LANGUAGES = 32
"""Languages of an Accept-Language header that are looked at; browsers send a handful."""

PHRASES: Mapping[str, Any] = json.loads(
    files("gatehouse.actors").joinpath("phrases.json").read_text(encoding="utf-8")
)
"""The built-in phrases: groups of groups of texts, in which `{{name}}` stands for a value."""

_WEIGHTED = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*"
)


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
    """All phrases in a language: the operator's own, and English where there is none."""
    return _merged(PHRASES, custom.get(language, {}))


def choose_language(
    wanted: str | None,
    accept_language: str | None,
    settings: Mapping[str, Any],
    custom: Sequence[str],
) -> str:
    """The language of a page.

    What was asked for comes first (`wanted`, tags between spaces), then what the browser accepts
    (RFC 9110, 12.5.4) where the tenant's `languageInfo` says so, then the tenant's fallback. For
    each, the language itself is taken, or one of another region.
    """
    known = {tag.lower(): tag for tag in (*custom, BUILT_IN)}
    for tag in wanted_languages(wanted, accept_language, settings):
        lower = tag.lower()
        if lower in known:
            return known[lower]
        base = lower.partition("-")[0]
        if base in known:
            return known[base]
        for other, spelled in known.items():
            if other.partition("-")[0] == base:
                return spelled
    return BUILT_IN


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
    yield from (wanted or "").split()[:MAX_LANGUAGES]
    if settings.get("autoDetect"):
        yield from accepted_languages(accept_language)
    yield str(settings.get("fallbackLanguage", BUILT_IN))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(under, value)
        else:
            merged[key] = value
    return merged
