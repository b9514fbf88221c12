"""`/api/custom-profile-fields`: what people are asked for besides their identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from gatehouse.actors.patterns import PatternRefused, linear_pattern
from gatehouse.actors.profile_fields import check_name, forget_field
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError, StrangeInput
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, View, Wire
from gatehouse.storage.custom_profile_fields import CustomProfileField, FieldType

operations = Operations(tags=("Custom profile fields",), access=MANAGEMENT, cors=CONSOLE_ONLY)

MAX_BATCH = 20
"""Fields in one request."""
MAX_FIELDS = 200
"""Fields of a tenant: all of them are sent to every sign-in page."""
MAX_OPTIONS = 500
"""Options of a choice; all countries fit."""

Name = Annotated[str, Field(max_length=128)]
Label = Annotated[str, Field(min_length=1, max_length=128)]
Short = Annotated[str, Field(max_length=128)]
Line = Annotated[str, Field(max_length=256)]
Length = Annotated[int, Field(ge=0, le=4096)]
Number = Annotated[int | float, Field(allow_inf_nan=False)]


class Option(Wire):
    """One of the values to choose from."""

    label: Maybe[Line] = None
    value: Line


Options = Annotated[list[Option], Field(max_length=MAX_OPTIONS)]


class Config(Wire):
    """What any field may have."""

    placeholder: Maybe[Line] = None


class TextConfig(Config):
    """How long a text is."""

    min_length: Maybe[Length] = None
    max_length: Maybe[Length] = None


class NumberConfig(Config):
    """How large a number is."""

    min_value: Maybe[Number] = None
    max_value: Maybe[Number] = None


class DateConfig(Config):
    """How a date is written."""

    format: Short
    custom_format: Maybe[Short] = None


class CheckboxConfig(Wire):
    """Whether the box is ticked at first."""

    default_value: Literal["true", "false"]


class SelectConfig(Config):
    """What there is to choose from."""

    options: Options


class RegexConfig(Config):
    """What a value matches."""

    format: Short


class PartConfig(Config):
    """How a part of a field is made: the settings of all types."""

    min_length: Maybe[Length] = None
    max_length: Maybe[Length] = None
    min_value: Maybe[Number] = None
    max_value: Maybe[Number] = None
    format: Maybe[Short] = None
    custom_format: Maybe[Short] = None
    options: Maybe[Options] = None
    default_value: Maybe[Line] = None


class Part(Wire):
    """A part of a field."""

    enabled: bool
    type: FieldType
    label: Maybe[Label] = None
    description: Maybe[Line] = None
    required: bool
    config: Maybe[PartConfig] = None


class AddressPart(Part):
    """A part of an address (OpenID Connect Core 1.0, 5.1.1)."""

    name: Literal["formatted", "streetAddress", "locality", "region", "postalCode", "country"]


class NamePart(Part):
    """A part of a full name."""

    name: Literal["givenName", "middleName", "familyName"]


class AddressConfig(Wire):
    """What an address is made of."""

    parts: Annotated[list[AddressPart], Field(max_length=6)]


class FullnameConfig(Wire):
    """What a full name is made of."""

    parts: Annotated[list[NamePart], Field(max_length=3)]


class Base(Wire):
    """What every field has."""

    label: Maybe[Label] = None
    description: Maybe[Line] = None
    required: bool


class TextField(Base):
    """A line of text."""

    type: Literal["Text"]
    config: Maybe[TextConfig] = None


class NumberField(Base):
    """A number."""

    type: Literal["Number"]
    config: Maybe[NumberConfig] = None


class DateField(Base):
    """A date."""

    type: Literal["Date"]
    config: Maybe[DateConfig] = None


class CheckboxField(Wire):
    """Yes or no."""

    type: Literal["Checkbox"]
    label: Maybe[Label] = None
    required: Literal[False]
    config: Maybe[CheckboxConfig] = None


class SelectField(Base):
    """A choice."""

    type: Literal["Select"]
    config: SelectConfig


class UrlField(Base):
    """A URL."""

    type: Literal["Url"]
    config: Maybe[Config] = None


class RegexField(Base):
    """A text that matches a pattern."""

    type: Literal["Regex"]
    config: RegexConfig


class AddressField(Base):
    """An address."""

    type: Literal["Address"]
    config: AddressConfig


class FullnameField(Base):
    """A full name."""

    type: Literal["Fullname"]
    config: FullnameConfig


class Named(Wire):
    """A field under its name."""

    name: Name


class NewText(Named, TextField):
    """A new line of text."""


class NewNumber(Named, NumberField):
    """A new number."""


class NewDate(Named, DateField):
    """A new date."""


class NewCheckbox(Named, CheckboxField):
    """A new box to tick."""


class NewSelect(Named, SelectField):
    """A new choice."""


class NewUrl(Named, UrlField):
    """A new URL."""


class NewRegex(Named, RegexField):
    """A new text that matches a pattern."""


class NewAddress(Named, AddressField):
    """A new address."""


class NewFullname(Named, FullnameField):
    """A new full name."""


AnyField = Annotated[
    TextField
    | NumberField
    | DateField
    | CheckboxField
    | SelectField
    | UrlField
    | RegexField
    | AddressField
    | FullnameField,
    Field(discriminator="type"),
]
NewField = Annotated[
    NewText
    | NewNumber
    | NewDate
    | NewCheckbox
    | NewSelect
    | NewUrl
    | NewRegex
    | NewAddress
    | NewFullname,
    Field(discriminator="type"),
]
NewFields = Annotated[list[NewField], Field(max_length=MAX_BATCH)]


class Place(Wire):
    """Where a field is on the page."""

    name: Name
    sie_order: Annotated[int, Field(ge=-32768, le=32767)]


class Order(Wire):
    """Where fields are on the page."""

    order: Annotated[list[Place], Field(max_length=MAX_FIELDS)]


class FieldView(View):
    """A field."""

    tenant_id: str
    id: str
    name: str
    type: FieldType
    label: str
    description: str | None
    required: bool
    config: JsonObject
    created_at: int
    sie_order: int


@operations.get("/api/custom-profile-fields", "ListCustomProfileFields", response=list[FieldView])
async def list_fields(call: Call) -> Reply:
    """List the fields in the order of the page."""
    return _shown(200, await read(call, lambda store: store.custom_profile_fields.all()))


@operations.get(
    "/api/custom-profile-fields/{name}",
    "GetCustomProfileFieldByName",
    response=FieldView,
    statuses=(404,),
)
async def get_field(call: Call) -> FieldView:
    """Read a field."""
    name = call.path["name"]
    return FieldView.of(await read(call, lambda store: store.custom_profile_fields.by_name(name)))


@operations.post(
    "/api/custom-profile-fields",
    "CreateCustomProfileField",
    body=NewField,
    response=FieldView,
    status=201,
    statuses=(400, 422),
)
async def create_field(call: Call[Any]) -> FieldView:
    """Define a field."""
    (made,) = await _create(call, [call.body])
    return FieldView.of(made)


@operations.post(
    "/api/custom-profile-fields/batch",
    "CreateCustomProfileFieldsBatch",
    body=NewFields,
    response=list[FieldView],
    status=201,
    statuses=(400, 422),
)
async def create_fields(call: Call[list[Any]]) -> Reply:
    """Define fields: all of them, or none."""
    return _shown(201, await _create(call, call.body))


@operations.put(
    "/api/custom-profile-fields/{name}",
    "UpdateCustomProfileFieldByName",
    body=AnyField,
    response=FieldView,
    statuses=(400, 404),
)
async def update_field(call: Call[Any]) -> FieldView:
    """Change a field; what is not sent stays."""
    name, changes = call.path["name"], call.body.as_json()
    check_field(name, changes, strict=True)

    def change(store: Store) -> CustomProfileField:
        found = store.custom_profile_fields.by_name(name)
        return store.custom_profile_fields.update(found.id, **changes)

    return FieldView.of(await write(call, change))


@operations.delete(
    "/api/custom-profile-fields/{name}", "DeleteCustomProfileFieldByName", statuses=(404,)
)
async def delete_field(call: Call) -> None:
    """Delete a field, also from the forms that show it. What people entered stays."""
    name = call.path["name"]

    def change(store: Store) -> None:
        fields = store.custom_profile_fields
        fields.delete(fields.by_name(name).id)
        forget_field(fields.tx, fields.tenant_id, name)

    await write(call, change)


@operations.post(
    "/api/custom-profile-fields/properties/sie-order",
    "UpdateCustomProfileFieldsSieOrder",
    body=Order,
    response=list[FieldView],
)
async def update_order(call: Call[Order]) -> Reply:
    """Say where fields are on the page."""
    places = {place.name: place.sie_order for place in call.body.order}
    if len(places) < len(call.body.order):
        raise StrangeInput("A field is named twice.")

    def change(store: Store) -> list[CustomProfileField]:
        fields = store.custom_profile_fields
        found = {one.name: one for one in fields.named(list(places))}
        if absent := [name for name in places if name not in found]:
            raise ApiError(
                "custom_profile_fields.entity_not_exists_with_names",
                params={"names": ", ".join(absent)},
            )
        moved = [fields.update(found[name].id, sie_order=at) for name, at in places.items()]
        return sorted(moved, key=lambda one: one.sie_order)

    return _shown(200, await write(call, change))


async def _create(call: Call[Any], wanted: Sequence[Wire]) -> list[CustomProfileField]:
    sent = [one.as_json() for one in wanted]
    for one in sent:
        check_field(one["name"], one)

    def change(store: Store) -> list[CustomProfileField]:
        fields = store.custom_profile_fields
        if len(fields.all()) + len(sent) > MAX_FIELDS:
            raise StrangeInput(f"There can be {MAX_FIELDS} fields at most.")
        made = []
        for place, one in enumerate(sent, fields.next_order()):
            made.append(fields.create(CustomProfileField(**one, sie_order=place)))
        return made

    return await write(call, change)


def _shown(status: int, fields: Sequence[CustomProfileField]) -> Reply:
    return Reply(status, [FieldView.of(one) for one in fields])


def check_field(name: str, field: dict[str, Any], *, strict: bool = False) -> None:
    """Whether a field makes sense. A new one may still lack its options; a changed one may not.

    Raises ApiError, Refused.
    """
    check_name(name)
    config: dict[str, Any] = field.get("config") or {}
    _check_range(config.get("minLength"), config.get("maxLength"))
    _check_range(config.get("minValue"), config.get("maxValue"))
    match field["type"]:
        case "Checkbox" if strict and "defaultValue" not in config:
            raise ApiError("custom_profile_fields.invalid_default_value")
        case "Select" if strict and not config.get("options"):
            raise ApiError("custom_profile_fields.invalid_options")
        case "Regex":
            try:
                linear_pattern(config.get("format", ""))
            except PatternRefused:
                raise ApiError("custom_profile_fields.invalid_regex_format") from None
        case "Address" | "Fullname" as kind:
            _check_parts(kind, config["parts"], strict)


def _check_range(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise ApiError("custom_profile_fields.invalid_min_max_input")


def _check_parts(kind: str, parts: Sequence[dict[str, Any]], strict: bool) -> None:
    if not parts:
        raise ApiError(f"custom_profile_fields.invalid_{kind.lower()}_components")
    if any(part["type"] in ("Address", "Fullname") for part in parts):
        raise ApiError("custom_profile_fields.invalid_sub_component_type")
    if len({part["name"] for part in parts}) < len(parts):
        raise StrangeInput("A part is named twice.")
    for part in parts:
        check_field(part["name"], part, strict=strict)
