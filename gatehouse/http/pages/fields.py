"""The tenant's own profile fields as inputs of a form, and back again.

An input is named after its field (`field.nickname`, `field.address.locality`), so that none can be
taken for another input of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatehouse.http.pages.words import Words
from gatehouse.storage.custom_profile_fields import CustomProfileField

PREFIX = "field."
MAX_LENGTH = 4096
_TYPES = {"Url": "url"}
_AUTOCOMPLETE = {
    "name": "name",
    "nickname": "nickname",
    "givenName": "given-name",
    "middleName": "additional-name",
    "familyName": "family-name",
    "birthdate": "bday",
    "website": "url",
    "formatted": "street-address",
    "streetAddress": "street-address",
    "locality": "address-level2",
    "region": "address-level1",
    "postalCode": "postal-code",
    "country": "country-name",
}


@dataclass(frozen=True, slots=True)
class Input:
    """One input: `kind` is `text`, `select` or `checkbox`."""

    name: str
    label: str
    kind: str
    type: str
    required: bool
    value: str
    hint: str
    autocomplete: str
    inputmode: str
    max_length: int
    options: tuple[tuple[str, str], ...]


def inputs_of(
    words: Words, fields: Iterable[CustomProfileField], typed: Mapping[str, Any]
) -> list[Input]:
    """The inputs of a form, with what was typed before."""
    return [_input(words, path, part, typed) for field in fields for path, part in _parts(field)]


def read_fields(fields: Sequence[CustomProfileField], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What a form holds, as values of the fields. What was left empty was not entered."""
    values: dict[str, Any] = {}
    for field in fields:
        for path, part in _parts(field):
            text = _text(typed.get(PREFIX + ".".join(path)))
            if part["type"] == "Checkbox":
                text = "true" if text else "false"
            if text:
                place = values
                for step in path[:-1]:
                    place = place.setdefault(step, {})
                place[path[-1]] = text
    return values


def read_all(fields: Sequence[CustomProfileField], typed: Mapping[str, Any]) -> dict[str, Any]:
    """The same with an empty text for what was left empty: it is to be taken away."""
    values: dict[str, Any] = {}
    for field in fields:
        given = read_fields([field], typed)
        for path, _ in _parts(field):
            place, found = values, given
            for step in path[:-1]:
                place, found = place.setdefault(step, {}), found.get(step, {})
            place[path[-1]] = found.get(path[-1], "")
    return values


def typed_of(fields: Sequence[CustomProfileField], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a form holds them."""
    return {
        PREFIX + ".".join(path): _as_text(value)
        for field in fields
        for path, _ in _parts(field)
        if (value := _value_at(values, path)) is not None
    }


def label_of(words: Words, field: CustomProfileField) -> str:
    """What a field is called."""
    return field.label or _name_of(words, field.name)


def shown_value(words: Words, field: CustomProfileField, values: Mapping[str, Any]) -> str:
    """What a field holds, in a line; nothing if it holds nothing."""
    shown = (
        _said(words, part, value)
        for path, part in _parts(field)
        if (value := _value_at(values, path)) not in (None, "")
    )
    return (" " if field.type == "Fullname" else ", ").join(shown)


def _said(words: Words, part: Mapping[str, Any], value: object) -> str:
    text = _as_text(value)
    if part["type"] == "Checkbox":
        checked = "checked" if text == "true" else "unchecked"
        return words(f"profile.checkbox_value.{checked}")
    options = (part.get("config") or {}).get("options", ())
    labels = {one["value"]: one.get("label") for one in options}
    return labels.get(text) or text


def _value_at(values: Mapping[str, Any], path: tuple[str, ...]) -> object:
    """What is stored there; accounts hold whatever operators put into them."""
    found: object = values
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _as_text(value: object) -> str:
    """A value as a form has it."""
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value) if isinstance(value, str | int | float) else ""


def _parts(field: CustomProfileField) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The inputs a field takes: where each value belongs, and what it may be."""
    if field.type in ("Fullname", "Address"):
        above = () if field.type == "Fullname" else (field.name,)
        for part in field.config.get("parts", ()):
            if part["enabled"]:
                yield (*above, part["name"]), part
        return
    yield (
        (field.name,),
        {
            "name": field.name,
            "type": field.type,
            "label": field.label,
            "description": field.description,
            "required": field.required,
            "config": field.config,
        },
    )


def _input(
    words: Words, path: tuple[str, ...], part: Mapping[str, Any], typed: Mapping[str, Any]
) -> Input:
    config, name = part.get("config") or {}, PREFIX + ".".join(path)
    options = tuple(
        (option["value"], option.get("label") or option["value"])
        for option in config.get("options", ())
    )
    value = _text(typed.get(name))
    if part["type"] == "Checkbox" and not typed:
        value = "true" if config.get("defaultValue") == "true" else ""
    hint = part.get("description") or config.get("placeholder") or ""
    if part["type"] == "Date":
        hint = hint or str(config.get("customFormat") or config.get("format") or "yyyy-MM-dd")
    return Input(
        name=name,
        label=part.get("label") or _name_of(words, part["name"]),
        kind={"Select": "select", "Checkbox": "checkbox"}.get(part["type"], "text"),
        type=_TYPES.get(part["type"], "text"),
        required=bool(part["required"]),
        value=value,
        hint=str(hint),
        autocomplete=_AUTOCOMPLETE.get(part["name"], "off"),
        inputmode="decimal" if part["type"] == "Number" else "",
        max_length=min(int(config.get("maxLength") or MAX_LENGTH), MAX_LENGTH),
        options=options,
    )


def _name_of(words: Words, name: str) -> str:
    """What a field is called that is not the tenant's own, as far as there is a word for it."""
    keys = (f"profile.{name}", f"profile.address.{name}")
    return next((words(key) for key in keys if key in words), name)


def _text(value: object) -> str:
    return value.strip()[:MAX_LENGTH] if isinstance(value, str) else ""
