"""What wire models have in common: camelCase names, strict types, and "absent" apart from null.

Bodies are strict (`"1"` is not a number) and ignore fields they do not know. Query strings are
text, so their models convert. A response sends exactly the fields its handler set: an optional
field that was not set is left out, one set to `None` is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeVar, Union, cast, get_args

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
)
from pydantic import ValidationError as _ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import Url as _ParsedUrl

from gatehouse.actors.addresses import EMAIL, MAX_EMAIL_LENGTH, MAX_PHONE_LENGTH, PHONE

T = TypeVar("T")


class Wire(BaseModel):
    """A body or a response: camelCase on the wire, strict, unknown fields ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, strict=True, extra="ignore"
    )

    def given(self) -> dict[str, Any]:
        """The fields the sender actually sent, by their Python names: what a PATCH changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def as_json(self) -> dict[str, Any]:
        """What the sender sent, as JSON: for values that are stored in the wire's shape."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class View(Wire):
    """A response that shows a record."""

    @classmethod
    def of(cls, record: object, **more: Any) -> Self:
        """The view of a record: its fields of the same names, and what is given besides.

        Trusts both: what storage holds was validated when it came in.
        """
        shown = {
            name: getattr(record, name)
            for name in cls.model_fields
            if name not in more and hasattr(record, name)
        }
        return cast(Self, cls.model_construct(**shown, **more))


def record_json(record: msgspec.Struct, *omit: str) -> dict[str, Any]:
    """A record as a JSON object under camelCase names, without some of its fields."""
    names = (name for name in record.__struct_fields__ if name not in omit)
    return {to_camel(name): getattr(record, name) for name in names}


def is_yes(text: str | None) -> bool:
    """Whether a query parameter switches something on."""
    return text is not None and text.lower() in ("1", "true", "y", "yes")


class Query(BaseModel):
    """A query string. A parameter that is repeated reaches its field as a list."""

    model_config = ConfigDict(validate_by_name=True, extra="ignore")


class _NotNull:
    """Validates `T | None` as `T`: `None` can only mean that the field was absent."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        kinds = tuple(kind for kind in get_args(source) if kind is not type(None))
        return handler.generate_schema(Union[kinds])  # noqa: UP007


Maybe = Annotated[T | None, _NotNull()]
"""`name: Maybe[str] = None`: may be left out, but if it is there it is a string, not null."""

Text = Annotated[str, Field(min_length=1)]
"""A string that is not empty."""


def _well_formed_url(text: str) -> str:
    try:
        _ParsedUrl(text)
    except _ValidationError:
        raise PydanticCustomError("url_parsing", "Input should be a URL") from None
    return text


Url = Annotated[str, Field(max_length=2048), AfterValidator(_well_formed_url)]
"""An absolute URL, kept as it was written (WHATWG URL)."""

Email = Annotated[str, Field(pattern=f"^{EMAIL}$", max_length=MAX_EMAIL_LENGTH)]
"""An email address."""

Phone = Annotated[str, Field(pattern=f"^{PHONE}$", max_length=MAX_PHONE_LENGTH)]
"""A phone number: digits alone, country code first."""

empty_is_null = BeforeValidator(lambda value: None if value == "" else value)
"""An empty string clears the field as null does."""

JsonObject = dict[str, JsonValue]
"""Any JSON object."""
