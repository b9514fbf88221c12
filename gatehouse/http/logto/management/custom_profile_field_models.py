"""What a custom profile field looks like on the wire, one model for each type."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.http.wire import JsonObject, Maybe, View, Wire
from gatehouse.storage.custom_profile_fields import FieldType

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
