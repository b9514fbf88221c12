"""`/api/custom-phrases`: what the pages say, in the operator's own words."""

from __future__ import annotations

from typing import Any

from gatehouse.actors.phrases import cleaned, is_part_of
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.languages import LANGUAGES
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.validation import invalid
from gatehouse.http.wire import JsonObject, View

operations = Operations(tags=("Custom phrases",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PATH = "/api/custom-phrases/{languageTag}"


class PhraseView(View):
    """The phrases of a language."""

    tenant_id: str
    id: str
    language_tag: str
    translation: JsonObject


@operations.get("/api/custom-phrases", "ListCustomPhrases", response=list[PhraseView])
async def list_phrases(call: Call) -> Reply:
    """List the translations by language."""
    found = await read(call, lambda store: store.custom_phrases.all())
    return Reply(200, [PhraseView.of(one) for one in found])


@operations.get(PATH, "GetCustomPhrase", response=PhraseView, statuses=(400, 404))
async def get_phrases(call: Call) -> PhraseView:
    """Read the translation of a language."""
    tag = _language(call)
    return PhraseView.of(await read(call, lambda store: store.custom_phrases.of(tag)))


@operations.put(
    PATH,
    "ReplaceCustomPhrase",
    body=JsonObject,
    response=PhraseView,
    status=201,
    statuses=(400, 422),
)
async def replace_phrases(call: Call[dict[str, Any]]) -> PhraseView:
    """Store the translation of a language; what it leaves out is English."""
    tag = _language(call)
    _check_texts(call.body)
    translation = cleaned(call.body)
    if not is_part_of(translation):
        raise ApiError("localization.invalid_translation_structure")
    return PhraseView.of(
        await write(call, lambda store: store.custom_phrases.put(tag, translation))
    )


@operations.delete(PATH, "DeleteCustomPhrase", statuses=(400, 404, 409))
async def delete_phrases(call: Call) -> None:
    """Delete the translation of a language, unless it is the one that pages fall back to."""
    tag = _language(call)

    def change(store: Store) -> None:
        settings = store.sign_in_experience.current()
        if settings.language_info.get("fallbackLanguage") == tag:
            raise ApiError(
                "localization.cannot_delete_default_language", params={"languageTag": tag}
            )
        store.custom_phrases.delete_language(tag)

    await write(call, change)


def _language(call: Call[Any]) -> str:
    tag = call.path["languageTag"]
    if tag not in LANGUAGES:
        raise invalid("params", "languageTag", "The language is not known.", "enum")
    return tag


def _check_texts(translation: dict[str, Any], path: str = "") -> None:
    for key, value in translation.items():
        if isinstance(value, dict):
            _check_texts(value, f"{path}{key}.")
        elif not isinstance(value, str):
            raise invalid("body", f"{path}{key}", "Input should be a text or a group of texts.")
