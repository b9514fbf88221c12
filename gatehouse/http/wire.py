"""What wire models have in common: camelCase names, strict types, and "absent" apart from null.

Bodies are strict (`"1"` is not a number) and ignore fields they do not know. Query strings are
text, so their models convert. A response sends exactly the fields its handler set: an optional
field that was not set is left out, one set to `None` is null.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, Union, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, JsonValue
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

T = TypeVar("T")


class Wire(BaseModel):
    """A body or a response: camelCase on the wire, strict, unknown fields ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, strict=True, extra="ignore"
    )

    def given(self) -> dict[str, Any]:
        """The fields the sender actually sent, by their Python names: what a PATCH changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}


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

JsonObject = dict[str, JsonValue]
"""Any JSON object."""
