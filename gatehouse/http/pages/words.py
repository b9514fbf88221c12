"""What a page says, in the language of whoever reads it.

A text is looked up by its key (`action.sign_in`) in a dictionary that is made once for a language,
or once for a tenant's own phrases. What operators write is text and never markup, and so is what
fills it; only a value that a template marked up itself goes in as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from gatehouse.actors.phrases import BUILT_IN, LANGUAGES, choose_language, flat, translation_of

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ur", "yi"})
"""Languages that are written from right to left."""
MAX_OWN = 256
"""Languages of tenants with phrases of their own that a process keeps ready."""

_PLACE = re.compile(r"\{\{-?\s*([\w.]+)\s*(?:,[^{}]*)?\}\}")
"""`{{name}}`, or `{{name, format}}` as i18next writes it."""


class Words:
    """The texts of the pages in one language. Called with a key and what fills its places."""

    __slots__ = ("_texts", "direction", "headers", "language")

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self.direction = "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"
        self.headers = (("content-language", language), ("vary", "accept-language"))
        self._texts = {key: _pieces(text) for key, text in texts.items()}

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of this key. A place for which there is no value is left empty."""
        pieces = self._texts[key]
        if isinstance(pieces, str):
            return pieces
        filled = [
            values.get(piece, "") if place % 2 else piece for place, piece in enumerate(pieces)
        ]
        if any(isinstance(value, Markup) for value in filled):
            return Markup("").join(escape(piece) for piece in filled)
        return "".join(map(str, filled))

    def __contains__(self, key: str) -> bool:
        return key in self._texts


def _pieces(text: str) -> str | tuple[str, ...]:
    """A text without places, or text and names of places by turns."""
    pieces = _PLACE.split(text)
    return text if len(pieces) == 1 else tuple(pieces)


@cache
def words_in(language: str) -> Words:
    """What the pages say in a language that is built in, or in English in the place of another."""
    return Words(language, _built_in(language))


def _built_in(language: str) -> dict[str, str]:
    english = dict(flat(translation_of(BUILT_IN)))
    return english | dict(flat(translation_of(language))) if language in LANGUAGES else english


_own: dict[tuple[str, str], tuple[Mapping[str, Any], Words]] = {}


def own_words(tenant_id: str, language: str, translation: Mapping[str, Any]) -> Words:
    """The same with a tenant's own phrases in their place; made once for as long as they stay."""
    known = _own.get((tenant_id, language))
    if known is not None and known[0] is translation:
        return known[1]
    if known is not None and known[0] == translation:  # read anew, and the same as before
        _own[tenant_id, language] = (translation, known[1])
        return known[1]
    built_in = _built_in(language)
    own = {key: text for key, text in flat(translation) if key in built_in}
    words = Words(language, built_in | own)
    if len(_own) >= MAX_OWN:
        _own.clear()
    _own[tenant_id, language] = (translation, words)
    return words


async def words_for(core: Core, accepted: str | None, wanted: str | None = None) -> Words:
    """The words for somebody whose browser accepts some languages, and whose client `wanted` some.

    `accepted` is an Accept-Language header (RFC 9110, 12.5.4), `wanted` the `ui_locales` of an
    authorization request (OpenID Connect Core 1.0, 3.1.2.1).
    """
    settings = await core.directory.sign_in_experience()
    custom = await core.directory.custom_phrases()
    return _words(core, accepted, wanted, settings.language_info, custom)


def remembered_words(core: Core, accepted: str | None) -> Words:
    """The same of what is remembered of the tenant, for answers that can ask nobody: errors."""
    settings, custom = core.directory.remembered_language()
    return _words(core, accepted, None, settings, custom)


def _words(
    core: Core,
    accepted: str | None,
    wanted: str | None,
    settings: Mapping[str, Any],
    custom: Mapping[str, Mapping[str, Any]],
) -> Words:
    language = choose_language(wanted, accepted, settings, custom)
    own = custom.get(language)
    return words_in(language) if not own else own_words(core.tenant_id, language, own)
